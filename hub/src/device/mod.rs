//! Devices: which boxes there are, how one becomes known, and how it is told what to do.
//!
//! registry → enrol → renewal → desk → asking → command → order → waits → visits

pub mod registry;
pub mod enrol;
mod renewal;
pub mod desk;
pub mod asking;
pub mod command;
pub mod order;
pub mod waits;
pub mod visits;

use std::sync::Arc;

use crate::access::audit::Trail;
use crate::endpoint::Links;
use crate::store::Db;
use command::Commands;
use enrol::{Enrolment, Place};
use visits::Visits;

/// The boxes of this hub, for every door. Cheap to clone.
#[derive(Clone)]
pub struct Devices {
    /// The connections.
    pub links: Links,
    /// Orders and their answers.
    pub commands: Commands,
    /// How a box becomes known.
    pub enrolment: Arc<Enrolment>,
    /// Which boxes came, and who was sent away.
    pub visits: Arc<Visits>,
    db: Db,
    trail: Arc<Trail>,
}

impl Devices {
    /// Puts the room together; `place` is what an enrolled box is told of this hub.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, place: Place) -> Self {
        let links = Links::default();
        let commands = Commands::new(links.clone(), place.ca.signing_key().clone());
        let visits = Arc::new(Visits::new(trail.clone()));
        let enrolment = Enrolment::new(db.clone(), trail.clone(), links.clone(), place);
        let enrolment = Arc::new(enrolment);
        Self {
            links,
            commands,
            enrolment,
            visits,
            db,
            trail,
        }
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Devices({} connected)", self.links.count())
    }
}

#[cfg(test)]
pub(crate) mod tests;
