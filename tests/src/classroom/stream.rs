//! One stream of the camera: pictures painted by the wall clock and a quiet melody; H.264, and AAC
//! or G.711.
//!
//! The encoders run while at least one client is connected and are shared by all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use gstreamer_rtsp_server as rtsp;
use rtsp::prelude::*;

use super::canvas::Canvas;
use super::lens::Lens;
use super::melody::{RATE, samples};
use super::mood::{Look, Mood};
use super::scene::{Darkness, Scene};
use super::strip::Mark;
use crate::clock::now_ms;

/// Pictures a second, as classroom cameras send them.
pub const FRAMES_PER_SECOND: u64 = 25;
/// Pictures from one keyframe to the next: two seconds.
pub const GOP_FRAMES: u64 = 50;
const DURATION: gst::ClockTime = gst::ClockTime::from_mseconds(1000 / FRAMES_PER_SECOND);
const FRAME: Duration = Duration::from_millis(1000 / FRAMES_PER_SECOND);
/// The role a signed-in RTSP client has.
pub const VIEWER_ROLE: &str = "viewer";

/// What distinguishes the main from the sub stream.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// Path on the camera.
    pub path: &'static str,
    /// Picture width; the height follows from 16:9.
    pub width: usize,
    /// Cap of the video bit rate.
    pub kbit_per_second: u32,
}

/// 1080p, about 3.5 Mbit/s.
pub const MAIN: Quality = Quality {
    path: "/main",
    width: 1920,
    kbit_per_second: 3500,
};
/// 360p for tiles.
pub const SUB: Quality = Quality {
    path: "/sub",
    width: 640,
    kbit_per_second: 500,
};

/// How the melody is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sound {
    /// AAC-LC, 48 kHz.
    #[default]
    Aac,
    /// G.711 A-law, 8 kHz, as most cameras are delivered.
    Alaw,
}

impl Sound {
    /// From raw samples to RTP.
    fn elements(self) -> &'static str {
        match self {
            Self::Aac => "voaacenc bitrate=64000 ! rtpmp4gpay name=pay1 pt=97",
            Self::Alaw => {
                "audioresample ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8"
            }
        }
    }
}

/// The factory of one stream of the room.
pub fn factory(
    quality: Quality,
    sound: Sound,
    room: &str,
    mood: &Arc<Mood>,
) -> rtsp::RTSPMediaFactory {
    let factory = rtsp::RTSPMediaFactory::new();
    factory.set_launch(&pipeline(quality, sound));
    factory.set_shared(true);
    factory.set_protocols(rtsp::gst_rtsp::RTSPLowerTrans::TCP);
    factory.add_role_from_structure(
        &gst::Structure::builder(VIEWER_ROLE)
            .field("media.factory.access", true)
            .field("media.factory.construct", true)
            .build(),
    );
    let (room, mood) = (room.to_owned(), Arc::clone(mood));
    factory.connect_media_configure(move |_, media| {
        if let Err(error) = start(quality, &room, &mood, media) {
            eprintln!("classroom {room}: {} cannot start: {error:#}", quality.path);
        }
    });
    factory
}

fn pipeline(quality: Quality, sound: Sound) -> String {
    let Quality {
        width,
        kbit_per_second,
        ..
    } = quality;
    format!(
        "( appsrc name=picture is-live=true format=time leaky-type=downstream max-buffers=4 \
         caps=video/x-raw,format=I420,width={width},height={},framerate={FRAMES_PER_SECOND}/1 \
         ! x264enc name=encoder speed-preset=ultrafast tune=zerolatency threads=1 bframes=0 \
         key-int-max={GOP_FRAMES} qp-min=13 bitrate={kbit_per_second} vbv-buf-capacity=1000 \
         option-string=scenecut=0:min-keyint={GOP_FRAMES} \
         ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 config-interval=-1 \
         appsrc name=sound is-live=true format=time leaky-type=downstream max-buffers=8 \
         caps=audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels=1 \
         ! {} )",
        width * 9 / 16,
        sound.elements()
    )
}

/// Starts the painter of a stream that has just got its first client.
fn start(quality: Quality, room: &str, mood: &Arc<Mood>, media: &rtsp::RTSPMedia) -> Result<()> {
    let bin = media
        .element()
        .downcast::<gst::Bin>()
        .ok()
        .context("the media is not a bin")?;
    let source = |name: &str| {
        let element = bin
            .by_name(name)
            .and_then(|element| element.downcast::<AppSrc>().ok());
        element.with_context(|| format!("the pipeline has no source `{name}`"))
    };
    let (picture, sound) = (source("picture")?, source("sound")?);
    let ended = Arc::new(AtomicBool::new(false));
    let on_end = Arc::clone(&ended);
    media.connect_unprepared(move |_| on_end.store(true, Ordering::Relaxed));
    let painter = Painter {
        scene: Scene::new(room, quality.width),
        darkness: Darkness::new(quality.width),
        lens: Lens::new(quality.width),
        mood: Arc::clone(mood),
        picture,
        sound,
        ended,
    };
    thread::Builder::new()
        .name(format!("paint{}", quality.path))
        .spawn(move || painter.run())?;
    Ok(())
}

