//! What the camera is made to do at the moment, shared by its streams.

use std::sync::atomic::{AtomicBool, Ordering};

/// Switches the streams look at before every frame.
#[derive(Debug, Default)]
pub struct Mood {
    covered: AtomicBool,
    frozen: AtomicBool,
}

impl Mood {
    /// Somebody's coat hangs over the lens.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.covered.load(Ordering::Relaxed)
    }

    /// The camera sends nothing although its connections stand.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Covers or uncovers the lens.
    pub fn set_covered(&self, covered: bool) {
        self.covered.store(covered, Ordering::Relaxed);
    }

    /// Freezes or thaws the camera.
    pub fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }
}
