//! Accounts at the doors of a real hub: first start, activation, change, reset (R27–R32, X1–X3).

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Account, Campus, EmptyHub, Options, Person, one_time_code};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

const PASSWORD: &str = "Xk7#wide-Lake-canary";
const NEXT_PASSWORD: &str = "Qm4-tall-Tree-canary";

/// The secret of an enrolment, without the blanks for the eye.
fn secret(body: &Value) -> Result<String> {
    let shown = body["enrolment"]["secret"].as_str();
    let shown = shown.or(body["secret"].as_str());
    Ok(shown.context("no secret")?.replace(' ', ""))
}

/// Sets an account up with a start code; gives its second factor and its recovery codes.
async fn started(
    nobody: &Person,
    code: &str,
    password: &str,
    more: Value,
) -> Result<(String, Vec<String>)> {
    let (status, begun) = nobody.post("/api/start", &json!({ "code": code })).await?;
    ensure!(status == StatusCode::OK, "{status} {begun}");
    let factor = secret(&begun)?;
    let mut form = json!({
        "code": code,
        "password": password,
        "totp": one_time_code(&factor, now_ms())?,
    });
    let fields = form.as_object_mut().context("no object")?;
    fields.extend(more.as_object().cloned().unwrap_or_default());
    let (status, body) = nobody.post("/api/start/account", &form).await?;
    ensure!(status == StatusCode::CREATED, "{status} {body}");
    let codes = list(&body, "codes")?.iter();
    let codes = codes.filter_map(|code| code.as_str().map(str::to_owned));
    Ok((factor, codes.collect()))
}

fn account(login: &str, password: &str, factor: &str) -> Account {
    Account {
        role: String::new(),
        name: String::new(),
        login: login.into(),
        password: password.into(),
        totp_secret: factor.into(),
        sign_in_link_token: String::new(),
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

/// R32: none of these words stands in any file of the campus: database, logs, configuration.
fn nowhere(folder: &Path, canaries: &[&str]) -> Result<()> {
    let files = files(folder)?;
    ensure!(files.len() > 3, "looked at {} files only", files.len());
    for file in files {
        let bytes = fs::read(&file)?;
        for canary in canaries {
            let found = bytes
                .windows(canary.len())
                .any(|seen| seen == canary.as_bytes());
            ensure!(!found, "{canary} stands in {}", file.display());
        }
    }
    Ok(())
}

/// X1, X3, R23, R27, R29, R30, R32: reset by the system administrator, set up by its owner, used,
/// changed; and no secret is left anywhere.
#[test]
fn an_account_is_reset_started_and_changed() -> Result<()> {
    run(async {
        let data_dir = folder("accounts")?;
        let options = Options {
            rooms: 1,
            data_dir: Some(data_dir.clone()),
            ..Options::default()
        };
        let campus = Campus::start(options).await?;
        let technician = campus.sign_in("technician").await?;
        let teacher = campus.sign_in("teacher").await?;
        let login = campus.account("teacher")?.login.clone();
        let path = format!(
            "/api/people/{}/start-code",
            teacher.me["person"]["id"].as_str().context("no id")?
        );
        let (status, refused) = teacher.post(&path, &json!({})).await?;
        ensure!(status == StatusCode::FORBIDDEN, "{status} {refused}");
        let (status, issued) = technician.post(&path, &json!({})).await?;
        ensure!(status == StatusCode::OK, "{status} {issued}");
        let code = issued["code"].as_str().context("no code")?.to_owned();
        let (status, _) = teacher.get("/api/me").await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "the session goes on");
        let nobody = campus.nobody()?;
        let (factor, recovery) = started(&nobody, &code, PASSWORD, json!({})).await?;
        let again = nobody.post("/api/start", &json!({ "code": code })).await?;
        assert_eq!(
            again.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "good twice: {}",
            again.1
        );
        // The code that proved the authenticator is used up: the next step has another.
        let recovered = json!({ "login": login, "password": PASSWORD, "totp": recovery[0] });
        let teacher = nobody.clone().sign_in_with(&recovered).await?;
        let change = json!({ "old": PASSWORD, "new": NEXT_PASSWORD, "code": recovery[1] });
        let weak = json!({ "old": PASSWORD, "new": "password", "code": recovery[2] });
        let (status, body) = teacher.post("/api/account/password", &weak).await?;
        assert_eq!(body["error"]["article"], "附件2 第二条第2项", "{status}");
        let (status, body) = teacher.post("/api/account/password", &change).await?;
        ensure!(status == StatusCode::OK, "{status} {body}");
        let (status, _) = teacher.get("/api/me").await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "the old session goes on");
        let old = json!({ "login": login, "password": PASSWORD, "totp": recovery[3] });
        let (status, _) = nobody.post("/api/session", &old).await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "the old password fits");
        let known = account(&login, NEXT_PASSWORD, &factor);
        let teacher = nobody.sign_in(&known).await?;
        let own = get(&teacher, "/api/account").await?;
        assert_eq!(own["recovery_codes_left"], 8, "{own}");
        assert_eq!(own["sign_ins"][0]["outcome"], "done", "{own}");
        assert_eq!(own["sign_ins"][1]["outcome"], "failed", "{own}");
        let trail = get(&campus.sign_in("audit_administrator").await?, "/api/audit").await?;
        assert_eq!(trail["verified"], true);
        campus.end()?;
        let bare = code.replace('-', "");
        let mut canaries = vec![PASSWORD, NEXT_PASSWORD, &code, &bare, &factor];
        canaries.extend(recovery.iter().map(String::as_str));
        nowhere(&data_dir, &canaries)
    })
}