struct Painter {
    scene: Scene,
    darkness: Darkness,
    lens: Lens,
    mood: Arc<Mood>,
    picture: AppSrc,
    sound: AppSrc,
    ended: Arc<AtomicBool>,
}

impl Painter {
    /// Paints until the stream's last client has left.
    fn run(mut self) {
        let Some(first_pts) = self.wait_for_clock() else {
            return;
        };
        let bytes = self.scene.paint(Mark::new(0, 0), now_ms()).planes().len();
        let Some(pool) = buffers(bytes) else { return };
        let started = Instant::now();
        let begin = Begin {
            first_pts,
            ms: now_ms(),
        };
        let mut frame = 0_u32;
        while !self.ended.load(Ordering::Relaxed) {
            let due = started + FRAME * frame;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !self.mood.is_frozen() && !self.send(&pool, begin, frame) {
                break;
            }
            // A painter that was held up leaves frames out rather than hurrying after the clock.
            let now_due = started.elapsed().as_millis() / FRAME.as_millis();
            frame = (frame + 1).max(u32::try_from(now_due).unwrap_or(u32::MAX));
        }
        pool.set_active(false)
            .unwrap_or_else(|e| eprintln!("classroom: buffer pool: {e}"));
    }

    /// Running time of the pipeline once it plays; `None` when it ended before.
    fn wait_for_clock(&self) -> Option<gst::ClockTime> {
        while !self.ended.load(Ordering::Relaxed) {
            // Only a playing element has its base time; before, "running time" is the uptime.
            if self.picture.current_state() == gst::State::Playing
                && let Some(running) = self.picture.current_running_time()
            {
                return Some(running);
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }

    /// Paints and hands on one frame; `false` when the stream has ended.
    fn send(&mut self, pool: &gst::BufferPool, begin: Begin, frame: u32) -> bool {
        let now = now_ms();
        let mark = Mark::new(now, u64::from(frame));
        let canvas = match self.mood.look() {
            Look::Covered => self.darkness.paint(u64::from(frame)),
            Look::Still => self.scene.shown(),
            Look::Plain => self.scene.paint(mark, now),
            look => self.lens.see(look, frame, self.scene.paint(mark, now)),
        };
        let Some(picture) = filled(pool, canvas) else {
            return false;
        };
        let pts = begin.first_pts + DURATION * u64::from(frame);
        self.picture.push_buffer(timed(picture, pts)).is_ok() && self.play(begin, frame)
    }

    /// Hands on what a microphone has heard since the picture before.
    fn play(&self, begin: Begin, frame: u32) -> bool {
        let Some(before) = frame.checked_sub(1).map(u64::from) else {
            return true;
        };
        let count = u64::from(RATE) / FRAMES_PER_SECOND;
        let first = begin.ms.unsigned_abs() * u64::from(RATE) / 1000;
        let sound = gst::Buffer::from_slice(samples(first + before * count, count));
        let pts = begin.first_pts + DURATION * before;
        self.sound.push_buffer(timed(sound, pts)).is_ok()
    }
}

/// When the first picture was painted: in the pipeline, and on the wall clock.
#[derive(Debug, Clone, Copy)]
struct Begin {
    first_pts: gst::ClockTime,
    ms: i64,
}

fn timed(mut buffer: gst::Buffer, pts: gst::ClockTime) -> gst::Buffer {
    let writable = buffer
        .get_mut()
        .expect("invariant: the buffer has one owner");
    writable.set_pts(pts);
    writable.set_duration(DURATION);
    buffer
}

fn buffers(bytes: usize) -> Option<gst::BufferPool> {
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(None, u32::try_from(bytes).ok()?, 2, 0);
    pool.set_config(config).ok()?;
    pool.set_active(true).ok()?;
    Some(pool)
}

fn filled(pool: &gst::BufferPool, canvas: &Canvas) -> Option<gst::Buffer> {
    let mut buffer = pool.acquire_buffer(None).ok()?;
    buffer
        .get_mut()?
        .map_writable()
        .ok()?
        .copy_from_slice(canvas.planes());
    Some(buffer)
}
