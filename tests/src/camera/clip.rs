//! What a camera plays: encoded once by GStreamer, kept in memory, shared by every camera.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};

use crate::classroom::lesson::{RATE, Scene, samples};
use crate::classroom::strip::Mark;

/// Pictures a second.
pub const FRAMES_PER_SECOND: u32 = 25;
/// The lesson that is shown begins at this moment.
const LESSON_MS: i64 = 1_795_300_000_000;

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// By x264.
    H264,
    /// By x265.
    H265,
}

/// How large pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// 640 × 360, about 0.5 Mbit/s.
    Small,
    /// 1280 × 720, about 1.5 Mbit/s.
    Middle,
    /// 1920 × 1080, about 3.5 Mbit/s.
    Full,
}

impl Size {
    fn width(self) -> usize {
        match self {
            Self::Small => 640,
            Self::Middle => 1280,
            Self::Full => 1920,
        }
    }

    fn kbit_per_second(self) -> u32 {
        match self {
            Self::Small => 500,
            Self::Middle => 1500,
            Self::Full => 3500,
        }
    }
}

/// Which clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    /// How it is encoded.
    pub codec: Codec,
    /// How large it is.
    pub size: Size,
    /// Pictures in all.
    pub pictures: u32,
    /// Pictures from one keyframe to the next.
    pub gop: u32,
    /// Whether pictures refer to later ones.
    pub reordered: bool,
}

/// One encoded picture.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Decodable alone.
    pub key: bool,
    /// Its NAL units without parameter sets.
    pub nals: Vec<Bytes>,
    /// Number of the picture in display order.
    pub shown: u32,
}

/// Encoded pictures that follow each other, beginning with a keyframe.
#[derive(Debug)]
pub struct Clip {
    /// How they are encoded.
    pub codec: Codec,
    /// Parameter sets: (VPS,) SPS, PPS.
    pub parameters: Vec<Bytes>,
    /// The pictures in decoding order.
    pub units: Vec<Unit>,
}

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoundCodec {
    /// AAC-LC, 48 kHz, one channel.
    Aac,
    /// G.711 A-law, 8 kHz.
    Alaw,
    /// G.711 µ-law, 8 kHz.
    Mulaw,
    /// Opus, one channel.
    Opus,
}

impl SoundCodec {
    /// Ticks of the RTP clock in a second.
    #[must_use]
    pub fn hertz(self) -> u32 {
        match self {
            Self::Aac | Self::Opus => 48_000,
            Self::Alaw | Self::Mulaw => 8_000,
        }
    }

    /// Ticks in one frame.
    #[must_use]
    pub fn ticks(self) -> u32 {
        match self {
            Self::Aac => 1024,
            Self::Opus => 960,
            Self::Alaw | Self::Mulaw => 160,
        }
    }
}

/// Encoded sound.
#[derive(Debug)]
pub struct Tune {
    /// How it is encoded.
    pub codec: SoundCodec,
    /// AudioSpecificConfig of AAC, else empty.
    pub config: Vec<u8>,
    /// Frames of [`SoundCodec::ticks`] each.
    pub frames: Vec<Bytes>,
}

type Kept<K, V> = LazyLock<Mutex<HashMap<K, Arc<V>>>>;
static CLIPS: Kept<Spec, Clip> = LazyLock::new(Mutex::default);
static TUNES: Kept<SoundCodec, Tune> = LazyLock::new(Mutex::default);

/// The clip of this kind; encoded when it is asked for first, which takes seconds.
///
/// # Errors
/// GStreamer lacks the encoder.
pub fn clip(spec: Spec) -> Result<Arc<Clip>> {
    let mut clips = CLIPS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(clip) = clips.get(&spec) {
        return Ok(Arc::clone(clip));
    }
    let clip = Arc::new(encode(spec)?);
    clips.insert(spec, Arc::clone(&clip));
    Ok(clip)
}

/// Four seconds of the melody.
///
/// # Errors
/// GStreamer lacks the encoder.
pub fn tune(codec: SoundCodec) -> Result<Arc<Tune>> {
    let mut tunes = TUNES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tune) = tunes.get(&codec) {
        return Ok(Arc::clone(tune));
    }
    let tune = Arc::new(sing(codec)?);
    tunes.insert(codec, Arc::clone(&tune));
    Ok(tune)
}

