//! A clip as a camera sends it: H.264 of ten pictures a second, a keyframe every two seconds.

use anyhow::{Context, Result};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};

use super::photo::{HEIGHT, Picture, WIDTH};

/// Pictures a second.
pub const RATE: u64 = 10;
const GOP_SECONDS: u64 = 2;
const KBIT_PER_SECOND: u64 = 400;
const GREY: u8 = 128;

/// An encoder that is open.
pub struct Clip {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    frames: u64,
}

/// One encoded frame.
pub struct Encoded {
    /// The encoder's avcC.
    pub description: Bytes,
    /// With 4-byte lengths.
    pub unit: Bytes,
    /// Whether it can be decoded alone.
    pub key: bool,
}

impl Clip {
    /// Opens the encoder.
    ///
    /// # Errors
    /// GStreamer lacks it.
    pub fn open() -> Result<Self> {
        let gop = RATE * GOP_SECONDS;
        let pipeline = gst::parse::launch(&format!(
            "appsrc name=source format=time caps=video/x-raw,format=I420,width={WIDTH},\
             height={HEIGHT},framerate={RATE}/1 \
             ! x264enc speed-preset=veryfast tune=zerolatency threads=1 bframes=0 \
             key-int-max={gop} bitrate={KBIT_PER_SECOND} option-string=scenecut=0 \
             ! h264parse ! video/x-h264,stream-format=avc,alignment=au \
             ! appsink name=sink sync=false"
        ))?;
        let pipeline = pipeline
            .downcast::<gst::Pipeline>()
            .ok()
            .context("no pipeline")?;
        let named = |name| pipeline.by_name(name).context("a part is missing");
        let source = named("source")?
            .downcast::<AppSrc>()
            .ok()
            .context("no source")?;
        let sink = named("sink")?
            .downcast::<AppSink>()
            .ok()
            .context("no sink")?;
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            pipeline,
            source,
            sink,
            frames: 0,
        })
    }

    /// Encodes one picture.
    ///
    /// # Errors
    /// The encoder has stopped.
    pub fn encode(&mut self, mut picture: Picture) -> Result<Encoded> {
        picture.resize(WIDTH * HEIGHT * 3 / 2, GREY);
        let mut buffer = gst::Buffer::from_slice(picture);
        let pts = gst::ClockTime::from_mseconds(self.frames * 1000 / RATE);
        buffer
            .get_mut()
            .context("a buffer has one owner")?
            .set_pts(pts);
        self.frames += 1;
        self.source.push_buffer(buffer)?;
        let sample = self.sink.try_pull_sample(gst::ClockTime::from_seconds(10));
        let sample = sample.context("the encoder has stopped")?;
        let caps = sample
            .caps()
            .and_then(|caps| caps.structure(0))
            .context("no caps")?;
        let avcc = caps.get::<gst::Buffer>("codec_data")?;
        let buffer = sample.buffer().context("no frame")?;
        Ok(Encoded {
            description: Bytes::copy_from_slice(&avcc.map_readable()?),
            unit: Bytes::copy_from_slice(&buffer.map_readable()?),
            key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        })
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
