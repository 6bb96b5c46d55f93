//! 附件2 at the doors of one hub: read, signed, renewed, on paper, and killed in the middle.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;
use xunke_tests::campus::{Account, Hub, Person, one_time_code};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

/// Passes the check of GB 11643 and belongs to nobody.
const NUMBER: &str = "440524188001010014";
const READING: Duration = Duration::from_millis(3_200);
const SCAN: &[u8] = b"%PDF-1.7\nscan of a signed paper\n%%EOF\n";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn account<'a>(hub: &'a Hub, role: &str) -> Result<&'a Account> {
    let found = hub.accounts.iter().find(|account| account.role == role);
    found.with_context(|| format!("nobody is {role}"))
}

async fn sign_in(hub: &Hub, role: &str) -> Result<Person> {
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    nobody.sign_in(account(hub, role)?).await
}

/// Begins to read and gives all that a right signature has.
async fn begun(hub: &Hub, role: &str, person: &Person) -> Result<Value> {
    let own = get(person, "/api/agreement").await?;
    let (status, reading) = person.post("/api/agreement/reading", &json!({})).await?;
    ensure!(status == StatusCode::CREATED, "{status} {reading}");
    let account = account(hub, role)?;
    Ok(json!({
        "reading": reading["id"],
        "sha256": own["text"]["sha256"],
        "to_the_end": true,
        "accepted": true,
        "name": account.name,
        "identity_number": NUMBER,
        "password": account.password,
        "totp": "",
    }))
}

/// Sends a signature with the first code that is still unused.
async fn sent(hub: &Hub, role: &str, person: &Person, form: &Value) -> Result<(StatusCode, Value)> {
    let secret = &account(hub, role)?.totp_secret;
    let mut form = form.clone();
    let mut said = (StatusCode::IM_A_TEAPOT, Value::Null);
    for at_ms in [0, 30_000].map(|ms| now_ms() + ms) {
        form["totp"] = one_time_code(secret, at_ms)?.into();
        said = person.post("/api/agreement/signature", &form).await?;
        if said.1["error"]["field"] != "password" {
            break;
        }
    }
    Ok(said)
}

