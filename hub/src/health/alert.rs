//! Alerts: faults become words to those who keep the rooms running, once each (R66, R93).
//!
//! kept → words → watch → desk → duty → order
//!
//! What to say is decided by `xunke_policy::alert`; here it is kept, told and audited. All is in
//! the store before anybody hears of it, so a restart neither repeats nor forgets. No words carry a
//! person, a picture, a course or a class (第十一条, X67).

pub mod kept;
pub mod words;
pub mod watch;
pub mod desk;
pub mod duty;
pub mod order;

use std::sync::Arc;

use crate::access::audit::Trail;
use crate::store::Db;

/// What administrators do about alerts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Alerts {
    /// Takes, assigns, comments.
    pub desk: desk::Desk,
    /// Who is told, and of what not.
    pub roster: duty::Roster,
    /// What is to be repaired.
    pub orders: order::WorkOrders,
}

impl Alerts {
    /// Alerts in `db`, each act a line of `trail`.
    #[must_use]
    pub fn new(db: &Db, trail: &Arc<Trail>) -> Self {
        Self {
            desk: desk::Desk::new(db.clone(), trail.clone()),
            roster: duty::Roster::new(db.clone(), trail.clone()),
            orders: order::WorkOrders::new(db.clone(), trail.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
