//! A configuration that cannot work stops the start with one line: what, where, what to do.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xunke_tests::campus::program;

use crate::shared::folder;

/// Any free port.
const FREE: &str = "127.0.0.1:0";

/// Runs a program that must fail within seconds; gives its exit code and what it said.
fn fails(name: &str, arguments: &[&str], config: &Path) -> Result<(i32, String)> {
    let mut child = Command::new(program(name)?)
        .args(arguments)
        .arg("--config")
        .arg(config)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let end = Instant::now() + Duration::from_secs(10);
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            anyhow::bail!("{name} goes on in spite of its configuration");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!said.contains("panicked"), "{said}");
    Ok((output.status.code().context("killed")?, said))
}

/// The configuration of a hub on three doors.
fn hub_config(folder: &Path, doors: [&str; 3], more: &str) -> Result<PathBuf> {
    let path = folder.join("hub.toml");
    let data = folder.join("data");
    let [people, boxes, mqtt] = doors;
    let text = format!(
        "data_dir = {data:?}\n[people]\nlisten = \"{people}\"\n[boxes]\nlisten = \"{boxes}\"\n\
         [mqtt]\nlisten = \"{mqtt}\"\n{more}"
    );
    fs::write(&path, text)?;
    Ok(path)
}

/// One line, which says all of this.
fn says(said: &str, words: &[&str]) -> Result<()> {
    ensure!(said.trim().lines().count() == 1, "one line: {said}");
    for word in words {
        ensure!(said.contains(word), "{word:?} is not said: {said}");
    }
    Ok(())
}

/// Issue "Bad input": a wrong key is named with its line.
#[test]
fn a_wrong_key_of_the_hub_is_named_with_its_line() -> Result<()> {
    let folder = folder("hub-key")?;
    for (more, told) in [
        (
            "[recording]\nuploads_maximum = 3\n",
            "hub.toml:9: recording.uploads_maximum: unknown field",
        ),
        (
            "[recording]\n\nuploads_max = 0\n",
            "hub.toml:10: recording.uploads_max: must be 1 or more",
        ),
        (
            "[checkup]\nat = \"7:30\"\n",
            "hub.toml:9: checkup.at: must be a time of day",
        ),
        ("[recroding]\n", "hub.toml:8: [recroding]: unknown field"),
    ] {
        let config = hub_config(&folder, [FREE; 3], more)?;
        for command in [&["serve"][..], &["seed-demo"], &["verify-trail"]] {
            let (code, said) = fails("xunke-hub", command, &config)?;
            assert_eq!(code, 1, "{said}");
            says(&said, &[told])?;
        }
    }
    Ok(())
}

/// The same for the box.
#[test]
fn a_wrong_key_of_the_box_is_named_with_its_line() -> Result<()> {
    let config = folder("agent-key")?.join("agent.toml");
    for (text, told) in [
        (
            "[hub]\nurl = \"https://hub:8444\"\n[upload]\nkib_per_sec = 3\n",
            "agent.toml:4: upload.kib_per_sec: unknown field",
        ),
        (
            "[hub]\nurl = \"https://hub:8444\"\n[upload]\nhours = \"22-6\"\n",
            "agent.toml:4: upload.hours: \"22-6\" are no hours",
        ),
        (
            "[[camera]]\nname = \"cam0\"\nmain_url = \"http://10.0.0.2/\"\n",
            "agent.toml:3: camera[0].main_url: must begin with rtsp:// or rtsps://",
        ),
        (
            "[[equipment]]\nname = \"beamer\"\nkind = \"http\"\nurl = \"https://10.0.0.9/\"\n",
            "agent.toml:4: equipment[0].url: must begin with http://",
        ),
        (
            "[hub]\nurl = \"https://hub:8444\"\n[commands]\nreboot_file = \"reboot\"\n",
            "agent.toml:4: commands.reboot_file: must be an absolute path",
        ),
        (
            "[light]\nfile = \"/sys/class/leds/onair/brightness\"\nfile_watched = \"0\"\n",
            "agent.toml:3: light.file_watched: must not be what file_idle is",
        ),
        (
            "[light]\nurl_idle = \"http://10.0.0.9/off\"\n",
            "light.url_recording: is missing",
        ),
    ] {
        fs::write(&config, text)?;
        for command in [&["run"][..], &["check"], &["enrol", "--code-file", "-"]] {
            let (code, said) = fails("xunke-agent", command, &config)?;
            assert_eq!(code, 1, "{said}");
            says(&said, &[told])?;
        }
    }
    Ok(())
}

/// A file that is not there is named.
#[test]
fn a_configuration_that_is_not_there_is_named() -> Result<()> {
    let config = folder("no-config")?.join("nowhere.toml");
    for (name, command) in [("xunke-hub", "serve"), ("xunke-agent", "run")] {
        let (code, said) = fails(name, &[command], &config)?;
        assert_eq!(code, 1, "{said}");
        says(&said, &["nowhere.toml", "No such file"])?;
    }
    Ok(())
}

/// Issue "Bad input": a port in use is one line that names the key.
#[test]
fn a_port_in_use_is_named_with_its_key() -> Result<()> {
    let taken = TcpListener::bind(FREE)?;
    let address = taken.local_addr()?.to_string();
    for (door, key) in ["people.listen", "boxes.listen", "mqtt.listen"]
        .iter()
        .enumerate()
    {
        let mut doors = [FREE; 3];
        doors[door] = &address;
        let config = hub_config(&folder("port")?, doors, "")?;
        let (code, said) = fails("xunke-hub", &["serve"], &config)?;
        assert_eq!(code, 1, "{said}");
        says(&said, &[key, &address, "choose a free"])?;
    }
    Ok(())
}

/// A production hub cannot be turned into a demonstration with known passwords.
#[test]
fn the_demo_is_refused_where_others_can_reach_it() -> Result<()> {
    let config = hub_config(
        &folder("demo")?,
        ["0.0.0.0:0", FREE, FREE],
        "[demo]\nenabled = true\n",
    )?;
    for command in [&["serve"][..], &["seed-demo", "--rooms", "1"]] {
        let (code, said) = fails("xunke-hub", command, &config)?;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("demo.enabled"), "{said}");
    }
    let config = hub_config(&folder("no-demo")?, [FREE; 3], "")?;
    let (code, said) = fails("xunke-hub", &["seed-demo", "--rooms", "1"], &config)?;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("demo.enabled"), "{said}");
    Ok(())
}

/// A box that nobody has enrolled says so and what to do.
#[test]
fn a_box_without_identity_says_what_to_do() -> Result<()> {
    let folder = folder("no-identity")?;
    let config = folder.join("agent.toml");
    let state = folder.join("state");
    fs::write(
        &config,
        format!("state_dir = {state:?}\n[hub]\nurl = \"https://127.0.0.1:1\"\n"),
    )?;
    let (code, said) = fails("xunke-agent", &["run"], &config)?;
    assert_eq!(code, 1, "{said}");
    says(&said, &["enrol"])
}
