//! What is due: days whose key has outlived its retention, and recordings past theirs.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use xunke_policy::retention::{self, Kept, Terms};

use crate::campus::calendar::{DAY_MS, day, moment};
use crate::store::destruction::{self as rows, CandidateRow};
use crate::store::keys::{self, DayKeyRow};
use crate::store::{self, Db};

/// No class is kept for less, and no month has fewer days: bounds for the query alone.
const OUTSIDE_DAYS_MIN: i64 = 30;
const MONTH_DAYS_MIN: i64 = 28;

/// What ends together: a day's key, and recordings that began on that day.
#[derive(Debug)]
pub(super) struct Batch {
    /// Days since the epoch, Asia/Shanghai.
    pub day: i64,
    /// The key, where it dies.
    pub key: Option<DayKeyRow>,
    /// The recordings.
    pub recordings: Vec<CandidateRow>,
}

impl Batch {
    fn new(day: i64) -> Self {
        Self {
            day,
            key: None,
            recordings: Vec::new(),
        }
    }

    /// Names the key in the certificate; empty where none dies.
    pub fn public_sha256(&self) -> String {
        let hash = |row: &DayKeyRow| {
            let public = HEXLOWER.decode(row.public.as_bytes()).unwrap_or_default();
            HEXLOWER.encode(&Sha256::digest(public))
        };
        self.key.as_ref().map(hash).unwrap_or_default()
    }
}

/// Everything that is due, by day.
pub(super) async fn due(db: &Db, terms: Terms, now_ms: i64) -> Result<Vec<Batch>, store::Error> {
    let mut batches: BTreeMap<i64, Batch> = BTreeMap::new();
    let months_ms = i64::from(terms.months) * MONTH_DAYS_MIN * DAY_MS;
    let outside_ms = now_ms - OUTSIDE_DAYS_MIN * DAY_MS;
    for row in rows::candidates(db, now_ms - months_ms, outside_ms).await? {
        let until_ms = kept(&row).destroyed_from_ms(row.start_ms, terms);
        if until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            let day = day(row.start_ms);
            let batch = batches.entry(day).or_insert_with(|| Batch::new(day));
            batch.recordings.push(row);
        }
    }
    for row in keys::before(db, day(now_ms)).await? {
        let until_ms = retention::day_kept_until_ms(moment(row.epoch, 0), terms);
        if until_ms <= now_ms {
            let day = row.epoch;
            let batch = batches.entry(day).or_insert_with(|| Batch::new(day));
            batch.key = Some(row);
        }
    }
    Ok(batches.into_values().collect())
}

fn kept(row: &CandidateRow) -> Kept {
    Kept {
        in_lesson: !row.lesson_id.is_empty(),
        premium: row.premium > 0,
        held: row.held > 0,
    }
}
