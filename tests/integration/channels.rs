//! 告警通道 on a real hub: set up by the system administrator, tested, killed in the middle of a try,
//! and nothing of a secret anywhere. R66, X67.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xunke_tests::asking::{get, until};
use xunke_tests::campus::{Hub, Person};
use xunke_tests::receiver::{Receiver, SECRET, TOKEN};

use crate::shared::{folder, run};

const SOON: Duration = Duration::from_secs(20);

async fn technician(hub: &Hub) -> Result<Person> {
    let account = hub.accounts.iter().find(|one| one.role == "technician");
    let base = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&base, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("no technician")?).await
}

async fn ask(
    person: &Person,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<(StatusCode, Value)> {
    let answer = person.request(method, path, Some(body)).await?;
    let status = answer.status();
    let text = answer.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}

#[test]
fn a_channel_is_set_up_tested_and_survives_a_kill() -> Result<()> {
    run(async {
        let folder = folder("channels")?;
        let receiver = Receiver::start().await?;
        let mut hub = Hub::start(&folder, 1, None)?;
        hub.end()?;
        hub.configure(|text| text + "[channels]\nloopback = true\n")?;
        hub.run()?;
        let person = technician(&hub).await?;
        refuses_what_is_forbidden(&person, &receiver).await?;
        let path = "/api/channels";
        let (status, added) = ask(&person, Method::POST, path, &receiver.channel()).await?;
        ensure!(status == StatusCode::CREATED, "{status} {added}");
        let id = added["id"].as_str().context("no id")?.to_owned();
        let test = format!("{path}/{id}/test");
        receiver.hold_back(true);
        let (status, sent) = ask(&person, Method::POST, &test, &json!({})).await?;
        ensure!(status == StatusCode::ACCEPTED, "{status} {sent}");
        receiver.hears(1, SOON).await?;
        hub.kill();
        receiver.hold_back(false);
        hub.run()?;
        receiver.hears(2, SOON).await?;
        let heard = receiver.heard();
        let keys: Vec<_> = heard
            .iter()
            .map(|one| one.header("idempotency-key"))
            .collect();
        ensure!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
        ensure!(keys[0] == sent["delivery"].as_str(), "{keys:?} {sent}");
        ensure!(
            heard[0].header("x-xunke-signature").is_some(),
            "{:?}",
            heard[0]
        );
        let person = technician(&hub).await?;
        let log = format!("{path}/{id}/deliveries");
        let taken = async || {
            let one = get(&person, &log).await?["deliveries"][0].take();
            let delivered = one["state"] == "delivered";
            Ok(match delivered {
                true => Ok(one),
                false => Err(one),
            })
        };
        let one = until("the test is noted as delivered", SOON, taken).await?;
        let tries = &one["tries"];
        let outcomes = [&tries[0]["outcome"], &tries[1]["outcome"]];
        ensure!(outcomes == [&json!("delivered"), &Value::Null], "{tries}");
        nothing_secret_is_anywhere(&hub, &person).await?;
        hub.end()
    })
}

async fn refuses_what_is_forbidden(person: &Person, receiver: &Receiver) -> Result<()> {
    for address in [
        "http://example.com/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/",
        "https://user:word@example.com/",
        "https://[fe80::1]/",
    ] {
        let mut form = receiver.channel();
        form["address"] = address.into();
        let (status, said) = ask(person, Method::POST, "/api/channels", &form).await?;
        ensure!(
            status == StatusCode::UNPROCESSABLE_ENTITY,
            "{address}: {status}"
        );
        ensure!(said["error"]["field"] == "address", "{address}: {said}");
    }
    Ok(())
}

/// Not in an answer, the store, the trail or the log; the last four characters are shown.
async fn nothing_secret_is_anywhere(hub: &Hub, person: &Person) -> Result<()> {
    let listed = get(person, "/api/channels").await?;
    let one = &listed["channels"][0];
    ensure!(one["secret_hint"] == "…0123", "{one}");
    ensure!(one["address_hint"] == "127.0.0.1 …4567", "{one}");
    let stored = hub.sql(
        "SELECT * FROM channels; SELECT * FROM deliveries;
        SELECT * FROM delivery_attempts; SELECT * FROM trail",
    )?;
    let log = fs::read_to_string(hub.log())?;
    for (name, text) in [
        ("answer", listed.to_string()),
        ("store", stored),
        ("log", log),
    ] {
        ensure!(
            !text.contains(SECRET) && !text.contains(TOKEN),
            "in the {name}"
        );
    }
    Ok(())
}

#[test]
fn a_hub_names_the_wrong_authorities_of_channels() -> Result<()> {
    run(async {
        let folder = folder("channels-authorities")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        hub.end()?;
        let file = folder.join("authorities.pem");
        fs::write(&file, "no certificate")?;
        let section = format!("[channels]\nca_file = \"{}\"\n", file.display());
        hub.configure(|text| text + &section)?;
        let said = hub.refusal().await?;
        ensure!(said.contains("channels.ca_file: "), "{said}");
        Ok(())
    })
}
