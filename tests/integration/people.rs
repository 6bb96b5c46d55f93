//! What ends a post ends the picture: role, suspension, cancellation, departure, each within a
//! second; and a list of staff that is taken over as a whole, even from a hub that dies (R23, R25).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Campus, Hub, Options, Person, Said, Viewer};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

const SOON: Duration = Duration::from_secs(5);
/// “revoke to dark under one second”.
const DARK_MS_MAX: i64 = 1000;

/// Opens a picture and waits for it.
async fn watching(person: &Person, room: &str) -> Result<Viewer> {
    let mut viewer = Viewer::open(person).await?;
    viewer.watch(1, room, "sub").await?;
    let opened = viewer.word(SOON).await?;
    ensure!(opened["op"] == "opened", "{opened}");
    viewer.frame(SOON).await?;
    Ok(viewer)
}

/// The code that ended the picture; the last frame came within a second of `since_ms`.
async fn darkness(mut viewer: Viewer, since_ms: i64) -> Result<String> {
    let mut last_frame_ms = since_ms;
    let code = loop {
        match viewer.next(SOON).await? {
            Said::Frame(_) => last_frame_ms = now_ms(),
            Said::Word(word) if word["op"] == "closed" => {
                break word["error"]["code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
            }
            Said::Word(_) => {}
            Said::Closed => break "closed".into(),
        }
        ensure!(last_frame_ms - since_ms < 5000, "the picture goes on");
    };
    let after_ms = last_frame_ms - since_ms;
    ensure!(
        after_ms < DARK_MS_MAX,
        "dark only after {after_ms} ms: {code}"
    );
    Ok(code)
}

async fn done(answer: (StatusCode, Value)) -> Result<Value> {
    ensure!(answer.0.is_success(), "{} {}", answer.0, answer.1);
    Ok(answer.1)
}

/// Whether the cookie still opens anything.
async fn signed_in(person: &Person) -> Result<bool> {
    Ok(person.get("/api/me").await?.0 == StatusCode::OK)
}

/// R23, R24, R25, R27, R44: each way in which a post ends, while its holder is watching.
#[test]
fn whatever_ends_a_post_ends_the_picture() -> Result<()> {
    run(async {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder("people")?),
            ..Options::default()
        };
        let campus = Campus::start(options).await?;
        let room = campus.classrooms[0].room.id.clone();
        let affairs = campus.sign_in("academic_affairs").await?;
        let security = campus.sign_in("security_administrator").await?;
        let unit = campus.sign_in("unit_supervisor").await?;
        let school = campus.sign_in("school_supervisor").await?;

        // A role less.
        let viewer = watching(&unit, &room).await?;
        let post = json!({
            "roles": ["teacher"],
            "unit": unit.me["unit"]["id"],
            "basis": "教务〔2026〕12号",
        });
        let id = unit.me["person"]["id"].as_str().context("no id")?;
        let since_ms = now_ms();
        done(
            security
                .post(&format!("/api/people/{id}/post"), &post)
                .await?,
        )
        .await?;
        assert_eq!(darkness(viewer, since_ms).await?, "session_ended");
        assert!(!signed_in(&unit).await?);
        let open = get(&affairs, "/api/departures").await?;
        assert_eq!(open["departures"][0]["kind"], "transferred", "{open}");

        // A suspension: the account stays, the picture does not.
        let viewer = watching(&school, &room).await?;
        let decision = json!({
            "number": "教务〔2026〕33号",
            "staff_number": school.me["person"]["staff_number"],
            "measure": "suspension",
            "basis": "管理办法第十三条第1项",
            "facts": "将账号借给他人。",
            "evidence": [1],
        });
        done(affairs.post("/api/sanctions", &decision).await?).await?;
        let filed = get(&security, "/api/sanctions").await?;
        let sanction = filed["sanctions"][0]["id"].as_str().context("no id")?;
        let since_ms = now_ms();
        let path = format!("/api/sanctions/{sanction}");
        done(
            security
                .post(&format!("{path}/decision"), &json!({}))
                .await?,
        )
        .await?;
        assert_eq!(darkness(viewer, since_ms).await?, "suspended");
        assert_eq!(school.get("/api/rooms").await?.0, StatusCode::FORBIDDEN);
        let own = get(&school, "/api/sanctions/own").await?;
        assert_eq!(list(&own, "sanctions")?.len(), 1);
        let export = format!("{path}/export");
        assert_eq!(security.get(&export).await?.0, StatusCode::FORBIDDEN);
        assert!(get(&affairs, &export).await?["signature"].is_string());

        // Lifted, and then a departure.
        let why = json!({ "reason": "教务〔2026〕34号" });
        done(security.post(&format!("{path}/lifting"), &why).await?).await?;
        let viewer = watching(&school, &room).await?;
        let leaving = json!({
            "staff_number": school.me["person"]["staff_number"],
            "kind": "left",
            "reason": "退休",
        });
        let since_ms = now_ms();
        done(affairs.post("/api/departures", &leaving).await?).await?;
        assert_eq!(darkness(viewer, since_ms).await?, "session_ended");
        assert!(!signed_in(&school).await?);
        assert!(
            Viewer::open(&school).await.is_err(),
            "a dead cookie has no live line"
        );
        let again = campus.sign_in("school_supervisor").await;
        let refused = again.err().context("who has left signs in")?.to_string();
        assert!(refused.contains("\"left\""), "{refused}");
        campus.end()
    })
}

/// R27: a hub that dies while two thousand people come has all of them afterwards, or none.
#[test]
fn an_import_that_a_crash_cut_off_is_whole_or_not_there() -> Result<()> {
    run(async {
        let folder = folder("people-crash")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        let technician = sign_in(&hub, "technician").await?;
        let before = total(&technician).await?;
        let lines: String = (0..2000)
            .map(|n| format!("N{n:05},新人,信息工程学院,任课教师\n"))
            .collect();
        let file = STANDARD.encode(format!("工号,姓名,教学单位,角色\n{lines}"));
        let form = json!({ "file": file, "whole": false });
        let preview = technician.post("/api/people/import/preview", &form).await?;
        let preview = done(preview).await?;
        assert_eq!(preview["counts"]["added"], 2000, "{}", preview["problems"]);
        let form = json!({
            "file": file,
            "whole": false,
            "hash": preview["hash"],
            "departing": [],
        });
        let asked = technician.clone();
        let import = tokio::spawn(async move { asked.post("/api/people/import", &form).await });
        tokio::time::sleep(Duration::from_millis(250)).await;
        hub.kill();
        let answered = matches!(import.await?, Ok((StatusCode::OK, _)));
        hub.run()?;
        let technician = sign_in(&hub, "technician").await?;
        let after = total(&technician).await? - before;
        ensure!(
            after == 0 || after == 2000,
            "{after} of 2000 people are there"
        );
        ensure!(!answered || after == 2000, "what was answered is lost");
        hub.end()
    })
}

async fn total(reader: &Person) -> Result<i64> {
    let people = get(reader, "/api/people").await?;
    people["total"].as_i64().context("no total")
}

async fn sign_in(hub: &Hub, role: &str) -> Result<Person> {
    let account = hub.accounts.iter().find(|account| account.role == role);
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("nobody is that")?).await
}
