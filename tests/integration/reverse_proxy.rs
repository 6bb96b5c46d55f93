//! The hub behind Debian's nginx with the configurations that the guide gives: pages by HTTP/2 and
//! HTTP/1.1, the live picture, from where people come, and boxes passed through as they are
//! (issue 7; R31, R60–R62).

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::json;
use xunke_protocol::live::FrameKind;
use xunke_tests::campus::{Classroom, Hub, Nginx, Person, Ports, Said, Viewer};
use xunke_tests::classroom::Sound;
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

const SOON: Duration = Duration::from_secs(5);
/// Until a box that starts is connected and its camera flows.
const UP_MAX: Duration = Duration::from_secs(30);
/// nginx; itself not on the campus, so that nobody gets in as the proxy.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// “revoke to dark under one second”.
const DARK_MS_MAX: i64 = 1000;

fn hub(folder: &Path) -> Result<Hub> {
    let mut hub = Hub::start(folder, 1, None)?;
    hub.end()?;
    let people =
        format!("[people]\ntrusted_proxies = [\"{PROXY}\"]\ncampus_networks = [\"127.0.0.1\"]\n");
    hub.configure(|text| text.replace("[people]\n", &people))?;
    hub.run()?;
    Ok(hub)
}

/// Status and version of HTTP, as curl says them.
fn curl(nginx: &Nginx, folder: &Path, arguments: &[&str]) -> Result<(String, String)> {
    let ca = folder.join("browser-ca.pem");
    std::fs::write(&ca, &nginx.ca_pem)?;
    let output = Command::new("curl")
        .args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{http_version}",
        ])
        .arg("--cacert")
        .arg(&ca)
        .args(arguments)
        .output()
        .context("curl cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {said}");
    let answer = String::from_utf8(output.stdout)?;
    let both = answer.split_once(' ').context("no answer")?;
    Ok((both.0.to_owned(), both.1.to_owned()))
}

/// Pages and words by both versions; the Origin of our own page is known by either.
fn both_versions(nginx: &Nginx, folder: &Path, person: &Person) -> Result<()> {
    let (page, me) = (format!("{}/", nginx.url), format!("{}/api/me", nginx.url));
    let session = format!("{}/api/session", nginx.url);
    let cookie = format!("cookie: {}", person.cookie().context("no cookie")?);
    let own = format!("origin: {}", nginx.url);
    let form = r#"{"login":"nobody","password":"wrong","totp":"000000"}"#;
    let words = ["-H", "content-type: application/json", "-d", form];
    for (version, said) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let expect = |status: &str| (status.to_owned(), said.to_owned());
        let asked = |more: &[&str]| curl(nginx, folder, &[&[version], more].concat());
        ensure!(asked(&[&page])? == expect("200"), "the page by {said}");
        ensure!(
            asked(&["-H", &cookie, &me])? == expect("200"),
            "me by {said}"
        );
        ensure!(asked(&[&me])? == expect("401"), "nobody by {said}");
        let signing_in = asked(&[&words[..], &["-H", &own, &session]].concat())?;
        ensure!(
            signing_in == expect("401"),
            "own page by {said}: {signing_in:?}"
        );
        let foreign = "origin: https://evil.example";
        let foreign = asked(&[&words[..], &["-H", foreign, &session]].concat())?;
        ensure!(
            foreign == expect("403"),
            "foreign page by {said}: {foreign:?}"
        );
    }
    Ok(())
}

