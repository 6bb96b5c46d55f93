//! How much one person opens on one day (K1): minutes of lessons, each counted once however often
//! it is watched and from however many cameras.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use tokio::sync::Mutex;
use uuid::Uuid;
use xunke_policy::{Refusal, retention};

use super::Error;
use crate::campus::calendar;
use crate::store::Db;
use crate::store::keys as rows;

const MINUTE_US: i64 = 60_000_000;

/// Who opened what today.
#[derive(Default)]
pub(super) struct Opened(Mutex<HashMap<Uuid, Today>>);

struct Today {
    day: i64,
    /// Before this hub was started.
    before: u32,
    minutes: HashSet<(Uuid, i64)>,
}

/// What is about to be opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub person: Uuid,
    pub recording: Uuid,
    pub start_us: i64,
    pub duration_us: i64,
}

impl Opened {
    /// Counts what is about to be opened; durable when this returns.
    pub async fn take(
        &self,
        db: &Db,
        piece: Piece,
        hours_max: u32,
        now_ms: i64,
    ) -> Result<(), Error> {
        let mut all = self.0.lock().await;
        let (day, person) = (calendar::day(now_ms), piece.person.to_string());
        all.retain(|_, today| today.day == day);
        let today = match all.entry(piece.person) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let before = rows::minutes(db, &person, day).await?;
                free.insert(Today {
                    day,
                    before: u32::try_from(before).unwrap_or(u32::MAX),
                    minutes: HashSet::new(),
                })
            }
        };
        let more: Vec<_> = touched(piece)
            .filter(|minute| !today.minutes.contains(minute))
            .collect();
        if more.is_empty() {
            return Ok(());
        }
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let sum = today
            .before
            .saturating_add(count(today.minutes.len() + more.len()));
        retention::within_a_day(sum, hours_max).map_err(Error::Enough)?;
        rows::add_minutes(db, &person, day, count(more.len()).into()).await?;
        today.minutes.extend(more);
        Ok(())
    }
}

/// The minutes of the clock that a segment touches.
fn touched(piece: Piece) -> impl Iterator<Item = (Uuid, i64)> {
    let last_us = piece.start_us.saturating_add(piece.duration_us.max(1) - 1);
    let minutes = piece.start_us.div_euclid(MINUTE_US)..=last_us.div_euclid(MINUTE_US);
    minutes.map(move |minute| (piece.recording, minute))
}

/// The refusal, for whoever shows it.
impl Error {
    /// What the regulations say to it, if they do.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Enough(refusal) => Some(*refusal),
            Self::NoDay(_) => Some(Refusal::RECORDING_EXPIRED),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::{NOW, person};

    const HOUR_US: i64 = 60 * MINUTE_US;

    fn piece(person: Uuid, recording: u128, hours: i64) -> Piece {
        Piece {
            person,
            recording: Uuid::from_u128(recording),
            start_us: 0,
            duration_us: hours * HOUR_US,
        }
    }

    /// K1: eight hours, however they are watched; the next day begins anew, a restart does not.
    #[tokio::test]
    async fn eight_hours_are_enough_for_a_day() {
        let db = Db::in_memory().await;
        let (one, other) = (person(&db, 1).await, person(&db, 2).await);
        let opened = Opened::default();
        let take = async |opened: &Opened, piece, now_ms| {
            let taken = opened.take(&db, piece, 8, now_ms).await;
            taken.map_err(|error| error.refusal())
        };
        assert_eq!(take(&opened, piece(one, 1, 8), NOW).await, Ok(()));
        assert_eq!(take(&opened, piece(one, 1, 8), NOW).await, Ok(()), "again");
        let enough = Err(Some(Refusal::OPENED_ENOUGH));
        assert_eq!(take(&opened, piece(one, 2, 1), NOW).await, enough);
        assert_eq!(take(&opened, piece(other, 2, 8), NOW).await, Ok(()));
        let restarted = Opened::default();
        assert_eq!(take(&restarted, piece(one, 2, 1), NOW).await, enough);
        let tomorrow = NOW + calendar::DAY_MS;
        assert_eq!(take(&restarted, piece(one, 2, 8), tomorrow).await, Ok(()));
        assert_eq!(rows::minutes(&db, &one.to_string(), 0).await.unwrap(), 0);
    }

    #[test]
    fn a_minute_counts_once_and_a_part_of_it_too() {
        let count = |start_us, duration_us| {
            let piece = Piece {
                start_us,
                duration_us,
                ..piece(Uuid::nil(), 1, 0)
            };
            touched(piece).count()
        };
        assert_eq!(count(0, MINUTE_US), 1);
        assert_eq!(count(0, MINUTE_US + 1), 2);
        assert_eq!(count(MINUTE_US - 1, 2), 2);
        assert_eq!(count(5, 0), 1);
    }
}
