//! One session with a video device: from its pictures to frames. Worker process only.

use super::choice::choose;
use super::enumerate;
use super::mode::{Encoding, Mode};
use super::pipeline::{Chain, Encoder, describe};
use crate::camera::codec::Video;
use crate::camera::intake::{Intake, Outgoing};
use crate::camera::looks::{Looks, Wanted};
use crate::camera::pair::{MAIN, Plugged, SUB};
use crate::camera::rtsp::Ended;
use crate::clock;
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::glib;
use std::io::ErrorKind;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tokio::select;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{interval, sleep};
use xunke_protocol::health::{CameraState, Side};

/// How often silence is looked for, and the agent told that this process lives.
const BEAT: Duration = Duration::from_millis(400);
/// Pictures on their way to this thread.
const SAMPLES_MAX: usize = 8;
/// After an error the kernel needs a moment to take the device's file away.
const GOES: Duration = Duration::from_millis(300);
const SOURCE: &str = "v4l2src name=camera";

/// How long a session may be silent, and what to look at.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// It must bring frames within this time.
    pub connect_ms: u64,
    /// And then never pause longer than this.
    pub stall_ms: u64,
    /// A keyframe is looked at this often; `None` for never.
    pub look_ms: Option<u64>,
}

/// Why a chain no longer runs.
#[derive(Debug)]
enum Failure {
    /// It brought no frame: another encoder may.
    Start(glib::Error),
    /// It did.
    Stream(glib::Error),
    /// Nothing comes.
    Silent(String),
}

/// Takes the device's pictures until it ends. `beat` is called about twice a second.
pub async fn run(
    camera: &Plugged,
    limits: Limits,
    (outgoing, wanted): (&Outgoing, &SyncSender<Wanted>),
    mut beat: impl FnMut(&mut Intake),
) -> Ended {
    let (mode, encoders) = match prepare(camera) {
        Ok(prepared) => prepared,
        Err(ended) => return ended,
    };
    // The small picture is looked at where there is one.
    let encoded = mode.encoding != Encoding::H264;
    let looks = |look: bool| Looks::new(wanted.clone(), limits.look_ms.filter(|_| look));
    let mut intakes = Intakes {
        main: Intake::new(MAIN, outgoing.clone(), looks(!encoded)),
        sub: Intake::new(SUB, outgoing.clone(), looks(encoded)),
        alone: !encoded,
    };
    let mut failure = None;
    for encoder in encoders {
        let text = describe(SOURCE, &mode, encoder);
        let ended = session(&text, camera, limits, &mut intakes, &mut beat).await;
        let again = matches!(ended, Failure::Start(_)) && !is_gone(camera).await;
        failure = Some(ended);
        if !again {
            break;
        }
    }
    match failure {
        Some(failure) => judge(failure, camera).await,
        None => missing(),
    }
}

/// The mode, and who may encode: nobody for the device's own H.264.
fn prepare(camera: &Plugged) -> Result<(Mode, Vec<Option<Encoder>>), Ended> {
    let ended = |state, side, detail: String| Ended {
        state,
        side: Some(side),
        detail,
    };
    let modes = enumerate::modes(&camera.node).map_err(|error| {
        let state = match error.kind() {
            ErrorKind::PermissionDenied => CameraState::Unauthorized,
            _ => CameraState::Unreachable,
        };
        ended(state, Side::Camera, format!("it cannot be opened: {error}"))
    })?;
    let none = || {
        let offered: Vec<_> = modes.iter().take(8).map(ToString::to_string).collect();
        let detail = format!(
            "no picture up to 1920x1080 is offered; {}",
            offered.join(", ")
        );
        ended(CameraState::Garbage, Side::Camera, detail)
    };
    let mode = choose(&modes).ok_or_else(none)?;
    gst::init().map_err(|error| ended(CameraState::Garbage, Side::Box, error.to_string()))?;
    if mode.encoding == Encoding::H264 {
        return Ok((mode, vec![None]));
    }
    let hardware = !camera.encoders.is_empty();
    let encoders = Encoder::installed(hardware).into_iter();
    Ok((mode, encoders.map(Some).collect()))
}

fn missing() -> Ended {
    Ended {
        state: CameraState::Garbage,
        side: Some(Side::Box),
        detail: "no H.264 encoder is installed: install gstreamer1.0-plugins-ugly".into(),
    }
}

/// Both pictures.
struct Intakes {
    main: Intake,
    sub: Intake,
    /// There is one picture for both: making a small one would mean to decode.
    alone: bool,
}

