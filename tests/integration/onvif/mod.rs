//! Cameras asked by ONVIF: what a technician is told, what points elsewhere, and a box that runs.

mod technician;
mod elsewhere;
mod running;

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xunke_tests::campus::program;
use xunke_tests::onvif::{Manners, OnvifCamera};

use crate::shared::folder;

/// Where the simulated cameras are.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another address of this machine: not the camera.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

async fn camera(change: impl FnOnce(&mut Manners)) -> Result<OnvifCamera> {
    let mut manners = Manners::good("rtsp://0.0.0.0:9/main", "rtsp://0.0.0.0:9/sub");
    change(&mut manners);
    OnvifCamera::start(HERE, manners).await
}

/// The camera's name and password in a file, as the agent wants them; one for each asking, for
/// tests run side by side.
fn credentials(password: &str) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = folder("onvif")?.join(number.to_string());
    let mut open = fs::File::options();
    let mut open = open
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&file)?;
    writeln!(open, "admin\n{password}")?;
    Ok(file)
}

fn agent(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(program("xunke-agent")?);
    command
        .arg("camera")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("RUST_LOG", "info");
    Ok(command.output()?)
}

/// What `camera probe` finds out, as JSON.
fn probe(url: &str, extra: &[&str]) -> Result<Value> {
    let file = credentials("p&ss <word>")?;
    let file = file.to_str().context("a path of letters")?;
    let output = agent(&[&["probe", url, "--json", "--credentials-file", file], extra].concat())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What `camera probe` complains of: one line.
fn complaint(url: &str, extra: &[&str]) -> Result<String> {
    let file = credentials("p&ss <word>")?;
    let file = file.to_str().context("a path of letters")?;
    let output = agent(&[&["probe", url, "--credentials-file", file], extra].concat())?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        !output.status.success() && said.lines().count() == 1,
        "{said}"
    );
    ensure!(!said.contains("word>"), "the password is told: {said}");
    Ok(said)
}
