//! 第十一条第2项 “仅允许通过校内加密网络访问智慧教室管理平台” behind proxies and in front of none (R31).

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Classroom, Hub, Person, Proxy, Viewer};
use xunke_tests::classroom::Sound;

use crate::shared::{campus, folder, get, list, run};

/// The one address on the campus beside 10.0.0.0/8.
const CAMPUS: &str = "127.0.0.1";
/// The school's proxy; itself not on the campus, so that nobody gets in as the proxy.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Neither.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

fn hub() -> Result<Hub> {
    let mut hub = Hub::start(&folder("proxies")?, 1, None)?;
    hub.end()?;
    let people = format!(
        "[people]\ntrusted_proxies = [\"{PROXY}\"]\n\
         campus_networks = [\"10.0.0.0/8\", \"{CAMPUS}\"]\n"
    );
    hub.configure(|text| text.replace("[people]\n", &people))?;
    hub.run()?;
    Ok(hub)
}

async fn me(person: &Person) -> Result<(StatusCode, Value)> {
    person.get("/api/me").await
}

/// 403, with the article and its words.
async fn off_campus(what: &str, person: &Person) -> Result<()> {
    let (status, body) = me(person).await?;
    assert_eq!(status, StatusCode::FORBIDDEN, "{what}: {body}");
    assert_eq!(body["error"]["code"], "off_campus", "{what}: {body}");
    assert_eq!(body["error"]["article"], "第十一条", "{what}: {body}");
    let quote = body["error"]["quote"].as_str().unwrap_or_default();
    assert!(
        quote.contains("仅允许通过校内加密网络访问"),
        "{what}: {body}"
    );
    Ok(())
}

/// R31: headers of strangers, believed from nobody.
#[test]
fn a_forwarding_header_opens_nothing_and_only_a_named_proxy_is_believed() -> Result<()> {
    run(async {
        let mut hub = hub()?;
        let url = format!("https://localhost:{}", hub.ports.people);
        let ca_pem = hub.ca_pem()?;
        let outside = Person::nobody_at(&url, &ca_pem, Some(OUTSIDE))?;
        off_campus("from outside", &outside).await?;
        for (name, value) in [
            ("x-forwarded-for", "10.1.1.1"),
            ("x-forwarded-for", "127.0.0.1, 127.0.0.2"),
            ("forwarded", "for=10.1.1.1;proto=https"),
            ("x-real-ip", "10.1.1.1"),
            ("x-client-ip", "10.1.1.1"),
            ("true-client-ip", "10.1.1.1"),
            ("cf-connecting-ip", "10.1.1.1"),
        ] {
            let spoofing = outside.clone().with_header(name, Some(value))?;
            off_campus(&format!("{name}: {value}"), &spoofing).await?;
        }
        // On the campus the same headers change nothing either: 401 is for whoever is signed out.
        let inside = Person::nobody(&url, &ca_pem)?;
        let spoofing = inside.with_header("x-forwarded-for", Some("203.0.113.9"))?;
        assert_eq!(me(&spoofing).await?.0, StatusCode::UNAUTHORIZED);

        let proxy = Proxy::start(hub.ports.people, PROXY, &ca_pem).await?;
        let through = Person::nobody(&proxy.url, &proxy.ca_pem)?;
        for lines in [
            "",
            "X-Forwarded-For: unknown\r\n",
            "X-Forwarded-For: 203.0.113.9\r\n",
            "X-Forwarded-For: 10.1.1.1, 203.0.113.9\r\n",
            "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 203.0.113.9\r\n",
            "X-Forwarded-For: 127.0.0.2\r\n",
            "Forwarded: for=10.1.1.1\r\nX-Real-IP: 10.1.1.1\r\n",
        ] {
            proxy.says(lines);
            off_campus(&format!("through the proxy, {lines:?}"), &through).await?;
        }
        // What the browser itself writes stands before what the proxy adds, and is not looked at.
        let spoofing = through
            .clone()
            .with_header("x-forwarded-for", Some("10.1.1.1"))?;
        proxy.says("X-Forwarded-For: 203.0.113.9\r\n");
        off_campus("through the proxy, spoofed", &spoofing).await?;
        proxy.says("X-Forwarded-For: 10.20.30.40\r\n");
        assert_eq!(me(&through).await?.0, StatusCode::UNAUTHORIZED);
        hub.end()
    })
}

