//! 未成年人 (X29): Academic Affairs says in which rooms there are minors; from then on the gate asks
//! for a permission that was opened for them too.

use uuid::Uuid;
use xunke_protocol::id::ClassroomId;

use super::{By, Entry, Error, Grants, reasoned};
use crate::campus::classroom::{self, Classroom};
use crate::store::campus;

impl Grants {
    /// Every room, with whether there are minors in its classes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rooms(&self) -> Result<Vec<Classroom>, Error> {
        Ok(classroom::all(&self.db).await?)
    }

    /// Says whether there are minors in the classes of a room, with the reason why.
    ///
    /// # Errors
    /// The field, or that there is no such room; then nothing was changed.
    pub async fn mark_minors(
        &self,
        by: By<'_>,
        room: Uuid,
        minors: bool,
        why: &str,
    ) -> Result<(), Error> {
        let why = reasoned(why)?;
        let found = classroom::find(&self.db, ClassroomId(room)).await?;
        let found = found.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: format!("{} {room}", found.name),
            purpose: why.to_owned(),
            detail: if minors { "minors" } else { "no minors" }.into(),
            ..by.done("mark_minors")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !campus::set_minors(pending.writing(), &room.to_string(), minors).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        Ok(())
    }
}
