//! One tab: its tiles, opened and closed by the page, each with a life of its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_protocol::id::{SourceName, StreamKind};

use super::outbox::{Item, Outbox, TileNumber, Word};
use super::view::{Picture, Shown, View, Wish};
use super::{NotOpened, Shared, TABS_MAX, TILES_MAX, TooManyTabs, Views};
use crate::access::session::{self, Session};

/// Watching counts as activity, noted so often (R27: idle sessions end).
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A tab. Dropping it ends its views; [`Tab::end`] also waits for their lines in the trail.
#[derive(Debug)]
pub struct Tab {
    place: Place,
    session: Session,
    origin: IpAddr,
    outbox: Outbox,
    tiles: HashMap<TileNumber, Tile>,
    last_handle: u16,
    touched: Instant,
}

#[derive(Debug)]
struct Tile {
    handle: u16,
    close: Option<oneshot::Sender<()>>,
    wanted: watch::Sender<Picture>,
    shown: Shown,
    task: JoinHandle<()>,
}

/// One of a person's tabs; dropping it makes room for another.
#[derive(Debug)]
struct Place {
    shared: Arc<Shared>,
    person: Uuid,
}

impl Views {
    /// A tab of somebody who is signed in, seen from `origin`.
    ///
    /// # Errors
    /// The person has too many tabs open.
    pub fn tab(&self, session: Session, origin: IpAddr) -> Result<Tab, TooManyTabs> {
        let person = session.person.id;
        let mut tabs = self.0.tabs();
        let open = tabs.entry(person).or_default();
        if *open >= TABS_MAX {
            return Err(TooManyTabs);
        }
        *open += 1;
        drop(tabs);
        let shared = Arc::clone(&self.0);
        Ok(Tab {
            place: Place { shared, person },
            session,
            origin,
            outbox: Outbox::default(),
            tiles: HashMap::new(),
            last_handle: 0,
            touched: Instant::now(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tabs = self.shared.tabs();
        if let Some(open) = tabs.get_mut(&self.person) {
            *open -= 1;
            if *open == 0 {
                tabs.remove(&self.person);
            }
        }
    }
}

impl Tab {
    /// What waits for the page.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// Opens a tile; the answer comes through the outbox.
    pub fn open(&mut self, wish: Wish) {
        self.tiles.retain(|_, tile| !tile.task.is_finished());
        if let Err(why) = self.try_open(&wish) {
            self.refuse(wish.tile, why);
        }
    }

    /// Closes a tile; the answer comes through the outbox. An unknown tile is closed already.
    pub fn close(&mut self, tile: TileNumber) {
        match self.tiles.get_mut(&tile).and_then(|tile| tile.close.take()) {
            Some(close) => drop(close.send(())),
            None => self.outbox.say(tile, Word::Closed(None)),
        }
    }

    /// Shows another picture of the tile's room, under the same permit. An unknown tile stays so.
    pub fn switch(&self, tile: TileNumber, source: SourceName, stream: StreamKind) {
        if let Some(tile) = self.tiles.get(&tile) {
            tile.wanted.send_replace((source, stream));
        }
    }

    /// The page says for how many milliseconds it has shown the tile's pictures, all in all.
    pub fn shown(&self, tile: TileNumber, shown_ms: i64) {
        if let Some(tile) = self.tiles.get(&tile) {
            tile.shown.fetch_max(shown_ms, Ordering::Relaxed);
        }
    }

    /// Answers that a tile gets no picture.
    pub fn refuse(&self, tile: TileNumber, why: NotOpened) {
        self.outbox.say(tile, Word::Refused(why));
    }

    /// Answers that what the page asked cannot be understood.
    pub fn not_understood(&self, why: String) {
        self.outbox.put(Item::NotUnderstood(why));
    }

    /// Whether the session lasts; somebody who is watching is not idle.
    ///
    /// # Errors
    /// The session is over, or the store fails.
    pub async fn keep_session(
        &mut self,
        now_ms: i64,
    ) -> Result<Result<(), Refusal>, session::Error> {
        let sessions = &self.place.shared.sessions;
        if let Err(refusal) = sessions.recheck(&self.session, now_ms).await? {
            return Ok(Err(refusal));
        }
        let watching = self.tiles.values().any(|tile| !tile.task.is_finished());
        if watching && self.touched.elapsed() >= TOUCH_EVERY {
            sessions.touch(&self.session, now_ms).await?;
            self.touched = Instant::now();
        }
        Ok(Ok(()))
    }

    /// Ends when the hub stops.
    pub async fn stopped(&self) {
        let mut stopping = self.place.shared.stopping.subscribe();
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    /// Ends every view; returns when each has its line in the trail.
    pub async fn end(mut self) {
        for (_, Tile { close, task, .. }) in self.tiles.drain() {
            drop(close);
            drop(task.await);
        }
    }

    fn try_open(&mut self, wish: &Wish) -> Result<(), NotOpened> {
        if self.tiles.contains_key(&wish.tile) {
            return Err(NotOpened::TileInUse);
        }
        if self.tiles.len() >= TILES_MAX {
            return Err(NotOpened::TooManyTiles);
        }
        let shared = &self.place.shared;
        let seat = Arc::clone(&shared.places).try_acquire_owned();
        let seat = seat.map_err(|_| NotOpened::TooManyViews)?;
        self.last_handle = self.free_handle();
        let shown = Shown::default();
        let view = View {
            shared: Arc::clone(&self.place.shared),
            session: self.session.clone(),
            origin: self.origin,
            outbox: self.outbox.clone(),
            wish: wish.clone(),
            handle: self.last_handle,
            shown: Arc::clone(&shown),
        };
        let (close, closing) = oneshot::channel();
        let (wanted, changes) = watch::channel((wish.source.clone(), wish.stream));
        let task = tokio::spawn(async move {
            view.run(closing, changes).await;
            drop(seat);
        });
        let tile = Tile {
            handle: self.last_handle,
            close: Some(close),
            wanted,
            shown,
            task,
        };
        self.tiles.insert(wish.tile, tile);
        Ok(())
    }

    /// Not one that is in use, and not the last: its frames may still be under way.
    fn free_handle(&self) -> u16 {
        let mut handle = self.last_handle;
        loop {
            handle = handle.wrapping_add(1);
            if !self.tiles.values().any(|tile| tile.handle == handle) {
                return handle;
            }
        }
    }
}
