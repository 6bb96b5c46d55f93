//! A planar YUV 4:2:0 picture that can be painted on: boxes, discs, text.

use super::glyphs::{Glyphs, ROWS};

/// Luma, blue and red difference, limited range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// White.
pub const WHITE: Colour = Colour(235, 128, 128);
/// Black.
pub const BLACK: Colour = Colour(16, 128, 128);

/// A box in pixels. Edges are rounded to even pixels, for the chroma planes are half as fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Width.
    pub w: usize,
    /// Height.
    pub h: usize,
}

impl Area {
    /// A box whose four numbers are even.
    #[must_use]
    pub fn new(x: usize, y: usize, w: usize, h: usize) -> Self {
        Self {
            x: x & !1,
            y: y & !1,
            w: (w + 1) & !1,
            h: (h + 1) & !1,
        }
    }
}

/// One I420 picture without padding.
#[derive(Clone)]
pub struct Canvas {
    width: usize,
    height: usize,
    planes: Vec<u8>,
}

impl Canvas {
    /// A picture of one colour; width and height are even.
    #[must_use]
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        let mut canvas = Self {
            width,
            height,
            planes: vec![0; width * height * 3 / 2],
        };
        canvas.fill(Area::new(0, 0, width, height), colour);
        canvas
    }

    /// The bytes as GStreamer's I420 wants them.
    #[must_use]
    pub fn planes(&self) -> &[u8] {
        &self.planes
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The luma plane, for textures.
    pub fn luma(&mut self) -> &mut [u8] {
        &mut self.planes[..self.width * self.height]
    }

    /// Fills a box, cut at the edges of the picture.
    pub fn fill(&mut self, area: Area, Colour(luma, blue, red): Colour) {
        for (range, plane) in self.rows(area) {
            self.planes[range].fill([luma, blue, red][plane]);
        }
    }

    /// Fills a disc.
    pub fn disc(&mut self, x: usize, y: usize, radius: usize, colour: Colour) {
        for dy in (0..2 * radius).step_by(2) {
            let from_middle = dy.abs_diff(radius);
            let half = (radius * radius - from_middle * from_middle).isqrt();
            let row = Area::new((x + radius) - half, y + dy, 2 * half, 2);
            self.fill(row, colour);
        }
    }

    /// Puts back what `from` shows in a box.
    pub fn restore(&mut self, area: Area, from: &Self) {
        for (range, _) in self.rows(area) {
            self.planes[range.clone()].copy_from_slice(&from.planes[range]);
        }
    }

    /// Writes text in the given luma, each glyph pixel `scale` pixels wide; returns the box used.
    pub fn text(
        &mut self,
        glyphs: &Glyphs,
        at: (usize, usize),
        scale: usize,
        luma: u8,
        text: &str,
    ) -> Area {
        let mut x = at.0;
        for character in text.chars() {
            if character == ' ' {
                x += 14 * scale;
                continue;
            }
            let glyph = glyphs.get(character);
            for row in 0..ROWS {
                for column in (0..glyph.columns).filter(|&column| glyph.is_set(column, row)) {
                    self.dot((x + column * scale, at.1 + row * scale), scale, luma);
                }
            }
            x += glyph.columns * scale;
        }
        Area::new(at.0, at.1, x - at.0 + 2, ROWS * scale)
    }

    /// One glyph pixel: a square of luma only.
    pub fn dot(&mut self, (x, y): (usize, usize), scale: usize, luma: u8) {
        if x + scale > self.width || y + scale > self.height {
            return;
        }
        for row in y..y + scale {
            let start = row * self.width + x;
            self.planes[start..start + scale].fill(luma);
        }
    }

    /// The byte ranges of a box in all planes, with the plane's number.
    fn rows(&self, area: Area) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> + use<> {
        let (width, height) = (self.width, self.height);
        let x_end = (area.x + area.w).min(width);
        let y_end = (area.y + area.h).min(height);
        let (x, y) = (area.x.min(x_end), area.y.min(y_end));
        (0..3_usize).flat_map(move |plane| {
            let fine = if plane == 0 { 1 } else { 2 };
            let stride = width / fine;
            let base = [0, width * height, width * height * 5 / 4][plane];
            (y / fine..y_end / fine).map(move |row| {
                let start = base + row * stride;
                (start + x / fine..start + x_end / fine, plane)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_covers_its_pixels_in_all_planes_and_no_others() {
        let mut canvas = Canvas::new(8, 4, BLACK);
        canvas.fill(Area::new(2, 2, 4, 2), Colour(200, 90, 240));
        let planes = canvas.planes();
        assert_eq!(planes[2 * 8..3 * 8], [16, 16, 200, 200, 200, 200, 16, 16]);
        assert_eq!(planes[32..40], [128, 128, 128, 128, 128, 90, 90, 128]);
        assert_eq!(planes[40..48], [128, 128, 128, 128, 128, 240, 240, 128]);
    }

    #[test]
    fn what_hangs_over_the_edge_is_cut() {
        let mut canvas = Canvas::new(8, 4, BLACK);
        canvas.fill(Area::new(6, 2, 100, 100), WHITE);
        canvas.fill(Area::new(100, 100, 2, 2), WHITE);
        assert_eq!(
            canvas.planes().iter().filter(|&&luma| luma == 235).count(),
            4
        );
    }

    #[test]
    fn restoring_brings_back_the_background() {
        let background = Canvas::new(16, 16, WHITE);
        let mut canvas = background.clone();
        canvas.disc(2, 2, 4, BLACK);
        assert_ne!(canvas.planes(), background.planes());
        canvas.restore(Area::new(2, 2, 8, 8), &background);
        assert_eq!(canvas.planes(), background.planes());
    }
}
