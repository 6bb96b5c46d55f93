//! The test lesson: a room with a blackboard, a clock to the millisecond, a teacher who walks and
//! a projector that scrolls. Only what moves is painted anew, so that four rooms fit two cores.

use super::canvas::{Area, BLACK, Canvas, Colour, WHITE};
use super::glyphs::Glyphs;
use super::strip::{CELLS, HEIGHT_DIVISOR, Mark};
use crate::clock::shanghai;

const WALL: Colour = Colour(168, 118, 136);
const FLOOR: Colour = Colour(112, 114, 140);
const BOARD: Colour = Colour(62, 122, 112);
const FRAME: Colour = Colour(96, 108, 150);
const DESK: Colour = Colour(136, 100, 152);
const HAIR: Colour = Colour(34, 128, 130);
const SHIRTS: [Colour; 4] = [
    Colour(120, 160, 110),
    Colour(150, 110, 160),
    Colour(180, 120, 124),
    Colour(90, 150, 120),
];
const SKIN: Colour = Colour(176, 108, 152);
const JACKET: Colour = Colour(70, 146, 122);

/// The layout is drawn for this width and multiplied.
const UNIT_WIDTH: usize = 640;
/// The chalk line takes this long over the board, then the board is wiped.
const CHALK_MS: i64 = 20_000;
/// The slides go round in this time.
const SLIDES_MS: i64 = 16_000;
const SLIDES: [&str; 6] = [
    "高等数学",
    "第一节",
    "程序设计",
    "y = sin x",
    "数据库",
    "E = mc^2",
];

/// A classroom as one camera sees it.
pub struct Scene {
    scale: usize,
    glyphs: Glyphs,
    behind: Canvas,
    now: Canvas,
    moved: Vec<Area>,
    slides: Canvas,
    chalk_drawn_ms: i64,
}

impl Scene {
    /// The room called `room`, `width` pixels wide (a multiple of 640) in 16:9.
    #[must_use]
    pub fn new(room: &str, width: usize) -> Self {
        let scale = width / UNIT_WIDTH;
        let glyphs = Glyphs::default();
        let mut behind = Canvas::new(width, width * 9 / 16, WALL);
        grain(&mut behind);
        furnish(&mut behind, scale);
        behind.text(&glyphs, (196 * scale, 56 * scale), scale, 226, room);
        let slides = slides(&glyphs, scale);
        Self {
            scale,
            glyphs,
            now: behind.clone(),
            behind,
            moved: vec![],
            slides,
            chalk_drawn_ms: 0,
        }
    }

    /// Paints the picture of `now_ms` with the given strip.
    pub fn paint(&mut self, mark: Mark, now_ms: i64) -> &Canvas {
        for area in std::mem::take(&mut self.moved) {
            self.now.restore(area, &self.behind);
        }
        self.chalk(now_ms);
        self.project(now_ms);
        self.teach(now_ms);
        let at = (196 * self.scale, 96 * self.scale);
        let clock = self
            .now
            .text(&self.glyphs, at, self.scale, 235, &shanghai(now_ms));
        self.moved.push(clock);
        mark_strip(&mut self.now, mark);
        &self.now
    }

    /// The picture that was painted last.
    #[must_use]
    pub fn shown(&self) -> &Canvas {
        &self.now
    }

    /// The chalk line on the board grows with the minute and is wiped when it is full.
    fn chalk(&mut self, now_ms: i64) {
        let s = self.scale;
        let at_ms = now_ms.rem_euclid(CHALK_MS);
        let mut both = [&mut self.now, &mut self.behind];
        if at_ms < self.chalk_drawn_ms {
            let line = Area::new(194 * s, 136 * s, 408 * s, 60 * s);
            both.iter_mut().for_each(|canvas| canvas.fill(line, BOARD));
            self.chalk_drawn_ms = 0;
        }
        for ms in (self.chalk_drawn_ms..at_ms).step_by(20) {
            let turn = ms as f64 / 900.0;
            let x = 200 * s + offset(ms, CHALK_MS) * 380 * s / 1000;
            let dot = (x, 142 * s + wave(turn, 22 * s));
            both.iter_mut()
                .for_each(|canvas| canvas.dot(dot, 2 * s, 222));
        }
        self.chalk_drawn_ms = at_ms;
    }

    /// The projector's slides scroll by; their grain costs bits, as a real lesson does.
    fn project(&mut self, now_ms: i64) {
        let s = self.scale;
        let (width, wide, high) = (self.now.width(), self.slides.width(), self.slides.height());
        let shift = offset(now_ms.rem_euclid(SLIDES_MS), SLIDES_MS) * high / 1000;
        let luma = self.now.luma();
        for row in 0..100 * s {
            let start = (50 * s + row) * width + 24 * s;
            let from = (shift + row) % high * wide;
            luma[start..start + wide].copy_from_slice(&self.slides.planes()[from..from + wide]);
        }
    }

    /// The teacher walks to and fro before the board and points at it.
    fn teach(&mut self, now_ms: i64) {
        let s = self.scale;
        let turn = now_ms.rem_euclid(28_000) as f64 / 28_000.0 * std::f64::consts::TAU;
        let x = 200 * s + wave(turn, 180 * s);
        let arm = 168 * s + wave(turn * 9.0, 14 * s);
        let figure = Area::new(x - 34 * s, 130 * s, 90 * s, 160 * s);
        self.now.fill(Area::new(x, 180 * s, 40 * s, 76 * s), JACKET);
        self.now
            .fill(Area::new(x - 30 * s, arm + 16 * s, 34 * s, 10 * s), JACKET);
        self.now
            .fill(Area::new(x + 4 * s, 256 * s, 12 * s, 32 * s), BLACK);
        self.now
            .fill(Area::new(x + 24 * s, 256 * s, 12 * s, 32 * s), BLACK);
        self.now.disc(x + 4 * s, 148 * s, 16 * s, SKIN);
        self.now
            .fill(Area::new(x + 6 * s, 144 * s, 28 * s, 10 * s), HAIR);
        self.moved.push(figure);
    }
}

