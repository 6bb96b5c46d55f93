//! A camera, a network and a box's wall clock that go wrong in known ways, and the truth beside
//! them.

use xunke_agent::camera::times::Times;
use xunke_agent::clock::Moment;

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;
/// When it all begins: a day in 2025.
const BEGIN_US: i64 = 1_763_000_000 * SECOND_US;
const STALL_US: i64 = 3 * SECOND_US;
const SLOW_US: i64 = 400_000;

/// What happens to the box's wall clock.
#[derive(Debug, Clone, Copy)]
pub enum Wall {
    /// It is right.
    Right,
    /// It is set, once.
    Set {
        /// When.
        at_us: i64,
        /// By how much.
        by_us: i64,
    },
    /// It is steered by so many ppm, three minutes of every ten: 90 ms for 500.
    Steered(i64),
}

/// One track of one session.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// How long.
    pub seconds: i64,
    /// Between two frames.
    pub every_us: i64,
    /// How fast the camera's clock runs.
    pub ppm: f64,
    /// Each frame comes up to this much late.
    pub jitter_us: i64,
    /// The network stands still for three seconds this often; 0 for never.
    pub stall_every_s: i64,
    /// In this minute every frame is 400 ms late.
    pub slow_minute: Option<i64>,
    /// From the middle on the way is longer by this.
    pub longer_us: i64,
    /// The stamps of the first five frames lie ahead by this.
    pub ahead_us: i64,
    /// The box.
    pub wall: Wall,
    /// Of the jitter.
    pub seed: u64,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            seconds: 3600,
            every_us: 40_000,
            ppm: 0.0,
            jitter_us: 30_000,
            stall_every_s: 0,
            slow_minute: None,
            longer_us: 0,
            ahead_us: 0,
            wall: Wall::Right,
            seed: 1,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Off {
    /// The captured time furthest from the truth, or furthest after it.
    pub most_us: i64,
    /// The one furthest before it.
    pub least_us: i64,
    /// The drift that was measured in the end.
    pub drift_ppm: Option<f32>,
}

impl Scene {
    /// Runs through it; how far captured times are off counts from `from_us` on.
    pub fn run(&self, from_us: i64) -> Off {
        let mut times = Times::default();
        let mut chance = self.seed;
        let (mut most_us, mut least_us, mut came_us) = (0, 0, 0);
        for number in 0..self.seconds * SECOND_US / self.every_us {
            let true_us = number * self.every_us;
            // TCP keeps the order.
            came_us = came_us.max(true_us + self.late_us(true_us, &mut chance));
            let now = Moment {
                wall_us: BEGIN_US + came_us + self.wall.off_us(came_us),
                raw_us: came_us,
            };
            let stamp_us = self.stamp_us(number, true_us);
            let captured_us = times.captured_us(stamp_us, now);
            // What the clock, as it is set now, says of the moment of capture.
            let off_us = captured_us - BEGIN_US - true_us - self.wall.off_us(came_us);
            if true_us >= from_us {
                most_us = off_us.max(most_us);
                least_us = off_us.min(least_us);
            }
        }
        Off {
            most_us: most_us.max(-least_us),
            least_us,
            drift_ppm: times.drift_ppm(),
        }
    }

    fn stamp_us(&self, number: i64, true_us: i64) -> i64 {
        let ahead_us = if number < 5 { self.ahead_us } else { 0 };
        (true_us as f64 * (1.0 + self.ppm / 1e6)) as i64 + ahead_us
    }

    fn late_us(&self, true_us: i64, chance: &mut u64) -> i64 {
        // Knuth's multiplier; the upper bits are good enough for a network.
        *chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let jitter_us = (*chance >> 33) as i64 % self.jitter_us.max(1);
        let stall_us = match self.stall_every_s * SECOND_US {
            0 => 0,
            every_us => (STALL_US - true_us % every_us).max(0),
        };
        // The first stall would be the beginning.
        let stall_us = if true_us < 2 * STALL_US { 0 } else { stall_us };
        let slow = self.slow_minute == Some(true_us / (60 * SECOND_US));
        let longer = true_us > self.seconds * SECOND_US / 2;
        jitter_us
            + stall_us
            + if slow { SLOW_US } else { 0 }
            + if longer { self.longer_us } else { 0 }
    }
}

impl Wall {
    /// How far it is off.
    fn off_us(self, came_us: i64) -> i64 {
        match self {
            Self::Right => 0,
            Self::Set { at_us, by_us } => {
                if came_us >= at_us {
                    by_us
                } else {
                    0
                }
            }
            Self::Steered(ppm) => {
                let (round, within) = (came_us / (600 * SECOND_US), came_us % (600 * SECOND_US));
                let steered_us = round * 180 * SECOND_US + within.min(180 * SECOND_US);
                steered_us * ppm / 1_000_000
            }
        }
    }
}
