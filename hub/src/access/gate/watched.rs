//! A permit in use: asked about again and again, with the facts as they are then.

use xunke_policy::Refusal;
use xunke_policy::access::Action;

use super::{Gate, Permit, Playback, RecordingRef, ViewLive, undecided};
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson;

/// A permit that can be asked about again.
pub trait Watched {
    /// What the policy is asked, with the facts as of now.
    fn again<'a>(
        &'a self,
        gate: &'a Gate,
        now_ms: i64,
    ) -> impl Future<Output = Result<Action<'a>, Refusal>> + Send + 'a;
}

impl Watched for Permit<ViewLive, Classroom> {
    /// The room may have gone to another unit meanwhile, and another lesson may have begun.
    async fn again<'a>(&'a self, gate: &'a Gate, now_ms: i64) -> Result<Action<'a>, Refusal> {
        let room = classroom::find(&gate.db, self.object.id).await;
        let room = room.ok().flatten().ok_or(Refusal::UNDECIDED)?;
        let runs = lesson::in_room(&gate.db, room.id, now_ms).await;
        let runs = runs.map_err(|error| undecided(&error))?;
        let lessons = (&runs, self.lesson.as_ref());
        gate.viewing(&self.session, &room, lessons, &self.purpose, now_ms)
            .await
    }
}

impl Watched for Permit<Playback, RecordingRef> {
    /// A recording keeps the unit it was made in (R22).
    async fn again<'a>(&'a self, gate: &'a Gate, _now_ms: i64) -> Result<Action<'a>, Refusal> {
        let asker = gate.asker(self.session.person.id).await?;
        Ok(gate.playing(&asker, &self.object, &self.purpose))
    }
}

impl Gate {
    /// Asks again while somebody is watching: session, person, grant, agreement, network, room.
    /// Ask at least every half second; on a refusal the picture goes dark (revoke to dark < 1 s).
    ///
    /// # Errors
    /// Why the view must end now. What cannot be decided is refused.
    pub async fn still_valid<A, O>(&self, permit: &Permit<A, O>, now_ms: i64) -> Result<(), Refusal>
    where
        Permit<A, O>: Watched,
    {
        self.may_go_on(permit, now_ms).await?;
        self.watchers.confirm(permit.view_id, now_ms);
        Ok(())
    }

    /// The same while nobody is known to be looking: the view is not noted as being watched.
    ///
    /// # Errors
    /// Why the view must end now. What cannot be decided is refused.
    pub async fn may_go_on<A, O>(&self, permit: &Permit<A, O>, now_ms: i64) -> Result<(), Refusal>
    where
        Permit<A, O>: Watched,
    {
        if self.trail.unwritten() != permit.unwritten {
            return Err(Refusal::TRAIL_UNAVAILABLE);
        }
        let action = permit.again(self, now_ms).await?;
        self.ask(&permit.session, action, permit.origin, now_ms)
            .await
    }
}
