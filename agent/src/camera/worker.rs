//! The process that stands between a hostile camera and the agent; it holds no keys.
//!
//! The full picture decides: when its session ends, the process says why and ends, and the agent
//! starts a fresh one. The small picture is tried again from within.

use super::intake::{Intake, Outgoing};
use super::luma;
use super::pair::{MAIN, Note, Order, Report, SUB};
use super::pipeline::{Ended, Stream};
use gstreamer as gst;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::io::stdin;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use xunke_protocol::health::CameraState;

/// Reports waiting for the agent: about three seconds of two streams with sound.
const REPORTS_MAX: usize = 256;
const SUB_RETRY_S_MAX: u64 = 30;

/// Runs as `xunke-agent camera-worker`, with a socket pair as file descriptor 0.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("camera-worker: {why}; it is started by `xunke-agent run` only");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    // No orphan stays when the agent is killed; the socket's end tells the rest.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    let socket = stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| error.to_string())?;
    let mut socket = UnixStream::from(socket);
    let order = Order::read(&mut socket).map_err(|error| error.to_string())?;
    if getppid().is_none() {
        return Err("the agent is gone".into());
    }
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    let (outgoing, reports) = sync_channel(REPORTS_MAX);
    let writer = thread::spawn(move || write(socket, &reports));
    let (keyframes, wanted) = sync_channel(1);
    let judge = outgoing.clone();
    thread::spawn(move || look(&wanted, &judge));
    let order = Arc::new(order);
    if order.sub_url.is_some() {
        let (order, outgoing, keyframes) = (order.clone(), outgoing.clone(), keyframes.clone());
        thread::spawn(move || run_sub(&order, &outgoing, &keyframes));
    }
    let ended = run_main(&order, &outgoing, keyframes);
    let (state, detail) = (ended.state, ended.detail);
    let _ = outgoing.send(Some(Report::Note(Note::State { state, detail })));
    let _ = outgoing.send(None);
    let _ = writer.join();
    Ok(())
}

/// Sends reports in order; the process ends when the agent is gone.
fn write(mut socket: UnixStream, reports: &Receiver<Option<Report>>) {
    while let Ok(Some(report)) = reports.recv() {
        if report.write(&mut socket).is_err() {
            std::process::exit(0);
        }
    }
}

fn run_main(order: &Order, outgoing: &Outgoing, keyframes: SyncSender<gst::Sample>) -> Ended {
    let luma = order.sub_url.is_none().then_some(keyframes);
    let intake = Arc::new(Intake::new(MAIN, outgoing.clone(), luma));
    let mut streaming = false;
    let note = |note| {
        let _ = outgoing.try_send(Some(Report::Note(note)));
    };
    let beat = || {
        note(Note::Alive);
        if !streaming && intake.newest_ms().is_some() {
            streaming = true;
            let state = CameraState::Streaming;
            note(Note::State {
                state,
                detail: String::new(),
            });
        }
    };
    stream(order, &order.main_url, order.audio).run(&intake, beat)
}

fn run_sub(order: &Order, outgoing: &Outgoing, keyframes: &SyncSender<gst::Sample>) {
    let mut pause_s = 1;
    while let Some(url) = &order.sub_url {
        let intake = Intake::new(SUB, outgoing.clone(), Some(keyframes.clone()));
        let intake = Arc::new(intake);
        let ended = stream(order, url, false).run(&intake, || {});
        let detail = ended.detail;
        let _ = outgoing.send(Some(Report::Note(Note::SubEnded { detail })));
        thread::sleep(Duration::from_secs(pause_s));
        let worked = intake.newest_ms().is_some();
        pause_s = if worked {
            1
        } else {
            (pause_s * 2).min(SUB_RETRY_S_MAX)
        };
    }
}

fn stream<'a>(order: &'a Order, url: &'a str, audio: bool) -> Stream<'a> {
    Stream {
        url,
        credentials: order.credentials.as_ref(),
        audio,
        connect_ms: order.connect_seconds * 1000,
        stall_ms: order.stall_seconds * 1000,
    }
}

fn look(keyframes: &Receiver<gst::Sample>, outgoing: &Outgoing) {
    let mut told = false;
    while let Ok(keyframe) = keyframes.recv() {
        let note = match luma::of(&keyframe) {
            Ok((mean, variance)) => Note::Luma { mean, variance },
            Err(_) if told => continue,
            Err(error) => {
                told = true;
                let detail = format!("brightness cannot be measured: {error}");
                Note::Ignored { detail }
            }
        };
        let _ = outgoing.try_send(Some(Report::Note(note)));
    }
}
