//! A list of staff that is taken over as a whole, even from a hub that dies (R25, R27).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Hub, Person};

use crate::shared::{folder, get, run};

async fn done(answer: (StatusCode, Value)) -> Result<Value> {
    ensure!(answer.0.is_success(), "{} {}", answer.0, answer.1);
    Ok(answer.1)
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
