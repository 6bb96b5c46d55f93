//! What becomes of a packet on the line: lost, delayed, waiting behind others. Pure.

use std::time::{Duration, Instant};

use xunke_mutate::Dice;

/// What waits longer than this before a full line is dropped, as routers do.
const QUEUE_MAX: Duration = Duration::from_millis(100);
const SECOND_NS: u64 = 1_000_000_000;

/// What a line is like, in each direction.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// Packets of a thousand that are lost.
    pub lost_per_mille: usize,
    /// How long a packet is on its way.
    pub delay: Duration,
    /// What it carries.
    pub mbit_per_second: u64,
}

/// One direction of the line.
#[derive(Debug)]
pub struct Wire {
    quality: Quality,
    dice: Dice,
    /// When the last packet has left.
    free: Option<Instant>,
}

impl Wire {
    /// A quiet one.
    #[must_use]
    pub fn new(quality: Quality, seed: u64) -> Self {
        Self {
            quality,
            dice: Dice::of(seed, 0),
            free: None,
        }
    }

    /// When a packet arrives that is sent now; `None` when it is lost.
    pub fn carry(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        if self.dice.below(1000) < self.quality.lost_per_mille {
            return None;
        }
        let begins = self.free.map_or(now, |free| free.max(now));
        if begins - now > QUEUE_MAX {
            return None;
        }
        let bits_per_second = self.quality.mbit_per_second * 1_000_000;
        let lasts = Duration::from_nanos(bytes as u64 * 8 * SECOND_NS / bits_per_second);
        self.free = Some(begins + lasts);
        Some(begins + lasts + self.quality.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUALITY: Quality = Quality {
        lost_per_mille: 0,
        delay: Duration::from_millis(10),
        mbit_per_second: 12,
    };

    #[test]
    fn a_packet_takes_its_time_and_waits_for_those_before_it() {
        let (now, mut wire) = (Instant::now(), Wire::new(QUALITY, 1));
        let ms = |number| now + Duration::from_millis(number);
        // 1500 bytes last a millisecond at 12 Mbit/s.
        assert_eq!(wire.carry(1500, now), Some(ms(11)));
        assert_eq!(wire.carry(1500, now), Some(ms(12)));
        assert_eq!(wire.carry(1500, ms(50)), Some(ms(61)));
    }

    #[test]
    fn who_sends_too_much_loses_what_no_longer_fits() {
        let (now, mut wire) = (Instant::now(), Wire::new(QUALITY, 1));
        let carried = (0..1000).filter(|_| wire.carry(1500, now).is_some());
        assert_eq!(carried.count(), 101);
    }

    #[test]
    fn the_share_that_is_lost_is_lost() {
        let quality = Quality {
            lost_per_mille: 10,
            ..QUALITY
        };
        let (now, mut wire) = (Instant::now(), Wire::new(quality, 1));
        let sent = |number: u64| now + Duration::from_millis(2 * number);
        let lost = (0..20_000).filter(|&number| wire.carry(1500, sent(number)).is_none());
        let lost = lost.count();
        assert!((140..=260).contains(&lost), "{lost} of 20,000");
    }
}
