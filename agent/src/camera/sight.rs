//! Sight: what one small grey picture says about its camera, in numbers.
//!
//! Only what the numbers below say leaves this file: no picture can be made from them but one of
//! 32 by 18 blots, which stays in the box's memory (see `view`).

use serde::{Deserialize, Serialize};

/// Width of a looked-at picture, pixels.
pub const WIDTH: usize = 320;
/// Height of the same.
pub const HEIGHT: usize = 180;
/// Cells across.
pub const COLUMNS: usize = 32;
/// Cells down.
pub const ROWS: usize = 18;
/// Side of a cell, pixels.
const CELL: usize = 10;
/// A cell at most this bright shows nothing: limited-range black is 16.
pub const DARK_LUMA_MAX: u8 = 40;
/// A pixel at least this bright carries hardly any detail.
const BRIGHT_LUMA_MIN: u8 = 224;
/// Two pixels apart, a step like this is an edge; sensor noise after encoding stays below.
const EDGE_STEP_MIN: u8 = 20;
/// One noisy pixel makes no edge.
const EDGE_PIXELS_MIN: u32 = 3;
/// Steps up to this are noise and count for nothing in the map of edges.
const NOISE_STEP_MAX: u8 = 8;
/// Sharpness is measured where brightness rises by this much …
const RISE_MIN: u8 = 30;
/// … within so many pixels to either side.
const RISE_REACH: usize = 6;
/// Fewer rises than this say nothing about the lens.
const RISES_MIN: usize = 8;
/// Tilt is looked for up to this many degrees to either side.
const TILT_DEGREES_MAX: f32 = 15.0;
const TILT_BINS: usize = 121;
/// The strongest bin must hold this many times the average, or nothing in the room is straight.
const TILT_PEAK_MIN: f32 = 2.0;

/// What one picture says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Mean brightness, 0 to 255.
    pub mean: f32,
    /// Variance of the same.
    pub variance: f32,
    /// Share of pixels that are dark, 0 to 1.
    pub dark_ratio: f32,
    /// Share of pixels that are blown out, 0 to 1.
    pub bright_ratio: f32,
    /// One pixel in a hundred is brighter than this.
    pub highlight: f32,
    /// How steep edges are, 0 (fog) to 100 (one pixel wide); absent where there are none.
    pub sharpness: Option<f32>,
    /// Share of cells with an edge, 0 to 1.
    pub texture_ratio: f32,
    /// How far level lines lean, degrees clockwise; absent where nothing is straight.
    pub tilt_degrees: Option<f32>,
    /// Mean brightness of each cell.
    pub cells: Vec<u8>,
    /// Edges of each cell against its brightness: first all upright ones, then all level ones.
    pub edges: Vec<u8>,
    /// Share of cells that repeat one of the pictures looked at before exactly, 0 to 1; absent for
    /// the first.
    pub same_ratio: Option<f32>,
}

/// Measures a picture of [`WIDTH`] by [`HEIGHT`] grey pixels; `None` when it has another size.
#[must_use]
pub fn measure(picture: &[u8]) -> Option<Sight> {
    if picture.len() != WIDTH * HEIGHT {
        return None;
    }
    let mut sight = brightness(picture);
    let marks = edges(picture);
    let textured = marks.iter().filter(|mark| mark.has_edge()).count();
    sight.texture_ratio = textured as f32 / marks.len() as f32;
    sight.sharpness = sharpness(picture, &marks);
    sight.tilt_degrees = tilt_degrees(picture);
    let upright = marks.iter().map(|mark| mark.strength(mark.upright));
    let level = marks.iter().map(|mark| mark.strength(mark.level));
    sight.edges = upright.chain(level).collect();
    sight.cells = marks.iter().map(Mark::mean).collect();
    Some(sight)
}