async fn signs(hub: &Hub, role: &str, person: &Person) -> Result<(StatusCode, Value)> {
    let form = begun(hub, role, person).await?;
    sleep(READING).await;
    sent(hub, role, person, &form).await
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

fn field(body: &Value) -> &str {
    body["error"]["field"].as_str().unwrap_or_default()
}

/// Every file under a folder that holds `needle`.
fn holding(folder: &Path, needle: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(holding(&path, needle)?);
        } else if fs::read(&path)?
            .windows(needle.len())
            .any(|part| part == needle)
        {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}

/// R19, R34, R35, R37, R38, R46: refused until read and proven, then signed, seen, kept, and the
/// identity number nowhere in the clear.
#[test]
fn an_agreement_is_read_signed_and_kept() -> Result<()> {
    const ROLE: &str = "school_supervisor_unsigned";
    run(async {
        let folder = folder("agreement")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        let person = sign_in(&hub, ROLE).await?;
        let mut answers = Vec::new();
        let (status, body) = person.get("/api/rooms").await?;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::FORBIDDEN, "agreement_unsigned")
        );
        let form = begun(&hub, ROLE, &person).await?;
        let early = sent(&hub, ROLE, &person, &form).await?.1;
        assert_eq!(code(&early), "agreement_unread", "{early}");
        assert_eq!(early["error"]["article"], "附件2 第五条第4项");
        sleep(READING).await;
        let with = |key: &str, value: Value| {
            let mut form = form.clone();
            form[key] = value;
            form
        };
        for (wrong, said) in [
            (with("to_the_end", json!(false)), "agreement_unread"),
            (with("accepted", json!(false)), "agreement_unread"),
            (with("sha256", json!("00".repeat(32))), "agreement_unread"),
            (with("name", json!("赵明德")), "agreement_signature"),
        ] {
            let answer = person.post("/api/agreement/signature", &wrong).await?.1;
            assert_eq!(code(&answer), said, "{answer}");
            answers.push(answer);
        }
        let wrong = with("identity_number", json!("440524188001010015"));
        let answer = person.post("/api/agreement/signature", &wrong).await?.1;
        assert_eq!(field(&answer), "identity_number", "{answer}");
        let wrong = with("totp", json!("000000"));
        let answer = person.post("/api/agreement/signature", &wrong).await?;
        assert_eq!(
            (answer.0, field(&answer.1)),
            (StatusCode::UNPROCESSABLE_ENTITY, "password")
        );
        let (status, filed) = sent(&hub, ROLE, &person, &form).await?;
        assert_eq!(status, StatusCode::CREATED, "{filed}");
        let again = person.post("/api/agreement/signature", &form).await?;
        assert_eq!(again.0, StatusCode::CONFLICT, "{}", again.1);
        let rooms = get(&person, "/api/rooms").await?;
        assert_eq!(list(&rooms, "rooms")?.len(), 1, "R19: in force at once");
        let own = get(&person, "/api/agreement").await?;
        assert_eq!(own["standing"]["state"], "signed", "{own}");
        let signed = &own["signed"][0];
        assert_eq!(signed["identity"], "440***********0014", "{own}");
        assert_eq!(signed["originals"].as_array().map(Vec::len), Some(2));
        let id = signed["id"].as_str().context("no id")?.to_owned();
        let path = format!("/api/agreements/{id}/originals");
        let pdf = person
            .request(Method::GET, &format!("{path}/person"), None)
            .await?;
        assert_eq!(pdf.status(), StatusCode::OK);
        assert!(pdf.bytes().await?.starts_with(b"%PDF-"));
        let (status, _) = person.get(&format!("{path}/school")).await?;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let affairs = sign_in(&hub, "academic_affairs").await?;
        let pdf = affairs
            .request(Method::GET, &format!("{path}/school"), None)
            .await?;
        assert_eq!(pdf.status(), StatusCode::OK);
        answers.extend([own, get(&affairs, "/api/agreements").await?]);
        answers.push(get(&affairs, &format!("/api/agreements/{id}")).await?);
        // R46: in full for a reason alone.
        let identity = format!("/api/agreements/{id}/identity");
        let silent = affairs.post(&identity, &json!({ "reason": "" })).await?;
        assert_eq!(silent.0, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, _) = person.post(&identity, &json!({ "reason": "想看" })).await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let full = affairs
            .post(&identity, &json!({ "reason": "核对档案" }))
            .await?
            .1;
        assert_eq!(full["identity_number"], NUMBER, "{full}");
        let auditor = sign_in(&hub, "audit_administrator").await?;
        let trail = get(&auditor, "/api/audit?limit=200").await?;
        let entries = list(&trail, "entries")?;
        let line = entries
            .iter()
            .find(|line| line["action"] == "read_identity_number");
        assert_eq!(line.context("no line")?["purpose"], "核对档案");
        assert_eq!(trail["verified"], true);
        answers.push(trail);
        for answer in &answers {
            assert!(!answer.to_string().contains(NUMBER), "{answer}");
        }
        hub.end()?;
        assert_eq!(holding(&folder, NUMBER.as_bytes())?, Vec::<String>::new());
        assert_ne!(
            holding(&folder, b"SQLite format 3")?.len(),
            0,
            "the store was looked at"
        );
        Ok(())
    })
}

/// Publishes the newest text with a mark, in force now.
async fn publishes(affairs: &Person, mark: &str, grace_days: i64) -> Result<()> {
    let texts = get(affairs, "/api/agreements/texts").await?;
    let text = texts["texts"][0]["text"].as_str().context("no text")?;
    let form = json!({
        "text": format!("{text}\n{mark}"),
        "in_force": now_ms(),
        "grace_days": grace_days,
        "representative": "周文",
        "seal_note": "加盖教务处公章",
    });
    let (status, body) = affairs.post("/api/agreements/texts", &form).await?;
    ensure!(status == StatusCode::CREATED, "{status} {body}");
    Ok(())
}

