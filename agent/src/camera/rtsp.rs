//! One RTSP session: from the camera's packets to frames, without decoding. Worker process only.

use super::codec::Video;
use super::intake::Intake;
use crate::clock;
use futures_util::StreamExt;
use retina::client::{
    Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, Session, SessionOptions,
    SetupOptions, TcpTransportOptions, Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef};
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{interval, timeout};
use url::Url;
use xunke_protocol::health::CameraState;

/// How often silence is looked for, and the agent told that this process lives.
const BEAT: Duration = Duration::from_millis(400);
/// To tell a camera that is not there from one that talks nonsense.
const PROBE: Duration = Duration::from_secs(2);
const RTSP_PORT: u16 = 554;

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

/// A session that brings frames, and which of its tracks they are.
struct Open {
    session: Demuxed,
    /// Number of the picture's track.
    video: usize,
    codec: Video,
    /// What is not taken, for the log.
    ignored: Vec<String>,
}

/// Why there is no session, or no longer.
enum Failure {
    Rtsp(retina::Error),
    /// Nothing is wrong with the protocol, but there is nothing to take.
    Nothing(String),
}

impl Failure {
    fn left() -> Self {
        Self::Nothing("the camera ended the session".into())
    }
}

impl From<retina::Error> for Failure {
    fn from(error: retina::Error) -> Self {
        Self::Rtsp(error)
    }
}

impl Stream<'_> {
    /// Opens the session and hands its frames to `intake` until it ends. `beat` is called about
    /// twice a second.
    pub async fn run(&self, intake: &mut Intake, mut beat: impl FnMut(&mut Intake)) -> Ended {
        let opened_ms = clock::mono_ms();
        let mut beats = interval(BEAT);
        let mut opening = pin!(self.open());
        let mut open = loop {
            select! {
                opened = &mut opening => match opened {
                    Ok(open) => break open,
                    Err(failure) => return self.judge(failure, intake).await,
                },
                _ = beats.tick() => beat(intake),
            }
            if let Some(ended) = self.overdue(intake, false, opened_ms).await {
                return ended;
            }
        };
        open.ignored
            .iter()
            .for_each(|detail| intake.ignored(detail));
        loop {
            select! {
                item = open.session.next() => match item {
                    Some(Ok(item)) => open.take(item, intake),
                    Some(Err(error)) => return self.judge(error.into(), intake).await,
                    None => return self.judge(Failure::left(), intake).await,
                },
                _ = beats.tick() => {
                    beat(intake);
                    if let Some(ended) = self.overdue(intake, true, opened_ms).await {
                        return ended;
                    }
                }
            }
        }
    }

    /// Asks the camera only for what is taken: one picture and, if wanted, its sound.
    async fn open(&self) -> Result<Open, Failure> {
        let url = Url::parse(self.url).map_err(|error| Failure::Nothing(error.to_string()))?;
        let credentials = self.credentials.map(|(username, password)| Credentials {
            username: username.clone(),
            password: password.clone(),
        });
        let options = SessionOptions::default()
            .creds(credentials)
            .user_agent("xunke".into());
        let mut session = Session::describe(url, options).await?;
        let (tracks, ignored) = self.tracks(&session);
        let Some((video, codec)) = tracks.video else {
            let found = ignored.join("; ");
            let nothing = format!("no H.264 or H.265 picture is offered; {found}");
            return Err(Failure::Nothing(nothing));
        };
        for track in [Some(video), tracks.audio].into_iter().flatten() {
            let options = SetupOptions::default()
                .transport(Transport::Tcp(TcpTransportOptions::default()))
                .frame_format(FrameFormat::MP4);
            session.setup(track, options).await?;
        }
        // Many cameras send no or a wrong `rtptime`; `timing` anchors each track by itself.
        let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
        let session = session.play(options).await?.demuxed()?;
        Ok(Open {
            session,
            video,
            codec,
            ignored,
        })
    }

    fn tracks(&self, session: &Session<Described>) -> (Tracks, Vec<String>) {
        let mut tracks = Tracks::default();
        let mut ignored = Vec::new();
        for (number, stream) in session.streams().iter().enumerate() {
            match (stream.media(), stream.encoding_name()) {
                ("video", "h264") if tracks.video.is_none() => {
                    tracks.video = Some((number, Video::H264));
                }
                ("video", "h265") if tracks.video.is_none() => {
                    tracks.video = Some((number, Video::H265));
                }
                ("audio", "mpeg4-generic") if self.audio && tracks.audio.is_none() => {
                    tracks.audio = Some(number);
                }
                ("audio", _) if !self.audio => {}
                (media, name) => {
                    ignored.push(format!("the camera's {media}/{name} track is not taken"));
                }
            }
        }
        (tracks, ignored)
    }

    /// A frozen camera raises no error over TCP: only its silence tells.
    async fn overdue(&self, intake: &Intake, answered: bool, opened_ms: u64) -> Option<Ended> {
        let now_ms = clock::mono_ms();
        let ended = |state, detail: String| Some(Ended { state, detail });
        match intake.newest_ms() {
            Some(newest) if now_ms.saturating_sub(newest) > self.stall_ms => {
                let detail = format!("no frame for {} ms", self.stall_ms);
                ended(CameraState::Stalled, detail)
            }
            None if now_ms.saturating_sub(opened_ms) > self.connect_ms => {
                let detail = format!("no frame within {} ms", self.connect_ms);
                // Silence is no nonsense: a camera that froze takes connections and says nothing.
                let state = if answered || self.answers().await {
                    CameraState::Stalled
                } else {
                    CameraState::Unreachable
                };
                ended(state, detail)
            }
            _ => None,
        }
    }

    /// An error may mean "nobody there" or "nonsense"; whether the port answers tells the two
    /// apart.
    async fn judge(&self, failure: Failure, intake: &Intake) -> Ended {
        let (status, detail) = match failure {
            Failure::Rtsp(error) => (error.status_code(), first_line(&error.to_string())),
            Failure::Nothing(detail) => (None, detail),
        };
        let state = match (status, intake.newest_ms()) {
            (Some(401 | 403), _) => CameraState::Unauthorized,
            (Some(_), None) => CameraState::Garbage,
            (_, newest) => match (self.answers().await, newest) {
                (false, _) => CameraState::Unreachable,
                (true, None) => CameraState::Garbage,
                (true, Some(_)) => CameraState::Stalled,
            },
        };
        Ended { state, detail }
    }

    async fn answers(&self) -> bool {
        let Some((host, port)) = host_and_port(self.url) else {
            return false;
        };
        let connected = timeout(PROBE, TcpStream::connect((host, port))).await;
        matches!(connected, Ok(Ok(_)))
    }
}

