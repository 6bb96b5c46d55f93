//! One view: permit, place at the relay, permit asked about again and again, line in the trail.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;
use xunke_protocol::id::{ClassroomId, SourceName, StreamKind};

use super::outbox::{Outbox, TileNumber, Word};
use super::{NotOpened, Shared};
use crate::access::gate::{Permit, ViewLive};
use crate::access::session::Session;
use crate::campus::calendar::time_of_day;
use crate::campus::classroom::{self, Classroom};
use crate::clock::now_ms;
use crate::live::relay::{NoPlace, Queue, Watching};

/// A permit is asked about so often.
const ASK_EVERY: Duration = Duration::from_millis(400);
/// When the answer takes longer, the tile stays dark until it is there: together < 1 s.
const ANSWER_MAX: Duration = Duration::from_millis(400);

/// What somebody wants to watch, and why.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The page's number for it.
    pub tile: TileNumber,
    /// Which room.
    pub room: ClassroomId,
    /// Which camera or screen.
    pub source: SourceName,
    /// Which of its encodings.
    pub stream: StreamKind,
    /// R43.
    pub purpose: Purpose,
}

/// A picture of the room: which source, in which of its encodings.
pub(super) type Picture = (SourceName, StreamKind);

/// Milliseconds for which the page says that it has really shown the picture.
pub(super) type Shown = Arc<AtomicI64>;

/// A view, from the wish to its end.
#[derive(Debug)]
pub(super) struct View {
    pub shared: Arc<Shared>,
    pub session: Session,
    pub origin: IpAddr,
    pub outbox: Outbox,
    pub wish: Wish,
    pub handle: u16,
    pub shown: Shown,
}

/// Why a view has ended.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// The page closed the tile.
    Asked,
    /// The tab is gone.
    Left,
    /// The hub stops; the page asks again when it is back.
    Stopped,
    /// There is no place at what the page wanted to see instead.
    NoPlace(NoPlace),
    /// The permit does not hold any more.
    Refused(Refusal),
}

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::Asked => "closed",
            Self::Left => "page_closed",
            Self::Stopped => "hub_stopped",
            Self::NoPlace(_) => "no_place",
            Self::Refused(refusal) => refusal.code,
        }
    }
}

/// What a view does next.
enum Turn {
    /// Ask about its permit.
    Ask,
    /// Show another picture.
    Switch,
}

/// A view that has its picture.
struct Opened {
    permit: Permit<ViewLive, Classroom>,
    watching: Watching,
    queue: Arc<Queue>,
    from_ms: i64,
    /// Of the pictures that were left for another one.
    before_us: i64,
}

impl Opened {
    fn delivered_us(&self) -> i64 {
        self.before_us + self.queue.delivered_us()
    }
}

impl View {
    /// Opens, watches over it and closes. Returns when the end is in the trail.
    pub async fn run(
        self,
        mut closing: oneshot::Receiver<()>,
        mut wanted: watch::Receiver<Picture>,
    ) {
        let mut opened = match self.open().await {
            Ok(opened) => opened,
            Err(why) => return self.outbox.say(self.wish.tile, Word::Refused(why)),
        };
        let ending = self
            .watch_over(&mut opened, &mut closing, &mut wanted)
            .await;
        let (tile, seconds) = (self.wish.tile, opened.delivered_us() / 1_000_000);
        drop(opened.watching);
        self.outbox.close(tile);
        match ending {
            Ending::Asked => self.outbox.say(tile, Word::Closed(None)),
            Ending::Refused(refusal) => self.outbox.say(tile, Word::Closed(Some(refusal))),
            Ending::NoPlace(why) => self.outbox.say(tile, Word::Refused(why.into())),
            Ending::Left | Ending::Stopped => {}
        }
        self.close(opened.permit, ending.name(), opened.from_ms, seconds)
            .await;
    }

