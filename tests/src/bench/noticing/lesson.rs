//! Eight hours of lessons before a camera, painted: a photographed room in changing light, learners
//! who come, sway and go, a teacher, slides, films, doors, passers-by close to the lens, noise.

use super::photo::{HEIGHT, Picture, WIDTH};

/// A lesson of 45 minutes and a break of 10 begin anew after this long.
const PERIOD_S: f64 = 3_300.0;
const LESSON_S: f64 = 2_700.0;
/// The screen on the wall: left, top, width, height.
const SCREEN: (usize, usize, usize, usize) = (210, 36, 220, 124);
const SEATS: usize = 26;

/// A room as its camera sees it.
pub struct Lesson<'a> {
    room: &'a Picture,
    slides: &'a [Picture],
    seed: u64,
}

impl<'a> Lesson<'a> {
    /// The photograph `room` is the room; the others are shown on its screen.
    #[must_use]
    pub fn new(room: &'a Picture, slides: &'a [Picture], seed: u64) -> Self {
        Self { room, slides, seed }
    }

    /// What is before the lens at a second, without the sensor's noise.
    #[must_use]
    pub fn paint(&self, second: f64) -> Picture {
        let mut picture = self.room.clone();
        self.screen(second, &mut picture);
        self.learners(second, &mut picture);
        self.teacher(second, &mut picture);
        if self.chance(second, 540.0, 12.0) {
            fill(&mut picture, (24, 90, 44, 150), 225);
        }
        self.light(second, &mut picture);
        self.passer_by(second, &mut picture);
        picture
    }

    /// Once in every `every_s`, at another moment each time, for `lasts_s`.
    fn chance(&self, second: f64, every_s: f64, lasts_s: f64) -> bool {
        let round = (second / every_s).floor();
        let begins = number(self.seed, round as u64) * (every_s - lasts_s);
        (0.0..lasts_s).contains(&(second - round * every_s - begins))
    }

    /// A slide for half a minute; in a film another picture every three seconds.
    fn screen(&self, second: f64, picture: &mut Picture) {
        let lasts_s = if self.is_film(second) { 3.0 } else { 31.0 };
        let shown = (second / lasts_s) as usize % self.slides.len();
        let (left, top, width, height) = SCREEN;
        for y in 0..height {
            for x in 0..width {
                let from = self.slides[shown][y * HEIGHT / height * WIDTH + x * WIDTH / width];
                picture[(top + y) * WIDTH + left + x] = 90 + from / 2;
            }
        }
    }

    /// In the second of four lessons, for twenty minutes.
    fn is_film(&self, second: f64) -> bool {
        let lesson = (second / PERIOD_S) as u64 % 4;
        lesson == 1 && (600.0..1_800.0).contains(&(second % PERIOD_S))
    }

    fn learners(&self, second: f64, picture: &mut Picture) {
        let within = second % PERIOD_S;
        for seat in 0..SEATS {
            // They come and go over two minutes.
            let late = number(self.seed, seat as u64) * 120.0;
            if within < late || within > LESSON_S + late {
                continue;
            }
            let sway = (second / (3.0 + seat as f64 % 7.0) + seat as f64).sin() * 5.0;
            let (row, column) = (seat / 13, seat % 13);
            let x = (10 + column * 48) as f64 + sway;
            let y = (236 + row * 56) as f64 + (second / 9.0 + seat as f64).cos() * 2.0;
            let (x, y) = (x.max(0.0) as usize, y as usize);
            fill(picture, (x, y + 22, 34, 40), (60 + seat * 37 % 130) as u8);
            fill(picture, (x + 8, y, 18, 22), 45);
        }
    }

    fn teacher(&self, second: f64, picture: &mut Picture) {
        let x =
            (WIDTH as f64 * (0.5 + 0.42 * (second / 17.0).sin() * (second / 41.0).cos())) as usize;
        fill(picture, (x.saturating_sub(20), 150, 40, 100), 75);
        fill(picture, (x.saturating_sub(10), 126, 20, 24), 165);
    }

    /// Clouds, lamps, and the camera's exposure that follows within seconds.
    fn light(&self, second: f64, picture: &mut Picture) {
        let film = self.is_film(second);
        let cloud = 0.9 + 0.18 * (second / 83.0).sin() + 0.1 * (second / 13.0).sin();
        let switched = second % PERIOD_S - 600.0;
        let exposure = match switched {
            after if film && after < 3.0 => 0.5 + after / 6.0,
            after if (1_200.0..1_203.0).contains(&after) => 1.7 - (after - 1_200.0) / 4.5,
            _ => 1.0,
        };
        let (left, top, width, height) = SCREEN;
        for (at, pixel) in picture.iter_mut().enumerate() {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let on_screen = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            // Daylight falls in from the left.
            let lamp = if film {
                0.12
            } else {
                cloud * (1.1 - 0.3 * x as f64 / WIDTH as f64)
            };
            let gain = if on_screen { 1.0 } else { lamp };
            *pixel = (f64::from(*pixel) * gain * exposure + 12.0).min(235.0) as u8;
        }
    }

    /// Close to the lens, and therefore large, dark and soft at its rim: three to seven seconds.
    fn passer_by(&self, second: f64, picture: &mut Picture) {
        let round = (second / 420.0).floor();
        let lasts_s = 3.0 + 4.0 * number(self.seed ^ 5, round as u64);
        if !self.chance(second, 420.0, lasts_s) {
            return;
        }
        let middle = number(self.seed ^ 9, round as u64) * WIDTH as f64;
        for (at, pixel) in picture.iter_mut().enumerate() {
            let away = ((at % WIDTH) as f64 - middle).abs();
            let seen = ((away - 190.0) / 30.0).clamp(0.0, 1.0);
            *pixel = (f64::from(*pixel) * seen + 52.0 * (1.0 - seen)) as u8;
        }
    }
}

/// Noise of a sensor, about two steps of brightness, anew for each `moment`.
pub fn noise(picture: &mut [u8], moment: u64) {
    let mut state = mixed(moment);
    for eight in picture.chunks_mut(8) {
        state = mixed(state);
        for (pixel, byte) in eight.iter_mut().zip(state.to_le_bytes()) {
            let step = (byte & 7) + (byte >> 4 & 3);
            *pixel = pixel.saturating_add(step).saturating_sub(5);
        }
    }
}

/// The mean of a square around each pixel, twice: a lens out of focus.
#[must_use]
pub fn soft(picture: &Picture, reach: usize) -> Picture {
    let mut picture = picture.clone();
    for stride in [1, WIDTH, 1, WIDTH] {
        let sharp = picture.clone();
        for at in reach * stride..picture.len() - reach * stride {
            let line = (0..=2 * reach).map(|n| u32::from(sharp[at + n * stride - reach * stride]));
            picture[at] = u8::try_from(line.sum::<u32>() / (2 * reach as u32 + 1)).unwrap_or(255);
        }
    }
    picture
}

/// A box, cut at the edges of the picture.
pub fn fill(picture: &mut Picture, (x, y, w, h): (usize, usize, usize, usize), luma: u8) {
    for row in y..(y + h).min(HEIGHT) {
        picture[row * WIDTH + x.min(WIDTH)..row * WIDTH + (x + w).min(WIDTH)].fill(luma);
    }
}

/// 0 to 1, always the same for the same two.
fn number(seed: u64, at: u64) -> f64 {
    (mixed(mixed(seed) ^ at) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
