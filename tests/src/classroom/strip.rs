//! The machine-readable strip along the top of every simulated picture.
//!
//! 48 equally wide cells, one twentieth of the picture high, white for one: 0–3 white, black,
//! white, black (sync); 4–35 the time of painting (Unix ms mod 2^32, most significant
//! bit first); 36–43 the frame counter mod 256; 44–47 the exclusive or of the ten nibbles before.

/// Cells across the picture.
pub const CELLS: usize = 48;
/// The strip is this fraction of the picture's height.
pub const HEIGHT_DIVISOR: usize = 20;
/// Luma above this reads as white; limited-range video puts white at 235 and black at 16.
const WHITE_ABOVE: u8 = 126;

/// What the strip of one frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When the frame was painted, Unix milliseconds mod 2^32.
    pub painted_ms: u32,
    /// The frame's number mod 256.
    pub counter: u8,
}

impl Mark {
    /// The mark of frame number `counter` painted at `now_ms`.
    #[must_use]
    pub fn new(now_ms: i64, counter: u64) -> Self {
        let painted_ms = now_ms.rem_euclid(1 << 32);
        Self {
            painted_ms: u32::try_from(painted_ms).expect("invariant: below 2^32"),
            counter: u8::try_from(counter % 256).expect("invariant: below 256"),
        }
    }

    /// The cells, left to right; `true` is white.
    #[must_use]
    pub fn cells(self) -> [bool; CELLS] {
        let word = (u64::from(self.painted_ms) << 8) | u64::from(self.counter);
        let word = (0b1010 << 44) | (word << 4) | parity(word);
        std::array::from_fn(|cell| (word >> (CELLS - 1 - cell)) & 1 == 1)
    }

    /// Reads the cells back; `None` when the sync cells or the parity are wrong (no strip here).
    #[must_use]
    pub fn from_cells(cells: &[bool; CELLS]) -> Option<Self> {
        let all = cells
            .iter()
            .fold(0_u64, |word, &white| (word << 1) | u64::from(white));
        let word = (all >> 4) & 0xff_ffff_ffff;
        if all >> 44 != 0b1010 || all & 0xf != parity(word) {
            return None;
        }
        Some(Self {
            painted_ms: u32::try_from(word >> 8).expect("invariant: 32 bits are left"),
            counter: u8::try_from(word & 0xff).expect("invariant: masked to 8 bits"),
        })
    }

    /// Reads the strip of a picture from its luma plane (`width * height` bytes, no padding).
    #[must_use]
    pub fn read(luma: &[u8], width: usize, height: usize) -> Option<Self> {
        let row = luma
            .get(height / HEIGHT_DIVISOR / 2 * width..)?
            .get(..width)?;
        let cells =
            std::array::from_fn(|cell| row[(2 * cell + 1) * width / (2 * CELLS)] > WHITE_ABOVE);
        Self::from_cells(&cells)
    }
}

/// Milliseconds from the painting of a marked picture to `now_ms`, over the wrap of the 32 bits.
#[must_use]
pub fn age_ms(mark: Mark, now_ms: i64) -> i64 {
    let half = 1_i64 << 31;
    (now_ms - i64::from(mark.painted_ms) + half).rem_euclid(1 << 32) - half
}

/// Exclusive or of the ten nibbles.
fn parity(word: u64) -> u64 {
    (0..10).fold(0, |parity, nibble| parity ^ ((word >> (4 * nibble)) & 0xf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_its_cells() {
        for (now_ms, counter) in [(0, 0), (1_798_000_123_456, 77), (i64::from(u32::MAX), 511)] {
            let mark = Mark::new(now_ms, counter);
            assert_eq!(Mark::from_cells(&mark.cells()), Some(mark));
        }
    }

    #[test]
    fn one_wrong_cell_is_noticed() {
        let cells = Mark::new(1_798_000_123_456, 77).cells();
        for cell in 0..CELLS {
            let mut broken = cells;
            broken[cell] = !broken[cell];
            assert_eq!(Mark::from_cells(&broken), None, "cell {cell}");
        }
    }

    #[test]
    fn age_is_right_across_the_wrap() {
        let now_ms = (420_i64 << 32) + 5;
        assert_eq!(age_ms(Mark::new(now_ms - 40, 0), now_ms), 40);
        assert_eq!(age_ms(Mark::new(now_ms + 3, 0), now_ms), -3);
    }

    #[test]
    fn a_picture_without_a_strip_has_no_mark() {
        assert_eq!(Mark::read(&vec![16; 640 * 360], 640, 360), None);
        assert_eq!(Mark::read(&[], 640, 360), None);
    }
}
