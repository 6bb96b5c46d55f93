//! The newest document on this disk: what a start without the hub records by (X49).

use crate::identity::write_durable;
use ed25519_dalek::VerifyingKey;
use std::io;
use std::path::{Path, PathBuf};
use xunke_protocol::id::ClassroomId;
use xunke_protocol::timetable::{SignedTimetable, Timetable};

/// Why a document was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("version {given} is older than {kept}")]
    Older { given: u64, kept: u64 },
    #[error("it is not signed by the hub for this room")]
    Foreign,
}

/// Where the document lies, and who may have signed it.
pub(super) struct Kept {
    file: PathBuf,
    classroom: ClassroomId,
    hub: VerifyingKey,
    version: u64,
}

impl Kept {
    pub fn new(state_dir: &Path, classroom: ClassroomId, hub: VerifyingKey) -> Self {
        Self {
            file: state_dir.join("timetable.json"),
            classroom,
            hub,
            version: 0,
        }
    }

    /// What was kept before this start. What is damaged, or of another room or hub, is as good as
    /// nothing.
    pub fn read(&mut self) -> Option<Timetable> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let file = self.file.display();
                tracing::warn!(%file, %error, "the kept timetable cannot be read");
                return None;
            }
        };
        let signed = serde_json::from_slice::<SignedTimetable>(&text).ok();
        let good = signed.filter(|one| one.acceptable(&self.hub, self.classroom, 0));
        let Some(good) = good else {
            let file = self.file.display();
            tracing::warn!(%file, "the kept timetable is damaged or not of this room and hub");
            return None;
        };
        self.version = good.timetable.version;
        Some(good.timetable)
    }

    /// Keeps a document that the hub has sent, on disk first. `None` when it is the one that is
    /// kept already.
    pub fn accept(&mut self, signed: SignedTimetable) -> Result<Option<Timetable>, Error> {
        let given = signed.timetable.version;
        if given < self.version {
            let kept = self.version;
            return Err(Error::Older { given, kept });
        }
        if !signed.acceptable(&self.hub, self.classroom, self.version) {
            return Err(Error::Foreign);
        }
        if given == self.version {
            return Ok(None);
        }
        let text = serde_json::to_vec(&signed).expect("invariant: plain fields become JSON");
        if let Err(error) = write_durable(&self.file, &text) {
            // It counts until the next start all the same.
            let (file, advice) = (self.file.display(), "look at the free space of this disk");
            tracing::error!(%file, %error, advice, "the timetable cannot be kept");
        }
        self.version = given;
        Ok(Some(signed.timetable))
    }
}