/// What a covered lens sees: darkness with a little noise, no strip.
pub struct Darkness {
    canvas: Canvas,
    noise: Vec<u8>,
}

impl Darkness {
    /// Darkness `width` pixels wide in 16:9.
    #[must_use]
    pub fn new(width: usize) -> Self {
        let noise = noise(width * 4, 0xdead).map(|n| 17 + n % 2).collect();
        Self {
            canvas: Canvas::new(width, width * 9 / 16, BLACK),
            noise,
        }
    }

    /// The next dark picture; its noise changes once a second.
    pub fn paint(&mut self, counter: u64) -> &Canvas {
        let width = self.canvas.width();
        let step = usize::try_from(counter / 25 % 251).unwrap_or(0);
        for (row, line) in self.canvas.luma().chunks_exact_mut(width).enumerate() {
            let from = (row * 97 + step * 61) % (width * 3);
            line.copy_from_slice(&self.noise[from..from + width]);
        }
        &self.canvas
    }
}

/// Paints the strip's cells.
fn mark_strip(canvas: &mut Canvas, mark: Mark) {
    let (width, height) = (canvas.width(), canvas.height());
    for (cell, white) in mark.cells().into_iter().enumerate() {
        let (from, to) = (cell * width / CELLS, (cell + 1) * width / CELLS);
        let colour = if white { WHITE } else { BLACK };
        canvas.fill(
            Area::new(from, 0, to - (from & !1), height / HEIGHT_DIVISOR),
            colour,
        );
    }
}

/// A faint, unmoving grain on the walls: encoders find a plain wall too easy.
fn grain(canvas: &mut Canvas) {
    let values: Vec<u8> = noise(canvas.width() * canvas.height(), 0x9a1).collect();
    for (pixel, n) in canvas.luma().iter_mut().zip(values) {
        *pixel = *pixel - 4 + n % 8;
    }
}

/// The projector's endless slide, one line of text after the other.
fn slides(glyphs: &Glyphs, s: usize) -> Canvas {
    let mut slides = Canvas::new(150 * s, 48 * SLIDES.len() * s, Colour(206, 128, 128));
    let values: Vec<u8> = noise(slides.width() * slides.height(), 0x5eed).collect();
    for (pixel, n) in slides.luma().iter_mut().zip(values) {
        *pixel = *pixel - 20 + n % 40;
    }
    for (line, text) in SLIDES.iter().enumerate() {
        slides.text(glyphs, (8 * s, (48 * line + 8) * s), s, 40, text);
    }
    slides
}

/// Floor, board, projector screen and three rows of learners.
fn furnish(canvas: &mut Canvas, s: usize) {
    canvas.fill(Area::new(0, 230 * s, 640 * s, 130 * s), FLOOR);
    canvas.fill(Area::new(186 * s, 40 * s, 424 * s, 164 * s), FRAME);
    canvas.fill(Area::new(192 * s, 46 * s, 412 * s, 152 * s), BOARD);
    canvas.fill(Area::new(18 * s, 44 * s, 162 * s, 112 * s), WHITE);
    for row in 0..2 {
        for seat in 0..8 {
            let (x, y) = ((24 + seat * 78 - row * 12) * s, (296 + row * 34) * s);
            let shirt = SHIRTS[(seat * 3 + row) % SHIRTS.len()];
            canvas.fill(Area::new(x, y + 14 * s, 36 * s, 22 * s), shirt);
            canvas.disc(x + 8 * s, y - 4 * s, 10 * s, HAIR);
            canvas.fill(Area::new(x - 12 * s, y + 28 * s, 62 * s, 8 * s), DESK);
        }
    }
}

/// Repeatable noise from a linear congruential generator (constants of Knuth's MMIX).
fn noise(count: usize, seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(count)
}

/// `ms` of `period_ms` in thousandths.
fn offset(ms: i64, period_ms: i64) -> usize {
    usize::try_from(ms * 1000 / period_ms).unwrap_or(0)
}

/// A sine between 0 and twice the amplitude.
fn wave(turn: f64, amplitude: usize) -> usize {
    ((turn.sin() + 1.0) * amplitude as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_painted_picture_carries_its_own_time() {
        for width in [640, 1920] {
            let mut scene = Scene::new("博学楼 101", width);
            for (counter, now_ms) in [
                (0, 1_798_000_000_000),
                (1, 1_798_000_000_040),
                (500, 1_798_000_020_123),
            ] {
                let mark = Mark::new(now_ms, counter);
                let picture = scene.paint(mark, now_ms);
                assert_eq!(
                    Mark::read(picture.planes(), width, width * 9 / 16),
                    Some(mark)
                );
            }
        }
    }

    #[test]
    fn the_picture_moves() {
        let mut scene = Scene::new("博学楼 101", 640);
        let mark = Mark::new(0, 0);
        let first = scene.paint(mark, 1_798_000_000_000).planes().to_vec();
        assert_ne!(scene.paint(mark, 1_798_000_000_040).planes(), first);
    }

    #[test]
    fn a_covered_lens_sees_no_strip_and_next_to_no_light() {
        let mut darkness = Darkness::new(640);
        let picture = darkness.paint(7);
        assert_eq!(Mark::read(picture.planes(), 640, 360), None);
        assert!(picture.planes()[..640 * 360].iter().all(|&luma| luma < 24));
    }
}
