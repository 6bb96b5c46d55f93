//! The chain from a video device to H.264, in GStreamer's words. Only what arrives raw or as JPEG
//! is encoded, once for each of its two pictures.

use super::choice::{RATE_MAX, rate};
use super::mode::{Encoding, Mode};
use crate::camera::pair::{MAIN, SUB};
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use std::path::Path;
use tokio::sync::mpsc::Sender;

/// Bit rate of 1920 × 1080; smaller pictures get their share.
const KBITS: u32 = 3_000;
const KBITS_MIN: u32 = 800;
const SUB_KBITS: u32 = 400;
const SUB_WIDTH: u32 = 640;
const SUB_RATE: f32 = 15.0;
/// Between two keyframes.
const GOP_SECONDS: f32 = 2.0;
/// What every chain ends with: access units with 4-byte lengths, parameter sets beside them.
const END: &str = "h264parse ! video/x-h264,stream-format=avc,alignment=au ! \
    appsink sync=false max-buffers=4 name=";

/// Who encodes. Hardware first; a chain that does not start gives way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    /// A video device that takes pictures and gives H.264.
    V4l2,
    /// A graphics processor.
    Va,
    /// The same by an older plugin.
    Vaapi,
    /// The processor.
    X264,
}

impl Encoder {
    const ALL: [Self; 4] = [Self::V4l2, Self::Va, Self::Vaapi, Self::X264];

    fn element(self) -> &'static str {
        match self {
            Self::V4l2 => "v4l2h264enc",
            Self::Va => "vah264enc",
            Self::Vaapi => "vaapih264enc",
            Self::X264 => "x264enc",
        }
    }

    /// Those that are installed and may work here. [`gst::init`] must have succeeded.
    pub fn installed(hardware: bool) -> Vec<Self> {
        let there = |one: &Self| gst::ElementFactory::find(one.element()).is_some();
        let wanted = Self::ALL
            .into_iter()
            .filter(|one| hardware || *one == Self::X264);
        wanted.filter(there).collect()
    }

    /// From raw pictures to H.264 of main profile, a keyframe every so many pictures, none stored
    /// out of order.
    fn describe(self, kbits: u32, gop: u32) -> String {
        let element = self.element();
        let bits = kbits * 1000;
        let (format, settings) = match self {
            Self::V4l2 => (
                "NV12",
                format!(
                    "extra-controls=\"encode,video_bitrate={bits},video_gop_size={gop},\
                     h264_i_frame_period={gop}\" ! video/x-h264,level=(string)4"
                ),
            ),
            Self::Va => (
                "NV12",
                format!(
                    "rate-control=cbr bitrate={kbits} key-int-max={gop} b-frames=0 ! \
                     video/x-h264,profile=main"
                ),
            ),
            Self::Vaapi => (
                "NV12",
                format!(
                    "rate-control=cbr bitrate={kbits} keyframe-period={gop} max-bframes=0 ! \
                     video/x-h264,profile=main"
                ),
            ),
            Self::X264 => (
                "I420",
                format!(
                    "tune=zerolatency speed-preset=superfast bitrate={kbits} key-int-max={gop} ! \
                     video/x-h264,profile=main"
                ),
            ),
        };
        format!("videoconvert ! video/x-raw,format={format} ! {element} {settings}")
    }
}

/// The whole chain behind `source`, as `gst-launch-1.0` would take it. Without an encoder the
/// device's own H.264 is passed on.
pub fn describe(source: &str, mode: &Mode, encoder: Option<Encoder>) -> String {
    let caps = caps(mode);
    let Some(encoder) = encoder else {
        return format!("{source} ! {caps} ! queue max-size-buffers=8 ! {END}main");
    };
    let decode = match mode.encoding {
        Encoding::Jpeg => "jpegdec ! ",
        _ => "",
    };
    let gop = |most: f32| (rate(mode).min(most) * GOP_SECONDS).round().max(1.0) as u32;
    let main = encoder.describe(kbits(mode), gop(RATE_MAX));
    let sub = encoder.describe(SUB_KBITS, gop(SUB_RATE));
    let (thinned, small_thinned) = (thinned(mode, RATE_MAX), thinned(mode, SUB_RATE));
    let (width, height) = small(mode);
    format!(
        "{source} ! {caps} ! {decode}{thinned}tee name=both \
         both. ! queue max-size-buffers=4 ! {main} ! {END}main \
         both. ! queue max-size-buffers=2 leaky=downstream ! {small_thinned}videoscale ! \
         video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1 ! {sub} ! {END}sub"
    )
}

/// Leaves pictures out of more than `most` a second. A limit of the element itself would reach back
/// through the tee and slow both pictures.
fn thinned(mode: &Mode, most: f32) -> String {
    if mode.rate.is_some() && rate(mode) > most {
        return format!("videorate drop-only=true ! video/x-raw,framerate={most}/1 ! ");
    }
    String::new()
}

