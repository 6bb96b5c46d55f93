//! Screen: live. One WebSocket for each tab; words as JSON text, frames as they came from the box.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at};
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, StreamKind};

use super::App;
use super::error::{Error, ErrorBody, ErrorDetail};
use super::guard::Caller;
use super::listen::broke_off;
use super::purpose::PurposeForm;
use crate::access::gate::Watermark;
use crate::clock::now_ms;
use crate::live::relay::{NoPlace, Offline, Reason};
use crate::live::tally::{Tally, Turn};
use crate::live::viewer::{Item, NotOpened, Outbox, Tab, TileNumber, TooManyTabs, Wish, Word};

/// Longest message of a page.
const TEXT_BYTES_MAX: usize = 4096;
/// Written to TLS at once; small, so that little is under way to a slow page.
const WRITE_BYTES: usize = 16 * 1024;
/// Messages that cannot be read before the page is shut out.
const UNREADABLE_MAX: u32 = 20;
/// Messages a page may send at once: every tile closed and opened anew.
const BURST_MAX: u32 = 80;
/// After the burst, one message in this time.
const MESSAGE_EVERY: Duration = Duration::from_millis(100);
/// Keeps proxies from closing a quiet line, and finds out that a page is gone.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A page that has not even answered a ping is gone.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The session is looked at so often, also without any tile. A line ends with its session at the
/// second look, in < 1 s (R23): meanwhile each tile has said why.
const SESSION_EVERY: Duration = Duration::from_millis(400);
const GOODBYE: Duration = Duration::from_secs(1);
/// A page that takes nothing for so long is not watching, whatever else it says.
const UNREAD_MAX: Duration = Duration::from_secs(20);

type Sink = SplitSink<WebSocket, Message>;

/// What a page asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Asked {
    Open {
        tile: TileNumber,
        room: String,
        source: String,
        stream: StreamKind,
        #[serde(default)]
        purpose: PurposeForm,
    },
    Switch {
        tile: TileNumber,
        source: String,
        stream: StreamKind,
    },
    Shown {
        tile: TileNumber,
        ms: i64,
    },
    Close {
        tile: TileNumber,
    },
}

/// The kinds of what a page asks, for the table of every entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture, please.
    Open,
    /// Another one of the same room.
    Switch,
    /// For how long it was really shown.
    Shown,
    /// Enough of it.
    Close,
}

impl Kind {
    /// Every kind, as `op` names it.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Open, "open"),
        (Self::Switch, "switch"),
        (Self::Shown, "shown"),
        (Self::Close, "close"),
    ];
}

/// What the hub says.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Said {
    Opened {
        tile: TileNumber,
        handle: u16,
        view_id: Uuid,
        watermark: Mark,
    },
    Refused {
        tile: TileNumber,
        error: ErrorDetail,
    },
    Closed {
        tile: TileNumber,
        error: Option<ErrorDetail>,
    },
    Delayed {
        tile: TileNumber,
        dropped: u64,
    },
    Offline {
        tile: TileNumber,
        since: i64,
        reason: &'static str,
    },
    Error {
        error: ErrorDetail,
    },
}

/// Written over every picture (R61).
#[derive(Debug, Serialize)]
struct Mark {
    name: String,
    staff_number: String,
    address: String,
}

/// The live line of a tab, as a WebSocket.
///
/// # Errors
/// 401 when nobody is signed in, 403 from a foreign page, 409 with too many tabs.
#[utoipa::path(get, path = "/api/live", tag = "live", responses(
    (status = 101, description = "WebSocket"), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn live(
    State(app): State<App>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let upgrade = upgrade.map_err(|rejection| Error::Unreadable(rejection.body_text()))?;
    let tab = app.views.tab(caller.session, caller.address);
    let tab = tab.inspect_err(|_| {
        let tally = app.relay.tally();
        tally.count(Turn::LineRefused, "too_many_tabs");
    })?;
    let upgrade = upgrade
        .max_message_size(TEXT_BYTES_MAX)
        .max_frame_size(TEXT_BYTES_MAX)
        .write_buffer_size(WRITE_BYTES);
    let tally = app.relay.tally().clone();
    Ok(upgrade.on_upgrade(|socket| serve(socket, tab, tally)))
}

