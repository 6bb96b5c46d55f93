//! Cameras that are not there, refuse the password, talk nonsense or stop sending: all of them on
//! one box, beside one that is well.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xunke_tests::campus::{Process, free_port, program};
use xunke_tests::classroom::{Announcement, Behaviour};
use xunke_tests::clock::now_ms;

use super::alone::Alone;
use crate::shared::run;

/// Ten attempts to open a camera: whoever repeats himself is caught.
const WATCHED: Duration = Duration::from_secs(20);
const LINES_MAX: usize = 3;
const SOON: Duration = Duration::from_secs(20);

/// Name, state on the IT centre's page, fault, and what the log must say.
const BAD: [(&str, &str, &str, &str); 4] = [
    (
        "absent",
        "unreachable",
        "CAM_NO_SIGNAL",
        "check its power, cable and address",
    ),
    (
        "locked",
        "unauthorized",
        "CAM_UNAUTHORIZED",
        "check credentials_file",
    ),
    ("nonsense", "garbage", "CAM_GARBAGE", "check its address"),
    ("stopping", "stalled", "CAM_STALLED", "has stopped sending"),
];

/// A camera of no room.
struct Stray {
    process: Process,
    up: Announcement,
}

impl Stray {
    fn start(name: &str, folder: &Path) -> Result<Self> {
        let arguments = ["classroom", "--room", name];
        let process = Process::start(name, &program("xunke-tests")?, arguments, folder)?;
        let up = serde_json::from_str(&process.line(SOON)?)?;
        Ok(Self { process, up })
    }

    fn befall(&mut self, behaviour: Behaviour) -> Result<()> {
        self.process.tell(&json!({ "do": behaviour }).to_string())?;
        self.process.line(SOON).map(drop)
    }
}

fn block(name: &str, camera: &Announcement, credentials: &Path) -> String {
    let Announcement { main, sub, .. } = camera;
    format!(
        "[[camera]]\nname = {name:?}\nmain_url = {main:?}\nsub_url = {sub:?}\n\
         credentials_file = {credentials:?}\n"
    )
}

/// Adds the bad cameras to the box's configuration.
fn configure(alone: &mut Alone, nonsense: &Stray, stopping: &Stray) -> Result<()> {
    let room = alone.room();
    let (right, wrong) = (
        room.folder().join("stray.credentials"),
        room.folder().join("wrong.credentials"),
    );
    let write =
        |file: &Path, user: &str, password: &str| fs::write(file, format!("{user}\n{password}\n"));
    write(&right, &stopping.up.user, &stopping.up.password)?;
    write(&wrong, &room.camera.user, "not the password")?;
    let nobody = format!("rtsp://127.0.0.1:{}/main", free_port()?);
    let absent = Announcement {
        main: nobody.clone(),
        sub: nobody,
        ..stopping.up.clone()
    };
    let bad = [
        block("absent", &absent, &right),
        block("locked", &room.camera, &wrong),
        block("nonsense", &nonsense.up, &right),
        block("stopping", &stopping.up, &right),
    ];
    let quick = "[intake]\nconnect_seconds = 3\nstall_seconds = 2\n";
    room.configure(|text| text.replace("[intake]\n", quick) + &bad.concat())
}

fn state_of<'a>(device: &'a Value, name: &str) -> Option<&'a str> {
    let mut cameras = device["health"]["cameras"].as_array()?.iter();
    cameras.find(|one| one["source"] == name)?["state"].as_str()
}

/// Issue "Bad input": each gets one clear line, nothing crashes, nothing recorded is lost.
#[test]
fn each_bad_camera_is_told_of_once_and_the_good_one_is_recorded() -> Result<()> {
    run(async {
        let mut alone = Alone::start("cameras").await?;
        let folder = alone.room().folder().to_owned();
        let mut nonsense = Stray::start("nonsense", &folder)?;
        let mut stopping = Stray::start("stopping", &folder)?;
        nonsense.befall(Behaviour::Garbage)?;
        configure(&mut alone, &nonsense, &stopping)?;
        alone.run_agent()?;
        let streams = |device: &Value| state_of(device, "stopping") == Some("streaming");
        alone.until_device("the camera streams", streams).await?;
        stopping.befall(Behaviour::Freeze)?;
        let found = |device: &Value| {
            BAD.iter()
                .all(|(name, state, ..)| state_of(device, name) == Some(state))
        };
        alone.until_device("every state", found).await?;
        tokio::time::sleep(WATCHED).await;
        let device = alone.device().await?;
        ensure!(
            found(&device) && state_of(&device, "cam0") == Some("streaming"),
            "{device}"
        );
        let said = alone.box_said()?;
        for (name, _, code, clear) in BAD {
            is_told_once(&said, name, clear)?;
            alone.until_fault(name, code, true).await?;
        }
        let footage = alone.until_whole_to(now_ms()).await?;
        alone.play_back(&footage).await
    })
}

fn is_told_once(said: &str, name: &str, clear: &str) -> Result<()> {
    let source = format!("source={name}");
    let about = said.lines().filter(|line| line.contains(&source));
    let lines: Vec<_> = about
        .filter(|line| !line.contains("camera streams"))
        .collect();
    let told = lines.iter().filter(|line| line.contains(clear)).count();
    ensure!(told == 1, "{name} is told of {told} times: {lines:#?}");
    let few = lines.len() <= LINES_MAX;
    ensure!(few, "{name} has {} lines: {lines:#?}", lines.len());
    Ok(())
}
