//! 申请 → 开通 → 查看 → 收回, by four people at the doors of one hub (R17, R18, R23, R26).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Campus, Options, Person, Viewer};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

const SOON: Duration = Duration::from_secs(5);

/// Files for the unit leader, who holds nothing at first, and gives the application's path.
async fn filed(affairs: &Person, leader: &Person) -> Result<String> {
    let form = json!({
        "person": leader.me["person"]["id"],
        "level": 2,
        "unit": leader.me["unit"]["id"],
        "reason": "本学期巡课",
        "from": now_ms(),
    });
    let (status, body) = affairs.post("/api/applications", &form).await?;
    ensure!(status == StatusCode::CREATED, "{status} {body}");
    let listed = get(affairs, "/api/applications").await?;
    let id = listed["applications"][0]["id"].as_str();
    Ok(format!("/api/applications/{}", id.context("not listed")?))
}

/// A permission of level 2 for the unit leader, from the application to the opening; gives its id.
pub async fn opened(affairs: &Person, security: &Person, leader: &Person) -> Result<String> {
    let path = filed(affairs, leader).await?;
    let answer = security
        .post(&format!("{path}/opening"), &json!({}))
        .await?;
    ensure!(answer.0.is_success(), "{} {}", answer.0, answer.1);
    let ledger = get(affairs, "/api/grants").await?;
    let mut lines = list(&ledger, "grants")?.iter();
    let held = lines.find(|line| {
        line["state"] == "in_force" && line["person"]["id"] == leader.me["person"]["id"]
    });
    let id = held.and_then(|line| line["id"].as_str());
    Ok(id.with_context(|| ledger.to_string())?.to_owned())
}

/// The line of the ledger that came of the first application.
async fn line(reader: &Person) -> Result<Value> {
    let ledger = get(reader, "/api/grants").await?;
    let mut lines = list(&ledger, "grants")?.iter();
    let found = lines.find(|line| line["application"] == "SQ-00001");
    found.cloned().with_context(|| ledger.to_string())
}

/// What the hub says first about a room.
async fn asked(viewer: &mut Viewer, room: &str) -> Result<Value> {
    viewer.watch(1, room, "sub").await?;
    viewer.word(SOON).await
}

/// R17, R18, R20, R23, R26: nothing before the opening, a picture after it, and none again after
/// the hand-back; `people` measures how soon.
#[test]
fn a_permission_is_applied_for_opened_used_and_taken_back() -> Result<()> {
    run(async {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder("grants")?),
            ..Options::default()
        };
        let campus = Campus::start(options).await?;
        let room = campus.classrooms[0].room.id.clone();
        let affairs = campus.sign_in("academic_affairs").await?;
        let security = campus.sign_in("security_administrator").await?;
        let leader = campus.sign_in("unit_leader").await?;
        let application = filed(&affairs, &leader).await?;
        let mut viewer = Viewer::open(&leader).await?;
        let early = asked(&mut viewer, &room).await?;
        assert_eq!(early["error"]["code"], "no_grant", "{early}");
        let opening = format!("{application}/opening");
        let (status, body) = affairs.post(&opening, &json!({})).await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        let opened = security.post(&opening, &json!({})).await?;
        assert_eq!(opened.0, StatusCode::NO_CONTENT, "{}", opened.1);
        let opened = asked(&mut viewer, &room).await?;
        assert_eq!(opened["op"], "opened", "{opened}");
        viewer.frame(SOON).await?;
        let held = line(&affairs).await?;
        assert_eq!(held["state"], "in_force", "{held}");
        let path = format!(
            "/api/grants/{}/revocation",
            held["id"].as_str().context("id")?
        );
        let revoked = affairs.post(&path, &json!({ "reason": "调岗" })).await?;
        assert_eq!(revoked.0, StatusCode::NO_CONTENT, "{}", revoked.1);
        let word = viewer.word(SOON).await?;
        assert_eq!(word["op"], "closed", "{word}");
        assert_eq!(word["error"]["code"], "no_grant", "{word}");
        assert_eq!(line(&security).await?["state"], "revoked");
        let (status, body) = security.post(&opening, &json!({})).await?;
        assert_eq!(body["error"]["code"], "application_state", "{status}");
        let (status, body) = security.get("/api/audit").await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        let auditor = campus.sign_in("audit_administrator").await?;
        let trail = get(&auditor, "/api/audit").await?;
        assert_eq!(trail["verified"], true);
        campus.end()
    })
}
