//! Upload: hands sealed segments to the hub, several at a time and the oldest first, and forgets
//! one only when the hub has signed for it. Tries for ever, slowly when it must.
//!
//! rate → body → flight → plan

mod rate;
mod body;
mod flight;
mod plan;

use super::spool::Spool;
use crate::clock;
use crate::config;
use body::Pacer;
use ed25519_dalek::VerifyingKey;
use flight::Sender;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use plan::{Plan, too_full, within};
use rate::Rates;
use reqwest::Client;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep};

/// What is put off, and the hours, are looked at again after this.
const TICK: Duration = Duration::from_secs(1);
const KIB: u64 = 1024;

/// Sends what waits in the spool. Dropping its run ends every upload where it stands; what has come
/// of them stays at the hub.
pub struct Uploader {
    /// Where segments wait.
    pub spool: Spool,
    /// Speaks to the hub with this box's certificate.
    pub client: Client,
    /// `https://host:port` of the boxes' door.
    pub base: String,
    /// Signs receipts.
    pub hub: VerifyingKey,
    /// How many live pushes are on their way.
    pub watched: watch::Receiver<usize>,
    /// How many at a time, how fast, and when.
    pub settings: config::Upload,
}

impl Uploader {
    /// Uploads for ever.
    pub async fn run(self) {
        let spool = &self.spool;
        let (sender, mut plan) = (self.sender(), self.plan());
        let mut flights = FuturesUnordered::new();
        let mut told = Told::default();
        loop {
            while plan.has_room(Instant::now()) && self.may_go(&mut told) {
                let now = Instant::now();
                let Some((segment, _)) = spool.oldest(|segment| plan.skips(segment, now)) else {
                    break;
                };
                let ask = plan.begin(segment, now);
                let flight = sender.fly(segment, ask);
                flights.push(async move { (segment, flight.await) });
            }
            tokio::select! {
                Some((segment, outcome)) = flights.next() => {
                    plan.ended(segment, &outcome, Instant::now());
                }
                () = sender.heard.notified() => plan.heard(),
                () = spool.arrived() => {}
                () = sleep(TICK) => {}
            }
        }
    }

    fn sender(&self) -> Sender {
        let rates = Rates {
            always: self.settings.kib_per_second_max * KIB,
            watched: self.settings.live_kib_per_second_max * KIB,
        };
        Sender {
            spool: self.spool.clone(),
            client: self.client.clone(),
            base: self.base.clone(),
            hub: self.hub,
            pacer: Arc::new(Pacer::new(rates, self.watched.clone(), Instant::now())),
            opening: Mutex::default(),
            heard: Notify::new(),
        }
    }

    fn plan(&self) -> Plan {
        let waiting = RefCell::new(HashSet::new());
        self.spool.oldest(|segment| {
            waiting.borrow_mut().insert(segment);
            true
        });
        Plan::new(
            self.settings.in_flight_max,
            self.settings.retry_seconds_max,
            Duration::from_secs(self.settings.spread_seconds),
            waiting.into_inner(),
            Instant::now(),
        )
    }

    /// Whether it is time for a segment to begin its way.
    fn may_go(&self, told: &mut Told) -> bool {
        let open = within(self.settings.hours, clock::now_ms());
        let signals = self.spool.signals();
        let full = too_full(&signals.borrow(), self.settings.hours_spool_percent_max);
        told.hear(open, full);
        open || full
    }
}

/// What was said of the hours, each thing once.
#[derive(Default)]
struct Told {
    outside: bool,
    full: bool,
}

impl Told {
    fn hear(&mut self, open: bool, full: bool) {
        match (std::mem::replace(&mut self.outside, !open), open) {
            (false, false) => tracing::info!("outside of upload.hours: segments wait in the spool"),
            (true, true) => tracing::info!("upload.hours have begun: segments are sent"),
            _ => {}
        }
        self.full &= !open;
        if full && !open && !std::mem::replace(&mut self.full, true) {
            tracing::warn!(
                "more of the spool is full than upload.hours_spool_percent_max: segments are sent \
                 outside of upload.hours; make the hours longer or the rate higher"
            );
        }
    }
}

#[cfg(test)]
mod tests;
