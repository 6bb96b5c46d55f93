//! A hub for many simulated boxes, and what it has kept of them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use uuid::Uuid;

use super::EVENT_KIND;
use super::fleet::{Address, Side};
use super::papers::Papers;
use crate::campus::Hub;

/// The hub. Dropping it kills it.
pub struct Hall {
    /// Its process and store.
    pub hub: Hub,
    /// What its boxes show.
    pub papers: Papers,
}

/// What a hub has stored of simulated events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Events that happened and are not there.
    pub lost: usize,
    /// Rows beyond one for each event.
    pub doubled: usize,
    /// Rows of events that never happened.
    pub strange: usize,
}

impl Hall {
    /// Starts a hub in `folder` that knows `boxes` boxes.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path, boxes: usize) -> Result<Self> {
        let hub = Hub::start(folder, 1, None)?;
        let papers = Papers::make(&hub, boxes)?;
        Ok(Self { hub, papers })
    }

    /// The same with a broker between.
    ///
    /// # Errors
    /// The same.
    pub fn behind_broker(folder: &Path, boxes: usize) -> Result<Self> {
        let hub = Hub::start_behind_broker(folder, 1)?;
        let papers = Papers::make(&hub, boxes)?;
        Ok(Self { hub, papers })
    }

    /// Holds what the store has against what happened.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn kept(&self, happened: &[Uuid]) -> Result<Kept> {
        let query = format!("SELECT id FROM device_events WHERE kind = '{EVENT_KIND}'");
        let rows: Vec<Uuid> = self
            .hub
            .sql(&query)?
            .lines()
            .map(Uuid::parse_str)
            .collect::<Result<_, _>>()?;
        let there: BTreeSet<&Uuid> = rows.iter().collect();
        let happened: BTreeSet<&Uuid> = happened.iter().collect();
        Ok(Kept {
            lost: happened.difference(&there).count(),
            doubled: rows.len() - there.len(),
            strange: there.difference(&happened).count(),
        })
    }
}

impl Side for Hall {
    fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port: self.hub.ports.mqtt,
        }
    }

    fn pid(&self) -> Option<u32> {
        self.hub.pid()
    }

    fn kill(&mut self) {
        self.hub.kill();
    }

    fn run(&mut self) -> Result<()> {
        self.hub.run()
    }
}
