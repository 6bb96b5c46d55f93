//! The box's outbox on the same disk: events that the hub must have, told and delivered by chance.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;
use xunke_agent::link::{Backlog, Message};
use xunke_agent::outbox::{Class, Event, Limit, Limits, Outbox};
use xunke_protocol::envelope::Envelope;
use xunke_protocol::topic::Up;

/// Small, so that a short run fills more than one file of it; large enough to give nothing up.
const LIMIT: Limit = Limit {
    bytes_max: 128 * 1024,
    age_ms_max: i64::MAX / 2,
};
const LIMITS: Limits = Limits {
    record: LIMIT,
    note: LIMIT,
};
const KIND: &str = "powercut";

/// Tells events.
pub struct Teller {
    outbox: Outbox,
    runtime: Runtime,
}

impl Teller {
    /// Opens the outbox beside the spool in `folder`.
    ///
    /// # Errors
    /// It does not open.
    pub fn start(folder: &Path) -> Result<Self> {
        let outbox = Outbox::open(&folder.with_file_name("outbox"), LIMITS)?;
        outbox.begin(1);
        Ok(Self {
            outbox,
            runtime: Builder::new_current_thread().build()?,
        })
    }

    /// Keeps an event; when this returns, a power cut cannot take it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn keep(&self, event: Uuid) -> Result<()> {
        let event = Event {
            class: Class::Record,
            kind: KIND,
            data: json!({ "event": event, "padding": "x".repeat(200) }),
        };
        Ok(self.runtime.block_on(self.outbox.append(event))?)
    }

    /// The next one that the hub has not; [`Teller::delivered`] says when it has.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next(&self) -> Result<Option<(Uuid, Message)>> {
        loop {
            let Some(message) = self.outbox.next() else {
                return Ok(None);
            };
            if matches!(&message.up, Up::Event(kind) if kind == KIND) {
                let data = Envelope::parse(&message.payload)?.data;
                let event = data["event"].as_str().context("no event")?;
                return Ok(Some((event.parse()?, message)));
            }
        }
    }

    /// The hub has it.
    pub fn delivered(&self, message: &Message) {
        self.outbox.delivered(message.token);
    }

    /// All that waits; numbers rise.
    ///
    /// # Errors
    /// One cannot be read, or a number is used twice.
    pub fn waiting(&self) -> Result<Vec<Uuid>> {
        self.outbox.begin(1);
        let (mut all, mut last) = (Vec::new(), 0);
        while let Some((event, message)) = self.next()? {
            let seq = Envelope::parse(&message.payload)?.seq;
            ensure!(seq > last, "number {seq} after {last}");
            last = seq;
            all.push(event);
        }
        Ok(all)
    }
}
