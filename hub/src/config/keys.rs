//! `[keys]`: the keys of recordings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use xunke_protocol::sealed::Suite;

/// A bundle for boxes holds 400 days, with yesterday and some to spare.
const DAYS_MAX: u32 = 390;
const HOURS_MAX: u32 = 24;

/// `[keys]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// 32 bytes that seal the day keys at rest; empty: the credential `master-key` of the service.
    pub master_key_file: PathBuf,
    /// What coming days are sealed with; days that have a key keep theirs.
    pub suite: Suite,
    /// For how many coming days boxes are given keys.
    pub days_ahead: u32,
    /// Hours of lessons that one person may open on one day; 0: no limit.
    pub hours_a_day_max: u32,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            master_key_file: PathBuf::new(),
            suite: Suite::default(),
            days_ahead: 180,
            hours_a_day_max: 8,
        }
    }
}

impl Keys {
    /// The key at fault, and what it must be.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(1..=DAYS_MAX).contains(&self.days_ahead) {
            return Err(("keys.days_ahead", "must be 1 to 390"));
        }
        if self.hours_a_day_max > HOURS_MAX {
            return Err(("keys.hours_a_day_max", "must be 0 to 24"));
        }
        Ok(())
    }
}
