//! Reading the strip back out of encoded pictures: proof that what arrives was painted just now.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use xunke_protocol::live::VideoConfig;

use crate::classroom::strip::Mark;

const DECODE: &str = "h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=GRAY8 \
                      ! appsink name=out sync=false";

/// The marks of H.264 access units in AVCC form, in the order they are shown; `None` for a picture
/// without a strip.
///
/// # Errors
/// The decoder refuses.
pub fn marks_of_access_units(config: &VideoConfig, units: &[Bytes]) -> Result<Vec<Option<Mark>>> {
    gst_init()?;
    let description = STANDARD.decode(&config.description)?;
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("codec_data", gst::Buffer::from_slice(description))
        .build();
    decode("appsrc name=in format=time", Some(&caps), units)
}

/// The marks of all pictures of an MP4 file.
///
/// # Errors
/// The file cannot be taken apart, or the decoder refuses.
pub fn marks_of_mp4(file: &[u8]) -> Result<Vec<Option<Mark>>> {
    gst_init()?;
    let whole = [Bytes::copy_from_slice(file)];
    decode(
        "appsrc name=in format=bytes ! qtdemux name=demux demux.video_0 ! queue",
        None,
        &whole,
    )
}

fn gst_init() -> Result<()> {
    gst::init().context("GStreamer cannot start")
}

fn decode(source: &str, caps: Option<&gst::Caps>, units: &[Bytes]) -> Result<Vec<Option<Mark>>> {
    let pipeline = gst::parse::launch(&format!("{source} ! {DECODE}"))?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .ok()
        .context("not a pipeline")?;
    let source = pipeline
        .by_name("in")
        .and_then(|element| element.downcast::<AppSrc>().ok());
    let sink = pipeline
        .by_name("out")
        .and_then(|element| element.downcast::<AppSink>().ok());
    let (source, sink) = source.zip(sink).context("the pipeline lacks an end")?;
    source.set_caps(caps);
    pipeline.set_state(gst::State::Playing)?;
    let marks = push_and_pull(&source, &sink, units);
    pipeline.set_state(gst::State::Null)?;
    marks
}

fn push_and_pull(source: &AppSrc, sink: &AppSink, units: &[Bytes]) -> Result<Vec<Option<Mark>>> {
    for (number, unit) in (0_u64..).zip(units) {
        let mut buffer = gst::Buffer::from_slice(unit.clone());
        let writable = buffer
            .get_mut()
            .expect("invariant: the buffer has one owner");
        writable.set_pts(gst::ClockTime::from_mseconds(40) * number);
        source.push_buffer(buffer)?;
    }
    source.end_of_stream()?;
    let mut marks = vec![];
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(10)) {
        marks.push(mark(&sample)?);
    }
    ensure!(sink.is_eos(), "the decoder did not come to an end");
    Ok(marks)
}

fn mark(sample: &gst::Sample) -> Result<Option<Mark>> {
    let caps = sample
        .caps()
        .and_then(|caps| caps.structure(0))
        .context("no caps")?;
    let (width, height) = (caps.get::<i32>("width")?, caps.get::<i32>("height")?);
    let map = sample.buffer().context("no buffer")?.map_readable()?;
    Ok(Mark::read(
        &map,
        usize::try_from(width)?,
        usize::try_from(height)?,
    ))
}
