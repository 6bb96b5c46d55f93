//! What waits for one tab: words first, then frames, each tile in its turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_protocol::live::Frame;

use super::NotOpened;
use crate::access::gate::Watermark;
use crate::live::relay::{Delivery, Offline, Queue};

/// Words waiting for a tab that does not read; after that it is given up.
const WORDS_MAX: usize = 256;

/// A number the page gives to each picture it opens.
pub type TileNumber = u32;

/// What the hub says about a tile.
#[derive(Debug)]
pub enum Word {
    /// Frames with this handle belong to the tile.
    Opened {
        /// On every frame of the tile.
        handle: u16,
        /// Names the view in the trail and in patrol records.
        view_id: Uuid,
        /// To be written over every picture (R61).
        watermark: Watermark,
    },
    /// There will be no picture.
    Refused(NotOpened),
    /// There will be no more pictures; the refusal, unless the page asked for it.
    Closed(Option<Refusal>),
    /// So many pictures were left out because the tab is slow.
    Delayed(u64),
    /// No picture for now.
    Offline(Offline),
}

/// One message to the tab.
#[derive(Debug)]
pub enum Item {
    /// About a tile.
    Word(TileNumber, Word),
    /// What the page asked cannot be understood.
    NotUnderstood(String),
    /// A frame, with the handle of its tile.
    Frame(Frame),
}

/// What waits for one tab. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    waiting: Arc<Mutex<Waiting>>,
    wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    words: VecDeque<Item>,
    tiles: Vec<(TileNumber, Arc<Queue>)>,
    turn: usize,
    given_up: bool,
}

impl Outbox {
    /// The next message, if any.
    #[must_use]
    pub fn take(&self) -> Option<Item> {
        self.lock().take()
    }

    /// Ends when there may be a message.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }

    /// Whether the tab has left too much unread.
    #[must_use]
    pub fn given_up(&self) -> bool {
        self.lock().given_up
    }

    /// A queue that wakes this tab.
    pub(super) fn queue(&self, handle: u16) -> Arc<Queue> {
        Arc::new(Queue::new(handle, Arc::clone(&self.wake)))
    }

    pub(super) fn say(&self, tile: TileNumber, word: Word) {
        self.put(Item::Word(tile, word));
    }

    pub(super) fn put(&self, item: Item) {
        self.lock().put(item);
        self.wake.notify_one();
    }

    /// Says [`Word::Opened`], then lets the frames follow.
    pub(super) fn open(&self, tile: TileNumber, opened: Word, queue: Arc<Queue>) {
        let mut waiting = self.lock();
        waiting.put(Item::Word(tile, opened));
        waiting.tiles.push((tile, queue));
        drop(waiting);
        self.wake.notify_one();
    }

    /// The tile's frames come from another queue from now on.
    pub(super) fn follow(&self, tile: TileNumber, queue: Arc<Queue>) {
        let mut waiting = self.lock();
        if let Some((_, own)) = waiting.tiles.iter_mut().find(|(other, _)| *other == tile) {
            *own = queue;
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// No more frames of this tile.
    pub(super) fn close(&self, tile: TileNumber) {
        self.lock().tiles.retain(|(other, _)| *other != tile);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        let locked = self.waiting.lock();
        locked.expect("invariant: nobody panics while holding an outbox")
    }
}

impl Waiting {
    fn put(&mut self, item: Item) {
        if self.words.len() >= WORDS_MAX {
            self.given_up = true;
            return;
        }
        self.words.push_back(item);
    }

    fn take(&mut self) -> Option<Item> {
        if let Some(item) = self.words.pop_front() {
            return Some(item);
        }
        for _ in 0..self.tiles.len() {
            self.turn = (self.turn + 1) % self.tiles.len();
            let (tile, queue) = &self.tiles[self.turn];
            match queue.take() {
                Some(Delivery::Frame(frame)) => return Some(Item::Frame(frame)),
                Some(Delivery::Delayed(count)) => {
                    return Some(Item::Word(*tile, Word::Delayed(count)));
                }
                Some(Delivery::Offline(offline)) => {
                    return Some(Item::Word(*tile, Word::Offline(offline)));
                }
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::relay::sample::{delta, key};

    fn opened(handle: u16) -> Word {
        let watermark = Watermark {
            name: String::new(),
            staff_number: String::new(),
            address: String::new(),
        };
        let view_id = Uuid::nil();
        Word::Opened {
            handle,
            view_id,
            watermark,
        }
    }

    fn drained(outbox: &Outbox) -> Vec<String> {
        let text = |item| match item {
            Item::Frame(frame) => format!("{}:{}", frame.handle, frame.captured_us),
            Item::Word(tile, Word::Opened { .. }) => format!("opened {tile}"),
            Item::Word(tile, word) => format!("{tile} {word:?}"),
            Item::NotUnderstood(why) => why,
        };
        std::iter::from_fn(|| outbox.take()).map(text).collect()
    }

    #[test]
    fn a_tile_is_opened_before_its_frames_and_tiles_take_turns() {
        let outbox = Outbox::default();
        for (tile, handle) in [(1, 10), (2, 20)] {
            let queue = outbox.queue(handle);
            [key(1), delta(2)]
                .iter()
                .for_each(|frame| queue.push(frame));
            outbox.open(tile, opened(handle), queue);
        }
        let all = drained(&outbox);
        assert_eq!(all[..2], ["opened 1", "opened 2"]);
        assert_eq!(all[2..], ["20:1", "10:1", "20:2", "10:2"]);
    }

    #[test]
    fn a_tile_that_follows_another_queue_gets_nothing_more_of_the_old_one() {
        let outbox = Outbox::default();
        let (old, new) = (outbox.queue(10), outbox.queue(10));
        outbox.open(1, opened(10), Arc::clone(&old));
        old.push(&key(1));
        new.push(&key(2));
        outbox.follow(1, new);
        old.push(&delta(3));
        assert_eq!(drained(&outbox), ["opened 1", "10:2"]);
    }

    #[test]
    fn after_close_nothing_of_the_tile_is_left() {
        let outbox = Outbox::default();
        let queue = outbox.queue(10);
        outbox.open(1, opened(10), Arc::clone(&queue));
        queue.push(&key(1));
        outbox.close(1);
        outbox.say(1, Word::Closed(None));
        assert_eq!(drained(&outbox), ["opened 1", "1 Closed(None)"]);
    }

    #[test]
    fn a_tab_that_reads_no_words_is_given_up() {
        let outbox = Outbox::default();
        for _ in 0..=WORDS_MAX {
            assert!(!outbox.given_up());
            outbox.say(1, Word::Closed(None));
        }
        assert!(outbox.given_up());
    }
}