fn encode(spec: Spec) -> Result<Clip> {
    let (width, pictures) = (spec.size.width(), i64::from(spec.pictures));
    let caps = format!(
        "video/x-raw,format=I420,width={width},height={},framerate={FRAMES_PER_SECOND}/1",
        width * 9 / 16
    );
    let mut scene = Scene::new("A101", width);
    let painted = (0..pictures).map(move |number| {
        let now_ms = LESSON_MS + number * 40;
        let mark = Mark::new(now_ms, number.unsigned_abs());
        let mut planes = scene.paint(mark, now_ms).planes().to_vec();
        grain(&mut planes[..width * width * 9 / 16], number.unsigned_abs());
        planes
    });
    let encoded = run(&caps, &encoder(spec), FRAMES_PER_SECOND, painted)?;
    let first_ns = encoded.iter().map(|one| one.pts_ns).min().unwrap_or(0);
    let mut clip = Clip {
        codec: spec.codec,
        parameters: vec![],
        units: vec![],
    };
    for one in &encoded {
        let frame_ns = 1_000_000_000 / u64::from(FRAMES_PER_SECOND);
        let shown = u32::try_from((one.pts_ns - first_ns + frame_ns / 2) / frame_ns)?;
        clip.add(&one.data, shown);
    }
    let sets = if spec.codec == Codec::H264 { 2 } else { 3 };
    ensure!(
        clip.parameters.len() == sets,
        "the encoder wrote no parameter sets"
    );
    ensure!(
        clip.units.len() == spec.pictures as usize,
        "pictures are missing"
    );
    Ok(clip)
}

/// What a sensor adds to every pixel; without it a painted picture takes a third of the bytes.
fn grain(luma: &mut [u8], picture: u64) {
    let mut state = picture.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for pixels in luma.chunks_mut(16) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut bits = state;
        for pixel in pixels {
            // -3 to 4, as far from the strip's threshold as before.
            *pixel = pixel.saturating_add((bits & 7) as u8).saturating_sub(3);
            bits >>= 4;
        }
    }
}

fn encoder(spec: Spec) -> String {
    let Spec { gop, size, .. } = spec;
    let kbit = size.kbit_per_second();
    let depth = if spec.reordered { 2 } else { 0 };
    match spec.codec {
        Codec::H264 => format!(
            "x264enc speed-preset=ultrafast threads=1 bframes={depth} b-adapt=false \
             key-int-max={gop} bitrate={kbit} rc-lookahead=0 sync-lookahead=0 \
             option-string=scenecut=0:min-keyint={gop}:open-gop=0 ! h264parse config-interval=-1 \
             ! video/x-h264,stream-format=byte-stream,alignment=au"
        ),
        Codec::H265 => format!(
            "x265enc speed-preset=ultrafast bitrate={kbit} key-int-max={gop} log-level=none \
             option-string=scenecut=0:min-keyint={gop}:bframes={depth}:open-gop=0:pools=1:\
             frame-threads=1:repeat-headers=1:rc-lookahead=3 ! h265parse config-interval=-1 \
             ! video/x-h265,stream-format=byte-stream,alignment=au"
        ),
    }
}

impl Clip {
    /// Takes an access unit with start codes.
    fn add(&mut self, data: &[u8], shown: u32) {
        let (mut nals, mut key) = (vec![], false);
        for nal in split(data) {
            let kind = match self.codec {
                Codec::H264 => Kind::of_h264(nal[0] & 0x1f),
                Codec::H265 => Kind::of_h265(nal[0] >> 1 & 0x3f),
            };
            match kind {
                Kind::Parameters if !self.parameters.iter().any(|known| known == nal) => {
                    self.parameters.push(Bytes::copy_from_slice(nal));
                }
                Kind::Parameters | Kind::Other => continue,
                Kind::Keyframe | Kind::Picture => nals.push(Bytes::copy_from_slice(nal)),
            }
            key |= matches!(kind, Kind::Keyframe);
        }
        if !nals.is_empty() {
            self.units.push(Unit { key, nals, shown });
        }
    }
}

enum Kind {
    Keyframe,
    Picture,
    Parameters,
    Other,
}

impl Kind {
    fn of_h264(number: u8) -> Self {
        match number {
            5 => Self::Keyframe,
            1..=4 => Self::Picture,
            7 | 8 => Self::Parameters,
            _ => Self::Other,
        }
    }

    fn of_h265(number: u8) -> Self {
        match number {
            16..=21 => Self::Keyframe,
            0..=31 => Self::Picture,
            32..=34 => Self::Parameters,
            _ => Self::Other,
        }
    }
}

/// NAL units between start codes.
fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut begins: Vec<usize> = vec![];
    let starts = data.windows(3).enumerate();
    begins.extend(starts.filter_map(|(at, three)| (three == [0, 0, 1]).then_some(at + 3)));
    let ends = begins.iter().skip(1).map(|begin| begin - 3);
    let ends: Vec<usize> = ends.chain([data.len()]).collect();
    let nals = begins.iter().zip(&ends).map(|(begin, end)| {
        let nal = &data[*begin..*end];
        let zeros = nal.iter().rev().take_while(|byte| **byte == 0).count();
        &nal[..nal.len() - zeros]
    });
    nals.filter(|nal| !nal.is_empty()).collect()
}