    async fn open(&self) -> Result<Opened, NotOpened> {
        let room = classroom::find(&self.shared.db, self.wish.room).await?;
        let room = room.ok_or(NotOpened::NotFound)?;
        let from_ms = now_ms();
        let purpose = &self.wish.purpose;
        let gate = &self.shared.gate;
        let permit = gate
            .open_live(&self.session, room, purpose, self.origin, from_ms)
            .await?;
        let picture = (self.wish.source.clone(), self.wish.stream);
        let (watching, queue) = match self.sit_down(&permit, picture).await {
            Ok(seated) => seated,
            Err(why) => {
                self.close(permit, "no_place", from_ms, 0).await;
                return Err(why.into());
            }
        };
        let opened = Word::Opened {
            handle: self.handle,
            view_id: permit.view_id(),
            watermark: permit.watermark(),
        };
        self.outbox.open(self.wish.tile, opened, Arc::clone(&queue));
        Ok(Opened {
            permit,
            watching,
            queue,
            from_ms,
            before_us: 0,
        })
    }

    async fn sit_down(
        &self,
        permit: &Permit<ViewLive, Classroom>,
        (source, stream): Picture,
    ) -> Result<(Watching, Arc<Queue>), NoPlace> {
        let queue = self.outbox.queue(self.handle);
        let relay = &self.shared.relay;
        let watching = relay
            .watch(permit, source, stream, Arc::clone(&queue))
            .await?;
        Ok((watching, queue))
    }

    /// Another picture of the same room, under the same permit: one visit, one line (R60). The old
    /// picture goes on until the new one has its place; the page paints what comes.
    async fn switch(&self, opened: &mut Opened, picture: Picture) -> Result<(), NoPlace> {
        let (watching, queue) = self.sit_down(&opened.permit, picture).await?;
        opened.before_us = opened.delivered_us();
        opened.watching = watching;
        self.outbox.follow(self.wish.tile, Arc::clone(&queue));
        opened.queue = queue;
        Ok(())
    }

    async fn watch_over(
        &self,
        opened: &mut Opened,
        closing: &mut oneshot::Receiver<()>,
        wanted: &mut watch::Receiver<Picture>,
    ) -> Ending {
        let mut stopping = self.shared.stopping.subscribe();
        let mut asking = interval(ASK_EVERY);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        asking.reset();
        loop {
            // When the hub stops the tab goes too; the trail names the cause.
            let turn = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return Ending::Stopped,
                asked = &mut *closing => {
                    return if asked.is_ok() { Ending::Asked } else { Ending::Left };
                }
                _ = asking.tick() => Turn::Ask,
                Ok(()) = wanted.changed() => Turn::Switch,
            };
            let ending = match turn {
                Turn::Ask => self.still_valid(opened).await.err().map(Ending::Refused),
                Turn::Switch => {
                    let picture = wanted.borrow_and_update().clone();
                    let switched = self.switch(opened, picture).await;
                    switched.err().map(Ending::NoPlace)
                }
            };
            if let Some(ending) = ending {
                return ending;
            }
        }
    }

    /// While nobody can say, nothing is shown.
    async fn still_valid(&self, opened: &Opened) -> Result<(), Refusal> {
        let mut answer = pin!(self.shared.gate.still_valid(&opened.permit, now_ms()));
        if let Ok(answer) = timeout(ANSWER_MAX, &mut answer).await {
            return answer;
        }
        opened.queue.hold();
        let answer = answer.await;
        opened.queue.release();
        answer
    }

    /// R60: from when to when, how much of it was picture, and how much the page has shown. The
    /// page cannot have shown more than it was given.
    async fn close(
        &self,
        permit: Permit<ViewLive, Classroom>,
        why: &str,
        from_ms: i64,
        seconds: i64,
    ) {
        let to_ms = now_ms();
        let (from, to) = (time_of_day(from_ms), time_of_day(to_ms));
        let shown = (self.shown.load(Ordering::Relaxed) / 1000).clamp(0, seconds);
        let detail = format!("{why}, {from}–{to}, {seconds} s of picture, {shown} s shown");
        let view_id = permit.view_id();
        if let Err(error) = self.shared.gate.close(permit, &detail, to_ms).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, view.id = %view_id, "the end of a view is not in the trail");
        }
    }
}
