//! One RTSP session: from the camera's packets to frames, without decoding. Worker process only.

use super::codec::Video;
use super::g711::Law;
use super::greeting::{Greeting, greet};
use super::intake::Intake;
use super::pair::Trust;
use super::stall::Answer;
use super::tunnel::{Error as TunnelError, RTSPS_PORT, Tunnel, is_secure};
use crate::clock;
use futures_util::StreamExt;
use retina::client::{
    Credentials, Demuxed, Described, InitialSequenceNumberPolicy, InitialTimestampPolicy,
    PlayOptions, Session, SessionIdPolicy, SessionOptions, SetupOptions, TcpTransportOptions,
    Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef};
use std::net::TcpListener;
use std::pin::pin;
use std::time::Duration;
use tokio::select;
use tokio::time::interval;
use url::Url;
use xunke_protocol::health::{CameraState, Side};

/// How often silence is looked for, and the agent told that this process lives.
const BEAT: Duration = Duration::from_millis(400);
const RTSP_PORT: u16 = 554;
/// Pictures whose parameter sets have not come after this long will stay useless; the longest GOP
/// of a camera that sends them with keyframes only must be over by then.
const UNDESCRIBED_MS_MAX: u64 = 60_000;
/// Sessions that are tried anew at once because a nonce was used up between two requests.
const NONCES_MAX: usize = 3;
/// RFC 2326, 11.3.14.
const FULL: &str = "453 Not Enough Bandwidth: the camera serves no further viewer; close other \
                    players and recorders on it, or raise its limit";

/// One stream of a camera.
pub struct Stream<'a> {
    /// RTSP address without name and password.
    pub url: &'a str,
    /// Name and password.
    pub credentials: Option<&'a (String, String)>,
    /// For `rtsps://`: whom to trust, and where the tunnel begins.
    pub tls: Option<(&'a Trust, &'a TcpListener)>,
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
    /// Which side keeps the frames back, when that is known.
    pub side: Option<Side>,
    /// What it said, for the log.
    pub detail: String,
}

/// A session that brings frames, and which of its tracks they are.
struct Open {
    session: Demuxed,
    /// What it runs through, when the camera speaks TLS.
    _tunnel: Option<Tunnel>,
    /// Number of the picture's track.
    video: usize,
    codec: Video,
    /// What is not taken, for the log.
    ignored: Vec<String>,
}

/// Why there is no session, or no longer.
enum Failure {
    Rtsp(retina::Error),
    /// A request was refused although one before it was admitted.
    Nonce(retina::Error),
    Tunnel(TunnelError),
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
        let mut opening = pin!(self.open_with_fresh_nonces());
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

    /// How the camera greets a stranger; when it does not, its session will say why.
    pub async fn greet(&self) -> Option<Greeting> {
        let (url, _tunnel) = self.way().await.ok()?;
        greet(&url).await.ok()
    }

    /// A camera may want a new nonce for a later request, which `retina` does not give.
    async fn open_with_fresh_nonces(&self) -> Result<Open, Failure> {
        for _ in 1..NONCES_MAX {
            match self.open().await {
                Err(Failure::Nonce(_)) => {}
                other => return other,
            }
        }
        self.open().await
    }