fn brightness(picture: &[u8]) -> Sight {
    let mut histogram = [0_u32; 256];
    picture
        .iter()
        .for_each(|&pixel| histogram[usize::from(pixel)] += 1);
    let count = picture.len() as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    for (luma, &pixels) in histogram.iter().enumerate() {
        let (luma, pixels) = (luma as f64, f64::from(pixels));
        sum += luma * pixels;
        squares += luma * luma * pixels;
    }
    let share =
        |part: &[u32]| (part.iter().map(|&pixels| f64::from(pixels)).sum::<f64>() / count) as f32;
    let mut above = 0;
    let hundredth = picture.len() / 100;
    let highlight = (0..256_usize).rev().find(|&luma| {
        above += histogram[luma] as usize;
        above > hundredth
    });
    let mean = sum / count;
    Sight {
        mean: mean as f32,
        variance: (squares / count - mean * mean).max(0.0) as f32,
        dark_ratio: share(&histogram[..=usize::from(DARK_LUMA_MAX)]),
        bright_ratio: share(&histogram[usize::from(BRIGHT_LUMA_MIN)..]),
        highlight: highlight.unwrap_or(0) as f32,
        ..Sight::default()
    }
}

/// What the edges of one cell add up to.
#[derive(Clone, Default)]
struct Mark {
    luma: u32,
    upright: u32,
    level: u32,
    edge_pixels: u32,
    /// The steepest pixel: its step, its place, and whether the edge is upright.
    steepest: (u8, usize, bool),
}

impl Mark {
    fn has_edge(&self) -> bool {
        self.edge_pixels >= EDGE_PIXELS_MIN
    }

    fn mean(&self) -> u8 {
        u8::try_from(self.luma / (CELL * CELL) as u32).unwrap_or(u8::MAX)
    }

    /// Against the cell's own brightness, so that a lamp changes little; the root, so that one
    /// strong edge does not outweigh the room.
    fn strength(&self, sum: u32) -> u8 {
        let against = sum as f32 / (self.luma as f32 + 24.0 * (CELL * CELL) as f32);
        (against.sqrt() * 255.0).min(255.0) as u8
    }
}

/// The edges of every cell; the rim of the picture belongs to none.
fn edges(picture: &[u8]) -> Vec<Mark> {
    let mut marks = vec![Mark::default(); COLUMNS * ROWS];
    for (y, row) in picture.chunks_exact(WIDTH).enumerate() {
        let inside = (1..HEIGHT - 1).contains(&y);
        for (x, &pixel) in row.iter().enumerate() {
            let mark = &mut marks[y / CELL * COLUMNS + x / CELL];
            mark.luma += u32::from(pixel);
            if !inside || x == 0 || x == WIDTH - 1 {
                continue;
            }
            let at = y * WIDTH + x;
            let across = picture[at + 1].abs_diff(picture[at - 1]);
            let down = picture[at + WIDTH].abs_diff(picture[at - WIDTH]);
            mark.upright += u32::from(across.saturating_sub(NOISE_STEP_MAX));
            mark.level += u32::from(down.saturating_sub(NOISE_STEP_MAX));
            let step = across.max(down);
            mark.edge_pixels += u32::from(step >= EDGE_STEP_MIN);
            if step > mark.steepest.0 {
                mark.steepest = (step, at, across >= down);
            }
        }
    }
    marks
}

/// How much of each cell's steepest rise happens within two pixels: the upper quarter of the cells
/// speaks for the lens, the rest may be soft by nature.
fn sharpness(picture: &[u8], marks: &[Mark]) -> Option<f32> {
    let mut rises: Vec<f32> = marks
        .iter()
        .filter(|mark| mark.has_edge())
        .filter_map(|mark| rise(picture, mark.steepest))
        .collect();
    rises.sort_by(f32::total_cmp);
    let quarter = rises.get(rises.len() * 3 / 4)?;
    (rises.len() >= RISES_MIN).then_some(quarter * 100.0)
}

