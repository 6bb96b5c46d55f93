//! One connection to the camera: what is asked, what is answered, and what is sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval};

use super::auth::Account;
use super::play::{Play, Programme, TURN};
use super::quirk::Quirk;
use super::request::{Answer, Found, Request};
use super::sdp;
use super::tally::Tallies;
use crate::clock::now_ms;

const TICK: Duration = Duration::from_millis(40);
/// Seconds without a request after which [`Quirk::WantsKeepAlive`] closes a session.
pub const TIMEOUT_SECONDS: u64 = 4;
/// How long [`Quirk::SessionsLinger`] counts a session that is gone.
pub const LINGER: Duration = Duration::from_secs(3);
const NONSENSE: &[u8] = b"RTSP/9.9 banana \xff\xfe\x00$\x00\xff\xff\r\n\x01\x02\r\n\r\n";

/// What befalls the camera at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mood {
    /// Nobody listens.
    pub dead: bool,
    /// Nothing is sent.
    pub frozen: bool,
    /// Every request is answered with nonsense.
    pub garbage: bool,
    /// Every request is answered 401.
    pub unauthorized: bool,
    /// Changes when all connections are to be closed.
    pub era: u32,
}

/// What all connections of a camera share.
pub struct Shared {
    /// Its account.
    pub account: Account,
    /// What it does otherwise.
    pub quirk: Option<Quirk>,
    /// Full and small picture.
    pub programmes: [Programme; 2],
    /// `rtsp://host:port` as it calls itself.
    pub base: String,
    /// What has happened.
    pub tallies: Tallies,
    /// What befalls it.
    pub mood: watch::Sender<Mood>,
    /// Since when a session that is gone is counted on.
    pub gone: watch::Sender<Option<Instant>>,
}

/// The two streams by their paths.
pub const STREAMS: [&str; 2] = ["main", "sub"];

struct Connection {
    shared: Arc<Shared>,
    incoming: Vec<u8>,
    out: Vec<u8>,
    nonce: String,
    setups: u32,
    /// Stream that is set up, and its channels.
    stream: Option<&'static str>,
    channels: (Option<u8>, Option<u8>),
    play: Option<Play>,
    ticks: Option<Interval>,
    asked: Instant,
    ended: bool,
}

/// Serves a connection until either side ends it.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(shared: Arc<Shared>, mut socket: S) {
    let mut mood = shared.mood.subscribe();
    let era = mood.borrow_and_update().era;
    let mut connection = Connection::new(shared);
    while !connection.ended {
        let Connection {
            incoming, ticks, ..
        } = &mut connection;
        select! {
            read = socket.read_buf(incoming) => match read {
                Ok(0) | Err(_) => break,
                Ok(_) => connection.hear(),
            },
            () = next(ticks) => connection.tick(),
            changed = mood.changed() => {
                if changed.is_err() || mood.borrow_and_update().era != era {
                    break;
                }
            }
        }
        if socket.write_all(&connection.out).await.is_err() {
            break;
        }
        connection.out.clear();
    }
    let _ = socket.shutdown().await;
}

async fn next(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}

