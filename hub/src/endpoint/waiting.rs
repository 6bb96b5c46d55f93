//! Connections that have not yet said CONNECT: how many there may be, and which of them makes room.
//!
//! A box needs a fraction of a second, half-open connections stay as long as they may: so of many,
//! the oldest is the least likely to be a box.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Limits;

/// All of them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<Index>>);

#[derive(Debug, Default)]
struct Index {
    next: u64,
    /// By number, and so by age.
    open: BTreeMap<u64, Handshake>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Handshake {
    address: IpAddr,
    since: Instant,
    /// Dropped to end it.
    _end: oneshot::Sender<()>,
}

/// A place among them until dropped; it may be taken away.
#[derive(Debug)]
pub struct Place {
    waiting: Waiting,
    number: u64,
    /// Ends when another took its place.
    pub ended: oneshot::Receiver<()>,
}

impl Waiting {
    /// A place for a new connection.
    ///
    /// # Errors
    /// There are too many, and none that should go: why.
    pub fn begin(
        &self,
        address: IpAddr,
        limits: &Limits,
        now: Instant,
    ) -> Result<Place, &'static str> {
        let mut index = self.lock();
        let of_address = index.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= limits.handshakes_per_address_max {
            return Err("too many unfinished handshakes of its address");
        }
        if index.open.len() >= limits.handshakes_max {
            let oldest = index.open.first_key_value();
            let yields = oldest.filter(|(_, one)| now - one.since >= limits.handshake_yields);
            let Some((&number, _)) = yields else {
                return Err("too many unfinished handshakes");
            };
            index.remove(number);
        }
        let (end, ended) = oneshot::channel();
        index.next += 1;
        let number = index.next;
        let handshake = Handshake {
            address,
            since: now,
            _end: end,
        };
        index.open.insert(number, handshake);
        *index.by_address.entry(address).or_default() += 1;
        drop(index);
        Ok(Place {
            waiting: self.clone(),
            number,
            ended,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn remove(&mut self, number: u64) {
        let Some(gone) = self.open.remove(&number) else {
            return;
        };
        if let Some(count) = self.by_address.get_mut(&gone.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&gone.address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits() -> Limits {
        Limits {
            handshakes_max: 4,
            handshakes_per_address_max: 2,
            handshake_yields: Duration::from_secs(3),
            ..Limits::default()
        }
    }

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn one_address_has_its_share_and_gets_it_back() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        let begin = || waiting.begin(address(1), &limits(), now);
        let (one, _two) = (begin().unwrap(), begin().unwrap());
        assert!(begin().is_err());
        drop(one);
        assert!(begin().is_ok());
        drop(_two);
        assert!(waiting.lock().by_address.is_empty() && waiting.lock().open.is_empty());
    }

    /// 10,000 half-open connections from as many addresses: the next box gets in all the same.
    #[test]
    fn the_oldest_makes_room_once_it_is_no_box_any_more() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        let begin = |last, now| waiting.begin(address(last), &limits(), now);
        let mut silent: Vec<Place> = (0..4).map(|last| begin(last, now).unwrap()).collect();
        let soon = now + Duration::from_secs(2);
        assert!(
            begin(9, soon).is_err(),
            "boxes that come back at once finish"
        );
        let late = now + Duration::from_secs(3);
        let _box = begin(9, late).unwrap();
        assert!(
            silent[0]
                .ended
                .try_recv()
                .is_err_and(|error| error == CLOSED)
        );
        assert!(
            silent[1]
                .ended
                .try_recv()
                .is_err_and(|error| error != CLOSED)
        );
        assert_eq!(waiting.lock().open.len(), 4, "never more");
        drop(silent);
        assert_eq!(
            waiting.lock().open.len(),
            1,
            "who was ended is not counted twice"
        );
    }

    const CLOSED: oneshot::error::TryRecvError = oneshot::error::TryRecvError::Closed;
}