fn caps(mode: &Mode) -> String {
    let kind = match mode.encoding {
        Encoding::H264 => "video/x-h264".to_owned(),
        Encoding::Jpeg => "image/jpeg".to_owned(),
        Encoding::Raw(format) => format!("video/x-raw,format={format}"),
    };
    let size = format!("{kind},width={},height={}", mode.width, mode.height);
    match mode.rate {
        Some(rate) => format!("{size},framerate={}/{}", rate.pictures, rate.seconds),
        None => size,
    }
}

fn kbits(mode: &Mode) -> u32 {
    let share = KBITS * (mode.width * mode.height / 1000) / (1920 * 1080 / 1000);
    share.clamp(KBITS_MIN, KBITS)
}

/// Of the same shape, with even sides.
fn small(mode: &Mode) -> (u32, u32) {
    let width = SUB_WIDTH.min(mode.width & !1);
    let height = mode.height * width / mode.width.max(1);
    (width, (height & !1).max(2))
}

/// A chain that runs. Dropping it closes the device.
pub struct Chain {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
}

impl Chain {
    /// Starts it; what comes out goes to `samples`, which holds the device up when it is full, so
    /// that pictures are left out before they are encoded.
    ///
    /// # Errors
    /// An element is missing, or the device refuses.
    pub fn start(
        description: &str,
        node: &Path,
        samples: &Sender<(u16, gst::Sample)>,
    ) -> Result<Self, glib::Error> {
        let wrong = |what: &str| glib::Error::new(gst::CoreError::Failed, what);
        let pipeline = gst::parse::launch(description)?;
        let pipeline = pipeline
            .downcast::<gst::Pipeline>()
            .map_err(|_| wrong("no pipeline"))?;
        // Never part of the description: a path may hold any letter.
        let source = pipeline.by_name("camera");
        if let Some(source) = source.filter(|source| source.has_property("device")) {
            source.set_property("device", node.to_string_lossy().as_ref());
        }
        for (name, handle) in [("main", MAIN), ("sub", SUB)] {
            let Some(sink) = pipeline.by_name(name) else {
                continue;
            };
            let sink = sink.downcast::<AppSink>().map_err(|_| wrong("no sink"))?;
            sink.set_callbacks(forward(handle, samples.clone()));
        }
        let bus = pipeline.bus().ok_or_else(|| wrong("no bus"))?;
        let chain = Self { pipeline, bus };
        match chain.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(chain),
            Err(_) => Err(chain
                .failure()
                .unwrap_or_else(|| wrong("it does not start"))),
        }
    }

    /// Why it has stopped, if it has.
    pub fn failure(&self) -> Option<glib::Error> {
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
        let message = self.bus.pop_filtered(&kinds)?;
        Some(match message.view() {
            gst::MessageView::Error(error) => error.error(),
            _ => glib::Error::new(gst::ResourceError::Read, "the device ended its stream"),
        })
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn forward(handle: u16, samples: Sender<(u16, gst::Sample)>) -> AppSinkCallbacks {
    let taken = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let sent = samples.blocking_send((handle, sample));
        sent.map(|()| gst::FlowSuccess::Ok)
            .map_err(|_| gst::FlowError::Eos)
    };
    AppSinkCallbacks::builder().new_sample(taken).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::usb::mode::Rate;

    fn mode(encoding: Encoding, width: u32, height: u32, pictures: u32) -> Mode {
        let rate = Some(Rate {
            pictures,
            seconds: 1,
        });
        Mode {
            encoding,
            width,
            height,
            rate,
        }
    }

    #[test]
    fn what_the_device_encodes_is_passed_on_unchanged() {
        let text = describe("v4l2src", &mode(Encoding::H264, 1920, 1080, 30), None);
        assert!(
            text.starts_with("v4l2src ! video/x-h264,width=1920,height=1080,framerate=30/1 !"),
            "{text}"
        );
        for no in ["enc", "tee", "name=sub"] {
            assert!(!text.contains(no), "{text}");
        }
    }

    #[test]
    fn what_is_raw_is_encoded_once_for_each_picture() {
        let raw = mode(Encoding::Raw("YUY2"), 640, 480, 60);
        let text = describe("v4l2src", &raw, Some(Encoder::X264));
        assert_eq!(text.matches("x264enc").count(), 2, "{text}");
        assert!(!text.contains("jpegdec") && text.contains("framerate=30/1 ! tee"));
        assert!(text.contains("bitrate=800 key-int-max=60"), "{text}");
        assert!(text.contains("framerate=15/1 ! videoscale ! video/x-raw,width=640,height=480,"));
        let jpeg = mode(Encoding::Jpeg, 1920, 1080, 25);
        let text = describe("v4l2src", &jpeg, Some(Encoder::Va));
        assert_eq!(text.matches("jpegdec").count(), 1, "{text}");
        assert_eq!(text.matches("vah264enc").count(), 2, "{text}");
        assert!(text.contains("bitrate=3000 key-int-max=50"), "{text}");
        assert!(text.contains("width=640,height=360,pixel"), "{text}");
    }
}