/// Why the hub hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The page is gone.
    Gone,
    /// The hub stops.
    Stopped,
    /// The session is over.
    SignedOut,
    /// Not even a ping was answered.
    Silent,
    /// Too much that cannot be understood.
    Unreadable,
    /// What waits for the page is not read.
    Unread,
}

impl Ending {
    fn code(self) -> u16 {
        match self {
            Self::Gone | Self::Silent => close_code::NORMAL,
            Self::Stopped => close_code::AWAY,
            Self::SignedOut | Self::Unreadable | Self::Unread => close_code::POLICY,
        }
    }

    /// What the page is counted for; `None` where it did nothing wrong.
    fn counted(self) -> Option<&'static str> {
        match self {
            Self::Gone | Self::Stopped => None,
            Self::SignedOut => Some("session_over"),
            Self::Silent => Some("silent"),
            Self::Unreadable => Some("unreadable"),
            Self::Unread => Some("unread"),
        }
    }
}

async fn serve(socket: WebSocket, mut tab: Tab, tally: Tally) {
    let (mut sink, mut stream) = socket.split();
    let outbox = tab.outbox();
    let ending = tokio::select! {
        ending = read(&mut stream, &mut tab) => ending,
        ending = write(&mut sink, &outbox) => ending,
    };
    if let Some(why) = ending.counted() {
        tally.count(Turn::LineCut, why);
    }
    let (code, reason) = (ending.code(), Default::default());
    let goodbye = Message::Close(Some(CloseFrame { code, reason }));
    // The page may be gone already.
    drop(timeout(GOODBYE, sink.send(goodbye)).await);
    tab.end().await;
}

/// Does what the page asks until it is gone; says why to hang up.
async fn read(stream: &mut SplitStream<WebSocket>, tab: &mut Tab) -> Ending {
    let mut session = interval(SESSION_EVERY);
    session.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pace = Pace::new();
    let (mut unreadable, mut over) = (0, false);
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            message = timeout_at(heard + SILENCE_MAX, stream.next()) => message,
            () = tab.stopped() => return Ending::Stopped,
            _ = session.tick() => {
                if over {
                    return Ending::SignedOut;
                }
                over = session_is_over(tab).await;
                continue;
            }
        };
        let message = match message {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) if !broke_off(&error) => return Ending::Unreadable,
            Ok(_) => return Ending::Gone,
            Err(_) => return Ending::Silent,
        };
        heard = Instant::now();
        match message {
            Message::Text(text) => {
                pace.keep().await;
                unreadable += u32::from(!hear(&text, tab));
            }
            Message::Binary(_) => unreadable += 1,
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => return Ending::Gone,
        }
        if unreadable > UNREADABLE_MAX {
            return Ending::Unreadable;
        }
    }
}

/// False when the message cannot be understood.
fn hear(text: &str, tab: &mut Tab) -> bool {
    match serde_json::from_str(text) {
        Ok(Asked::Close { tile }) => tab.close(tile),
        Ok(Asked::Shown { tile, ms }) => tab.shown(tile, ms),
        Ok(Asked::Switch {
            tile,
            source,
            stream,
        }) => match source.parse() {
            Ok(source) => tab.switch(tile, source, stream),
            Err(_) => tab.refuse(tile, NotOpened::NotFound),
        },
        Ok(Asked::Open {
            tile,
            room,
            source,
            stream,
            purpose,
        }) => {
            let (Ok(room), Ok(source)) = (room.parse().map(ClassroomId), source.parse()) else {
                tab.refuse(tile, NotOpened::NotFound);
                return true;
            };
            let purpose = purpose.into();
            tab.open(Wish {
                tile,
                room,
                source,
                stream,
                purpose,
            });
        }
        Err(error) => {
            tab.not_understood(error.to_string());
            return false;
        }
    }
    true
}

/// A failure of the store ends no line: every tile asks for itself, and fails closed.
async fn session_is_over(tab: &mut Tab) -> bool {
    match tab.keep_session(now_ms()).await {
        Ok(lasts) => lasts.is_err(),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "cannot look at a session");
            false
        }
    }
}

