//! `xunke-agent camera probe` and `discover`: each camera is told of truly, each bad one in a line.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xunke_tests::onvif::{Manners, Media, Nonsense, Proof, Responder};

use super::{agent, camera, complaint, credentials, probe};
use crate::shared::run;

/// An answer is waited for 10 s; the machine may be busy besides.
const LONGEST: Duration = Duration::from_secs(40);

/// X62: what a technician must know, of cameras with the habits of many vendors.
#[test]
fn a_camera_is_told_of_truly() -> Result<()> {
    type Habit = (&'static str, fn(&mut Manners), &'static str, i64);
    let habits: [Habit; 6] = [
        ("token", |_| {}, "ws-security", 0),
        (
            "digest",
            |manners| manners.proof = Proof::Http,
            "http-digest",
            0,
        ),
        (
            "old",
            |manners| (manners.media, manners.no_services) = (Media::First, true),
            "ws-security",
            0,
        ),
        ("open", |manners| manners.proof = Proof::None, "none", 0),
        (
            "path",
            |manners| manners.path = "/odd/path.cgi?x=1".into(),
            "ws-security",
            0,
        ),
        (
            "zone",
            |manners| manners.skew_ms = -28_800_000,
            "ws-security",
            -28_800_000,
        ),
    ];
    run(async {
        for (name, habit, way, skew_ms) in habits {
            let camera = camera(habit).await?;
            let found = probe(&camera.url, &[])?;
            let context = format!("{name}: {found:#}");
            ensure!(
                found["model"] == "SIM-1080" && found["serial"] == "0042",
                "{context}"
            );
            ensure!(found["manufacturer"] == "Xunke & Co", "{context}");
            ensure!(found["authentication"] == way, "{context}");
            let told_ms = found["clock_skew_ms"].as_i64().context("no clock")?;
            ensure!((told_ms - skew_ms).abs() < 5_000, "{context}");
            let main = &found["profiles"][0];
            let expect = json!(["H264", 1920, 1080, 50, 4096]);
            let got = ["codec", "width", "height", "gop_frames", "kbit_per_second"];
            ensure!(json!(got.map(|key| &main[key])) == expect, "{context}");
            // 0.0.0.0 is what cameras write that do not know their own address.
            ensure!(main["url"] == "rtsp://127.0.0.1:9/main", "{context}");
            let events = found["events"].to_string();
            ensure!(
                events.contains("VideoSource/ImageTooDark/ImagingService"),
                "{context}"
            );
            ensure!(found["troubles"] == json!([]), "{context}");
            let advice = found["advice"].to_string();
            ensure!(
                advice.contains("set its time zone") == (skew_ms != 0),
                "{context}"
            );
            ensure!(
                advice.contains("authentication is off") == (way == "none"),
                "{context}"
            );
        }
        Ok(())
    })
}

/// X62: a camera whose clock begins in 1970 is answered in 1970.
#[test]
fn a_clock_in_1970_is_told_and_does_not_matter() -> Result<()> {
    run(async {
        let camera = camera(|manners| manners.skew_ms = -xunke_tests::clock::now_ms()).await?;
        let found = probe(&camera.url, &[])?;
        ensure!(found["model"] == "SIM-1080", "{found:#}");
        ensure!(
            found["advice"].to_string().contains("从未校准"),
            "{found:#}"
        );
        Ok(())
    })
}

#[test]
fn people_read_chinese_first() -> Result<()> {
    run(async {
        let camera = camera(|manners| manners.skew_ms = 28_800_000).await?;
        let file = credentials("p&ss <word>")?;
        let file = file.to_str().context("a path of letters")?;
        let asked = ["probe", &camera.url, "--credentials-file", file];
        let text = String::from_utf8(agent(&asked)?.stdout)?;
        ensure!(
            text.contains("型号: SIM-1080") && text.contains("请设置时区"),
            "{text}"
        );
        let english = String::from_utf8(agent(&[&asked[..], &["--lang", "en"]].concat())?.stdout)?;
        ensure!(english.contains("model: SIM-1080"), "{english}");
        ensure!(english.contains("set its time zone"), "{english}");
        ensure!(
            english.contains("main: H264 1920×1080, 25/s, GOP 50, 4096 kbit/s"),
            "{english}"
        );
        Ok(())
    })
}

