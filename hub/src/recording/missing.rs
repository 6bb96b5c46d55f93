//! What boxes say is missing (`up/ev/gap`): their own word about their own room, or it does not
//! count.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use xunke_protocol::envelope::{self, Envelope};
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::recording::{Gap, SignedGap};

use crate::access::audit::{Entry, Outcome, Trail, Unavailable, Who};
use crate::campus::calendar::DAY_MS;
use crate::device::registry;
use crate::store::recording::{self as rows, GapRow};
use crate::store::{self, Db};

/// A box whose clock is ahead by more cannot be believed.
const AHEAD_MS_MAX: i64 = DAY_MS;
/// Nothing waits in a box for longer.
const BEHIND_MS_MAX: i64 = 400 * DAY_MS;
/// A box is written into the trail no more often than this: it may have a thousand gaps to tell.
const SAY_EVERY_MS: i64 = 60_000;
/// The event.
const WITH_SIGNATURE: &str = "signature";

/// What went wrong with a gap.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not the document it should be.
    #[error(transparent)]
    Unreadable(#[from] envelope::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The boxes cannot be read.
    #[error(transparent)]
    Device(#[from] registry::Error),
    /// A refusal cannot be written into the trail.
    #[error(transparent)]
    Trail(#[from] Unavailable),
}

/// Takes what boxes say is missing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Missing {
    db: Db,
    trail: Arc<Trail>,
    /// When a refusal of each box was written last.
    said: Arc<Mutex<HashMap<DeviceId, i64>>>,
}

impl Missing {
    /// Keeps gaps in `db`, and writes refusals into `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self {
            db,
            trail,
            said: Arc::default(),
        }
    }

    /// Takes one; told twice, it counts once. What is refused is taken off the box's hands all the
    /// same: sending it again does not help.
    ///
    /// # Errors
    /// It cannot be read, or not be kept; then it may come again.
    pub async fn take(
        &self,
        device: &DeviceId,
        envelope: &Envelope,
        now_ms: i64,
    ) -> Result<(), Error> {
        let gap: Gap = envelope.data()?;
        let signed: Option<SignedGap> = match envelope.data.get(WITH_SIGNATURE) {
            Some(_) => Some(envelope.data()?),
            None => None,
        };
        let Some(found) = registry::find(&self.db, device).await? else {
            return Ok(());
        };
        let why = match &signed {
            Some(signed) => self.doubt(signed, device, found.classroom).await?,
            // From an agent of before there were signatures; who has signed once always signs.
            None if rows::signs_gaps(&self.db, device.as_str()).await? => Some("no signature"),
            None => None,
        };
        if let Some(why) = why {
            return self.refuse(device, why, now_ms).await;
        }
        if !plausible(&gap, now_ms) {
            let (from_us, to_us) = (gap.from_us, gap.to_us);
            tracing::warn!(
                device.id = %device, from_us, to_us,
                "a gap has times that cannot be: look at the clock of this box"
            );
            return Ok(());
        }
        note(&self.db, found.classroom, &gap, signed.as_ref()).await?;
        Ok(())
    }

    /// Why this is not the box's own word about its own room.
    async fn doubt(
        &self,
        signed: &SignedGap,
        device: &DeviceId,
        classroom: ClassroomId,
    ) -> Result<Option<&'static str>, Error> {
        if signed.device != *device {
            return Ok(Some("told of another box"));
        }
        if signed.classroom != classroom {
            return Ok(Some("told of another room"));
        }
        let keys = registry::signing_keys(&self.db, device).await?;
        Ok((!signed.is_of(&keys)).then_some("wrong signature"))
    }

    async fn refuse(&self, device: &DeviceId, why: &'static str, now_ms: i64) -> Result<(), Error> {
        tracing::error!(device.id = %device, why, "a gap was refused: is this box what it says?");
        if !self.is_due(device, now_ms) {
            return Ok(());
        }
        let entry = Entry {
            object: device.to_string(),
            outcome: Outcome::Refused,
            detail: why.to_owned(),
            ..Entry::done(Who::default(), "tell_gap")
        };
        self.trail.append(entry, now_ms).await?;
        Ok(())
    }

    fn is_due(&self, device: &DeviceId, now_ms: i64) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at_ms: &i64| (0..SAY_EVERY_MS).contains(&(now_ms - at_ms));
        if said.get(device).is_some_and(recent) {
            return false;
        }
        said.insert(device.clone(), now_ms);
        true
    }
}

fn plausible(gap: &Gap, now_ms: i64) -> bool {
    let (from_ms, to_ms) = (gap.from_us.div_euclid(1000), gap.to_us.div_euclid(1000));
    let ago_ms = now_ms.saturating_sub(to_ms);
    from_ms < to_ms && (-AHEAD_MS_MAX..=BEHIND_MS_MAX).contains(&ago_ms)
}

/// Keeps a gap.
pub(super) async fn note(
    db: &Db,
    classroom: ClassroomId,
    gap: &Gap,
    signed: Option<&SignedGap>,
) -> Result<(), store::Error> {
    let row = GapRow {
        classroom_id: classroom.to_string(),
        source: gap.source.to_string(),
        from_us: gap.from_us,
        to_us: gap.to_us,
        reason: gap.reason.name().into(),
        device_id: signed.map_or_else(String::new, |one| one.device.to_string()),
        signature: signed.map_or_else(String::new, |one| HEXLOWER.encode(&one.signature)),
    };
    rows::add_gap(db, &row).await
}

#[cfg(test)]
mod tests;
