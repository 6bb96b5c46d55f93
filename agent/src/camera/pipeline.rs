//! One RTSP session: from the camera's packets to frames, without decoding. Worker process only.

use super::codec::Video;
use super::intake::Intake;
use crate::clock;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use xunke_protocol::health::CameraState;

/// How often the bus is looked at, and the agent told that this process lives.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(400);
/// To tell a camera that is not there from one that talks nonsense.
const PROBE: Duration = Duration::from_secs(2);

/// One stream of a camera.
pub struct Stream<'a> {
    /// RTSP address without name and password.
    pub url: &'a str,
    /// Name and password.
    pub credentials: Option<&'a (String, String)>,
    /// Whether to take sound.
    pub audio: bool,
    /// The session must bring frames within this time.
    pub connect_ms: u64,
    /// And then never pause longer than this.
    pub stall_ms: u64,
}

/// Why a session ended.
#[derive(Debug)]
pub struct Ended {
    /// How the camera now stands.
    pub state: CameraState,
    /// What it said, for the log.
    pub detail: String,
}

/// A pipeline that is dropped while it runs can crash the process.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

impl Stream<'_> {
    /// Opens the session and hands its frames to `intake` until it ends. `beat` is called about
    /// twice a second.
    pub fn run(&self, intake: &Arc<Intake>, mut beat: impl FnMut()) -> Ended {
        let running = match self.build(intake) {
            Ok(pipeline) => Running(pipeline),
            Err(error) => return garbage(format!("GStreamer is not complete: {error}")),
        };
        let started = running.0.set_state(gst::State::Playing);
        let Some(bus) = running.0.bus().filter(|_| started.is_ok()) else {
            return self.judge_failure("the pipeline does not start", intake);
        };
        let opened_ms = clock::mono_ms();
        loop {
            let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
            if let Some(message) = bus.timed_pop_filtered(POLL, &kinds) {
                return self.ended(&message, intake);
            }
            beat();
            if let Some(ended) = self.overdue(intake, opened_ms, clock::mono_ms()) {
                return ended;
            }
        }
    }

    /// A frozen camera raises no error over TCP: only its silence tells.
    fn overdue(&self, intake: &Intake, opened_ms: u64, now_ms: u64) -> Option<Ended> {
        let ended = |state, detail: String| Some(Ended { state, detail });
        match intake.newest_ms() {
            Some(newest) if now_ms.saturating_sub(newest) > self.stall_ms => {
                let detail = format!("no frame for {} ms", self.stall_ms);
                ended(CameraState::Stalled, detail)
            }
            None if now_ms.saturating_sub(opened_ms) > self.connect_ms => {
                let detail = format!("no frame within {} ms", self.connect_ms);
                // Silence is no nonsense: a camera that froze takes connections and says nothing.
                let answered = intake.answered() || self.answers();
                let state = if answered {
                    CameraState::Stalled
                } else {
                    CameraState::Unreachable
                };
                ended(state, detail)
            }
            _ => None,
        }
    }

    fn ended(&self, message: &gst::Message, intake: &Intake) -> Ended {
        match message.view() {
            gst::MessageView::Error(error) => {
                let detail = error.error().to_string();
                if error.error().matches(gst::ResourceError::NotAuthorized) {
                    let state = CameraState::Unauthorized;
                    return Ended { state, detail };
                }
                self.judge_failure(&detail, intake)
            }
            _ => self.judge_failure("the camera ended the session", intake),
        }
    }

    /// GStreamer has one code for "nobody there" and "nonsense"; whether the port answers tells
    /// the two apart.
    fn judge_failure(&self, detail: &str, intake: &Intake) -> Ended {
        let detail = detail.to_owned();
        let state = match (self.answers(), intake.newest_ms()) {
            (false, _) => CameraState::Unreachable,
            (true, None) => CameraState::Garbage,
            (true, Some(_)) => CameraState::Stalled,
        };
        Ended { state, detail }
    }

    fn answers(&self) -> bool {
        let Some(address) = host_and_port(self.url) else {
            return false;
        };
        let Ok(mut addresses) = address.to_socket_addrs() else {
            return false;
        };
        addresses.any(|address| TcpStream::connect_timeout(&address, PROBE).is_ok())
    }

    fn build(&self, intake: &Arc<Intake>) -> Result<gst::Pipeline, glib::BoolError> {
        let source = gst::ElementFactory::make("rtspsrc")
            .property("location", self.url)
            .property_from_str("protocols", "tcp")
            .property("latency", 0_u32)
            // The camera's own time stamps, exactly: measured on one stream, pictures are 40 ms
            // apart; with the default they are 33 to 71 ms apart. `timing` follows drift.
            .property_from_str("buffer-mode", "none")
            // Later than `overdue`, which tells silence from nonsense.
            .property("tcp-timeout", 2 * self.connect_ms * 1000)
            .build()?;
        if let Some((user, password)) = self.credentials {
            source.set_property("user-id", user);
            source.set_property("user-pw", password);
        }
        let pipeline = gst::Pipeline::new();
        pipeline.add(&source)?;
        self.select(&source, intake);
        let weak = pipeline.downgrade();
        let intake = Arc::clone(intake);
        source.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade()
                && let Err(error) = link(&pipeline, pad, &intake)
            {
                intake.ignored(&format!("a track cannot be taken: {error}"));
            }
        });
        Ok(pipeline)
    }

    /// Asks the camera only for what is taken: one picture and, if wanted, its sound.
    fn select(&self, source: &gst::Element, intake: &Arc<Intake>) {
        let (intake, audio) = (Arc::clone(intake), self.audio);
        source.connect("select-stream", false, move |values| {
            let caps = values
                .get(2)
                .and_then(|value| value.get::<gst::Caps>().ok());
            let track = caps.as_ref().and_then(|caps| Track::of(caps));
            let take = match track {
                Some(Track::Video(_)) => intake.answer(),
                Some(Track::Aac) => audio,
                None => {
                    let name = caps.map_or_else(String::new, |caps| encoding(&caps));
                    intake.ignored(&format!("the camera's {name} track is not taken"));
                    false
                }
            };
            Some(take.to_value())
        });
    }
}

