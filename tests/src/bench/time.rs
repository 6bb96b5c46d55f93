//! Are capture times right, whatever clocks and networks do? Simulated hours of time stamps through
//! the agent's own arithmetic (docs/decisions/0019); nothing is waited for.

mod scene;

use anyhow::Result;

use super::figure::{Figure, report};
use scene::{Off, SECOND_US, Scene, Wall};

const BENCH: &str = "time";
const HOUR_S: i64 = 3600;
/// Lips and voice: 45 ms early is noticed first (ITU-R BT.1359).
const OFF_MS_MAX: f64 = 5.0;
const STEERED_MS_MAX: f64 = 10.0;
const BEGIN_S_MAX: f64 = 30.0;
const PPM_OFF_MAX: f64 = 2.0;
/// The median of five slopes instead of fifty.
const EARLY_PPM_OFF_MAX: f64 = 5.0;
const MINUTE_US: i64 = 60 * SECOND_US;

/// Prints the figures; whether every aim was met.
///
/// # Errors
/// None, for the likeness of the other benches.
pub fn run() -> Result<bool> {
    let figures = figures();
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// All figures of this bench.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let mut figures = captures();
    figures.push(begin_ahead());
    figures.extend(drifts());
    figures.push(sound_beside_picture());
    figures
}

/// How far captured times lie from the truth after the first second, at worst.
fn captures() -> Vec<Figure> {
    let still = Scene::default();
    let lesson = |ppm: f64| Scene {
        ppm,
        seconds: 4 * HOUR_S,
        ..still
    };
    let wall = |wall: Wall| Scene { wall, ..still };
    let set = |by_s: i64| {
        wall(Wall::Set {
            at_us: 10 * MINUTE_US,
            by_us: by_s * SECOND_US,
        })
    };
    let stalls = Scene {
        stall_every_s: 300,
        ..still
    };
    let all = Scene {
        ppm: 100.0,
        seconds: 4 * HOUR_S,
        ..stalls
    };
    let scenes = [
        ("jitter of 30 ms, 1 h", still, OFF_MS_MAX),
        ("camera 100 ppm fast, 4 h", lesson(100.0), OFF_MS_MAX),
        ("camera 100 ppm slow, 4 h", lesson(-100.0), OFF_MS_MAX),
        ("wall clock set 60 s forward", set(60), OFF_MS_MAX),
        ("wall clock set 60 s back", set(-60), OFF_MS_MAX),
        ("3 s stall and burst every 5 min", stalls, OFF_MS_MAX),
        (
            "wall clock steered by +500 ppm",
            wall(Wall::Steered(500)),
            STEERED_MS_MAX,
        ),
        (
            "wall clock steered by -500 ppm",
            wall(Wall::Steered(-500)),
            STEERED_MS_MAX,
        ),
        ("drift, jitter and stalls, 4 h", all, OFF_MS_MAX),
    ];
    let worst = |(what, scene, aim): (&str, Scene, f64)| {
        let Off { most_us, .. } = scene.run(SECOND_US);
        let metric = format!("{what}: off by at most");
        Figure::new(BENCH, &metric, most_us as f64 / 1000.0, "ms").at_most(aim)
    };
    scenes.into_iter().map(worst).collect()
}

/// A session whose first five frames bear stamps 220 ms ahead: when all later frames are right.
fn begin_ahead() -> Figure {
    let scene = Scene {
        ahead_us: 220_000,
        ..Scene::default()
    };
    let wrong = |&second: &i64| scene.run(second * SECOND_US).most_us as f64 > OFF_MS_MAX * 1000.0;
    let seconds = (0..120).take_while(wrong).count();
    let metric = "session begins 220 ms ahead: right after";
    Figure::new(BENCH, metric, seconds as f64, "s").at_most(BEGIN_S_MAX)
}

/// How far the measured drift lies from the true one, at worst of many true ones.
fn drifts() -> Vec<Figure> {
    let worst = |seconds: i64, scene: Scene| {
        let each = [-4000.0, -100.0, -20.0, 0.0, 20.0, 100.0].map(|ppm| {
            let found = Scene {
                ppm,
                seconds,
                ..scene
            };
            let found = found.run(0).drift_ppm.map_or(f64::INFINITY, f64::from);
            (found - ppm).abs()
        });
        each.into_iter().fold(0.0, f64::max)
    };
    let still = Scene::default();
    let rough = Scene {
        stall_every_s: 300,
        slow_minute: Some(17),
        longer_us: 500_000,
        wall: Wall::Steered(500),
        ..still
    };
    let figure = |what: &str, off: f64, aim: f64| {
        let metric = format!("drift {what}: off by at most");
        Figure::new(BENCH, &metric, off.min(9_999.0), "ppm").at_most(aim)
    };
    let (early, hour) = (worst(16 * 60, still), worst(HOUR_S, still));
    vec![
        figure("after 16 min", early, EARLY_PPM_OFF_MAX),
        figure("after 1 h", hour, PPM_OFF_MAX),
        figure("after 1 h, stalls, NTP", worst(HOUR_S, rough), PPM_OFF_MAX),
    ]
}

/// Sound and picture of one camera, each on a clock of its own, over a working day.
fn sound_beside_picture() -> Figure {
    let picture = Scene {
        ppm: 30.0,
        seconds: 8 * HOUR_S,
        wall: Wall::Set {
            at_us: 200 * MINUTE_US,
            by_us: -2 * SECOND_US,
        },
        ..Scene::default()
    };
    let sound = Scene {
        ppm: -50.0,
        every_us: 21_333,
        seed: 7,
        ..picture
    };
    let (picture, sound) = (picture.run(SECOND_US), sound.run(SECOND_US));
    let apart_us = (sound.most_us - picture.least_us).max(picture.most_us - sound.least_us);
    let metric = "sound from picture over 8 h: at most";
    Figure::new(BENCH, metric, apart_us as f64 / 1000.0, "ms").at_most(OFF_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 4, item 6: the figures of docs/decisions/0019.
    #[test]
    fn every_aim_is_met() {
        let figures = figures();
        let missed = figures.iter().filter(|figure| figure.misses());
        let missed: Vec<_> = missed.collect();
        assert!(missed.is_empty(), "{missed:#?}");
        assert_eq!(figures.len(), 14);
    }
}
