//! 告警通道 on a real hub: set up by the system administrator, tested, killed in the middle of a try,
//! and nothing of a secret anywhere. R66, X67.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xunke_tests::asking::{get, until};
use xunke_tests::campus::{Hub, Person};

use crate::shared::{folder, run};

const SECRET: &str = "hook-signing-secret-0123";
const SOON: Duration = Duration::from_secs(20);
const TOKEN: &str = "hook-path-token-4567";

/// A receiver that keeps what it gets; while it holds back, it takes requests and answers none.
struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    holds_back: Arc<Mutex<bool>>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (heard, holds_back) = (Arc::default(), Arc::default());
        let one = Self {
            port,
            heard,
            holds_back,
        };
        let (heard, holds_back) = (one.heard.clone(), one.holds_back.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, heard.clone(), holds_back.clone()));
            }
        });
        Ok(one)
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}/hook/{TOKEN}", self.port)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics").clone()
    }

    fn hold_back(&self, does: bool) {
        *self.holds_back.lock().expect("nobody panics") = does;
    }

    async fn hears(&self, count: usize) -> Result<()> {
        let heard = async || {
            let heard = self.heard().len();
            Ok((heard >= count).then_some(()).ok_or_else(|| json!(heard)))
        };
        until("messages at the receiver", SOON, heard).await
    }
}

async fn take(
    mut stream: TcpStream,
    heard: Arc<Mutex<Vec<String>>>,
    holds_back: Arc<Mutex<bool>>,
) -> Result<()> {
    loop {
        let mut bytes = Vec::new();
        let whole = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head.lines().find_map(|line| {
                let length = line.to_lowercase();
                length
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            (body.len() >= length?).then_some(text)
        };
        let text = loop {
            if let Some(text) = whole(&bytes) {
                break text;
            }
            ensure!(stream.read_buf(&mut bytes).await? > 0, "the hub is gone");
        };
        heard.lock().expect("nobody panics").push(text);
        if *holds_back.lock().expect("nobody panics") {
            std::future::pending::<()>().await;
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    }
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

async fn technician(hub: &Hub) -> Result<Person> {
    let account = hub.accounts.iter().find(|one| one.role == "technician");
    let base = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&base, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("no technician")?).await
}

fn form(address: &str) -> Value {
    json!({
        "name": "校内告警平台", "enabled": true, "severity_min": "major", "language": "zh",
        "period_hours": 25, "settings": { "kind": "webhook" }, "address": address,
        "secret": SECRET,
    })
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
        refuses_what_is_forbidden(&person).await?;
        let path = "/api/channels";
        let (status, added) = ask(&person, Method::POST, path, &form(&receiver.address())).await?;
        ensure!(status == StatusCode::CREATED, "{status} {added}");
        let id = added["id"].as_str().context("no id")?.to_owned();
        let test = format!("{path}/{id}/test");
        receiver.hold_back(true);
        let (status, sent) = ask(&person, Method::POST, &test, &json!({})).await?;
        ensure!(status == StatusCode::ACCEPTED, "{status} {sent}");
        receiver.hears(1).await?;
        hub.kill();
        receiver.hold_back(false);
        hub.run()?;
        receiver.hears(2).await?;
        let heard = receiver.heard();
        let keys: Vec<_> = heard
            .iter()
            .map(|one| header(one, "idempotency-key"))
            .collect();
        ensure!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
        ensure!(keys[0] == sent["delivery"].as_str(), "{keys:?} {sent}");
        ensure!(
            header(&heard[0], "x-xunke-signature").is_some(),
            "{}",
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

async fn refuses_what_is_forbidden(person: &Person) -> Result<()> {
    for address in [
        "http://example.com/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/",
        "https://user:word@example.com/",
        "https://[fe80::1]/",
    ] {
        let (status, said) = ask(person, Method::POST, "/api/channels", &form(address)).await?;
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
