//! Hearing: what a short piece of sound says about the microphone, in two numbers, and whether they
//! have said so for a while (X56). The sound itself is forgotten at once.

use super::hold::{Hold, Times};
use serde::{Deserialize, Serialize};
use xunke_protocol::health::{SoundKind, SoundSignals};

/// Digital silence is reported as this.
const FLOOR_DBFS: f32 = -120.0;
/// A microphone in a quiet room is louder: −60 to −50 dBFS; one that is switched off is below.
const SILENT_DBFS_MAX: f32 = -70.0;
const HEARD_DBFS_MIN: f32 = -66.0;
/// Between two pieces of sound.
pub const LISTEN_MS: u64 = 10_000;
/// The last step of 16 bits, and a little less: encoding rounds the corners off.
pub const CLIPPED_MIN: u16 = 32_400;
/// Speech that is recorded well touches the end of the scale never, a shout now and then.
const CLIPPING_RATIO_MIN: f32 = 0.01;
const CLEAN_RATIO_MAX: f32 = 0.002;
/// Nobody speaks for a while; then somebody does.
const SILENT: Times = Times {
    begin_ms: 60_000,
    end_ms: 5_000,
};
/// One chair that is moved is not a wrong level.
const CLIPPING: Times = Times {
    begin_ms: 30_000,
    end_ms: 30_000,
};

/// What one piece of sound says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Root mean square against full scale, −120 to 0.
    pub rms_dbfs: f32,
    /// Share of the samples at the end of the scale, 0 to 1.
    pub clipping_ratio: f32,
}

/// Measures samples of 16 bits; those at least as loud as `clipped_min` are at the end of the
/// scale. `None` of none.
#[must_use]
pub fn measure(samples: impl Iterator<Item = i16>, clipped_min: u16) -> Option<Heard> {
    let mut level = Level::default();
    level.add(samples, clipped_min);
    level.heard()
}

/// What samples add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    count: u32,
    squares: f64,
    clipped: u32,
}

impl Level {
    fn add(&mut self, samples: impl Iterator<Item = i16>, clipped_min: u16) {
        for sample in samples {
            self.count = self.count.saturating_add(1);
            self.squares += f64::from(sample).powi(2);
            self.clipped += u32::from(sample.unsigned_abs() >= clipped_min);
        }
    }

    fn heard(&self) -> Option<Heard> {
        if self.count == 0 {
            return None;
        }
        let rms = (self.squares / f64::from(self.count)).sqrt() / f64::from(i16::MAX);
        Some(Heard {
            rms_dbfs: (20.0 * rms.log10() as f32).clamp(FLOOR_DBFS, 0.0),
            clipping_ratio: self.clipped as f32 / self.count as f32,
        })
    }
}

/// Listens to sound that comes as samples: a piece every [`LISTEN_MS`].
#[derive(Debug, Default)]
pub struct Ear {
    level: Level,
    /// When the newest piece was whole.
    heard_ms: Option<u64>,
}

impl Ear {
    /// Takes samples that came now, see [`crate::clock::mono_ms`]; a piece is whole with `enough`
    /// of them.
    pub fn take(
        &mut self,
        samples: impl Iterator<Item = i16>,
        enough: u32,
        clipped_min: u16,
        mono_ms: u64,
    ) -> Option<Heard> {
        let early = |heard_ms| mono_ms.saturating_sub(heard_ms) < LISTEN_MS;
        if self.heard_ms.is_some_and(early) {
            return None;
        }
        self.level.add(samples, clipped_min);
        if self.level.count < enough {
            return None;
        }
        self.heard_ms = Some(mono_ms);
        std::mem::take(&mut self.level).heard()
    }
}

/// What the pieces of one camera's sound point to.
#[derive(Debug, Clone, Default)]
pub struct Hearing {
    newest: Option<Heard>,
    silent: Hold,
    clipping: Hold,
}

impl Hearing {
    /// Takes one piece.
    pub fn take(&mut self, heard: Heard, now_ms: i64) {
        let silent = between(-heard.rms_dbfs, -HEARD_DBFS_MIN, -SILENT_DBFS_MAX);
        let clipping = between(heard.clipping_ratio, CLEAN_RATIO_MAX, CLIPPING_RATIO_MIN);
        self.silent.take(silent, SILENT, now_ms);
        self.clipping.take(clipping, CLIPPING, now_ms);
        self.newest = Some(heard);
    }

    /// The camera has stopped.
    pub fn interrupt(&mut self) {
        *self = Self::default();
    }

