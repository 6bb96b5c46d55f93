//! A quiet pentatonic melody, so that the sound of a room is alive and never stays the same. Its
//! notes begin with the wall clock, so that whoever hears one knows when it was played.

/// Samples a second, one channel.
pub const RATE: u32 = 48_000;
/// A note lasts this many samples (0.4 s); the first of all began with 1970.
const NOTE: u64 = 19_200;
const AMPLITUDE: f64 = 1400.0;
const SCALE_HZ: [f64; 6] = [261.6, 293.7, 329.6, 392.0, 440.0, 523.3];

/// Samples `from..from + count` of the melody since 1970-01-01 UTC, 16 bits little endian.
#[must_use]
pub fn samples(from: u64, count: u64) -> Vec<u8> {
    (from..from + count)
        .flat_map(|at| sample(at).to_le_bytes())
        .collect()
}

fn sample(at: u64) -> i16 {
    let (step, within) = (at / NOTE, at % NOTE);
    let turn = step % 18;
    let pitch = SCALE_HZ[usize::try_from((turn * turn + turn / 3) % 6).unwrap_or(0)];
    let seconds = within as f64 / f64::from(RATE);
    // Each note swells and fades, so that there is no click where two meet.
    let swell = (std::f64::consts::PI * within as f64 / NOTE as f64).sin();
    ((std::f64::consts::TAU * pitch * seconds).sin() * swell * AMPLITUDE) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_melody_is_audible_and_quiet() {
        let heard: Vec<i16> = samples(0, 96_000)
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let peak = heard
            .iter()
            .map(|sample| sample.unsigned_abs())
            .max()
            .unwrap();
        assert!((1000..=1400).contains(&peak), "peak {peak}");
    }

    /// Whoever hears a note begin knows the time to 0.4 s.
    #[test]
    fn a_note_begins_in_silence_with_the_wall_clock() {
        let at_ms: u64 = 1_798_000_000_000;
        assert_eq!(at_ms % 400, 0);
        let heard = samples(at_ms * u64::from(RATE) / 1000, NOTE);
        let loud = |at: usize| i16::from_le_bytes([heard[2 * at], heard[2 * at + 1]]).abs();
        assert_eq!(loud(0), 0);
        assert!((9_000..10_000).map(loud).max() > Some(1000));
    }
}
