//! Work orders to 信息中心: 第十二条第2项 technical matters (R93). Room, device and the history of its
//! faults, with numbers; never a picture or anybody of the class.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::alert::group::Part;

use super::desk::said;
use crate::access::audit::{Entry, Trail};
use crate::access::grant::{By, Error};
use crate::store::work_order::{self as rows, NewWorkOrder, PastFaultRow, WorkOrderRow};
use crate::store::{Db, alert, health};

const LISTED_MAX: i64 = 500;
/// How far back the history goes.
const HISTORY_MS: i64 = 30 * 24 * 60 * 60 * 1000;
const HISTORY_MAX: i64 = 200;

/// Work orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WorkOrders {
    db: Db,
    trail: Arc<Trail>,
}

impl WorkOrders {
    /// Work orders in `db`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self { db, trail }
    }

    /// Work orders, those to be done first, 500 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<WorkOrderRow>, Error> {
        Ok(rows::list(&self.db, LISTED_MAX).await?)
    }

    /// One with the faults of its box in the 30 days before it was opened and since.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn one(&self, id: Uuid) -> Result<(WorkOrderRow, Vec<PastFaultRow>), Error> {
        let row = rows::find(&self.db, &id.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let since_ms = row.opened_ms - HISTORY_MS;
        let history = rows::history(&self.db, &row.device_id, since_ms, HISTORY_MAX).await?;
        Ok((row, history))
    }

    /// Opens one for a part of an alert; gives its id and its number.
    ///
    /// # Errors
    /// The field, there is no such alert or part, or the store fails; then nothing was changed.
    pub async fn open(
        &self,
        by: By<'_>,
        id: Uuid,
        part: &Part,
        note: &str,
    ) -> Result<(Uuid, String), Error> {
        let note = said(note, "note")?;
        let row = alert::find(&self.db, &id.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let parts = alert::parts(&self.db, &row.id).await?;
        let of =
            |row: &&alert::PartRow| row.device_id == part.device && row.component == part.component;
        parts.iter().find(of).ok_or(Error::NotFound)?;
        let placed = health::placed(&self.db).await?;
        let place = placed
            .into_iter()
            .find(|place| place.device_id == part.device);
        let place = place.ok_or(Error::NotFound)?;
        let mut still = self.trail.hold().await?;
        let number = format!("GD-{:05}", rows::count(still.writing()).await? + 1);
        let entry = Entry {
            object: number.clone(),
            detail: format!("{}, {}", row.number.unwrap_or_default(), place.room),
            ..Entry::done(by.session.person.who(by.origin), "open_work_order")
        };
        let mut pending = still.line(entry, by.now_ms).await?;
        let order = Uuid::now_v7();
        let by_id = by.session.person.id.to_string();
        let new = NewWorkOrder {
            id: &order.to_string(),
            number: &number,
            alert_id: &row.id,
            classroom_id: &place.classroom_id,
            device_id: &part.device,
            component: &part.component,
            code: if row.flaps.is_empty() {
                &row.code
            } else {
                &row.flaps
            },
            note,
            opened_by: &by_id,
        };
        let writing = pending.writing();
        rows::add(writing, &new, by.now_ms).await?;
        let line = (Some(by_id.as_str()), number.as_str());
        alert::add_line(writing, &row.id, "ordered", line, by.now_ms).await?;
        pending.commit().await?;
        Ok((order, number))
    }

    /// Says that one is done, and what was done.
    ///
    /// # Errors
    /// The field, it is done already, there is none, or the store fails; then nothing was changed.
    pub async fn close(&self, by: By<'_>, id: Uuid, note: &str) -> Result<(), Error> {
        let note = said(note, "note")?;
        let row = rows::find(&self.db, &id.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: row.number,
            ..Entry::done(by.session.person.who(by.origin), "close_work_order")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let by_id = by.session.person.id.to_string();
        if !rows::done(pending.writing(), &row.id, (&by_id, note), by.now_ms).await? {
            return Err(Error::Conflict(
                "该工单已办结。",
                "The work order is done already.",
            ));
        }
        pending.commit().await?;
        Ok(())
    }
}