/// R31: nginx says from where; what the browser says of itself is thrown away.
async fn from_where(nginx: &Nginx) -> Result<()> {
    let outside = Person::nobody_at(&nginx.url, &nginx.ca_pem, Some(OUTSIDE))?;
    for (name, value) in [
        ("accept", "*/*"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
    ] {
        let spoofing = outside.clone().with_header(name, Some(value))?;
        let (status, body) = spoofing.get("/api/me").await?;
        ensure!(status == StatusCode::FORBIDDEN, "{name}: {status} {body}");
        ensure!(body["error"]["code"] == "off_campus", "{name}: {body}");
    }
    let inside = Person::nobody(&nginx.url, &nginx.ca_pem)?;
    let (status, body) = inside.get("/api/me").await?;
    ensure!(status == StatusCode::UNAUTHORIZED, "{status} {body}");
    Ok(())
}

/// The picture, and the end of the session: the last frame within a second.
async fn live(person: &Person, room: &str) -> Result<i64> {
    let mut viewer = Viewer::open(person).await?;
    viewer.watch(1, room, "main").await?;
    let opened = viewer.word(SOON).await?;
    ensure!(opened["op"] == "opened", "{opened}");
    ensure!(opened["watermark"]["address"] == "127.0.0.1", "{opened}");
    let (mut pictures, mut last_us) = (0, 0);
    while pictures < 100 {
        let frame = viewer.frame(UP_MAX).await?;
        if frame.kind == FrameKind::Video {
            ensure!(pictures > 0 || frame.key, "not from a keyframe on");
            ensure!(frame.captured_us > last_us, "out of order");
            (last_us, pictures) = (frame.captured_us, pictures + 1);
        }
    }
    let age_ms = now_ms() - last_us / 1000;
    ensure!(age_ms < 1500, "{age_ms} ms old");
    let since_ms = now_ms();
    let (status, body) = person.delete("/api/session").await?;
    ensure!(status.is_success(), "{status} {body}");
    let mut last_ms = since_ms;
    loop {
        match viewer.next(SOON).await? {
            Said::Frame(_) => last_ms = now_ms(),
            Said::Word(word) if word["op"] != "closed" => {}
            Said::Word(_) | Said::Closed => break,
        }
        ensure!(now_ms() < since_ms + 10_000, "the picture goes on");
    }
    println!(
        "through nginx: {age_ms} ms old, dark after {} ms",
        last_ms - since_ms
    );
    ensure!(
        last_ms - since_ms < DARK_MS_MAX,
        "dark after {} ms",
        last_ms - since_ms
    );
    Ok(last_ms - since_ms)
}

/// A box is let in by its own certificate, through the proxy as before it.
async fn boxes(nginx: &Nginx, classroom: &Classroom) -> Result<()> {
    let identity = classroom.identity()?;
    let bundle = format!("https://localhost:{}/box/1/epoch-bundle", nginx.boxes);
    let with = identity.client(true)?.get(&bundle).send().await?;
    ensure!(with.status() == StatusCode::OK, "{}", with.status());
    // Refused either way: by TLS already, or by an answer.
    if let Ok(without) = identity.client(false)?.get(&bundle).send().await {
        ensure!(without.status() == StatusCode::UNAUTHORIZED, "let in");
    }
    Ok(())
}

/// Issue 7, item 8: the whole room, box and browser, through nginx.
#[test]
fn behind_nginx_pages_pictures_and_boxes_are_as_before_it() -> Result<()> {
    run(async {
        let folder = folder("behind-nginx")?;
        let mut hub = hub(&folder)?;
        let nginx = Nginx::start(&folder.join("nginx"), &hub, PROXY)?;
        let ports = Ports {
            boxes: nginx.boxes,
            mqtt: nginx.mqtt,
            ..hub.ports
        };
        let mut classroom = Classroom::start(hub.rooms[0].clone(), Sound::Aac, &folder, ports)?;
        // What enrolment has told of the place of MQTT is the hub's own door.
        classroom.run_agent()?;
        boxes(&nginx, &classroom).await?;
        from_where(&nginx).await?;
        let mut accounts = hub.accounts.iter();
        let account = accounts.find(|account| account.role == "school_supervisor");
        let account = account.context("nobody")?;
        let nobody = Person::nobody(&nginx.url, &nginx.ca_pem)?;
        let person = nobody.clone().sign_in(account).await?;
        both_versions(&nginx, &folder, &person)?;
        let rooms = get(&person, "/api/rooms").await?;
        let room = list(&rooms, "rooms")?[0]["id"]
            .as_str()
            .context("no room")?;
        live(&person, room).await?;
        let (status, body) = nobody.post("/api/session", &json!({})).await?;
        ensure!(status.is_client_error(), "{status} {body}");
        classroom.end_agent()?;
        hub.end()
    })
}
