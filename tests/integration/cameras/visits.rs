//! `xunke-agent camera probe rtsp://…` and `camera aim`: numbers and advice for a technician,
//! through a confined worker (R65, X56, X62).

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use xunke_tests::camera::{Options, Quirk, Scheme, SimulatedCamera, SoundCodec};
use xunke_tests::campus::program;

use super::watched::Watched;
use crate::shared::{folder, run};

/// Its account in a file, as the agent wants it.
fn credentials(name: &str, user: &str, password: &str) -> Result<PathBuf> {
    let file = folder("visits")?.join(name);
    std::fs::write(&file, format!("{user}\n{password}\n"))?;
    Ok(file)
}

/// Runs `xunke-agent camera …` beside the camera.
async fn agent(arguments: Vec<String>) -> Result<Output> {
    let program = program("xunke-agent")?;
    let mut command = Command::new(program);
    command
        .arg("camera")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("RUST_LOG", "warn");
    Ok(spawn_blocking(move || command.output()).await??)
}

/// What a visit prints as JSON, and whether it ended well.
async fn visit(
    what: &str,
    camera: &SimulatedCamera,
    password: Option<&str>,
    more: &[&str],
) -> Result<(Vec<Value>, bool)> {
    let (user, own) = camera.account();
    let name = camera.address().port().to_string();
    let file = credentials(&name, user, password.unwrap_or(own))?;
    let file = file.to_str().context("a path of letters")?.to_owned();
    let mut arguments = vec![what.into(), camera.url("main"), "--json".into()];
    arguments.extend(["--credentials-file".into(), file]);
    arguments.extend(more.iter().map(ToString::to_string));
    let output = agent(arguments).await?;
    let (text, said) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    ensure!(
        !(text.clone() + &said).contains(own),
        "the password is told: {text} {said}"
    );
    let lines = text.lines().map(serde_json::from_str);
    let lines = lines.collect::<Result<Vec<Value>, _>>();
    Ok((
        lines.with_context(|| format!("{text}\n{said}"))?,
        output.status.success(),
    ))
}

async fn probed(options: Options, more: &[&str]) -> Result<Value> {
    let camera = SimulatedCamera::start(options).await?;
    let (mut found, well) = visit("probe", &camera, None, more).await?;
    let found = found.pop().context("nothing is told")?;
    ensure!(well, "{found:#}");
    Ok(found)
}

/// X62: what a technician must know of a stream.
#[test]
fn a_stream_is_told_of_truly() -> Result<()> {
    run(async {
        let found = probed(Options::default(), &["--seconds", "5"]).await?;
        let keys = [
            "tls",
            "transport",
            "authentication",
            "codec",
            "size",
            "clock_steps",
        ];
        let expect = json!([false, "TCP", "Digest MD5", "H264", "640×360", 0]);
        ensure!(json!(keys.map(|key| &found[key])) == expect, "{found:#}");
        let rate = found["frames_per_second"].as_f64().unwrap_or(0.0);
        ensure!((15.0..35.0).contains(&rate), "{found:#}");
        let kbit = found["kbit_per_second"].as_f64().unwrap_or(0.0);
        ensure!((100.0..3_000.0).contains(&kbit), "{found:#}");
        ensure!(found["keyframe_seconds"].as_f64().is_some(), "{found:#}");
        ensure!(found["sound"] == "AAC 48000 Hz ×1", "{found:#}");
        ensure!(found["troubles"] == json!([]), "{found:#}");
        Ok(())
    })
}

/// X56, X62: what is not good is told with what to set.
#[test]
fn a_camera_that_is_not_set_well_is_told_what_to_mend() -> Result<()> {
    run(async {
        let careless = Options {
            quirk: Some(Quirk::TimeRunsSlow),
            scheme: Scheme::Basic,
            sound: None,
            ..Options::default()
        };
        let found = probed(careless, &["--seconds", "12"]).await?;
        let advice = found["advice"].to_string();
        ensure!(found["authentication"] == "Basic", "{found:#}");
        let rough = found["clock_rate"].as_f64().unwrap_or(0.0);
        ensure!((0.8..0.97).contains(&rough), "{found:#}");
        for part in ["shows the password", "no sound", "s each second"] {
            ensure!(advice.contains(part), "{part}: {found:#}");
        }
        Ok(())
    })
}

