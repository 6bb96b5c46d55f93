//! What a lens makes of the lesson when something is wrong with it: light, focus and direction.

use super::canvas::{BLACK, Canvas};
use super::mood::Look;

/// A soft picture costs as much as an encoder; it is made anew every so many frames.
const SOFT_FRAMES: u32 = 12;
/// A soft edge is this fraction of the picture wide, to either side.
const SOFT_DIVISOR: usize = 80;

/// A lens and the picture behind it.
pub struct Lens {
    canvas: Canvas,
    softened: Option<u32>,
}

impl Lens {
    /// For pictures `width` pixels wide in 16:9.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self {
            canvas: Canvas::new(width, width * 9 / 16, BLACK),
            softened: None,
        }
    }

    /// What is seen of `lesson` at a frame. Colours are left out.
    pub fn see(&mut self, look: Look, frame: u32, lesson: &Canvas) -> &Canvas {
        let width = lesson.width();
        let from = &lesson.planes()[..width * lesson.height()];
        let fresh = self
            .softened
            .is_some_and(|at| frame.wrapping_sub(at) < SOFT_FRAMES);
        match look {
            Look::Dimmed => dim(from, self.canvas.luma()),
            Look::Turned => turn(from, width, self.canvas.luma()),
            Look::Blurred if !fresh => {
                soften(from, width, self.canvas.luma());
                self.softened = Some(frame);
                return &self.canvas;
            }
            Look::Blurred => return &self.canvas,
            _ => self.canvas.luma().copy_from_slice(from),
        }
        self.softened = None;
        &self.canvas
    }
}

fn dim(from: &[u8], to: &mut [u8]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = 14 + from / 8;
    }
}

fn turn(from: &[u8], width: usize, to: &mut [u8]) {
    let by = width * 3 / 10;
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(width)) {
        to[..width - by].copy_from_slice(&from[by..]);
        to[width - by..].fill(110);
    }
}

/// The mean of a square around each pixel: along the rows, then along the columns.
fn soften(from: &[u8], width: usize, to: &mut [u8]) {
    let reach = width / SOFT_DIVISOR;
    let height = from.len() / width;
    let mut rows = vec![0; from.len()];
    for y in 0..height {
        let row = y * width..(y + 1) * width;
        means(
            width,
            reach,
            |x| from[row.start + x],
            |x, mean| rows[row.start + x] = mean,
        );
    }
    for x in 0..width {
        means(
            height,
            reach,
            |y| rows[y * width + x],
            |y, mean| to[y * width + x] = mean,
        );
    }
}

/// The mean of each value and its neighbours; at the ends of those that are there.
fn means(count: usize, reach: usize, get: impl Fn(usize) -> u8, mut set: impl FnMut(usize, u8)) {
    let mut sum: u32 = (0..reach.min(count)).map(|at| u32::from(get(at))).sum();
    let mut members = u32::try_from(reach.min(count)).unwrap_or(0);
    for at in 0..count {
        if at + reach < count {
            sum += u32::from(get(at + reach));
            members += 1;
        }
        if at > reach {
            sum -= u32::from(get(at - reach - 1));
            members -= 1;
        }
        set(at, u8::try_from(sum / members).unwrap_or(u8::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classroom::canvas::{Area, WHITE};

    /// The left half white.
    fn lesson() -> Canvas {
        let mut canvas = Canvas::new(640, 360, BLACK);
        canvas.fill(Area::new(0, 0, 320, 360), WHITE);
        canvas
    }

    fn row(look: Look) -> Vec<u8> {
        let mut lens = Lens::new(640);
        let seen = lens.see(look, 0, &lesson());
        seen.planes()[180 * 640..181 * 640].to_vec()
    }

    #[test]
    fn each_look_is_what_it_says() {
        let dimmed = row(Look::Dimmed);
        assert_eq!((dimmed[0], dimmed[639]), (43, 16));
        let turned = row(Look::Turned);
        assert_eq!((turned[127], turned[128], turned[639]), (235, 16, 110));
        let blurred = row(Look::Blurred);
        assert_eq!((blurred[0], blurred[639]), (235, 16));
        assert!((100..150).contains(&blurred[320]), "{}", blurred[320]);
        assert!((313..327).all(|x| blurred[x] > blurred[x + 1]));
    }

    #[test]
    fn a_soft_picture_is_made_anew_now_and_then() {
        let mut lens = Lens::new(640);
        lens.see(Look::Blurred, 7, &lesson());
        let black = Canvas::new(640, 360, BLACK);
        assert_eq!(lens.see(Look::Blurred, 18, &black).planes()[0], 235);
        assert_eq!(lens.see(Look::Blurred, 19, &black).planes()[0], 16);
    }
}