#[derive(Default)]
struct Tracks {
    video: Option<(usize, Video)>,
    audio: Option<usize>,
}

impl Open {
    fn take(&self, item: CodecItem, intake: &mut Intake) {
        match item {
            CodecItem::VideoFrame(frame) => {
                if frame.has_new_parameters() || !intake.has_picture() {
                    self.describe_picture(intake);
                }
                let stamp_us = microseconds(frame.timestamp());
                intake.video(stamp_us, frame.into_data().into());
            }
            CodecItem::AudioFrame(frame) => {
                if !intake.has_sound() {
                    self.describe_sound(frame.stream_id(), intake);
                }
                let stamp_us = microseconds(frame.timestamp());
                intake.audio(stamp_us, frame.data().to_vec().into());
            }
            _ => {}
        }
    }

    fn describe_picture(&self, intake: &mut Intake) {
        let stream = &self.session.streams()[self.video];
        if let Some(ParametersRef::Video(parameters)) = stream.parameters() {
            let (width, height) = parameters.pixel_dimensions();
            intake.video_config(self.codec, parameters.extra_data(), width, height);
        }
    }

    fn describe_sound(&self, track: usize, intake: &mut Intake) {
        if let Some(ParametersRef::Audio(parameters)) = self.session.streams()[track].parameters() {
            let channels = u32::from(parameters.channels().get());
            intake.audio_config(parameters.extra_data(), parameters.clock_rate(), channels);
        }
    }
}

/// Since the session began, by the camera's clock.
fn microseconds(stamp: retina::Timestamp) -> i64 {
    let us = i128::from(stamp.elapsed()) * 1_000_000 / i128::from(stamp.clock_rate().get());
    i64::try_from(us).unwrap_or(i64::MAX)
}

/// What happened; the lines below it say on which connection.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The address behind an RTSP URL.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port().unwrap_or(RTSP_PORT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn the_probe_goes_where_the_url_points() {
        let check = |url, expect: Option<(&str, u16)>| {
            let found = host_and_port(url);
            let found = found.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, expect);
        };
        check("rtsp://10.1.2.3/main", Some(("10.1.2.3", 554)));
        check("rtsp://10.1.2.3:8554/main?x=1", Some(("10.1.2.3", 8554)));
        check("rtsp://camera", Some(("camera", 554)));
        check("rtsp://[::1]:8554/a", Some(("::1", 8554)));
        check("camera", None);
    }

    #[test]
    fn stamps_are_counted_from_the_start_of_the_session() {
        let clock = NonZeroU32::new(90_000).unwrap();
        let stamp = retina::Timestamp::new(7_000 + 3_600, clock, 7_000).unwrap();
        assert_eq!(microseconds(stamp), 40_000);
    }
}
