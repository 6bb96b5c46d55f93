//! Viewers: the tabs of people who watch, and what each of them may see right now.
//!
//! outbox → view → tab
//!
//! Invariant: a tile is fed only while its view holds a permit that was confirmed within a second
//! (revoke to dark < 1 s, R60).

mod outbox;
mod view;
mod tab;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use super::relay::{NoPlace, Relay};
use crate::access::gate::{Denied, Gate};
use crate::access::session::Sessions;
use crate::campus;
use crate::store::Db;

pub use outbox::{Item, Outbox, TileNumber, Word};
pub use tab::Tab;
pub use view::Wish;

/// Tiles of one tab: a wall of sixteen, and the sixteen that come next on its round.
pub const TILES_MAX: usize = 32;
/// Tabs of one person.
pub const TABS_MAX: usize = 6;
/// Live views of the whole hub.
const VIEWS_MAX: u32 = 2000;
/// How long ending views may take when the hub stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a tile gets no picture.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The regulations say no, or the trail cannot be written.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such room.
    #[error("there is no such room")]
    NotFound,
    /// Nothing to watch, or too many who watch.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// [`TILES_MAX`] tiles of this tab are open.
    #[error("{TILES_MAX} tiles are open")]
    TooManyTiles,
    /// This tile is open.
    #[error("this tile is open")]
    TileInUse,
    /// The hub has as many views as it may have, or stops.
    #[error("the hub takes no more views")]
    TooManyViews,
    /// What is stored cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
}

/// [`TABS_MAX`] tabs of this person are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{TABS_MAX} live pages of this person are open")]
pub struct TooManyTabs;

/// Every live view of this hub. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Views(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    db: Db,
    gate: Gate,
    sessions: Sessions,
    relay: Relay,
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    tabs: Mutex<HashMap<Uuid, usize>>,
}

impl Views {
    /// Views that ask `gate` and watch through `relay`.
    #[must_use]
    pub fn new(db: Db, gate: Gate, sessions: Sessions, relay: Relay) -> Self {
        Self(Arc::new(Shared {
            db,
            gate,
            sessions,
            relay,
            places: Arc::new(Semaphore::new(VIEWS_MAX as usize)),
            stopping: watch::Sender::new(false),
            tabs: Mutex::default(),
        }))
    }

    /// Ends every view, each with its line in the trail. No view begins any more.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        let all_ended = self.0.places.acquire_many(VIEWS_MAX);
        if tokio::time::timeout(GOODBYE, all_ended).await.is_err() {
            tracing::warn!("some live views had not ended when the hub stopped");
        }
        self.0.places.close();
    }
}

impl Shared {
    fn tabs(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        let locked = self.tabs.lock();
        locked.expect("invariant: nobody panics while counting tabs")
    }
}

#[cfg(test)]
mod tests;