/// X62: whatever a camera answers, the end comes soon and says in one line what is wrong.
#[test]
fn nonsense_is_told_in_one_line() -> Result<()> {
    let bad = [
        (Nonsense::Html, "not ONVIF"),
        (Nonsense::Laughs, "document type"),
        (Nonsense::Deep, "beyond all need"),
        (Nonsense::Oversize, "more than 512 KiB"),
        (Nonsense::Missing, "HTTP status 404: check the path"),
        (Nonsense::Torn, "ended the connection"),
        (Nonsense::Silence, "within 10 s"),
        (Nonsense::Slow, "within 10 s"),
        (
            Nonsense::Fault("ActionNotSupported"),
            "refuses GetCapabilities: ActionNotSupported",
        ),
        (
            Nonsense::Fault("NotAuthorized"),
            "refuses name and password",
        ),
        (
            Nonsense::Redirect("file:///etc/passwd".into()),
            "no address",
        ),
    ];
    run(async {
        let camera = camera(|_| {}).await?;
        for (nonsense, expect) in bad {
            camera.change(|manners| manners.says = Some(nonsense.clone()));
            let began = Instant::now();
            let said = complaint(&camera.url, &[])?;
            ensure!(said.contains(expect), "{nonsense:?}: {said}");
            ensure!(
                began.elapsed() < LONGEST,
                "{nonsense:?} takes {:?}",
                began.elapsed()
            );
        }
        Ok(())
    })
}

/// A wrong password and an address with one are told so; neither is repeated.
#[test]
fn a_wrong_password_is_told_and_never_repeated() -> Result<()> {
    run(async {
        for proof in [Proof::Token, Proof::Http] {
            let camera = camera(|manners| manners.proof = proof).await?;
            let file = credentials("not the password")?;
            let file = file.to_str().context("a path of letters")?;
            let output = agent(&["probe", &camera.url, "--json", "--credentials-file", file])?;
            let text = String::from_utf8(output.stdout)?;
            ensure!(
                text.contains("refuses name and password by ONVIF"),
                "{proof:?}: {text}"
            );
            ensure!(!text.contains("not the password"), "{text}");
        }
        let said = complaint("http://admin:s3cret-word>@127.0.0.1/", &[])?;
        ensure!(said.contains("no address"), "{said}");
        Ok(())
    })
}

/// X62: what answers is listed; what it names besides itself is not.
#[test]
fn cameras_that_answer_a_call_are_listed() -> Result<()> {
    run(async {
        let ip = Ipv4Addr::new(127, 0, 0, 77);
        let both = "http://127.0.0.77/onvif/device_service http://10.9.9.9/onvif";
        let _responder = Responder::start(ip, both).await?;
        let asked = ["discover", "--json", "--seconds", "1", "--network"];
        let found = agent(&[&asked[..], &["127.0.0.77/32"]].concat())?;
        let found: serde_json::Value = serde_json::from_slice(&found.stdout)?;
        let one = &found["cameras"][0];
        ensure!(
            one["address"] == "127.0.0.77" && one["name"] == "Sim camera",
            "{found:#}"
        );
        ensure!(
            one["urls"] == json!(["http://127.0.0.77/onvif/device_service"]),
            "{found:#}"
        );
        ensure!(one["refused"].to_string().contains("10.9.9.9"), "{found:#}");
        let other = agent(&[&asked[..], &["127.0.0.78/32"]].concat())?;
        let other: serde_json::Value = serde_json::from_slice(&other.stdout)?;
        ensure!(other["cameras"] == json!([]), "{other:#}");
        let wide = agent(&["discover", "--network", "0.0.0.0/0"])?;
        ensure!(String::from_utf8_lossy(&wide.stderr).contains("too wide"));
        Ok(())
    })
}
