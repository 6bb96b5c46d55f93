//! Bad input gets one clear line: what, where, what to do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xunke_tests::campus::program;

use crate::shared::folder;

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

fn hub_config(folder: &Path, people: &str, more: &str) -> Result<std::path::PathBuf> {
    let path = folder.join("hub.toml");
    let data = folder.join("data");
    let text = format!(
        "data_dir = {data:?}\n[people]\nlisten = \"{people}\"\n[boxes]\nlisten = \"127.0.0.1:0\"\n\
         [mqtt]\nlisten = \"127.0.0.1:0\"\n{more}"
    );
    fs::write(&path, text)?;
    Ok(path)
}

/// Issue "Bad input": a wrong key is named with its line.
#[test]
fn a_wrong_key_of_the_hub_is_named_with_its_line() -> Result<()> {
    let folder = folder("hub-key")?;
    let config = hub_config(&folder, "127.0.0.1:0", "[recording]\nuploads_maximum = 3\n")?;
    let (code, said) = fails("xunke-hub", &["serve"], &config)?;
    assert_eq!(code, 1, "{said}");
    for word in ["uploads_maximum", "hub.toml", "9"] {
        assert!(said.contains(word), "{word} is not named: {said}");
    }
    Ok(())
}

/// The same for the box.
#[test]
fn a_wrong_key_of_the_box_is_named_with_its_line() -> Result<()> {
    let config = folder("agent-key")?.join("agent.toml");
    fs::write(
        &config,
        "[hub]\nurl = \"https://hub:8444\"\n[upload]\nkib_per_sec = 3\n",
    )?;
    for command in ["run", "check"] {
        let (code, said) = fails("xunke-agent", &[command], &config)?;
        assert_eq!(code, 1, "{said}");
        for word in ["kib_per_sec", "agent.toml", "4"] {
            assert!(said.contains(word), "{word} is not named: {said}");
        }
    }
    Ok(())
}

/// Issue "Bad input": a port in use is one line that names the key.
#[test]
fn a_port_in_use_is_named_with_its_key() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let config = hub_config(&folder("port")?, &address, "")?;
    let (code, said) = fails("xunke-hub", &["serve"], &config)?;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("people.listen") && said.contains(&address),
        "{said}"
    );
    assert_eq!(said.trim().lines().count(), 1, "one line: {said}");
    Ok(())
}

/// A production hub cannot be turned into a demonstration with known passwords.
#[test]
fn the_demo_is_refused_where_others_can_reach_it() -> Result<()> {
    let config = hub_config(&folder("demo")?, "0.0.0.0:0", "[demo]\nenabled = true\n")?;
    for command in [&["serve"][..], &["seed-demo", "--rooms", "1"]] {
        let (code, said) = fails("xunke-hub", command, &config)?;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("demo.enabled"), "{said}");
    }
    let config = hub_config(&folder("no-demo")?, "127.0.0.1:0", "")?;
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
    assert!(said.contains("enrol"), "{said}");
    Ok(())
}
