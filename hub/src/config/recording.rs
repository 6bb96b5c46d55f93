//! `[recording]`: where sealed segments are kept, and what is recorded around a lesson.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// `[recording]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recording {
    /// Where sealed segments are kept; empty: `media` in `data_dir`.
    pub folder: PathBuf,
    /// Space that uploads leave free for the database and the trail.
    pub free_mib_min: u64,
    /// Uploads at the same time; more wait.
    pub uploads_max: usize,
    /// Recorded before a lesson begins.
    pub pre_roll_minutes: u32,
    /// Recorded after it has ended.
    pub post_roll_minutes: u32,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            free_mib_min: 1024,
            uploads_max: 32,
            pre_roll_minutes: 2,
            post_roll_minutes: 5,
        }
    }
}

impl Recording {
    /// The folder of sealed segments.
    #[must_use]
    pub fn folder_in(&self, data_dir: &Path) -> PathBuf {
        if self.folder.as_os_str().is_empty() {
            return data_dir.join("media");
        }
        self.folder.clone()
    }

    /// What is recorded around a lesson is somebody's break.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.pre_roll_minutes > 30 {
            return Err(("recording.pre_roll_minutes", "must be 0 to 30"));
        }
        if self.post_roll_minutes > 30 {
            return Err(("recording.post_roll_minutes", "must be 0 to 30"));
        }
        Ok(())
    }
}
