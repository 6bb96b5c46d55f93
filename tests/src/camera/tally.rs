//! What has happened to a camera so far, for tests to ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Of one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions that were ever played.
    pub sessions: u32,
    /// Sessions that are being played.
    pub open: u32,
    /// Most of them at a time.
    pub open_max: u32,
    /// Sessions that were refused: 453.
    pub refused: u32,
    /// Requests that were answered 401 although they showed the account.
    pub unauthorized: u32,
    /// Requests that kept a session alive.
    pub keep_alives: u32,
    /// Pictures sent in the newest session.
    pub pictures: u32,
    /// Pictures of the newest session whose packets were left out.
    pub spoiled: u32,
}

/// The tallies of all streams.
#[derive(Debug, Default)]
pub struct Tallies(Mutex<HashMap<String, Tally>>);

impl Tallies {
    /// Changes one.
    pub fn change<T>(&self, stream: &str, change: impl FnOnce(&mut Tally) -> T) -> T {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(tallies.entry(stream.to_owned()).or_default())
    }

    /// Reads one.
    pub fn of(&self, stream: &str) -> Tally {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get(stream).copied().unwrap_or_default()
    }

    /// Sessions that are being played, of all streams.
    pub fn open(&self) -> u32 {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.values().map(|tally| tally.open).sum()
    }
}
