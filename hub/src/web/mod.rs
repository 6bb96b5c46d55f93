//! The web: the door for people. The only room that knows HTTP.
//!
//! error → listen → input → guard → one file per screen → openapi, ui → routes

pub mod error;
pub mod listen;
pub mod input;
pub mod guard;
pub mod session;
pub mod ui;
pub mod routes;

use std::sync::Arc;

use crate::access::audit::Trail;
use crate::access::gate::Gate;
use crate::access::session::Sessions;
use crate::config::Config;
use crate::notice::Notices;
use crate::store::Db;

/// What handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration.
    pub config: Arc<Config>,
    /// The store.
    pub db: Db,
    /// The audit trail.
    pub trail: Arc<Trail>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Decides and hands out permits.
    pub gate: Gate,
    /// What has just changed.
    pub notices: Notices,
}

impl App {
    /// Puts the rooms together.
    #[must_use]
    pub fn new(config: Arc<Config>, db: Db, notices: Notices) -> Self {
        let trail = Arc::new(Trail::new(db.clone(), notices.clone()));
        let sessions = Sessions::new(db.clone(), &config.session);
        let gate = Gate::new(db.clone(), trail.clone(), sessions.clone(), config.clone());
        Self {
            config,
            db,
            trail,
            sessions,
            gate,
            notices,
        }
    }
}