fn sing(codec: SoundCodec) -> Result<Tune> {
    let caps = format!("audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels=1");
    let encoder = match codec {
        SoundCodec::Aac => "voaacenc bitrate=64000 ! audio/mpeg,stream-format=raw",
        SoundCodec::Alaw => "audioresample ! audio/x-raw,rate=8000 ! alawenc",
        SoundCodec::Mulaw => "audioresample ! audio/x-raw,rate=8000 ! mulawenc",
        SoundCodec::Opus => "opusenc frame-size=20 bitrate=32000",
    };
    // A twenty-fifth of a second at a time.
    let count = u64::from(RATE / 25);
    let sung = (0..100).map(move |number| samples(number * count, count));
    let encoded = run(&caps, &format!("audioconvert ! {encoder}"), 25, sung)?;
    let config = encoded.first().and_then(|one| one.config.clone());
    let whole: Vec<u8> = encoded.iter().flat_map(|one| one.data.clone()).collect();
    let frames: Vec<Bytes> = match codec {
        SoundCodec::Alaw | SoundCodec::Mulaw => {
            let pieces = whole.chunks_exact(160);
            pieces.map(Bytes::copy_from_slice).collect()
        }
        _ => encoded.into_iter().map(|one| one.data.into()).collect(),
    };
    ensure!(frames.len() > 100, "sound is missing");
    Ok(Tune {
        codec,
        config: config.unwrap_or_default(),
        frames,
    })
}

struct Encoded {
    data: Vec<u8>,
    pts_ns: u64,
    config: Option<Vec<u8>>,
}

/// Puts raw buffers through an encoder, so many of them a second.
fn run(
    caps: &str,
    encoder: &str,
    per_second: u32,
    raw: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> Result<Vec<Encoded>> {
    gst::init().context("GStreamer cannot start")?;
    let text = format!(
        "appsrc name=in format=time block=true max-buffers=4 caps={caps} \
         ! {encoder} ! appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&text).context("GStreamer lacks an encoder")?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| anyhow::anyhow!("no pipeline"))?;
    let named = |name| pipeline.by_name(name).context("no such element");
    let source = named("in")?.downcast::<AppSrc>();
    let source = source.map_err(|_| anyhow::anyhow!("no source"))?;
    let sink = named("out")?.downcast::<AppSink>();
    let sink = sink.map_err(|_| anyhow::anyhow!("no sink"))?;
    pipeline.set_state(gst::State::Playing)?;
    let feeder = std::thread::spawn(move || feed(&source, per_second, raw));
    let mut encoded = vec![];
    while let Ok(sample) = sink.pull_sample() {
        encoded.extend(take(&sample));
    }
    pipeline.set_state(gst::State::Null)?;
    let fed = feeder.join();
    fed.map_err(|_| anyhow::anyhow!("the clip's painter panicked"))??;
    Ok(encoded)
}

fn feed(source: &AppSrc, per_second: u32, raw: impl Iterator<Item = Vec<u8>>) -> Result<()> {
    let length = gst::ClockTime::SECOND / u64::from(per_second);
    for (number, data) in (0_u64..).zip(raw) {
        let mut buffer = gst::Buffer::from_slice(data);
        let writable = buffer.get_mut().context("the buffer has one owner")?;
        writable.set_pts(length * number);
        writable.set_duration(length);
        source.push_buffer(buffer)?;
    }
    source.end_of_stream()?;
    Ok(())
}

fn take(sample: &gst::Sample) -> Option<Encoded> {
    let buffer = sample.buffer()?;
    let caps = sample.caps()?.structure(0)?;
    let config = caps.get::<gst::Buffer>("codec_data").ok();
    Some(Encoded {
        data: buffer.map_readable().ok()?.to_vec(),
        pts_ns: buffer.pts().map_or(0, gst::ClockTime::nseconds),
        config: config.and_then(|config| Some(config.map_readable().ok()?.to_vec())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_made_once_and_is_whole() {
        for codec in [Codec::H264, Codec::H265] {
            let spec = Spec {
                codec,
                size: Size::Small,
                pictures: 12,
                gop: 6,
                reordered: false,
            };
            let first = clip(spec).unwrap();
            let keys: Vec<bool> = first.units.iter().map(|unit| unit.key).collect();
            assert_eq!(keys.iter().filter(|key| **key).count(), 2, "{codec:?}");
            assert!(keys[0] && keys[6], "{codec:?}: {keys:?}");
            let shown = first.units.iter().map(|unit| unit.shown);
            assert!(shown.eq(0..12), "{codec:?}");
            assert!(Arc::ptr_eq(&first, &clip(spec).unwrap()));
        }
    }

    #[test]
    fn every_kind_of_sound_is_made_in_frames_of_its_length() {
        for codec in [
            SoundCodec::Aac,
            SoundCodec::Alaw,
            SoundCodec::Mulaw,
            SoundCodec::Opus,
        ] {
            let tune = tune(codec).unwrap();
            let seconds =
                tune.frames.len() as f64 * f64::from(codec.ticks()) / f64::from(codec.hertz());
            assert!((3.9..4.2).contains(&seconds), "{codec:?}: {seconds}");
            assert_eq!(tune.config.is_empty(), codec != SoundCodec::Aac);
        }
    }
}
