//! The hub dies in the middle of opening a grant: afterwards there is the line and the grant, or
//! neither, and never the one without the other.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::json;
use xunke_tests::campus::{Hub, Person};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

/// Each time a little later.
const TIMES: u64 = 12;
const STEP: Duration = Duration::from_millis(2);

async fn sign_in(hub: &Hub, role: &str) -> Result<Person> {
    let account = hub.accounts.iter().find(|account| account.role == role);
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("nobody is that")?).await
}

fn count(hub: &Hub, query: &str) -> Result<u64> {
    Ok(hub.sql(query)?.trim().parse()?)
}

/// R18, R60, X9: the line and what it is about are one transaction.
#[test]
fn a_hub_killed_in_the_middle_of_a_grant_has_written_all_of_it_or_nothing() -> Result<()> {
    run(async {
        let mut hub = Hub::start(&folder("killed")?, 1, None)?;
        let affairs = sign_in(&hub, "academic_affairs").await?;
        let security = sign_in(&hub, "security_administrator").await?;
        let leader = sign_in(&hub, "unit_leader").await?;
        let (mut done, mut undone) = (0, 0);
        for time in 0..TIMES {
            let form = json!({ "person": leader.me["person"]["id"], "level": 2,
                "unit": leader.me["unit"]["id"], "reason": "本学期巡课", "from": now_ms() });
            let (status, body) = affairs.post("/api/applications", &form).await?;
            ensure!(status == StatusCode::CREATED, "{status} {body}");
            let number = body["number"].as_str().context("no number")?.to_owned();
            let listed = get(&security, "/api/applications").await?;
            let all = list(&listed, "applications")?.iter();
            let mut own = all.filter(|one| one["number"] == number.as_str());
            let id = own.next().and_then(|one| one["id"].as_str());
            let path = format!("/api/applications/{}/opening", id.context("not listed")?);
            let (opener, nothing) = (security.clone(), json!({}));
            let opening = tokio::spawn(async move { opener.post(&path, &nothing).await });
            tokio::time::sleep(STEP * u32::try_from(time)?).await;
            hub.kill();
            drop(opening.await?);
            let grants = format!("SELECT COUNT(*) FROM grants WHERE application = '{number}'");
            let lines = format!(
                "SELECT COUNT(*) FROM trail WHERE action = 'open_grant' AND outcome = 'done'
                 AND (object LIKE '%{number}%' OR detail LIKE '%{number}%')"
            );
            let opened = format!(
                "SELECT COUNT(*) FROM applications WHERE number = '{number}' AND state = 'opened'"
            );
            let found = [
                count(&hub, &grants)?,
                count(&hub, &lines)?,
                count(&hub, &opened)?,
            ];
            ensure!(found == [0; 3] || found == [1; 3], "{number}: {found:?}");
            (done, undone) = (done + found[0], undone + 1 - found[0]);
            hub.run()?;
            // What was opened is taken back, so that the next can be opened.
            hub.sql("DELETE FROM grants WHERE application LIKE 'SQ-0%'")?;
        }
        eprintln!("killed {TIMES} times: {done} opened, {undone} not");
        let auditor = sign_in(&hub, "audit_administrator").await?;
        assert_eq!(get(&auditor, "/api/audit").await?["verified"], true);
        hub.end()
    })
}
