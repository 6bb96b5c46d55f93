//! Letters and the Chinese characters of room names as small bitmaps, so that drawing text needs
//! no font on the machine.

use std::collections::HashMap;

/// Rows of every glyph.
pub const ROWS: usize = 32;

/// One character's bitmap.
pub struct Glyph {
    /// Columns: 14 for ASCII, 28 for Chinese.
    pub columns: usize,
    rows: [u32; ROWS],
}

impl Glyph {
    /// Whether the pixel belongs to the character.
    #[must_use]
    pub fn is_set(&self, column: usize, row: usize) -> bool {
        (self.rows[row] >> (self.columns - 1 - column)) & 1 == 1
    }

    /// An empty box, for characters the table does not have.
    fn missing() -> Self {
        let row = |row| match row {
            4 | 27 => 0x07ff_fffe,
            5..27 => 0x0400_0002,
            _ => 0,
        };
        Self {
            columns: 28,
            rows: std::array::from_fn(row),
        }
    }

    fn parse(bits: &str) -> Option<Self> {
        let (columns, digits) = if bits.len() == ROWS * 4 {
            (14, 4)
        } else {
            (28, 7)
        };
        let mut rows = [0; ROWS];
        for (row, value) in rows.iter_mut().enumerate() {
            let hex = bits.get(row * digits..(row + 1) * digits)?;
            *value = u32::from_str_radix(hex, 16).ok()? >> (digits * 4 - columns);
        }
        Some(Self { columns, rows })
    }
}

/// All glyphs there are.
pub struct Glyphs {
    table: HashMap<char, Glyph>,
    missing: Glyph,
}

impl Default for Glyphs {
    fn default() -> Self {
        let table = include_str!("glyphs.txt")
            .lines()
            .filter(|line| !line.starts_with("//"))
            .filter_map(|line| {
                let (character, bits) = line.split_once(' ')?;
                Some((character.chars().next()?, Glyph::parse(bits)?))
            })
            .collect();
        Self {
            table,
            missing: Glyph::missing(),
        }
    }
}

impl Glyphs {
    /// The character's bitmap, or an empty box.
    #[must_use]
    pub fn get(&self, character: char) -> &Glyph {
        self.table.get(&character).unwrap_or(&self.missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_half_as_wide_as_chinese_characters() {
        let glyphs = Glyphs::default();
        assert_eq!(glyphs.get('8').columns, 14);
        assert_eq!(glyphs.get('楼').columns, 28);
        assert!(
            (0..28).any(|column| glyphs.get('一').is_set(column, 14)),
            "一 is a bar"
        );
    }

    #[test]
    fn an_unknown_character_is_an_empty_box() {
        let glyphs = Glyphs::default();
        let tofu = glyphs.get('龘');
        assert!(tofu.is_set(1, 10) && !tofu.is_set(14, 10));
    }
}
