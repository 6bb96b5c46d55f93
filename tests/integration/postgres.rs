//! The same hub on PostgreSQL: a real server, a real camera, and the whole way from an application
//! to a picture; and two hubs that append to one trail.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Campus, Hub, Options, Person, Postgres, Viewer, program};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, record_form, run, until};

const SOON: Duration = Duration::from_secs(5);

async fn first_word(viewer: &mut Viewer, room: &str) -> Result<Value> {
    viewer.watch(1, room, "sub").await?;
    viewer.word(SOON).await
}

/// X15: the hub asks the server to prove its name, and gives a stranger nothing. Every other test
/// here connects in the same way to a server that can.
#[test]
fn a_server_that_cannot_prove_its_name_is_refused() -> Result<()> {
    let (server, folder) = (Postgres::start()?, folder("postgres-stranger")?);
    let other = folder.join("other.pem");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    fs::write(&other, made.cert.pem())?;
    let trusted = server.ca_file().display().to_string();
    let store = server.configuration();
    let store = store.replace(&trusted, &other.display().to_string());
    let config = folder.join("hub.toml");
    let data = folder.join("hub").display().to_string();
    fs::write(
        &config,
        format!(
            "data_dir = {data:?}\n{store}[demo]\nenabled = true\n\
        [people]\nlisten = \"127.0.0.1:0\"\n[boxes]\nlisten = \"127.0.0.1:0\"\n\
        [mqtt]\nlisten = \"127.0.0.1:0\"\n"
        ),
    )?;
    let mut command = Command::new(program("xunke-hub")?);
    let command = command.args(["seed-demo", "--rooms", "1", "--config"]);
    let output = command.arg(&config).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "it trusts a stranger: {said}");
    ensure!(said.contains("PostgreSQL at 127.0.0.1"), "{said}");
    ensure!(said.to_lowercase().contains("certificate"), "{said}");
    let reached = server.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'persons'")?;
    assert_eq!(reached.trim(), "0", "it made its tables there");
    let encrypted = server.sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")?;
    assert_eq!(encrypted.trim(), "t");
    Ok(())
}

/// R17, R18, R23, R60, R67, R73, X8 on PostgreSQL: sign in, apply, open, watch, play, file a
/// record, take back; then the hub is killed, and the trail is whole.
#[test]
fn the_whole_way_works_on_postgresql() -> Result<()> {
    run(async {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder("postgres")?),
            store: Some(Arc::new(Postgres::start()?)),
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        let room = campus.classrooms[0].room.id.clone();
        let affairs = campus.sign_in("academic_affairs").await?;
        let security = campus.sign_in("security_administrator").await?;
        let leader = campus.sign_in("unit_leader").await?;
        let form = json!({ "person": leader.me["person"]["id"], "level": 2,
            "unit": leader.me["unit"]["id"], "reason": "本学期巡课", "from": now_ms() });
        let (status, body) = affairs.post("/api/applications", &form).await?;
        ensure!(status == StatusCode::CREATED, "{status} {body}");
        let listed = get(&security, "/api/applications").await?;
        let id = listed["applications"][0]["id"]
            .as_str()
            .context("not listed")?;
        let mut viewer = Viewer::open(&leader).await?;
        let early = first_word(&mut viewer, &room).await?;
        assert_eq!(early["error"]["code"], "no_grant", "{early}");
        let opening = format!("/api/applications/{id}/opening");
        let (status, body) = security.post(&opening, &json!({})).await?;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        assert_eq!(first_word(&mut viewer, &room).await?["op"], "opened");
        viewer.frame(SOON).await?;
        recorded_and_filed(&campus, &room).await?;
        let ledger = get(&affairs, "/api/grants").await?;
        let grants = list(&ledger, "grants")?.iter();
        let mut own = grants.filter(|line| line["application"] == "SQ-00001");
        let grant = own
            .next()
            .and_then(|line| line["id"].as_str())
            .context("no grant")?;
        let path = format!("/api/grants/{grant}/revocation");
        let (status, body) = affairs.post(&path, &json!({ "reason": "调岗" })).await?;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        // Nobody read the pictures meanwhile: words about dropped ones come first.
        let ended = until("darkness", SOON, async || {
            let word = viewer.word(SOON).await?;
            Ok(if word["op"] == "closed" {
                Ok(word)
            } else {
                Err(word)
            })
        });
        let ended = ended.await?;
        assert_eq!(ended["error"]["code"], "no_grant", "{ended}");
        campus.hub.kill();
        campus.hub.run()?;
        whole(&campus.hub).await?;
        campus.end()
    })
}

