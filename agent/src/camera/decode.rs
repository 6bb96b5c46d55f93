//! Decoding a keyframe or a short piece of sound, to look at it or listen to it and forget it. A
//! decoder is opened for each and closed again (docs/decisions/0017). Worker process only.

use super::codec::Video;
use super::hearing::{self, CLIPPED_MIN, Heard};
use super::sight::{self, HEIGHT, Sight, WIDTH, same_ratio};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use std::collections::VecDeque;

const DECODE: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// The small libraries first: libav alone takes 30 MB.
const H264_DECODERS: [&str; 2] = ["openh264dec", "avdec_h264"];
const H265_DECODERS: [&str; 2] = ["libde265dec", "avdec_h265"];
const AAC_DECODERS: [&str; 2] = ["faad", "avdec_aac"];
/// An encoder that keeps its bit rate makes a few different pictures of the same one, by turns.
const BEFORE_MAX: usize = 6;
/// Most that a piece of sound may decode to: four seconds of eight channels.
const SOUND_BYTES_MAX: usize = 4 * 48_000 * 8 * 2;

/// One picture that can be decoded alone.
#[derive(Debug)]
pub struct Keyframe {
    /// How it is encoded.
    pub codec: Video,
    /// Its avcC or hvcC.
    pub description: Bytes,
    /// The access unit, with 4-byte lengths.
    pub unit: Bytes,
}

/// A short piece of AAC.
#[derive(Debug)]
pub struct Piece {
    /// Its AudioSpecificConfig.
    pub description: Bytes,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Frames without ADTS, one after the other.
    pub frames: Vec<Bytes>,
}

/// Looks at keyframes.
#[derive(Default)]
pub struct Eye {
    /// How the newest pictures were encoded.
    description: Bytes,
    /// The newest pictures.
    before: VecDeque<Vec<u8>>,
}

impl Eye {
    /// What a keyframe says. [`gst::init`] must have succeeded.
    ///
    /// # Errors
    /// No decoder is installed, or it does not understand the picture.
    pub fn look(&mut self, keyframe: &Keyframe) -> Result<Sight, glib::BoolError> {
        if self.description != keyframe.description {
            self.before.clear();
            self.description = keyframe.description.clone();
        }
        let units = std::slice::from_ref(&keyframe.unit);
        let picture = decode(picture_decoders(keyframe), units)?;
        let mut sight = sight::measure(&picture)
            .ok_or_else(|| glib::bool_error!("the picture has a wrong size"))?;
        let same = self.before.iter().map(|one| same_ratio(&picture, one));
        sight.same_ratio = same.max_by(f32::total_cmp);
        self.before.truncate(BEFORE_MAX - 1);
        self.before.push_front(picture);
        Ok(sight)
    }
}

/// What a piece of sound says. [`gst::init`] must have succeeded.
///
/// # Errors
/// No decoder is installed, or it does not understand the sound.
pub fn listen(piece: &Piece) -> Result<Heard, glib::BoolError> {
    let sound = decode(sound_decoders(piece), &piece.frames)?;
    // A piece begins in mid-sound: what its first frames decode to is not what was heard.
    let skipped = sound.len().min(sound.len() / piece.frames.len().max(1) * 2) & !1;
    let samples = sound[skipped..].chunks_exact(2);
    let samples = samples.map(|two| i16::from_le_bytes([two[0], two[1]]));
    let heard = hearing::measure(samples, CLIPPED_MIN);
    heard.ok_or_else(|| glib::bool_error!("no sound came out"))
}