impl Intakes {
    fn take(&mut self, handle: u16, sample: &gst::Sample) {
        let Some(buffer) = sample.buffer() else {
            return;
        };
        let Ok(map) = buffer.map_readable() else {
            return;
        };
        // When it was captured, by the machine's steady clock.
        let stamp = buffer.pts().map_or(0, gst::ClockTime::useconds);
        let stamp_us = i64::try_from(stamp).unwrap_or(i64::MAX);
        let unit = Bytes::copy_from_slice(&map);
        let main = (handle == MAIN).then_some(&mut self.main);
        let sub = (handle == SUB || self.alone).then_some(&mut self.sub);
        for intake in main.into_iter().chain(sub) {
            describe_picture(sample, intake);
            intake.video(stamp_us, unit.clone());
        }
    }
}

fn describe_picture(sample: &gst::Sample, intake: &mut Intake) {
    let Some(caps) = sample.caps().and_then(|caps| caps.structure(0)) else {
        return;
    };
    let side = |name| {
        caps.get::<i32>(name)
            .ok()
            .and_then(|n| u32::try_from(n).ok())
    };
    let described = caps.get::<gst::Buffer>("codec_data").ok();
    let (Some(width), Some(height), Some(described)) = (side("width"), side("height"), described)
    else {
        return;
    };
    if let Ok(map) = described.map_readable() {
        intake.video_config(Video::H264, &map, width, height);
    }
}

/// Runs one chain until it ends.
async fn session(
    text: &str,
    camera: &Plugged,
    limits: Limits,
    intakes: &mut Intakes,
    beat: &mut impl FnMut(&mut Intake),
) -> Failure {
    let (sender, mut samples) = channel(SAMPLES_MAX);
    let opened_ms = clock::mono_ms();
    let chain = match Chain::start(text, &camera.node, &sender) {
        Ok(chain) => chain,
        Err(error) => return Failure::Start(error),
    };
    drop(sender);
    let failure = receive(&chain, &mut samples, limits, opened_ms, intakes, beat).await;
    // A sender that waits for room must not hold the end of its chain up.
    drop(samples);
    drop(chain);
    failure
}

async fn receive(
    chain: &Chain,
    samples: &mut Receiver<(u16, gst::Sample)>,
    limits: Limits,
    opened_ms: u64,
    intakes: &mut Intakes,
    beat: &mut impl FnMut(&mut Intake),
) -> Failure {
    let mut beats = interval(BEAT);
    loop {
        select! {
            Some((handle, sample)) = samples.recv() => intakes.take(handle, &sample),
            _ = beats.tick() => {
                beat(&mut intakes.main);
                intakes.sub.flush();
                if let Some(error) = chain.failure() {
                    while let Ok((handle, sample)) = samples.try_recv() {
                        intakes.take(handle, &sample);
                    }
                    return match intakes.main.newest_ms() {
                        Some(_) => Failure::Stream(error),
                        None => Failure::Start(error),
                    };
                }
                let newest_ms = intakes.main.newest_ms();
                if let Some(detail) = overdue(newest_ms, opened_ms, limits) {
                    return Failure::Silent(detail);
                }
            }
        }
    }
}

fn overdue(newest_ms: Option<u64>, opened_ms: u64, limits: Limits) -> Option<String> {
    let since = |ms: u64| clock::mono_ms().saturating_sub(ms);
    let (passed_ms, most_ms) = match newest_ms {
        Some(newest_ms) => (since(newest_ms), limits.stall_ms),
        None => (since(opened_ms), limits.connect_ms),
    };
    (passed_ms > most_ms).then(|| format!("no picture for {most_ms} ms"))
}

async fn is_gone(camera: &Plugged) -> bool {
    sleep(GOES).await;
    !camera.node.exists()
}

async fn judge(failure: Failure, camera: &Plugged) -> Ended {
    let (state, side, detail) = match failure {
        _ if is_gone(camera).await => (
            CameraState::Unreachable,
            Side::Camera,
            "it was unplugged".to_owned(),
        ),
        Failure::Silent(detail) => (CameraState::Stalled, Side::Camera, detail),
        Failure::Stream(error) => (CameraState::Stalled, Side::Camera, error.to_string()),
        Failure::Start(error) if error.matches(gst::ResourceError::Busy) => (
            CameraState::Unreachable,
            Side::Box,
            format!("another program uses it: {error}"),
        ),
        Failure::Start(error) if error.matches(gst::CoreError::MissingPlugin) => {
            (CameraState::Garbage, Side::Box, error.to_string())
        }
        Failure::Start(error) => (CameraState::Garbage, Side::Camera, error.to_string()),
    };
    Ended {
        state,
        side: Some(side),
        detail,
    }
}

#[cfg(test)]
mod tests;
