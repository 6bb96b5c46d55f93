//! Does the box notice what befalls a camera, soon enough, and nothing else (R65)?
//!
//! photo → lesson → clip
//!
//! Misfortunes are real H.264 through the agent's own decoder; the eight hours of lessons are the
//! same painted pictures straight to its detector, faster than they last.

mod photo;
mod lesson;
mod clip;

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use gstreamer as gst;
use rustix::time::{ClockId, clock_gettime};
use xunke_agent::camera::codec::Video;
use xunke_agent::camera::decode::{Eye, Keyframe};
use xunke_agent::camera::looks::{Looks, Track, Wanted};
use xunke_agent::camera::notice::Notice;
use xunke_agent::camera::sight;
use xunke_protocol::health::SightKind;

use super::figure::{Figure, report};
use clip::{Clip, RATE};
use lesson::{Lesson, noise, soft};
use photo::{Picture, WIDTH};

const BENCH: &str = "noticing";
/// As the agent looks, docs/decisions/0017.
const LOOK_MS: u64 = 4_000;
/// An ordinary lesson before the misfortune, and how long the misfortune lasts.
const BEFORE_S: u64 = 90;
const AFTER_S: u64 = 60;
const FOUND_S_MAX: f64 = 30.0;
const DAY_S: u64 = 8 * 3600;
const FALSE_ALARMS_MAX: f64 = 1.0;

/// Prints the figures; whether every aim was met.
///
/// # Errors
/// The photographs are missing, or GStreamer lacks a part.
pub fn run() -> Result<bool> {
    let figures = figures()?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// All figures of this bench.
///
/// # Errors
/// The photographs are missing, or GStreamer lacks a part.
pub fn figures() -> Result<Vec<Figure>> {
    let photos = photo::all()?;
    let mut figures = misfortunes(&photos)?;
    let mut worst = 0;
    for room in 0..photos.len() / 2 {
        let alarms = day(&photos, room)?;
        eprintln!("noticing: eight hours in room {room}: {alarms:?}");
        worst = worst.max(alarms.len());
    }
    let alarms = Figure::new(BENCH, "false alarms in 8 h, worst room", worst as f64, "");
    figures.push(alarms.at_most(FALSE_ALARMS_MAX));
    figures.extend(costs(&photos)?);
    Ok(figures)
}

/// Seconds from each misfortune to its finding, the slowest of two rooms.
fn misfortunes(photos: &[Picture]) -> Result<Vec<Figure>> {
    let kinds = [
        ("covered by a coat", SightKind::Covered),
        ("covered by paper", SightKind::Covered),
        ("dark", SightKind::Dark),
        ("blurred", SightKind::Blurred),
        ("frozen", SightKind::Frozen),
        ("moved", SightKind::Moved),
    ];
    let mut figures = vec![];
    for (what, kind) in kinds {
        let mut slowest = 0.0_f64;
        for room in [0, 1] {
            let found = found_after(photos, room, what, kind)?;
            slowest = slowest.max(found.unwrap_or(f64::INFINITY));
        }
        let metric = format!("{what}: found after");
        let shown = if slowest.is_finite() { slowest } else { 999.0 };
        figures.push(Figure::new(BENCH, &metric, shown, "s").at_most(FOUND_S_MAX));
    }
    Ok(figures)
}

/// One camera from its encoder to what its box has noticed.
struct Watch {
    clip: Clip,
    looks: Looks,
    wanted: Receiver<Wanted>,
    eye: Eye,
    notice: Notice,
}

impl Watch {
    fn open() -> Result<Self> {
        let (sender, wanted) = sync_channel(2);
        Ok(Self {
            clip: Clip::open()?,
            looks: Looks::new(sender, Some(LOOK_MS)),
            wanted,
            eye: Eye::default(),
            notice: Notice::default(),
        })
    }

    fn show(&mut self, picture: Picture, now_ms: u64) -> Result<()> {
        let frame = self.clip.encode(picture)?;
        let track = Track {
            codec: Video::H264,
            description: frame.description,
        };
        if frame.key {
            self.looks.picture(&track, &frame.unit, now_ms);
        }
        while let Ok(Wanted::Picture(keyframe)) = self.wanted.try_recv() {
            let sight = self.eye.look(&keyframe)?;
            self.notice.take(&sight, i64::try_from(now_ms)?);
        }
        Ok(())
    }

    fn found(&self) -> Vec<SightKind> {
        let sightings = self.notice.sightings();
        sightings.iter().map(|seen| seen.kind).collect()
    }
}

fn found_after(
    photos: &[Picture],
    room: usize,
    what: &str,
    kind: SightKind,
) -> Result<Option<f64>> {
    let lesson = Lesson::new(&photos[room], &photos[2..], room as u64);
    let mut watch = Watch::open()?;
    let mut last = Picture::new();
    for frame in 0..(BEFORE_S + AFTER_S) * RATE {
        let now_ms = frame * 1000 / RATE;
        let began = frame >= BEFORE_S * RATE;
        let mut picture = if began && what == "frozen" {
            last.clone()
        } else {
            lesson.paint(now_ms as f64 / 1000.0)
        };
        if began {
            picture = befall(what, picture, photos);
        }
        if what != "frozen" || !began {
            noise(&mut picture, frame);
        }
        last.clone_from(&picture);
        watch.show(picture, now_ms)?;
        let found = watch.found();
        ensure!(
            began || found.is_empty(),
            "{what}, room {room}: {found:?} in an ordinary lesson"
        );
        if found.contains(&kind) {
            return Ok(Some(now_ms as f64 / 1000.0 - BEFORE_S as f64));
        }
    }
    eprintln!(
        "noticing: {what}, room {room}: {:?} instead",
        watch.notice.sightings()
    );
    Ok(None)
}

fn befall(what: &str, picture: Picture, photos: &[Picture]) -> Picture {
    let each = |change: &dyn Fn(f32) -> f32| {
        let pixels = picture.iter().map(|&pixel| change(f32::from(pixel)) as u8);
        pixels.collect()
    };
    match what {
        "covered by a coat" => each(&|pixel| 17.0 + pixel / 200.0),
        "covered by paper" => each(&|pixel| 150.0 + pixel / 30.0),
        "dark" => each(&|pixel| 14.0 + pixel / 9.0),
        "blurred" => soft(&picture, 6),
        "moved" => turned(&picture, photos),
        _ => picture,
    }
}

/// A fifth of the picture to the left; beyond the old view is another room.
fn turned(picture: &Picture, photos: &[Picture]) -> Picture {
    let by = WIDTH / 5;
    let rows = picture
        .chunks_exact(WIDTH)
        .zip(photos[4].chunks_exact(WIDTH));
    let turn = |(old, new): (&[u8], &[u8])| [&old[by..], &new[..by]].concat();
    rows.flat_map(turn).collect()
}

/// What is noticed in eight hours of lessons in which nothing befalls the camera.
fn day(photos: &[Picture], room: usize) -> Result<Vec<(u64, SightKind)>> {
    let lesson = Lesson::new(&photos[room], &photos[photos.len() / 2..], 77 + room as u64);
    let mut notice = Notice::default();
    let (mut before, mut open) = (None, vec![]);
    let mut alarms = vec![];
    for second in (0..DAY_S).step_by(4) {
        let mut picture = halved(&lesson.paint(second as f64));
        noise(&mut picture, second);
        let mut sight = sight::measure(&picture).context("a picture has a wrong size")?;
        let same = |before: &Picture| sight::same_ratio(&picture, before);
        sight.same_ratio = before.as_ref().map(same);
        notice.take(&sight, i64::try_from(second * 1000)?);
        before = Some(picture);
        let found: Vec<_> = notice.sightings().iter().map(|seen| seen.kind).collect();
        let new = found.iter().filter(|kind| !open.contains(*kind));
        alarms.extend(new.map(|&kind| (second, kind)));
        open = found;
    }
    Ok(alarms)
}

/// The mean of each four pixels, as the agent's decoder scales.
fn halved(picture: &Picture) -> Picture {
    let mut small = Picture::with_capacity(picture.len() / 4);
    for rows in picture.chunks_exact(2 * WIDTH) {
        let (upper, lower) = rows.split_at(WIDTH);
        for (upper, lower) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
            let sum: u16 = [upper, lower].concat().into_iter().map(u16::from).sum();
            small.push(u8::try_from(sum / 4).unwrap_or(u8::MAX));
        }
    }
    small
}