/// Nothing more in its configuration.
fn nothing(_url: &str) -> Result<String> {
    Ok(String::new())
}

/// X3, X5, R32: an empty hub has no account; its code makes three people the three administrators,
/// each start until then prints a new one, and afterwards there is none.
#[test]
fn three_people_make_the_first_start() -> Result<()> {
    run(async {
        let folder = folder("first-start")?;
        let mut empty = EmptyHub::start(&folder, nothing)?;
        let void = empty.code().await?;
        empty.restart()?;
        let code = empty.code().await?;
        assert_ne!(void, code, "the code of the start before");
        let nobody = empty.nobody()?;
        let (status, _) = nobody.post("/api/start", &json!({ "code": void })).await?;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "the old code is good"
        );
        let posts = [
            "technician",
            "security_administrator",
            "audit_administrator",
        ];
        let mut made = vec![];
        for (post, number) in posts.into_iter().zip(["A1", "A2", "A3"]) {
            let who = json!({ "post": post, "staff_number": number, "name": "管理员" });
            made.push(started(&nobody, &code, PASSWORD, who).await?);
        }
        let (status, _) = nobody.post("/api/start", &json!({ "code": code })).await?;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "good a fourth time"
        );
        let signed_in = json!({ "login": "A1", "password": PASSWORD, "totp": made[0].1[0] });
        let technician = nobody.clone().sign_in_with(&signed_in).await?;
        assert_eq!(technician.me["roles"], json!(["technician"]));
        empty.restart()?;
        empty.open().await?;
        let printed = empty.process.line(Duration::from_millis(500));
        assert!(
            printed.is_err(),
            "printed after the three were made: {printed:?}"
        );
        empty.process.end()?;
        let mut canaries = vec![PASSWORD, made[0].0.as_str(), &code, &void];
        canaries.extend(made[0].1.iter().map(String::as_str));
        nowhere(&folder, &canaries)
    })
}

/// X3: an empty hub says nothing to whoever has no code.
#[test]
fn an_empty_hub_has_no_default_account() -> Result<()> {
    run(async {
        let folder = folder("no-default")?;
        let mut empty = EmptyHub::start(&folder, nothing)?;
        empty.code().await?;
        let nobody = empty.nobody()?;
        for login in ["admin", "root", "administrator", ""] {
            let form = json!({ "login": login, "password": login, "totp": "000000" });
            let (status, _) = nobody.post("/api/session", &form).await?;
            let closed = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
            assert!(closed.contains(&status), "{login}: {status}");
        }
        empty.process.end()
    })
}