impl Connection {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            incoming: vec![],
            out: vec![],
            nonce: uuid::Uuid::now_v7().simple().to_string(),
            setups: 0,
            stream: None,
            channels: (None, None),
            play: None,
            ticks: None,
            asked: Instant::now(),
            ended: false,
        }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.shared.quirk == Some(quirk)
    }

    fn tick(&mut self) {
        let mood = *self.shared.mood.borrow();
        let quirk = self.shared.quirk;
        let Some(play) = self.play.as_mut().filter(|_| !mood.frozen) else {
            return;
        };
        // Things befall only the first session, so that a second one can show the recovery.
        let turn = play.session() == 1 && play.pictures >= TURN;
        match quirk {
            Some(Quirk::GoesSilent) if turn => return,
            Some(Quirk::Garbage) if turn && play.pictures == TURN => {
                self.out.extend_from_slice(NONSENSE);
            }
            Some(Quirk::SessionsLinger) if turn => self.ended = true,
            Some(Quirk::WantsKeepAlive) => {
                self.ended |= self.asked.elapsed() > Duration::from_secs(TIMEOUT_SECONDS);
            }
            _ => {}
        }
        play.tick(now_ms(), &mut self.out);
        let (pictures, spoiled) = (play.pictures, play.spoiled);
        if let Some(stream) = self.stream {
            self.shared.tallies.change(stream, |tally| {
                (tally.pictures, tally.spoiled) = (pictures, spoiled);
            });
        }
    }

    fn hear(&mut self) {
        if self.shared.mood.borrow().garbage {
            self.incoming.clear();
            return self.out.extend_from_slice(NONSENSE);
        }
        loop {
            let length = match Request::find(&self.incoming) {
                Found::Nothing => return,
                Found::Packet(length) => length,
                Found::Request(request, length) => {
                    let answer = self.answer(&request);
                    let mut text = vec![];
                    answer.write(&mut text, &request, self.shared.quirk);
                    // What was sent before the answer stands before it.
                    self.out.extend(text);
                    length
                }
                Found::Nonsense => {
                    self.ended = true;
                    return;
                }
            };
            self.incoming.drain(..length);
        }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        self.asked = Instant::now();
        let segment = request.path.trim_start_matches('/').split('/').next();
        let stream = STREAMS.into_iter().find(|name| segment == Some(name));
        let Some(stream) = stream else {
            return Answer::new("404 Not Found");
        };
        if let Some(refusal) = self.refusal(request, stream) {
            return refusal;
        }
        match request.method.as_str() {
            "OPTIONS" => Answer::new("200 OK").with(
                "Public",
                "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN",
            ),
            "DESCRIBE" => self.describe(stream),
            "SETUP" => self.set_up(request, stream),
            "PLAY" => self.play(stream),
            "GET_PARAMETER" => {
                let tallies = &self.shared.tallies;
                tallies.change(stream, |tally| tally.keep_alives += 1);
                Answer::new("200 OK").with("Session", self.session_id())
            }
            "TEARDOWN" => {
                self.ended = true;
                Answer::new("200 OK")
            }
            _ => Answer::new("501 Not Implemented"),
        }
    }

    fn refusal(&mut self, request: &Request, stream: &str) -> Option<Answer> {
        if request.method == "OPTIONS" {
            return None;
        }
        let account = &self.shared.account;
        let shown = request.header("authorization");
        let admitted = account.admits(shown, &request.method, &self.nonce);
        let stale = match request.method.as_str() {
            "SETUP" => {
                let tallies = &self.shared.tallies;
                self.has(Quirk::StaleNonce) && tallies.of(stream).unauthorized < 2
            }
            "GET_PARAMETER" => self.has(Quirk::NonceChanges),
            _ => false,
        };
        let unauthorized = self.shared.mood.borrow().unauthorized;
        if admitted && !stale && !unauthorized {
            return None;
        }
        if admitted {
            self.nonce = uuid::Uuid::now_v7().simple().to_string();
            let tallies = &self.shared.tallies;
            tallies.change(stream, |tally| tally.unauthorized += 1);
        }
        let challenge = account.challenge(&self.nonce, stale);
        Some(Answer::new("401 Unauthorized").with("WWW-Authenticate", challenge))
    }

    fn programme(&self, stream: &str) -> &Programme {
        &self.shared.programmes[usize::from(stream != STREAMS[0])]
    }

    /// URL of a stream, with a slash at its end.
    fn url(&self, stream: &str) -> String {
        if self.has(Quirk::NamesOtherHost) {
            return format!("rtsp://192.0.2.7:554/{stream}/");
        }
        format!("{}/{stream}/", self.shared.base)
    }

    fn describe(&self, stream: &str) -> Answer {
        let absolute = self.has(Quirk::NamesOtherHost);
        let url = self.url(stream);
        let control = if absolute {
            format!("{url}trackID=")
        } else {
            "trackID=".into()
        };
        let programme = self.programme(stream);
        let (clip, tune) = (&programme.clips[0], programme.tune.as_deref());
        let mut answer = Answer::new("200 OK")
            .with("Content-Base", url)
            .with("Content-Type", "application/sdp");
        answer.body = sdp::describe(clip, tune, self.shared.quirk, &control);
        answer
    }

    fn set_up(&mut self, request: &Request, stream: &'static str) -> Answer {
        if self.stream.is_none() && self.is_full(stream) {
            let tallies = &self.shared.tallies;
            tallies.change(stream, |tally| tally.refused += 1);
            return Answer::new("453 Not Enough Bandwidth");
        }
        let transport = request.header("transport").unwrap_or_default();
        let channels = transport.split("interleaved=").nth(1);
        let channel = channels.and_then(|text| text.split('-').next()?.parse().ok());
        let Some(channel) = channel else {
            return Answer::new("461 Unsupported Transport");
        };
        match request.path.rsplit("trackID=").next() {
            Some("1") => self.channels.0 = Some(channel),
            Some("2") => self.channels.1 = Some(channel),
            _ => return Answer::new("404 Not Found"),
        }
        self.stream = Some(stream);
        self.setups += 1;
        let next = u32::from(channel) + 1;
        let transport = format!("RTP/AVP/TCP;unicast;interleaved={channel}-{next};mode=\"PLAY\"");
        let timeout = if self.has(Quirk::WantsKeepAlive) || self.has(Quirk::NonceChanges) {
            TIMEOUT_SECONDS
        } else {
            60
        };
        Answer::new("200 OK").with("Transport", transport).with(
            "Session",
            format!("{};timeout={timeout}", self.session_id()),
        )
    }

    fn session_id(&self) -> String {
        let changes = u32::from(self.has(Quirk::SessionIdChanges)) * self.setups;
        format!("{}", 1_804_289_383 + changes)
    }

    /// Whether a further session is too many.
    fn is_full(&self, stream: &str) -> bool {
        let open = self.shared.tallies.open() > 0;
        let lingers = self
            .shared
            .gone
            .borrow()
            .is_some_and(|gone| gone.elapsed() < LINGER);
        (self.has(Quirk::NotEnoughBandwidth) && open)
            || (self.has(Quirk::SessionsLinger) && lingers && stream == STREAMS[0])
    }

    fn play(&mut self, stream: &'static str) -> Answer {
        let (Some(channel), None) = (self.channels.0, &self.play) else {
            return Answer::new("455 Method Not Valid in This State");
        };
        let session = self.shared.tallies.change(stream, |tally| {
            tally.sessions += 1;
            tally.open += 1;
            tally.open_max = tally.open_max.max(tally.open);
            (tally.pictures, tally.spoiled) = (0, 0);
            tally.sessions
        });
        let programme = self.programme(stream).clone();
        let channels = (channel, self.channels.1);
        let play = Play::new(programme, self.shared.quirk, session, channels);
        let answer = Answer::new("200 OK").with("Session", self.session_id());
        let answer = if self.has(Quirk::NoRtpInfo) {
            answer
        } else {
            answer.with("RTP-Info", self.rtp_info(stream, &play))
        };
        self.play = Some(play);
        self.ticks = Some(interval(TICK));
        if self.has(Quirk::EarlyPackets) {
            (0..2).for_each(|_| self.tick());
        }
        answer
    }

    fn rtp_info(&self, stream: &str, play: &Play) -> String {
        let url = self.url(stream);
        let mut tracks = vec![];
        let set_up = [self.channels.0, self.channels.1];
        for (number, (mut sequence, mut stamp)) in (1..).zip(play.first()) {
            if set_up[number - 1].is_none() {
                continue;
            }
            if self.has(Quirk::WrongRtpInfo) {
                (sequence, stamp) = (sequence.wrapping_add(20_000), stamp ^ 0x7000_0000);
            }
            tracks.push(format!(
                "url={url}trackID={number};seq={sequence};rtptime={stamp}"
            ));
        }
        tracks.join(",")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let (Some(stream), Some(_)) = (self.stream, &self.play) {
            self.shared.tallies.change(stream, |tally| tally.open -= 1);
            self.shared.gone.send_replace(Some(Instant::now()));
        }
    }
}
