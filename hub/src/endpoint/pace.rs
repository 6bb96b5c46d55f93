//! How fast a box is read, without IO: a rate of packets and of bytes, each with a burst. A box
//! that sends faster is read more slowly; nothing it sends is dropped.

use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

/// What one box has used up of its rates.
#[derive(Debug)]
pub struct Pace {
    packets: Rate,
    bytes: Rate,
}

#[derive(Debug)]
struct Rate {
    each: Duration,
    burst: Duration,
    free_at: Instant,
}

impl Rate {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second;
        Self {
            each,
            burst: each * burst,
            free_at: now,
        }
    }

    fn take(&mut self, count: u32, now: Instant) -> Duration {
        self.free_at = self.free_at.max(now) + self.each * count;
        (self.free_at - now).saturating_sub(self.burst)
    }
}

impl Pace {
    /// Nothing used up yet.
    pub fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            packets: Rate::new(limits.packets_per_second, limits.packets_burst_max, now),
            bytes: Rate::new(limits.bytes_per_second, limits.bytes_burst_max, now),
        }
    }

    /// A packet of so many bytes has come: how long to wait before the next is read.
    pub fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.packets.take(1, now).max(self.bytes.take(bytes, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(now: Instant) -> Pace {
        let limits = Limits {
            packets_per_second: 10,
            packets_burst_max: 3,
            bytes_per_second: 1000,
            bytes_burst_max: 500,
            ..Limits::default()
        };
        Pace::new(&limits, now)
    }

    #[test]
    fn packets_above_the_burst_wait_for_their_turn() {
        let now = Instant::now();
        let mut pace = pace(now);
        let waits: Vec<_> = (0..5).map(|_| pace.take(2, now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        let later = now + Duration::from_secs(9);
        assert_eq!(pace.take(2, later), Duration::ZERO, "silence is given back");
    }

    #[test]
    fn a_large_packet_waits_for_its_bytes() {
        let now = Instant::now();
        let mut pace = pace(now);
        assert_eq!(pace.take(500, now), Duration::ZERO);
        assert_eq!(pace.take(250, now), Duration::from_millis(250));
    }

    /// The largest packet there is, at the real rates, and a revocation that must end it all.
    #[test]
    fn no_packet_waits_longer_than_a_revocation_may_take() {
        let (now, limits) = (Instant::now(), Limits::default());
        let mut pace = Pace::new(&limits, now);
        let mut at = now;
        for _ in 0..100 {
            let wait = pace.take(xunke_protocol::topic::PACKET_BYTES_MAX, at);
            assert!(wait <= Duration::from_millis(300), "{wait:?}");
            at += wait;
        }
        let second = (at - now).as_secs_f64();
        let rate = 100.0 * xunke_protocol::topic::PACKET_BYTES_MAX as f64 / second;
        assert!(rate > 250_000.0 && rate < 340_000.0, "{rate}");
    }
}
