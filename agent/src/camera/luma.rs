//! How bright one keyframe is and how much it varies: tells a covered or dark camera. Only the two
//! numbers leave; the decoded picture is 64 by 36 grey pixels and is forgotten at once.

use super::codec::Video;
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};

const WIDTH: i32 = 64;
const HEIGHT: i32 = 36;
const DECODE: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// The small libraries first: libav alone takes 30 MB.
const H264_DECODERS: [&str; 2] = ["openh264dec", "avdec_h264"];
const H265_DECODERS: [&str; 2] = ["libde265dec", "avdec_h265"];

/// One picture that can be decoded alone.
pub struct Keyframe {
    /// How it is encoded.
    pub codec: Video,
    /// Its avcC or hvcC.
    pub description: Bytes,
    /// The access unit, with 4-byte lengths.
    pub unit: Bytes,
}

/// Mean (0 to 255) and variance of a keyframe's brightness. [`gst::init`] must have succeeded.
///
/// # Errors
/// No decoder is installed, or it does not understand the picture.
pub fn of(keyframe: &Keyframe) -> Result<(f32, f32), glib::BoolError> {
    let (name, form, parse, decoders) = match keyframe.codec {
        Video::H264 => ("video/x-h264", "avc", "h264parse", H264_DECODERS),
        Video::H265 => ("video/x-h265", "hvc1", "h265parse", H265_DECODERS),
    };
    let description = gst::Buffer::from_slice(keyframe.description.clone());
    let caps = gst::Caps::builder(name)
        .field("stream-format", form)
        .field("alignment", "au")
        .field("codec_data", description)
        .build();
    let mut last = glib::bool_error!("no decoder");
    for decoder in decoders {
        let pipeline = gst::Pipeline::new();
        let decoded = decode(&pipeline, &keyframe.unit, &caps, [parse, decoder]);
        let _ = pipeline.set_state(gst::State::Null);
        match decoded {
            Ok(pixels) => return Ok(statistics(&pixels)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn decode(
    pipeline: &gst::Pipeline,
    unit: &Bytes,
    caps: &gst::Caps,
    [parse, decoder]: [&str; 2],
) -> Result<Vec<u8>, glib::BoolError> {
    let source = AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .build();
    let grey = gst::Caps::builder("video/x-raw")
        .field("format", "GRAY8")
        .field("width", WIDTH)
        .field("height", HEIGHT)
        .build();
    let sink = AppSink::builder().caps(&grey).sync(false).build();
    let parse = gst::ElementFactory::make(parse)
        .property("config-interval", -1)
        .build()?;
    let decoder = gst::ElementFactory::make(decoder).build()?;
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let scale = gst::ElementFactory::make("videoscale").build()?;
    let ends = [
        source.upcast_ref(),
        &parse,
        &decoder,
        &scale,
        &convert,
        sink.upcast_ref(),
    ];
    pipeline.add_many(ends)?;
    gst::Element::link_many(ends)?;
    let failed = |_| glib::bool_error!("the decoder does not start");
    pipeline.set_state(gst::State::Playing).map_err(failed)?;
    let mut buffer = gst::Buffer::from_slice(unit.clone());
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::ZERO);
    }
    let pushed = source
        .push_buffer(buffer)
        .and_then(|_| source.end_of_stream());
    pushed.map_err(|error| glib::bool_error!("{error}"))?;
    let picture = sink.try_pull_sample(DECODE);
    let picture = picture.ok_or_else(|| glib::bool_error!("no picture came out"))?;
    let map = picture
        .buffer()
        .and_then(|buffer| buffer.map_readable().ok());
    let map = map.ok_or_else(|| glib::bool_error!("the picture cannot be read"))?;
    Ok(map.to_vec())
}

fn statistics(pixels: &[u8]) -> (f32, f32) {
    let count = pixels.len().max(1) as f64;
    let mean = pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / count;
    let squares = pixels
        .iter()
        .map(|&pixel| (f64::from(pixel) - mean).powi(2));
    let variance = squares.sum::<f64>() / count;
    (mean as f32, variance as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covered_lens_has_almost_no_variance() {
        assert_eq!(statistics(&[16; 100]), (16.0, 0.0));
        let (mean, variance) = statistics(&[0, 255].repeat(50));
        assert_eq!((mean, variance), (127.5, 16_256.25));
        assert_eq!(statistics(&[]), (0.0, 0.0));
    }
}