/// R39, R40: a new text, its days of grace, refused after them, signed again, ended by Academic
/// Affairs; killed in the middle of a signature, the hub has all of it or nothing.
#[test]
fn a_new_text_is_signed_again_whatever_happens_to_the_hub() -> Result<()> {
    run(async {
        let mut hub = Hub::start(&folder("new-text")?, 1, None)?;
        let affairs = sign_in(&hub, "academic_affairs").await?;
        let supervisor = sign_in(&hub, "school_supervisor").await?;
        let standing = async |person: &Person| -> Result<Value> {
            Ok(get(person, "/api/agreement").await?["standing"]["state"].clone())
        };
        assert_eq!(standing(&supervisor).await?, "signed");
        publishes(&affairs, "第二版", 7).await?;
        assert_eq!(standing(&supervisor).await?, "superseded");
        assert_eq!(
            supervisor.get("/api/rooms").await?.0,
            StatusCode::OK,
            "grace"
        );
        publishes(&affairs, "第三版", 0).await?;
        assert_eq!(standing(&supervisor).await?, "lapsed");
        let (status, body) = supervisor.get("/api/rooms").await?;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::FORBIDDEN, "agreement_superseded")
        );
        let (status, body) = signs(&hub, "school_supervisor", &supervisor).await?;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        assert_eq!(supervisor.get("/api/rooms").await?.0, StatusCode::OK);
        let auditor = sign_in(&hub, "audit_administrator").await?;
        let (_, body) = auditor.get("/api/audit").await?;
        assert_eq!(
            code(&body),
            "agreement_superseded",
            "Q21: administrators sign too"
        );
        let (status, body) = signs(&hub, "audit_administrator", &auditor).await?;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        for (role, delay_ms) in [
            ("unit_supervisor", 60),
            ("unit_leader", 160),
            ("technician", 320),
            ("security_administrator", 640),
        ] {
            killed_while_signing(&mut hub, &auditor, (role, delay_ms)).await?;
        }
        let register = get(&affairs, "/api/agreements").await?;
        let lines = list(&register, "agreements")?;
        let staff_number = &supervisor.me["person"]["staff_number"];
        let mut lasting = lines.iter().filter(|line| line["ended_at"].is_null());
        let own = lasting.find(|line| line["person"]["staff_number"] == *staff_number);
        let id = own
            .and_then(|line| line["id"].as_str())
            .context("not on file")?;
        let end = format!("/api/agreements/{id}/end");
        let reason = json!({ "reason": "不再承担巡课职责" });
        assert_eq!(affairs.post(&end, &reason).await?.0, StatusCode::NO_CONTENT);
        assert_eq!(affairs.post(&end, &reason).await?.0, StatusCode::CONFLICT);
        let (_, body) = supervisor.get("/api/rooms").await?;
        assert_eq!(code(&body), "agreement_ended", "{body}");
        let (_, body) = supervisor
            .post("/api/agreement/reading", &json!({}))
            .await?;
        assert_eq!(
            code(&body),
            "agreement_ended",
            "nobody signs that away: {body}"
        );
        let gone = affairs.delete(&format!("/api/agreements/{id}")).await?.0;
        assert!(gone.is_client_error(), "R39: never deleted: {gone}");
        hub.end()
    })
}

/// Kills the hub so long after a signature was sent; what is on file afterwards is whole.
async fn killed_while_signing(
    hub: &mut Hub,
    auditor: &Person,
    (role, delay_ms): (&str, u64),
) -> Result<()> {
    let person = sign_in(hub, role).await?;
    let mut form = begun(hub, role, &person).await?;
    sleep(READING).await;
    form["totp"] = one_time_code(&account(hub, role)?.totp_secret, now_ms())?.into();
    let sending = {
        let person = person.clone();
        tokio::spawn(async move { person.post("/api/agreement/signature", &form).await })
    };
    sleep(Duration::from_millis(delay_ms)).await;
    hub.kill();
    let answer = sending.await?;
    hub.run()?;
    let own = get(&person, "/api/agreement").await?;
    let signed = own["standing"]["state"] == "signed";
    if let Ok((StatusCode::CREATED, _)) = answer {
        assert!(signed, "{role}: what was acknowledged is there: {own}");
    }
    let now_on_file = list(&own, "signed")?
        .iter()
        .filter(|one| one["version"] == "3");
    let now_on_file: Vec<_> = now_on_file.collect();
    assert_eq!(now_on_file.len(), usize::from(signed), "{role}: {own}");
    for one in now_on_file {
        assert_eq!(
            one["originals"].as_array().map(Vec::len),
            Some(2),
            "{role}: {own}"
        );
    }
    let trail = get(auditor, "/api/audit?limit=500").await?;
    let staff_number = &person.me["person"]["staff_number"];
    let lines = list(&trail, "entries")?.iter().filter(|line| {
        line["action"] == "sign_agreement"
            && line["outcome"] == "done"
            && line["staff_number"] == *staff_number
    });
    assert_eq!(lines.count(), usize::from(signed), "{role}: {trail}");
    assert_eq!(trail["verified"], true);
    Ok(())
}