/// Processor time of a look: decoding, and the detector's part of it.
fn costs(photos: &[Picture]) -> Result<Vec<Figure>> {
    const LOOKS: u32 = 50;
    gst::init()?;
    let mut clip = Clip::open()?;
    let lesson = Lesson::new(&photos[0], photos, 3);
    let frame = clip.encode(lesson.paint(60.0))?;
    let keyframe = Keyframe {
        codec: Video::H264,
        description: frame.description,
        unit: frame.unit,
    };
    let mut eye = Eye::default();
    let sight = eye.look(&keyframe)?;
    let (cpu, began) = (cpu_ms(), Instant::now());
    for _ in 0..LOOKS {
        eye.look(&keyframe)?;
    }
    let look_ms = (cpu_ms() - cpu) / f64::from(LOOKS);
    eprintln!("noticing: {LOOKS} looks in {:?}", began.elapsed());
    let small = halved(&lesson.paint(60.0));
    let mut notice = Notice::default();
    let cpu = cpu_ms();
    for look in 0..LOOKS {
        drop(sight::measure(&small));
        notice.take(&sight, i64::from(look) * 4_000);
    }
    let detector_ms = (cpu_ms() - cpu) / f64::from(LOOKS);
    let share = look_ms / LOOK_MS as f64 * 100.0;
    Ok(vec![
        Figure::new(BENCH, "one look at 640 by 360, all of it", look_ms, "ms"),
        Figure::new(BENCH, "of that measuring and judging", detector_ms, "ms"),
        Figure::new(BENCH, "looking every 4 s, of a core", share, "%"),
    ])
}

/// Processor time of this process.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
