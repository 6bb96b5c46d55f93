//! What the camera is made to do at the moment, shared by its streams.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// How the lens sees the lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As it is.
    Plain,
    /// Somebody's coat hangs over it.
    Covered,
    /// The lamps are off, and there is no projector.
    Dimmed,
    /// Out of focus.
    Blurred,
    /// Turned to the side by a third of the picture.
    Turned,
    /// The same picture again and again.
    Still,
}

const LOOKS: [Look; 6] = [
    Look::Plain,
    Look::Covered,
    Look::Dimmed,
    Look::Blurred,
    Look::Turned,
    Look::Still,
];

/// Switches the streams look at before every frame.
#[derive(Debug, Default)]
pub struct Mood {
    look: AtomicU8,
    frozen: AtomicBool,
}

impl Mood {
    /// How the lens sees.
    #[must_use]
    pub fn look(&self) -> Look {
        LOOKS[usize::from(self.look.load(Ordering::Relaxed))]
    }

    /// The camera sends nothing although its connections stand.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Changes how the lens sees.
    pub fn set_look(&self, look: Look) {
        self.look.store(look as u8, Ordering::Relaxed);
    }

    /// Freezes or thaws the camera.
    pub fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_is_kept() {
        let mood = Mood::default();
        assert_eq!(mood.look(), Look::Plain);
        for look in LOOKS {
            mood.set_look(look);
            assert_eq!(mood.look(), look);
        }
    }
}