fn rise(picture: &[u8], (step, at, upright): (u8, usize, bool)) -> Option<f32> {
    let (x, y) = (at % WIDTH, at / WIDTH);
    let (place, length, stride) = if upright {
        (x, WIDTH, 1)
    } else {
        (y, HEIGHT, WIDTH)
    };
    if place < RISE_REACH || place + RISE_REACH >= length {
        return None;
    }
    let line = (0..=2 * RISE_REACH).map(|n| picture[at - RISE_REACH * stride + n * stride]);
    let (low, high) = line.fold((u8::MAX, 0), |(low, high), pixel| {
        (low.min(pixel), high.max(pixel))
    });
    let range = high - low;
    (range >= RISE_MIN).then(|| (f32::from(step) / f32::from(range)).min(1.0))
}

/// Where the directions of strong edges, folded to one quarter turn, are closest together.
fn tilt_degrees(picture: &[u8]) -> Option<f32> {
    let mut bins = [0.0_f32; TILT_BINS];
    let width = 2.0 * TILT_DEGREES_MAX / (TILT_BINS - 1) as f32;
    for y in 1..HEIGHT - 1 {
        for x in 1..WIDTH - 1 {
            let at = y * WIDTH + x;
            let pixel = |at: usize| i32::from(picture[at]);
            let across = pixel(at + 1) - pixel(at - 1);
            let down = pixel(at + WIDTH) - pixel(at - WIDTH);
            if across.abs().max(down.abs()) < i32::from(EDGE_STEP_MIN) {
                continue;
            }
            // A wider look, where there is an edge: a direction from two pixels is coarse.
            let (across, down) = sobel(picture, at);
            let turned = down.atan2(across).to_degrees().rem_euclid(90.0);
            let degrees = if turned > 45.0 { turned - 90.0 } else { turned };
            if degrees.abs() <= TILT_DEGREES_MAX {
                let bin = ((degrees + TILT_DEGREES_MAX) / width).round() as usize;
                bins[bin.min(TILT_BINS - 1)] += across.hypot(down);
            }
        }
    }
    peak(&smooth(&bins)).map(|bin| bin * width - TILT_DEGREES_MAX)
}

fn sobel(picture: &[u8], at: usize) -> (f32, f32) {
    let pixel = |at: usize| f32::from(picture[at]);
    let column = |at: usize| pixel(at - WIDTH) + 2.0 * pixel(at) + pixel(at + WIDTH);
    let row = |at: usize| pixel(at - 1) + 2.0 * pixel(at) + pixel(at + 1);
    let across = column(at + 1) - column(at - 1);
    let down = row(at + WIDTH) - row(at - WIDTH);
    (across, down)
}

/// Half a degree to either side.
fn smooth(bins: &[f32; TILT_BINS]) -> Vec<f32> {
    let around = |at: usize| at.saturating_sub(2)..(at + 3).min(TILT_BINS);
    (0..TILT_BINS)
        .map(|at| bins[around(at)].iter().sum::<f32>() / around(at).len() as f32)
        .collect()
}

/// The strongest bin, between bins by the balance of its neighbours.
fn peak(bins: &[f32]) -> Option<f32> {
    let average = bins.iter().sum::<f32>() / bins.len() as f32;
    let (at, &most) = bins
        .iter()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(other.1))?;
    if average <= 0.0 || most < average * TILT_PEAK_MIN {
        return None;
    }
    let around = at.saturating_sub(3)..(at + 4).min(bins.len());
    let weight: f32 = bins[around.clone()].iter().sum();
    let moment: f32 = around.map(|bin| bin as f32 * bins[bin]).sum();
    Some(moment / weight)
}

