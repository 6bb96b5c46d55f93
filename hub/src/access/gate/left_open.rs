//! Views that a crash left open: how long each was surely watched, and the line of its end (R60).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::{Gate, VIEW_CLOSED, view_object};
use crate::access::audit::{Entry, Outcome, Unavailable, Who};
use crate::campus::calendar::date_and_time;
use crate::store;
use crate::store::trail::Line;
use crate::store::view::{self, ViewRow};

/// Views that are closed before the next ones are read.
const BATCH: i64 = 500;

/// The views whose permits were confirmed since this was last noted, and when. No longer than the
/// list of open views, which is limited where views are opened.
#[derive(Debug, Clone, Default)]
pub(super) struct Watchers(Arc<Mutex<HashMap<Uuid, i64>>>);

impl Watchers {
    pub fn confirm(&self, view_id: Uuid, now_ms: i64) {
        let mut confirmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.insert(view_id, now_ms);
    }

    fn take(&self) -> HashMap<Uuid, i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gate {
    /// Notes until when views are known to be watched; to be called every quarter of a minute or
    /// so, for after a crash this is the end that stands in the trail.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_watchers(&self) -> Result<(), store::Error> {
        let seen: Vec<_> = self
            .watchers
            .take()
            .into_iter()
            .map(|(id, at_ms)| (id.to_string(), at_ms))
            .collect();
        if seen.is_empty() {
            return Ok(());
        }
        // The trail lies beside it: whoever is watching now waits for no other line to fail.
        self.trail.noted(view::note_seen(&self.db, &seen).await)
    }

    /// Ends the views that a crash left open, each with its line in the trail; says how many. To be
    /// called before anybody can open one.
    ///
    /// # Errors
    /// When the trail cannot be read or written.
    pub async fn close_left_open(&self, now_ms: i64) -> Result<u64, Unavailable> {
        let mut closed = 0;
        loop {
            let left_open = view::open_ones(&self.db, BATCH).await?;
            if left_open.is_empty() {
                return Ok(closed);
            }
            for row in left_open {
                self.close_row(&row, now_ms).await?;
                closed += 1;
            }
        }
    }

    /// The end of a view that nobody saw end is when it was last known to be watched.
    async fn close_row(&self, row: &ViewRow, now_ms: i64) -> Result<(), Unavailable> {
        let to_ms = row.seen_ms.unwrap_or(row.opened_ms);
        let (from, to) = (date_and_time(row.opened_ms), date_and_time(to_ms));
        let opening = self.trail.line(row.trail_seq).await?;
        let entry = Entry {
            who: opening.as_ref().map_or_else(|| known(row), who),
            action: VIEW_CLOSED,
            object: view_object(&row.id),
            purpose: opening.map(|line| line.purpose).unwrap_or_default(),
            outcome: Outcome::Failed,
            article: "",
            detail: format!("hub_ended_unexpectedly, {from} – {to} (last known to be watched)"),
        };
        self.end_view(entry, &row.id, (to_ms, now_ms)).await
    }
}

/// As the line that permitted the view names them.
fn who(line: &Line) -> Who {
    Who {
        person_id: line.person_id.clone(),
        person: line.person.clone(),
        staff_number: line.staff_number.clone(),
        address: line.address.clone(),
    }
}

/// What is known when the line that permitted the view is gone.
fn known(row: &ViewRow) -> Who {
    Who {
        person_id: Some(row.person_id.clone()),
        ..Who::default()
    }
}