/// R34, R38: on paper, with two scans; wrong, large and cut-off files leave nothing behind.
#[test]
fn a_paper_is_entered_with_its_scans() -> Result<()> {
    run(async {
        let mut hub = Hub::start(&folder("paper")?, 1, None)?;
        let affairs = sign_in(&hub, "academic_affairs").await?;
        let unsigned = sign_in(&hub, "school_supervisor_unsigned").await?;
        const SCANS: &str = "/api/agreements/scans";
        let (status, body) = affairs.upload(SCANS, "MZ is no scan").await?;
        assert_eq!(
            (status, field(&body)),
            (StatusCode::UNPROCESSABLE_ENTITY, "scan")
        );
        let (status, body) = affairs.upload(SCANS, &SCAN[..20]).await?;
        assert_eq!(
            (status, field(&body)),
            (StatusCode::UNPROCESSABLE_ENTITY, "scan")
        );
        let mut large = SCAN.to_vec();
        large.resize(8 * 1024 * 1024 + 1, b' ');
        let (status, body) = affairs.upload(SCANS, large).await?;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
        );
        let broken = [
            Ok(Bytes::from_static(SCAN)),
            Err(std::io::Error::other("gone")),
        ];
        let broken = affairs
            .upload(SCANS, Body::wrap_stream(stream::iter(broken)))
            .await;
        assert!(broken.is_err(), "{broken:?}");
        let (status, _) = unsigned.upload(SCANS, SCAN).await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        // The limit of every other route stays what it is.
        let reason = json!({ "reason": "x".repeat(70_000) });
        let path = "/api/agreements/00000000-0000-0000-0000-000000000000/end";
        let (status, body) = affairs.post(path, &reason).await?;
        assert_eq!(code(&body), "unreadable", "{status}");
        let mut scans = Vec::new();
        for _ in 0..2 {
            let (status, kept) = affairs.upload(SCANS, SCAN).await?;
            assert_eq!(status, StatusCode::CREATED, "{kept}");
            scans.push(kept["id"].clone());
        }
        let paper = json!({
            "person": unsigned.me["person"]["id"],
            "version": "1",
            "signed": now_ms() - DAY_MS,
            "representative": "周文",
            "school_signed": now_ms() - DAY_MS,
            "seal_note": "已加盖公章",
            "identity_number": NUMBER,
            "school_scan": scans[0],
            "person_scan": scans[0],
        });
        let (_, body) = affairs.post("/api/agreements/paper", &paper).await?;
        assert_eq!(field(&body), "scan", "two originals, two scans: {body}");
        let mut paper = paper;
        paper["person_scan"] = scans[1].clone();
        let (status, filed) = affairs.post("/api/agreements/paper", &paper).await?;
        assert_eq!(status, StatusCode::CREATED, "{filed}");
        assert_eq!(unsigned.get("/api/rooms").await?.0, StatusCode::OK);
        let own = get(&unsigned, "/api/agreement").await?;
        let id = own["signed"][0]["id"].as_str().context("no id")?;
        let path = format!("/api/agreements/{id}/originals/person");
        let scan = unsigned.request(Method::GET, &path, None).await?;
        assert_eq!(scan.bytes().await?, SCAN);
        let trail = sign_in(&hub, "audit_administrator").await?;
        let trail = get(&trail, "/api/audit?limit=200").await?;
        let uploads = list(&trail, "entries")?.iter();
        let uploads = uploads.filter(|line| line["action"] == "upload_scan");
        assert_eq!(
            uploads.count(),
            2,
            "what was refused or broken left nothing"
        );
        hub.end()
    })
}
