//! The campus: classrooms and who owns them, the calendar, the timetable.
//!
//! classroom → calendar → lesson → term

pub mod classroom;
pub mod calendar;
pub mod lesson;
pub mod term;

use crate::store;

/// What went wrong on the campus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored id is not one.
    #[error("the store holds {text:?} where {what} should be")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// What it is.
        text: String,
    },
}

/// Reads an id out of the store.
pub(crate) fn id(what: &'static str, text: &str) -> Result<uuid::Uuid, Error> {
    text.parse().map_err(|_| Error::Corrupt {
        what,
        text: text.into(),
    })
}