fn garbage(detail: String) -> Ended {
    let state = CameraState::Garbage;
    Ended { state, detail }
}

/// A track that can be taken as it is.
#[derive(Clone, Copy)]
enum Track {
    Video(Video),
    Aac,
}

impl Track {
    fn of(caps: &gst::CapsRef) -> Option<Self> {
        match encoding(caps).as_str() {
            "video/H264" => Some(Self::Video(Video::H264)),
            "video/H265" => Some(Self::Video(Video::H265)),
            "audio/MPEG4-GENERIC" => Some(Self::Aac),
            _ => None,
        }
    }

    /// Depacketizer, parser, and the form in which frames are handed on.
    fn elements(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Video(Video::H264) => {
                let form = "video/x-h264,stream-format=avc,alignment=au";
                ("rtph264depay", "h264parse", form)
            }
            Self::Video(Video::H265) => {
                let form = "video/x-h265,stream-format=hvc1,alignment=au";
                ("rtph265depay", "h265parse", form)
            }
            Self::Aac => {
                let form = "audio/mpeg,mpegversion=4,stream-format=raw";
                ("rtpmp4gdepay", "aacparse", form)
            }
        }
    }
}

/// `media/ENCODING-NAME` of an RTP track.
fn encoding(caps: &gst::CapsRef) -> String {
    let field = |name| {
        let structure = caps.structure(0)?;
        structure.get::<String>(name).ok()
    };
    let media = field("media").unwrap_or_default();
    format!("{media}/{}", field("encoding-name").unwrap_or_default())
}

fn link(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    intake: &Arc<Intake>,
) -> Result<(), glib::BoolError> {
    let caps = pad.current_caps().or_else(|| pad.allowed_caps());
    let Some(track) = caps.as_ref().and_then(|caps| Track::of(caps)) else {
        return Ok(());
    };
    let (depay, parse, form) = track.elements();
    let depay = gst::ElementFactory::make(depay).build()?;
    let parse = gst::ElementFactory::make(parse).build()?;
    let form: gst::Caps = form.parse()?;
    let sink = AppSink::builder()
        .caps(&form)
        .sync(false)
        .max_buffers(8)
        .build();
    sink.set_enable_last_sample(false);
    sink.set_callbacks(callbacks(track, intake));
    pipeline.add_many([&depay, &parse, sink.upcast_ref()])?;
    gst::Element::link_many([&depay, &parse, sink.upcast_ref()])?;
    for element in [sink.upcast_ref(), &parse, &depay] {
        element.sync_state_with_parent()?;
    }
    let entry = depay.static_pad("sink");
    let entry = entry.ok_or_else(|| glib::bool_error!("the depacketizer has no entry"))?;
    let linked = pad.link(&entry);
    linked
        .map(drop)
        .map_err(|error| glib::bool_error!("{error}"))
}

fn callbacks(track: Track, intake: &Arc<Intake>) -> AppSinkCallbacks {
    let intake = Arc::clone(intake);
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        match track {
            Track::Video(codec) => intake.video(codec, &sample),
            Track::Aac => intake.audio(&sample),
        }
        Ok(gst::FlowSuccess::Ok)
    });
    callbacks.build()
}

/// The address behind an RTSP URL.
fn host_and_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next()?;
    let port = if scheme == "rtsps" { 322 } else { 554 };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_goes_where_the_url_points() {
        let check = |url, expect: Option<&str>| assert_eq!(host_and_port(url).as_deref(), expect);
        check("rtsp://10.1.2.3/main", Some("10.1.2.3:554"));
        check("rtsp://10.1.2.3:8554/main?x=1", Some("10.1.2.3:8554"));
        check("rtsps://camera", Some("camera:322"));
        check("rtsp://[::1]:8554/a", Some("[::1]:8554"));
        check("rtsp://[::1]/a", Some("[::1]:554"));
        check("camera", None);
    }
}