/// Writes what waits until the page is gone or leaves too much unread; says why to hang up.
async fn write(sink: &mut Sink, outbox: &Outbox) -> Ending {
    match deliver(sink, outbox).await {
        Ok(()) | Err(Undelivered::Unread) => Ending::Unread,
        Err(Undelivered::Gone) => Ending::Gone,
    }
}

/// Why no more can be written.
enum Undelivered {
    Gone,
    Unread,
}

/// Flushes when nothing more waits: the frames of a GOP leave in one go.
async fn deliver(sink: &mut Sink, outbox: &Outbox) -> Result<(), Undelivered> {
    let mut ping_at = Instant::now() + PING_EVERY;
    while !outbox.given_up() {
        if ping_at <= Instant::now() {
            ping_at = Instant::now() + PING_EVERY;
            taken(sink.feed(Message::Ping(Bytes::new()))).await?;
        }
        match outbox.take() {
            Some(item) => taken(sink.feed(encode(item))).await?,
            None => {
                taken(sink.flush()).await?;
                drop(timeout_at(ping_at, outbox.ready()).await);
            }
        }
    }
    Ok(())
}

/// One step of writing; a page that does not read keeps it waiting.
async fn taken(step: impl Future<Output = Result<(), axum::Error>>) -> Result<(), Undelivered> {
    match timeout(UNREAD_MAX, step).await {
        Ok(done) => done.map_err(|_| Undelivered::Gone),
        Err(_) => Err(Undelivered::Unread),
    }
}

fn encode(item: Item) -> Message {
    let said = match item {
        Item::Frame(frame) => return Message::Binary(frame.encode()),
        Item::NotUnderstood(why) => Said::Error {
            error: Error::Unreadable(why).detail(),
        },
        Item::Word(tile, word) => say(tile, word),
    };
    let text = serde_json::to_string(&said);
    Message::Text(text.expect("invariant: words are plain data").into())
}

fn say(tile: TileNumber, word: Word) -> Said {
    match word {
        Word::Opened {
            handle,
            view_id,
            watermark,
        } => {
            let Watermark {
                name,
                staff_number,
                address,
            } = watermark;
            let watermark = Mark {
                name,
                staff_number,
                address,
            };
            Said::Opened {
                tile,
                handle,
                view_id,
                watermark,
            }
        }
        Word::Refused(why) => Said::Refused {
            tile,
            error: Error::from(why).detail(),
        },
        Word::Closed(refusal) => Said::Closed {
            tile,
            error: refusal.map(ErrorDetail::from),
        },
        Word::Delayed(dropped) => Said::Delayed { tile, dropped },
        Word::Offline(Offline {
            since_ms: since,
            reason,
        }) => Said::Offline {
            tile,
            since,
            reason: name(reason),
        },
    }
}

fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Absent => "absent",
        Reason::NoPush => "no_push",
        Reason::Declined => "declined",
        Reason::Broken => "broken",
        Reason::Silent => "silent",
    }
}

/// How fast a page may ask: each opening is a line in the trail.
struct Pace {
    /// When everything asked so far would have been due at one message in [`MESSAGE_EVERY`].
    due: Instant,
}

impl Pace {
    fn new() -> Self {
        Self {
            due: Instant::now(),
        }
    }

    /// Counts a message; waits when the page is more than a burst ahead.
    async fn keep(&mut self) {
        self.due = self.due.max(Instant::now()) + MESSAGE_EVERY;
        sleep_until(self.due - MESSAGE_EVERY * BURST_MAX).await;
    }
}

impl From<NotOpened> for Error {
    fn from(why: NotOpened) -> Self {
        match why {
            NotOpened::Denied(denied) => denied.into(),
            NotOpened::NotFound => Self::NotFound,
            NotOpened::Campus(cause) => cause.into(),
            NotOpened::NoPlace(NoPlace::NoBox) => Self::Conflict(
                "这间教室还没有启用的设备，请联系信息中心。",
                "No box is in use in this room; tell the IT centre.",
            ),
            NotOpened::NoPlace(NoPlace::Full) => Self::Conflict(
                "这间教室同时观看的人数已达上限，请稍后再试。",
                "As many people watch this room as may; try again shortly.",
            ),
            NotOpened::TooManyTiles => Self::Conflict(
                "本页打开的画面已达上限，请先关闭一些画面。",
                "As many pictures are open on this page as may be; close some first.",
            ),
            NotOpened::TileInUse => {
                Self::Conflict("这个画面已经打开。", "This picture is open already.")
            }
            NotOpened::TooManyViews => Self::Conflict(
                "平台同时观看的总数已达上限，请稍后再试。",
                "As many pictures are open as the hub may show; try again shortly.",
            ),
        }
    }
}