    /// Asks the camera only for what is taken: one picture and, if wanted, its sound.
    async fn open(&self) -> Result<Open, Failure> {
        let (url, tunnel) = self.way().await?;
        let credentials = self.credentials.map(|(username, password)| Credentials {
            username: username.clone(),
            password: password.clone(),
        });
        let options = SessionOptions::default()
            .creds(credentials)
            .session_id(SessionIdPolicy::UseFirst)
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
            session.setup(track, options).await.map_err(nonce)?;
        }
        // Many cameras send no or wrong first times and numbers; `timing` anchors each track by
        // itself, and a loss before the first packet is of no interest.
        let options = PlayOptions::default()
            .initial_timestamp(InitialTimestampPolicy::Ignore)
            .initial_seq(InitialSequenceNumberPolicy::Ignore);
        let session = session.play(options).await.map_err(nonce)?.demuxed()?;
        Ok(Open {
            session,
            _tunnel: tunnel,
            video,
            codec,
            ignored,
        })
    }

    /// Where `retina` is to connect to.
    async fn way(&self) -> Result<(Url, Option<Tunnel>), Failure> {
        let url = Url::parse(self.url).map_err(|error| Failure::Nothing(error.to_string()))?;
        let Some((trust, door)) = self.tls.filter(|_| is_secure(self.url)) else {
            return Ok((url, None));
        };
        let tunnel = Tunnel::open(&url, trust, door).await;
        let tunnel = tunnel.map_err(Failure::Tunnel)?;
        Ok((tunnel.url.clone(), Some(tunnel)))
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
                ("audio", "mpeg4-generic" | "pcma" | "pcmu")
                    if self.audio && tracks.audio.is_none() =>
                {
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
        let opened_for_ms = now_ms.saturating_sub(opened_ms);
        match intake.newest_ms() {
            Some(newest) if now_ms.saturating_sub(newest) > self.stall_ms => {
                let detail = format!("no frame for {} ms", self.stall_ms);
                Some(self.silent(true, detail).await)
            }
            Some(_) if !intake.has_picture() && opened_for_ms > UNDESCRIBED_MS_MAX => Some(Ended {
                state: CameraState::Garbage,
                side: Some(Side::Camera),
                detail: "pictures come without their parameter sets".into(),
            }),
            None if opened_for_ms > self.connect_ms => {
                let detail = format!("no frame within {} ms", self.connect_ms);
                Some(self.silent(answered, detail).await)
            }
            _ => None,
        }
    }

    /// Silence is no nonsense: a camera that froze takes connections and says nothing.
    async fn silent(&self, answered: bool, detail: String) -> Ended {
        let answer = self.probe().await;
        let state = if answered || matches!(answer, Answer::Taken(_)) {
            CameraState::Stalled
        } else {
            CameraState::Unreachable
        };
        Ended {
            state,
            side: Some(answer.judged()),
            detail,
        }
    }

    /// An error may mean "nobody there" or "nonsense"; whether the port answers tells the two
    /// apart.
    async fn judge(&self, failure: Failure, intake: &Intake) -> Ended {
        let (status, detail) = failure.words();
        let known = |state| Ended {
            state,
            side: Some(Side::Camera),
            detail: detail.clone(),
        };
        match (&failure, status, intake.newest_ms()) {
            (_, Some(401 | 403), _) => known(CameraState::Unauthorized),
            (Failure::Tunnel(TunnelError::Connect(_)), ..) => self.unanswered(None, detail).await,
            (Failure::Tunnel(_), ..) | (_, Some(_), None) => known(CameraState::Garbage),
            (_, _, newest) => self.unanswered(newest, detail).await,
        }
    }

    async fn unanswered(&self, newest: Option<u64>, detail: String) -> Ended {
        let answer = self.probe().await;
        let state = match (answer, newest) {
            (Answer::Refused | Answer::Nothing, _) => CameraState::Unreachable,
            (Answer::Taken(_), None) => CameraState::Garbage,
            (Answer::Taken(_), Some(_)) => CameraState::Stalled,
        };
        Ended {
            state,
            side: Some(answer.judged()),
            detail,
        }
    }

    async fn probe(&self) -> Answer {
        match host_and_port(self.url) {
            Some((host, port)) => Answer::of(&host, port).await,
            None => Answer::Nothing,
        }
    }
}

/// DESCRIBE was admitted, so that this refusal is not about name and password.
fn nonce(error: retina::Error) -> Failure {
    if error.status_code() == Some(401) {
        Failure::Nonce(error)
    } else {
        Failure::Rtsp(error)
    }
}

impl Failure {
    /// The camera's answer, and what to write into the log.
    fn words(&self) -> (Option<u16>, String) {
        match self {
            Self::Rtsp(error) if error.status_code() == Some(453) => (Some(453), FULL.into()),
            Self::Rtsp(error) | Self::Nonce(error) => {
                (error.status_code(), first_line(&error.to_string()))
            }
            Self::Tunnel(error) => (None, error.to_string()),
            Self::Nothing(detail) => (None, detail.clone()),
        }
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
        let stream = &self.session.streams()[track];
        if let Some(ParametersRef::Audio(parameters)) = stream.parameters() {
            let channels = u32::from(parameters.channels().get());
            let rate = parameters.clock_rate();
            match stream.encoding_name() {
                "pcma" => intake.g711_config(Law::A, rate, channels),
                "pcmu" => intake.g711_config(Law::Mu, rate, channels),
                _ => intake.audio_config(parameters.extra_data(), rate, channels),
            }
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
    let usual = if is_secure(url.as_str()) {
        RTSPS_PORT
    } else {
        RTSP_PORT
    };
    Some((host, url.port().unwrap_or(usual)))
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
        check("rtsps://camera/a", Some(("camera", 322)));
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