/// Share of cells that two pictures have in common to the last bit. Of the same scene they have
/// next to none, for every sensor makes noise; of the same picture, encoded alike, all.
#[must_use]
pub fn same_ratio(picture: &[u8], before: &[u8]) -> f32 {
    let mut differ = [false; COLUMNS * ROWS];
    let rows = picture.chunks(WIDTH).zip(before.chunks(WIDTH)).enumerate();
    for (y, (now, then)) in rows.take(HEIGHT) {
        let cells = now.chunks(CELL).zip(then.chunks(CELL)).enumerate();
        for (x, (now, then)) in cells.take(COLUMNS) {
            differ[y / CELL * COLUMNS + x] |= now != then;
        }
    }
    let same = differ.iter().filter(|differs| !**differs).count();
    same as f32 / differ.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness by place.
    fn picture(paint: impl Fn(f32, f32) -> f32) -> Vec<u8> {
        let place = |at: usize| ((at % WIDTH) as f32, (at / WIDTH) as f32);
        (0..WIDTH * HEIGHT)
            .map(|at| {
                let (x, y) = place(at);
                paint(x, y).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    /// Upright bars whose edges rise over about `width` pixels.
    fn bars(width: f32) -> Vec<u8> {
        picture(|x, _| {
            let from_edge = ((x % 80.0) - 40.0).abs() - 20.0;
            120.0 + 60.0 * (from_edge / width).clamp(-1.0, 1.0)
        })
    }

    #[test]
    fn brightness_is_counted() {
        let black = measure(&[16; WIDTH * HEIGHT]).unwrap();
        assert_eq!(
            (black.mean, black.variance, black.dark_ratio),
            (16.0, 0.0, 1.0)
        );
        assert_eq!(
            (black.highlight, black.texture_ratio, black.sharpness),
            (16.0, 0.0, None)
        );
        let half = picture(|x, _| if x < 160.0 { 0.0 } else { 255.0 });
        let half = measure(&half).unwrap();
        assert_eq!(
            (half.mean, half.variance, half.bright_ratio),
            (127.5, 16_256.25, 0.5)
        );
        assert_eq!(half.highlight, 255.0);
        assert!(measure(&[0; 7]).is_none());
    }

    #[test]
    fn soft_edges_are_less_sharp_whatever_their_contrast() {
        let sharp = |width| measure(&bars(width)).unwrap().sharpness.unwrap();
        let (fine, soft, fog) = (sharp(0.5), sharp(3.0), sharp(6.0));
        assert!(
            fine > 90.0 && soft < 60.0 && fog < soft,
            "{fine} {soft} {fog}"
        );
        let dim: Vec<u8> = bars(0.5).iter().map(|&pixel| pixel / 2).collect();
        let dim = measure(&dim).unwrap().sharpness.unwrap();
        assert!((dim - fine).abs() < 5.0, "{dim} {fine}");
    }

    /// Bars turned clockwise on the screen, where y points down.
    #[test]
    fn a_camera_that_hangs_askew_is_measured_to_half_a_degree() {
        for degrees in [-8.0_f32, -2.0, 0.0, 3.5] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turned = picture(|x, y| {
                let along = (y - 90.0) * cos - (x - 160.0) * sin;
                120.0 + 80.0 * (4.0 * (along / 9.0).sin()).clamp(-1.0, 1.0)
            });
            let tilt = measure(&turned).unwrap().tilt_degrees.unwrap();
            assert!((tilt - degrees).abs() <= 0.5, "{tilt} is not {degrees}");
        }
        assert_eq!(measure(&[90; WIDTH * HEIGHT]).unwrap().tilt_degrees, None);
    }

    #[test]
    fn pictures_share_the_cells_that_are_the_same_to_the_last_bit() {
        let before = bars(0.5);
        let mut after = before.clone();
        assert_eq!(same_ratio(&after, &before), 1.0);
        after[0] ^= 1;
        after[25] ^= 1;
        let cells = (COLUMNS * ROWS) as f32;
        assert_eq!(same_ratio(&after, &before), (cells - 2.0) / cells);
        let noisier: Vec<u8> = before.iter().map(|pixel| pixel + 1).collect();
        assert_eq!(same_ratio(&noisier, &before), 0.0);
    }
}
