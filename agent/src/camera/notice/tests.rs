//! Noticing on painted rooms: each misfortune is found in time, a lively lesson is not one (R65).

use super::*;
use crate::camera::sight::{HEIGHT, WIDTH, measure, same_ratio};

/// Between two looks.
const LOOK_MS: i64 = 4_000;

type Picture = Vec<u8>;

/// Repeatable numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn fill(picture: &mut Picture, (x, y, w, h): (usize, usize, usize, usize), luma: u8) {
    for row in y..(y + h).min(HEIGHT) {
        picture[row * WIDTH + x.min(WIDTH)..row * WIDTH + (x + w).min(WIDTH)].fill(luma);
    }
}

/// Furniture, windows, a board: another room for each seed.
fn room(seed: u64) -> Picture {
    let mut dice = Dice(seed);
    let mut picture = vec![130; WIDTH * HEIGHT];
    for _ in 0..160 {
        let at = (dice.roll(WIDTH), dice.roll(HEIGHT));
        let size = (4 + dice.roll(36), 4 + dice.roll(24));
        fill(
            &mut picture,
            (at.0, at.1, size.0, size.1),
            50 + dice.roll(150) as u8,
        );
    }
    picture
}

/// Sensor noise, anew in every picture.
fn noisy(mut picture: Picture, seed: u64) -> Picture {
    let mut dice = Dice(seed);
    for pixel in &mut picture {
        *pixel = (*pixel)
            .saturating_add(dice.roll(5) as u8)
            .saturating_sub(2);
    }
    picture
}

fn lamps(picture: &Picture, gain: f32, veil: f32) -> Picture {
    let lit = |&pixel: &u8| (f32::from(pixel) * gain + veil).clamp(16.0, 235.0) as u8;
    picture.iter().map(lit).collect()
}

/// A soft lens: the mean of a square, twice.
fn soft(picture: &Picture, reach: usize) -> Picture {
    let mut picture = picture.clone();
    for stride in [1, WIDTH, 1, WIDTH] {
        let sharp = picture.clone();
        for at in reach * stride..picture.len() - reach * stride {
            let line = (0..=2 * reach).map(|n| u32::from(sharp[at + n * stride - reach * stride]));
            picture[at] = (line.sum::<u32>() / (2 * reach as u32 + 1)) as u8;
        }
    }
    picture
}

/// The room, a number of pixels further right and down.
fn turned(picture: &Picture, right: usize, down: usize) -> Picture {
    let mut view = room(77);
    for y in 0..HEIGHT - down {
        let (from, to) = ((y + down) * WIDTH + right, y * WIDTH);
        view[to..to + WIDTH - right].copy_from_slice(&picture[from..from + WIDTH - right]);
    }
    view
}

/// One camera being looked at.
struct Watch {
    notice: Notice,
    before: Option<Picture>,
    looks: i64,
}

impl Watch {
    /// Two minutes of the usual view.
    fn over(room: &Picture) -> Self {
        let mut watch = Self {
            notice: Notice::default(),
            before: None,
            looks: 0,
        };
        for _ in 0..30 {
            watch.lively(room.clone());
        }
        assert_eq!(watch.found(), []);
        watch
    }

    fn look(&mut self, picture: Picture) {
        let mut sight = measure(&picture).unwrap();
        let before = self.before.as_deref();
        sight.same_ratio = before.map(|before| same_ratio(&picture, before));
        self.looks += 1;
        self.notice.take(&sight, self.looks * LOOK_MS);
        self.before = Some(picture);
    }

    fn lively(&mut self, picture: Picture) {
        self.look(noisy(picture, self.looks as u64));
    }

    fn found(&self) -> Vec<SightKind> {
        let sightings = self.notice.sightings();
        sightings.iter().map(|seen| seen.kind).collect()
    }

    /// Looks until something is found or over, and how long that took.
    fn until(&mut self, expect: &[SightKind], mut look: impl FnMut(&mut Self)) -> i64 {
        for looks in 1..=30 {
            look(self);
            if self.found() == expect {
                return looks * LOOK_MS;
            }
        }
        panic!(
            "{expect:?} within two minutes; found {:?}",
            self.notice.sightings()
        );
    }
}