/// X56: sound of G.711 is measured without a decoder, and a camera behind TLS is watched as well.
#[test]
fn sound_of_g711_behind_tls_is_measured() -> Result<()> {
    run(async {
        let options = Options {
            sound: Some(SoundCodec::Alaw),
            tls: true,
            ..Options::default()
        };
        let camera = SimulatedCamera::start(options).await?;
        let (pin, _) = camera.certificate().context("no certificate")?;
        let more = ["--seconds", "5", "--tls-sha256", &pin];
        let (found, well) = visit("probe", &camera, None, &more).await?;
        let found = found.last().context("nothing is told")?;
        ensure!(well && found["tls"] == true, "{found:#}");
        ensure!(found["authentication"] == "Digest MD5", "{found:#}");
        ensure!(found["sound"] == "G.711 8000 Hz ×1", "{found:#}");
        let loud = found["sound_dbfs"].as_f64().unwrap_or(-999.0);
        ensure!((-60.0..=0.0).contains(&loud), "{found:#}");
        Ok(())
    })
}

#[test]
fn a_camera_that_sends_nothing_is_told_why() -> Result<()> {
    run(async {
        let camera = SimulatedCamera::start(Options::default()).await?;
        let wrong = Some("not the password");
        let (found, well) = visit("probe", &camera, wrong, &[]).await?;
        let found = found.last().context("nothing is told")?;
        ensure!(!well && found["picture"] == false, "{found:#}");
        let advice = found["advice"].to_string();
        ensure!(advice.contains("refuses name and password"), "{found:#}");
        ensure!(!found.to_string().contains("not the password"), "{found:#}");
        Ok(())
    })
}

/// A camera that serves one viewer, while the box records it: the recording is not disturbed.
#[test]
fn a_camera_that_is_being_recorded_says_so() -> Result<()> {
    run(async {
        let options = Options {
            quirk: Some(Quirk::NotEnoughBandwidth),
            ..Options::default()
        };
        let watched = Watched::start("visited", options).await?;
        let some = |watched: &Watched| watched.main(|seen| seen.shots.len()) >= 25;
        watched.until("it is recorded", some).await?;
        let (found, well) = visit("probe", &watched.camera, None, &[]).await?;
        let found = found.last().context("nothing is told")?;
        ensure!(!well, "{found:#}");
        ensure!(found["troubles"].to_string().contains("453"), "{found:#}");
        ensure!(
            found["advice"].to_string().contains("systemctl stop"),
            "{found:#}"
        );
        ensure!(watched.camera.tally("main").sessions == 1, "disturbed");
        Ok(())
    })
}

/// R65's aid for technicians: numbers again and again, and never a picture.
#[test]
fn a_camera_is_aimed_by_numbers() -> Result<()> {
    run(async {
        let camera = SimulatedCamera::start(Options::default()).await?;
        let (readings, well) = visit("aim", &camera, None, &["--seconds", "15"]).await?;
        ensure!(well && readings.len() >= 2, "{readings:?}");
        for reading in &readings {
            let keys = reading.as_object().map(|all| all.keys().cloned().collect());
            let keys: Vec<String> = keys.context("no object")?;
            let known = [
                "best",
                "bright_percent",
                "brightness",
                "hints",
                "sharpness",
                "tilt_degrees",
            ];
            ensure!(keys == known, "{reading:#}");
            let brightness = reading["brightness"].as_f64().unwrap_or(-1.0);
            ensure!((1.0..255.0).contains(&brightness), "{reading:#}");
        }
        ensure!(camera.tally("main").open_max == 1, "one session");
        let (_, well) = visit("aim", &camera, Some("wrong"), &[]).await?;
        ensure!(!well, "a wrong password aims nothing");
        Ok(())
    })
}