impl From<TooManyTabs> for Error {
    fn from(_: TooManyTabs) -> Self {
        Self::Conflict(
            "您打开的实时观看页面过多，请关闭其他页面后重试。",
            "Too many of your live pages are open; close the others and try again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::gate::Denied;
    use xunke_policy::Refusal;
    use xunke_policy::purpose::Purpose;

    fn said(item: Item) -> serde_json::Value {
        match encode(item) {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            message => panic!("{message:?}"),
        }
    }

    #[test]
    fn words_are_those_of_the_page() {
        let watermark = Watermark {
            name: "王建国".into(),
            staff_number: "D1001".into(),
            address: "10.0.0.9".into(),
        };
        let view_id = Uuid::nil();
        let opened = Word::Opened {
            handle: 7,
            view_id,
            watermark,
        };
        let expect = serde_json::json!({"op": "opened", "tile": 1, "handle": 7, "view_id": view_id,
            "watermark": {"name": "王建国", "staff_number": "D1001", "address": "10.0.0.9"}});
        assert_eq!(said(Item::Word(1, opened)), expect);
        let expect = serde_json::json!({"op": "closed", "tile": 2, "error": null});
        assert_eq!(said(Item::Word(2, Word::Closed(None))), expect);
        let expect = serde_json::json!({"op": "delayed", "tile": 2, "dropped": 25});
        assert_eq!(said(Item::Word(2, Word::Delayed(25))), expect);
        let offline = Offline {
            since_ms: 42,
            reason: Reason::Absent,
        };
        let expect = serde_json::json!({"op": "offline", "tile": 3, "since": 42,
            "reason": "absent"});
        assert_eq!(said(Item::Word(3, Word::Offline(offline))), expect);
    }

    /// DESIGN §4.6: a kind that is understood stands in the table of entrances.
    #[test]
    fn every_kind_that_is_understood_is_declared() {
        let unknown = serde_json::from_str::<Asked>(r#"{"op":"?"}"#).unwrap_err();
        let declared = Kind::ALL.map(|(_, name)| format!("`{name}`")).join(", ");
        let expected = format!("unknown variant `?`, expected one of {declared} at");
        assert!(unknown.to_string().starts_with(&expected), "{unknown}");
    }

    #[test]
    fn a_refusal_names_its_article() {
        let refused = Word::Refused(Denied::Refused(Refusal::OTHER_UNIT).into());
        let json = said(Item::Word(4, refused));
        assert_eq!((&json["op"], &json["tile"]), (&"refused".into(), &4.into()));
        assert_eq!(json["error"]["article"], "第十一条");
        let json = said(Item::Word(4, Word::Closed(Some(Refusal::SUSPENDED))));
        assert_eq!(json["error"]["article"], "第十三条");
    }

    #[test]
    fn purposes_nobody_knows_are_missing() {
        let purpose = |json: &str| {
            let text = format!(
                r#"{{"op":"open","tile":1,"room":"x","source":"cam0","stream":"sub"{json}}}"#
            );
            match serde_json::from_str(&text).unwrap() {
                Asked::Open { purpose, .. } => Purpose::from(purpose),
                asked => panic!("{asked:?}"),
            }
        };
        assert_eq!(purpose(r#","purpose":{"kind":"plan"}"#), Purpose::Plan);
        let other = purpose(r#","purpose":{"kind":"other","reason":"抽查"}"#);
        assert_eq!(other, Purpose::Other("抽查".into()));
        assert_eq!(purpose(r#","purpose":{"kind":"fun"}"#), Purpose::Missing);
        assert_eq!(purpose(""), Purpose::Missing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_asks_eighty_times_at_once_and_then_ten_times_a_second() {
        let mut pace = Pace::new();
        let begun = Instant::now();
        for _ in 0..BURST_MAX {
            pace.keep().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..10 {
            pace.keep().await;
        }
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }
}