/// R31, R60, R61: trail and watermark show who it really is, not the proxy.
#[test]
fn trail_and_watermark_show_the_client_behind_the_proxy() -> Result<()> {
    run(async {
        let folder = folder("behind-a-proxy")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        let room = hub.rooms[0].clone();
        let classroom = Classroom::start(room, Sound::Aac, &folder, hub.ports)?;
        hub.end()?;
        let named = format!("[people]\ntrusted_proxies = [\"{PROXY}\"]\n");
        hub.configure(|text| text.replace("[people]\n", &named))?;
        hub.run()?;
        let proxy = Proxy::start(hub.ports.people, PROXY, &hub.ca_pem()?).await?;
        proxy.says("X-Forwarded-For: 10.20.30.40\r\n");
        let account = |role| hub.accounts.iter().find(|account| account.role == role);
        let through = Person::nobody(&proxy.url, &proxy.ca_pem)?;
        let supervisor = account("school_supervisor").context("nobody")?;
        let supervisor = through.clone().sign_in(supervisor).await?;
        let mut viewer = Viewer::open(&supervisor).await?;
        viewer.watch(1, &classroom.room.id, "sub").await?;
        let opened = viewer.word(Duration::from_secs(5)).await?;
        assert_eq!(opened["watermark"]["address"], "10.20.30.40", "{opened}");
        drop(viewer);
        let auditor = account("audit_administrator").context("nobody")?;
        let auditor = through.sign_in(auditor).await?;
        let trail = get(&auditor, "/api/audit").await?;
        let own = supervisor.me["person"]["staff_number"].clone();
        let lines = list(&trail, "entries")?.iter();
        let lines: Vec<_> = lines.filter(|line| line["staff_number"] == own).collect();
        let actions: Vec<_> = lines.iter().map(|line| &line["action"]).collect();
        assert!(actions.contains(&&json!("sign_in")), "{trail}");
        assert!(actions.contains(&&json!("view_live")), "{trail}");
        let all = lines.iter().all(|line| line["address"] == "10.20.30.40");
        assert!(all, "{trail}");
        hub.end()
    })
}

/// A ClientHello of TLS 1.2, as an old browser or proxy sends it.
fn old_hello() -> Vec<u8> {
    let extensions: &[u8] = &[
        0x00, 0x0a, 0x00, 0x06, 0x00, 0x04, 0x00, 0x1d, 0x00, 0x17, // groups: x25519, P-256
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, // points: uncompressed
        0x00, 0x0d, 0x00, 0x08, 0x00, 0x06, 0x04, 0x03, 0x08, 0x04, 0x04, 0x01, // signatures
    ];
    let mut body = vec![0x03, 0x03];
    body.extend([7; 32]);
    body.extend([0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0xcc, 0xa9, 1, 0]);
    body.extend([0, u8::try_from(extensions.len()).unwrap_or(0)]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap_or(0);
    let mut hello = vec![0x16, 0x03, 0x01, 0, length + 4, 1, 0, 0, length];
    hello.extend(body);
    hello
}

/// R31: TLS 1.3 at each of the three doors, for browsers, proxies and boxes; 1.2 is refused with
/// the alert that says so.
#[test]
fn tls_before_1_3_is_refused_at_every_door() -> Result<()> {
    run(async {
        let ports = campus().await?.hub.ports;
        for (door, port) in [
            ("people", ports.people),
            ("boxes", ports.boxes),
            ("mqtt", ports.mqtt),
        ] {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(&old_hello())?;
            let mut alert = [0; 7];
            stream.read_exact(&mut alert).context(door)?;
            // An alert, fatal, protocol_version.
            assert_eq!(
                (alert[0], alert[5], alert[6]),
                (0x15, 2, 70),
                "{door}: {alert:?}"
            );
        }
        Ok(())
    })
}