/// A supervisor plays what the box has uploaded, and files a record.
async fn recorded_and_filed(campus: &Campus, room: &str) -> Result<()> {
    let supervisor = campus.sign_in("school_supervisor").await?;
    let recording = until("a recording", Duration::from_secs(60), async || {
        let body = get(&supervisor, "/api/recordings").await?;
        let found = list(&body, "recordings")?.first().cloned();
        Ok(found.ok_or(body))
    })
    .await?;
    let path = format!(
        "/api/recordings/{}/plays",
        recording["id"].as_str().context("no id")?
    );
    let purpose = json!({ "purpose": { "kind": "plan" } });
    let (status, play) = supervisor.post(&path, &purpose).await?;
    ensure!(status.is_success(), "{status} {play}");
    let (play_id, segment) = (&play["play_id"], &play["segments"][0]["id"]);
    let ids = play_id
        .as_str()
        .zip(segment.as_str())
        .context("nothing to play")?;
    let path = format!("/api/plays/{}/segments/{}", ids.0, ids.1);
    let (status, _) = supervisor.get(&path).await?;
    ensure!(status == StatusCode::OK, "{status}");
    let form = record_form(&supervisor, room).await?;
    let (status, body) = supervisor.post("/api/records", &form).await?;
    ensure!(status.is_success(), "{status} {body}");
    let again = supervisor.post("/api/records", &form).await?;
    assert_eq!(again.0, StatusCode::CONFLICT, "{}", again.1);
    let records = get(&supervisor, "/api/records").await?;
    assert_eq!(list(&records, "records")?.len(), 1);
    Ok(())
}

/// The trail verifies, and every number from 1 is there once.
async fn whole(hub: &Hub) -> Result<()> {
    let account = hub
        .accounts
        .iter()
        .find(|one| one.role == "audit_administrator");
    let url = format!("https://localhost:{}", hub.ports.people);
    let auditor = Person::nobody(&url, &hub.ca_pem()?)?;
    let auditor = auditor.sign_in(account.context("nobody")?).await?;
    let trail = get(&auditor, "/api/audit").await?;
    assert_eq!(trail["verified"], true, "{trail}");
    let counted = hub.sql("SELECT COUNT(*) - MAX(seq) FROM trail")?;
    assert_eq!(counted.trim(), "0");
    Ok(())
}

/// Somebody with a wrong password: a line each time.
async fn knock(hub: &Hub, times: usize) -> Result<usize> {
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    let mut answered = 0;
    for n in 0..times {
        let body = json!({ "login": format!("X{n}"), "password": "wrong", "totp": "000000" });
        let (status, body) = nobody.post("/api/session", &body).await?;
        ensure!(status.is_client_error(), "{status} {body}");
        answered += 1;
    }
    Ok(answered)
}

/// Its doors are open before it is ready.
async fn answers(hub: &Hub) -> Result<()> {
    let url = format!("https://localhost:{}", hub.ports.people);
    until("an answer", Duration::from_secs(30), async || {
        let Ok(ca_pem) = hub.ca_pem() else {
            return Ok(Err(Value::Null));
        };
        let answer = Person::nobody(&url, &ca_pem)?
            .get("/api/openapi.json")
            .await;
        Ok(answer.map(drop).map_err(|error| json!(error.to_string())))
    })
    .await
}

/// X8, X9: the end of the trail is a locked row, so two hubs on one store make one chain.
#[test]
fn two_hubs_on_one_store_make_one_chain() -> Result<()> {
    run(async {
        let server = Arc::new(Postgres::start()?);
        let mut one = Hub::start_on(Some(server.clone()), &folder("hub-one")?, 1, None)?;
        answers(&one).await?;
        let mut other = Hub::beside(&one, &folder("hub-other")?)?;
        answers(&other).await?;
        let before: usize = one.sql("SELECT COUNT(*) FROM trail")?.trim().parse()?;
        let (first, second) = tokio::join!(knock(&one, 40), knock(&other, 40));
        let lines: usize = one.sql("SELECT COUNT(*) FROM trail")?.trim().parse()?;
        assert!(
            lines - before >= 20,
            "{lines} lines of {} tries",
            first? + second?
        );
        whole(&one).await?;
        other.end()?;
        one.end()
    })
}
