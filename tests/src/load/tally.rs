//! What a fleet has seen, counted.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters that all boxes share.
#[derive(Debug, Default)]
pub struct Tally {
    acknowledged: AtomicU64,
    sent_again: AtomicU64,
    connections: AtomicU64,
    waits_ms: Mutex<Vec<f64>>,
}

/// What was counted since the last look.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Messages that the other side has acknowledged.
    pub acknowledged: u64,
    /// Messages that were in flight when a connection ended.
    pub sent_again: u64,
    /// Connections that were begun, those that came to nothing included.
    pub connections: u64,
    /// From the hand-over to the MQTT client until its acknowledgement, milliseconds.
    pub waits_ms: Vec<f64>,
}

impl Tally {
    pub(super) fn acknowledged(&self, after: Duration) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut waits = self.waits_ms.lock().unwrap_or_else(PoisonError::into_inner);
        waits.push(after.as_secs_f64() * 1000.0);
    }

    pub(super) fn connects(&self, unacknowledged: usize) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.sent_again
            .fetch_add(unacknowledged as u64, Ordering::Relaxed);
    }

    /// Takes what was counted and begins anew.
    pub fn take(&self) -> Seen {
        let mut waits = self.waits_ms.lock().unwrap_or_else(PoisonError::into_inner);
        Seen {
            acknowledged: self.acknowledged.swap(0, Ordering::Relaxed),
            sent_again: self.sent_again.swap(0, Ordering::Relaxed),
            connections: self.connections.swap(0, Ordering::Relaxed),
            waits_ms: std::mem::take(&mut waits),
        }
    }
}
