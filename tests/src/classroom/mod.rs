//! A simulated classroom: a real RTSP camera that shows a lively test lesson.
//!
//! strip → scene → mood → lens → stream → camera → script
//!
//! Every picture says when it was painted, so that whoever shows it can be timed.

pub mod strip;
mod glyphs;
mod canvas;
mod scene;
mod melody;
mod mood;
mod lens;
mod stream;
mod camera;
mod script;

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result};
use gstreamer as gst;
use gstreamer_rtsp_server::glib;
use serde::{Deserialize, Serialize};

/// What a test lesson looks and sounds like.
pub mod lesson {
    pub use super::melody::{RATE, samples};
    pub use super::scene::Scene;
}

pub use camera::Behaviour;
pub use script::Event;
pub use stream::{FRAMES_PER_SECOND, GOP_FRAMES, Sound};

use camera::{Camera, Credentials, check_elements};

/// How to start a classroom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name written on the blackboard.
    pub room: String,
    /// How the melody is encoded.
    pub sound: Sound,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// What befalls the camera by itself.
    pub script: Option<PathBuf>,
}

/// What a classroom prints, as one JSON line, once it is up. The URLs carry no password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Announcement {
    /// Name of the room.
    pub room: String,
    /// RTSP port on 127.0.0.1.
    pub port: u16,
    /// URL of the main stream.
    pub main: String,
    /// URL of the sub stream.
    pub sub: String,
    /// Login for both.
    pub user: String,
    /// Password for both, new at every start.
    pub password: String,
    /// Process id.
    pub pid: u32,
}

/// What a classroom prints, as one JSON line, when an event has happened or could not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Which.
    pub event: Event,
    /// Why it could not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// Runs a classroom until the process is ended. Events come from the script and, as JSON lines,
/// from standard input; each is answered on standard output, see [`Answer`].
///
/// # Errors
/// The port is in use, the script cannot be read, or GStreamer lacks a part.
pub fn run(options: &Options) -> Result<()> {
    let events = options
        .script
        .as_deref()
        .map_or_else(|| Ok(vec![]), |path: &Path| script::load(path))?;
    gst::init().context("GStreamer cannot start")?;
    check_elements()?;
    let password = uuid::Uuid::now_v7().simple().to_string();
    let credentials = Credentials {
        user: "xunke".into(),
        password,
    };
    let camera = Camera::start(
        &options.room,
        options.sound,
        options.port,
        credentials.clone(),
    )?;
    announce(&options.room, camera.port(), credentials)?;
    let camera = Arc::new(Mutex::new(camera));
    for event in events {
        let camera = Arc::clone(&camera);
        glib::timeout_add_once(event.after(), move || happen(&camera, event));
    }
    thread::spawn(move || listen_to_stdin(&camera));
    glib::MainLoop::new(None, false).run();
    Ok(())
}

fn announce(room: &str, port: u16, Credentials { user, password }: Credentials) -> Result<()> {
    let url = |path| format!("rtsp://127.0.0.1:{port}/{path}");
    let announcement = Announcement {
        room: room.to_owned(),
        port,
        main: url("main"),
        sub: url("sub"),
        user,
        password,
        pid: std::process::id(),
    };
    println!("{}", serde_json::to_string(&announcement)?);
    Ok(())
}

fn listen_to_stdin(camera: &Arc<Mutex<Camera>>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match script::parse(&line) {
            Ok(event) => {
                let camera = Arc::clone(camera);
                glib::timeout_add_once(event.after(), move || happen(&camera, event));
            }
            Err(error) => eprintln!("classroom: {error:#}"),
        }
    }
}

fn happen(camera: &Mutex<Camera>, event: Event) {
    let mut camera = camera
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let failed = camera.suffer(event.behaviour).err();
    let failed = failed.map(|error| format!("{error:#}"));
    println!("{}", serde_json::json!(Answer { event, failed }));
}