/// Each within half a minute, and gone within half a minute when it is over.
#[test]
fn every_misfortune_is_found_and_ends() {
    let room = room(1);
    let paper = lamps(&room, 0.04, 170.0);
    let cases = [
        (SightKind::Covered, vec![18; WIDTH * HEIGHT]),
        (SightKind::Covered, paper),
        (SightKind::Dark, lamps(&room, 0.12, 12.0)),
        (SightKind::Blurred, soft(&room, 3)),
        (SightKind::Moved, turned(&room, 60, 0)),
        (SightKind::Moved, turned(&room, 0, 40)),
    ];
    for (kind, picture) in cases {
        let mut watch = Watch::over(&room);
        let took_ms = watch.until(&[kind], |watch| watch.lively(picture.clone()));
        assert!(took_ms <= 24_000, "{kind:?} after {took_ms} ms");
        let over_ms = watch.until(&[], |watch| watch.lively(room.clone()));
        assert!(over_ms <= 24_000, "{kind:?} over after {over_ms} ms");
    }
}

#[test]
fn a_frozen_picture_is_the_same_and_a_still_room_is_not() {
    let room = room(2);
    let mut watch = Watch::over(&room);
    let mut clock = room.clone();
    let took_ms = watch.until(&[SightKind::Frozen], |watch| {
        // The camera's clock goes on in a corner of the frozen picture.
        fill(&mut clock, (10, 10, 60, 10), watch.looks as u8);
        watch.look(clock.clone());
    });
    assert!(took_ms <= 20_000, "{took_ms}");
    watch.until(&[], |watch| watch.lively(room.clone()));
    for _ in 0..30 {
        watch.lively(room.clone());
        assert_eq!(watch.found(), [], "nobody is there, but the sensor is");
    }
}

/// A film, a cloud, a passer-by, a full room: nothing is wrong with the camera.
#[test]
fn a_lively_lesson_is_no_misfortune() {
    let room = room(3);
    let mut watch = Watch::over(&room);
    let mut film = lamps(&room, 0.1, 14.0);
    fill(&mut film, (100, 20, 110, 60), 200);
    for look in 0..60 {
        fill(&mut film, (110 + look, 30, 20, 20), 90);
        watch.lively(film.clone());
        assert_eq!(watch.found(), [], "a film, look {look}");
    }
    for look in 0..60 {
        let cloud = 0.7 + 0.3 * (look as f32 / 9.0).cos();
        watch.lively(lamps(&room, cloud, 10.0));
        assert_eq!(watch.found(), [], "clouds, look {look}");
    }
    for look in 0..60_usize {
        let mut picture = room.clone();
        if look % 10 < 2 {
            fill(&mut picture, (20, 0, 260, HEIGHT), 60);
        }
        for seat in 0..12 {
            let sway = (look * 7 + seat * 3) % 5;
            fill(
                &mut picture,
                (seat * 26 + sway, 120, 14, 30),
                40 + seat as u8 * 12,
            );
        }
        watch.lively(picture);
        assert_eq!(watch.found(), [], "people, look {look}");
    }
}

#[test]
fn a_view_that_stays_is_the_usual_one_after_an_hour() {
    let (old, new) = (room(4), room(5));
    let mut watch = Watch::over(&old);
    watch.until(&[SightKind::Moved], |watch| watch.lively(new.clone()));
    let looks = SETTLED_MS / LOOK_MS;
    (0..looks - 20).for_each(|_| watch.lively(new.clone()));
    assert_eq!(watch.found(), [SightKind::Moved]);
    (0..40).for_each(|_| watch.lively(new.clone()));
    assert_eq!(watch.found(), []);
    watch.until(&[SightKind::Moved], |watch| watch.lively(old.clone()));
}

/// The session ends and comes back: what was seen is over, the usual view is still known.
#[test]
fn a_camera_that_was_turned_while_it_was_away_is_noticed() {
    let (old, new) = (room(6), room(7));
    let mut watch = Watch::over(&old);
    watch.until(&[SightKind::Blurred], |watch| watch.lively(soft(&old, 3)));
    watch.notice.interrupt();
    assert_eq!(watch.found(), []);
    watch.until(&[SightKind::Moved], |watch| watch.lively(new.clone()));
}

#[test]
fn the_numbers_stand_with_what_they_say() {
    let room = room(8);
    let mut watch = Watch::over(&room);
    watch.until(&[SightKind::Blurred], |watch| watch.lively(soft(&room, 3)));
    let seen = watch.notice.sightings().remove(0);
    let usual = seen.usual.unwrap();
    assert!(seen.value < usual / 2.0 && usual > 50.0, "{seen:?}");
    assert_eq!(seen.since, 31 * LOOK_MS, "the first look that saw it");
}