    /// For the report; `None` before the first piece.
    #[must_use]
    pub fn signals(&self) -> Option<SoundSignals> {
        let heard = self.newest?;
        let counts = |hold: &Hold, kind| hold.since_ms().map(|_| kind);
        let silent = counts(&self.silent, SoundKind::Silent);
        Some(SoundSignals {
            rms_dbfs: (heard.rms_dbfs * 10.0).round() / 10.0,
            clipping_ratio: (heard.clipping_ratio * 1000.0).round() / 1000.0,
            found: silent.or(counts(&self.clipping, SoundKind::Clipping)),
        })
    }
}

/// Between the two limits nothing is said, so that a value on the limit does not flicker.
fn between(value: f32, away_max: f32, seen_min: f32) -> Option<bool> {
    if value >= seen_min {
        return Some(true);
    }
    (value <= away_max).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f64) -> Heard {
        let sample = |at: i32| (f64::from(at) * 0.05).sin() * amplitude;
        let samples = (0..48_000).map(|at| sample(at).clamp(-32_767.0, 32_767.0) as i16);
        measure(samples, CLIPPED_MIN).unwrap()
    }

    #[test]
    fn loudness_is_measured_against_full_scale() {
        let silence = measure([0; 9].into_iter(), CLIPPED_MIN).unwrap();
        assert_eq!(silence.rms_dbfs, FLOOR_DBFS);
        assert_eq!(measure(std::iter::empty(), CLIPPED_MIN), None);
        let full = sine(32_000.0);
        assert!(
            (full.rms_dbfs + 3.2).abs() < 0.1 && full.clipping_ratio == 0.0,
            "{full:?}"
        );
        let over = sine(60_000.0);
        assert!(over.clipping_ratio > 0.5, "{over:?}");
        let lowest = measure([i16::MIN; 4].into_iter(), CLIPPED_MIN).unwrap();
        assert_eq!((lowest.rms_dbfs, lowest.clipping_ratio), (0.0, 1.0));
    }

    #[test]
    fn half_a_second_of_samples_is_heard_every_ten() {
        let mut ear = Ear::default();
        let mut pieces = Vec::new();
        // Packets of 20 ms, of 8,000 samples a second, for 25 s.
        for packet in 0..1_250 {
            let samples = [1_000; 160].into_iter();
            pieces.extend(ear.take(samples, 4_000, CLIPPED_MIN, packet * 20));
        }
        assert_eq!(pieces.len(), 3);
        let same = |piece: &Heard| (piece.rms_dbfs + 30.3).abs() < 0.1;
        assert!(pieces.iter().all(same), "{pieces:?}");
    }

    /// What is found after hearing `loud` every ten seconds for so long.
    fn found(
        hearing: &mut Hearing,
        loud: Heard,
        seconds: std::ops::Range<i64>,
    ) -> Option<SoundKind> {
        for second in seconds.step_by(10) {
            hearing.take(loud, second * 1000);
        }
        hearing.signals().unwrap().found
    }

    /// X56: a microphone that is switched off, and one that is turned up too far.
    #[test]
    fn silence_and_clipping_count_after_a_while_and_end_again() {
        let (off, speech, shouting) = (sine(2.0), sine(1_400.0), sine(60_000.0));
        let mut hearing = Hearing::default();
        assert_eq!(hearing.signals(), None);
        assert_eq!(found(&mut hearing, speech, 0..60), None);
        assert_eq!(found(&mut hearing, off, 60..120), None, "a pause");
        assert_eq!(found(&mut hearing, off, 120..121), Some(SoundKind::Silent));
        assert_eq!(found(&mut hearing, speech, 130..150), None);
        assert_eq!(found(&mut hearing, shouting, 150..180), None, "a chair");
        assert_eq!(
            found(&mut hearing, shouting, 180..181),
            Some(SoundKind::Clipping)
        );
        hearing.interrupt();
        assert_eq!(hearing.signals(), None);
    }

    #[test]
    fn on_the_limit_nothing_flickers() {
        let heard = |rms_dbfs| Heard {
            rms_dbfs,
            clipping_ratio: 0.005,
        };
        let mut hearing = Hearing::default();
        found(&mut hearing, heard(-75.0), 0..70);
        let on_it = [-69.0, -71.0, -67.0].map(heard);
        for (step, heard) in on_it.into_iter().cycle().take(30).enumerate() {
            let second = 100 + 10 * step as i64;
            assert_eq!(
                found(&mut hearing, heard, second..second + 1),
                Some(SoundKind::Silent)
            );
        }
    }
}
