//! Patrol: the work of supervisors, from the class they watched to the record they file.

pub mod record;

use crate::campus;
use crate::store;

/// What went wrong with patrol.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
}

impl Error {
    /// Whether it is there already.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_duplicate())
    }
}