/// With the first decoder that can.
fn decode(
    decoders: Vec<(gst::Caps, Vec<&'static str>, gst::Caps)>,
    units: &[Bytes],
) -> Result<Vec<u8>, glib::BoolError> {
    let mut last = glib::bool_error!("no decoder");
    for (encoded, elements, raw) in decoders {
        let opened = Decoder::open(&encoded, &elements, &raw);
        match opened.and_then(|decoder| decoder.run(units)) {
            Ok(decoded) => return Ok(decoded),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn picture_decoders(keyframe: &Keyframe) -> Vec<(gst::Caps, Vec<&'static str>, gst::Caps)> {
    let (name, form, parse, decoders) = match keyframe.codec {
        Video::H264 => ("video/x-h264", "avc", "h264parse", H264_DECODERS),
        Video::H265 => ("video/x-h265", "hvc1", "h265parse", H265_DECODERS),
    };
    let encoded = gst::Caps::builder(name)
        .field("stream-format", form)
        .field("alignment", "au")
        .field(
            "codec_data",
            gst::Buffer::from_slice(keyframe.description.clone()),
        )
        .build();
    let raw = gst::Caps::builder("video/x-raw")
        .field("format", "GRAY8")
        .field("width", WIDTH as i32)
        .field("height", HEIGHT as i32)
        .build();
    let chain = |decoder| vec![parse, decoder, "videoscale", "videoconvert"];
    decoders
        .map(|decoder| (encoded.clone(), chain(decoder), raw.clone()))
        .into()
}

fn sound_decoders(piece: &Piece) -> Vec<(gst::Caps, Vec<&'static str>, gst::Caps)> {
    let encoded = gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4)
        .field("stream-format", "raw")
        .field("framed", true)
        .field("rate", i32::try_from(piece.sample_rate).unwrap_or(48_000))
        .field("channels", i32::try_from(piece.channels).unwrap_or(1))
        .field(
            "codec_data",
            gst::Buffer::from_slice(piece.description.clone()),
        )
        .build();
    let raw = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .build();
    let chain = |decoder| vec![decoder, "audioconvert"];
    AAC_DECODERS
        .map(|decoder| (encoded.clone(), chain(decoder), raw.clone()))
        .into()
}

/// A decoder that is open.
struct Decoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
}

impl Decoder {
    fn open(
        encoded: &gst::Caps,
        elements: &[&str],
        raw: &gst::Caps,
    ) -> Result<Self, glib::BoolError> {
        let pipeline = gst::Pipeline::new();
        let source = AppSrc::builder()
            .caps(encoded)
            .format(gst::Format::Time)
            .build();
        let sink = AppSink::builder().caps(raw).sync(false).build();
        pipeline.add_many([source.upcast_ref::<gst::Element>(), sink.upcast_ref()])?;
        let mut end: gst::Element = source.clone().upcast();
        for name in elements {
            let element = gst::ElementFactory::make(name).build()?;
            if element.has_property("config-interval") {
                element.set_property("config-interval", -1);
            }
            // One picture at a time: threads would each hold one.
            if element.has_property("max-threads") {
                element.set_property("max-threads", 1);
            }
            pipeline.add(&element)?;
            end.link(&element)?;
            end = element;
        }
        end.link(&sink)?;
        let opened = Self {
            pipeline,
            source,
            sink,
        };
        let failed = |_| glib::bool_error!("the decoder does not start");
        opened
            .pipeline
            .set_state(gst::State::Playing)
            .map_err(failed)?;
        Ok(opened)
    }

    fn run(&self, units: &[Bytes]) -> Result<Vec<u8>, glib::BoolError> {
        // No decoder takes time that stands still.
        for (second, unit) in (0..).zip(units) {
            let mut buffer = gst::Buffer::from_slice(unit.clone());
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(gst::ClockTime::from_seconds(second));
            }
            let pushed = self.source.push_buffer(buffer);
            pushed.map_err(|error| glib::bool_error!("{error}"))?;
        }
        let ended = self.source.end_of_stream();
        ended.map_err(|error| glib::bool_error!("{error}"))?;
        let mut decoded = Vec::new();
        while let Some(sample) = self.sink.try_pull_sample(DECODE) {
            let map = sample
                .buffer()
                .and_then(|buffer| buffer.map_readable().ok());
            let map = map.ok_or_else(|| glib::bool_error!("what was decoded cannot be read"))?;
            if decoded.len() + map.len() <= SOUND_BYTES_MAX {
                decoded.extend_from_slice(&map);
            }
        }
        if decoded.is_empty() {
            return Err(glib::bool_error!("nothing came out of the decoder"));
        }
        Ok(decoded)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

#[cfg(test)]
mod tests;
