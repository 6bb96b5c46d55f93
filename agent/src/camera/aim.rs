//! Aiming a camera by numbers: how sharp, how bright, how level, and what to turn. Never a picture
//! (R65; 管理办法第十一条: technicians see no class content).

use super::launch::Failure;
use super::onvif::advice::Advice;
use super::pair::{Note, Report};
use super::remedy::remedy;
use super::sight::Sight;
use super::visit::{Target, Visit};
use crate::clock;
use xunke_protocol::health::CameraState;

/// As often as keyframes come, but not more often than people read.
const LOOK_MS: u64 = 900;
/// A room in which nobody could read what is on the board.
const DARK_MEAN_MAX: f32 = 45.0;
const DARK_RATIO_MAX: f32 = 0.6;
/// A window or a screen takes less.
const BRIGHT_RATIO_MAX: f32 = 0.2;
/// Noise moves sharpness by less.
const WORSE_RATIO: f32 = 0.92;
const BEST_RATIO: f32 = 0.97;
/// Lenses in focus reach 60 and more (docs/decisions/0017).
const SOFT_MAX: f32 = 45.0;
/// `tilt_degrees` is right to half a degree.
const LEVEL_DEGREES_MAX: f32 = 1.0;
/// Keyframes further apart make aiming slow.
const APART_MS_MAX: u64 = 3_000;

/// What one look says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// 0 (fog) to 100; absent where nothing has edges.
    pub sharpness: Option<f32>,
    /// The best so far.
    pub best: Option<f32>,
    /// Mean brightness, 0 to 255.
    pub brightness: f32,
    /// Share of the picture that is blown out, 0 to 1.
    pub bright_ratio: f32,
    /// How far level lines lean, degrees clockwise; absent where nothing is straight.
    pub tilt_degrees: Option<f32>,
    /// What to do.
    pub hints: Vec<Advice>,
}

/// Why there is nothing to aim by.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The camera does not stream.
    #[error("{detail}")]
    Camera {
        /// What it said.
        detail: String,
        /// What to do.
        advice: Advice,
    },
    /// The worker cannot be started, or has ended.
    #[error(transparent)]
    Worker(#[from] Failure),
}

/// Looks on until `enough` says so; hands every reading to `show`.
///
/// # Errors
/// See [`Error`].
pub async fn aim(
    target: &Target,
    enough: impl Fn() -> bool,
    mut show: impl FnMut(Reading),
) -> Result<(), Error> {
    let mut visit = Visit::begin(target, LOOK_MS, false).await?;
    let mut aim = Aim::default();
    let ended = loop {
        if enough() {
            break Ok(());
        }
        match visit.next().await {
            Ok(Report::Note(Note::Sight(sight))) => show(aim.take(&sight, clock::mono_ms())),
            Ok(Report::Note(Note::State {
                state,
                side,
                detail,
            })) if state != CameraState::Streaming => {
                let advice = remedy(state, side);
                break Err(Error::Camera { detail, advice });
            }
            Ok(Report::Note(Note::Ignored { detail })) => {
                tracing::warn!(detail, "part of a camera is not taken");
            }
            Ok(_) => {}
            Err(failure) => break Err(failure.into()),
        }
    };
    visit.end().await;
    ended
}

/// Remembers what was best.
#[derive(Debug, Default)]
struct Aim {
    best: Option<f32>,
    looked_ms: Option<u64>,
}

impl Aim {
    fn take(&mut self, sight: &Sight, mono_ms: u64) -> Reading {
        if let Some(sharpness) = sight.sharpness {
            self.best = Some(self.best.unwrap_or(0.0).max(sharpness));
        }
        let before_ms = self.looked_ms.replace(mono_ms);
        let apart_ms = before_ms.map(|before_ms| mono_ms.saturating_sub(before_ms));
        let hints = [
            light(sight),
            focus(sight.sharpness, self.best),
            level(sight.tilt_degrees),
            apart_ms.and_then(pace),
        ];
        Reading {
            sharpness: sight.sharpness,
            best: self.best,
            brightness: sight.mean,
            bright_ratio: sight.bright_ratio,
            tilt_degrees: sight.tilt_degrees,
            hints: hints.into_iter().flatten().collect(),
        }
    }
}

fn hint(zh: impl Into<String>, en: impl Into<String>) -> Option<Advice> {
    let (zh, en) = (zh.into(), en.into());
    Some(Advice { zh, en })
}

fn light(sight: &Sight) -> Option<Advice> {
    if sight.mean < DARK_MEAN_MAX || sight.dark_ratio > DARK_RATIO_MAX {
        return hint(
            "太暗：开灯，或调高曝光",
            "too dark: switch the lights on, or raise the exposure",
        );
    }
    if sight.bright_ratio > BRIGHT_RATIO_MAX {
        let share = (sight.bright_ratio * 100.0).round();
        return hint(
            format!("过亮：{share}% 已发白，调低曝光，或避开窗户与屏幕"),
            format!(
                "too bright: {share} % is white; lower the exposure, or turn away from windows \
                 and screens"
            ),
        );
    }
    None
}

fn focus(sharpness: Option<f32>, best: Option<f32>) -> Option<Advice> {
    let (Some(sharpness), Some(best)) = (sharpness, best) else {
        return hint(
            "画面里没有清楚的边缘：对准讲台，并看镜头有没有遮挡、起雾",
            "nothing in the picture has edges: face the lectern, and look for cover or fog",
        );
    };
    if sharpness < best * WORSE_RATIO {
        return hint(
            "刚才更清楚：把对焦环往回转一点",
            "it was sharper before: turn the focus back a little",
        );
    }
    if sharpness < SOFT_MAX {
        return hint(
            "偏虚：慢慢转对焦环，清晰度越大越清楚",
            "soft: turn the focus slowly; larger is sharper",
        );
    }
    if sharpness < best * BEST_RATIO {
        return None;
    }
    hint("清晰度已是目前最好", "as sharp as it has been")
}

/// Level lines lean to the side away from which the camera is turned.
fn level(tilt_degrees: Option<f32>) -> Option<Advice> {
    let tilt = tilt_degrees?;
    if tilt.abs() <= LEVEL_DEGREES_MAX {
        return hint("水平", "level");
    }
    let degrees = tilt.abs();
    let (zh, en) = if tilt > 0.0 {
        ("顺时针", "clockwise")
    } else {
        ("逆时针", "anticlockwise")
    };
    hint(
        format!("不水平：站在摄像机后面，把它{zh}转 {degrees:.1}°"),
        format!("not level: from behind the camera, turn it {en} by {degrees:.1}°"),
    )
}

fn pace(apart_ms: u64) -> Option<Advice> {
    if apart_ms <= APART_MS_MAX {
        return None;
    }
    let seconds = apart_ms as f64 / 1000.0;
    hint(
        format!(
            "每 {seconds:.0} 秒才有一个关键帧，转动后请等数字更新；调整时可把关键帧间隔设为 1 秒"
        ),
        format!(
            "a keyframe every {seconds:.0} s only: wait for the numbers after each turn, or set \
             1 s while aiming"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(sharpness: f32) -> Sight {
        Sight {
            mean: 110.0,
            dark_ratio: 0.1,
            bright_ratio: 0.02,
            sharpness: Some(sharpness),
            tilt_degrees: Some(0.4),
            ..Sight::default()
        }
    }

    fn said(aim: &mut Aim, sight: &Sight) -> String {
        let hints = aim.take(sight, 0).hints.into_iter().map(|hint| hint.en);
        hints.collect::<Vec<_>>().join("; ")
    }

    /// R65's aid for technicians: through the best point of focus and back to it.
    #[test]
    fn focus_is_led_to_its_best_point() {
        let mut aim = Aim::default();
        let mut say = |sharpness| said(&mut aim, &sight(sharpness));
        assert!(say(20.0).starts_with("soft"));
        assert!(say(70.0).starts_with("as sharp as it has been"));
        assert!(say(84.0).starts_with("as sharp"));
        assert!(say(75.0).starts_with("it was sharper before"));
        assert_eq!(say(80.0), "level", "nearly there: nothing to say");
        assert!(say(83.0).starts_with("as sharp"));
    }

    #[test]
    fn a_lens_that_shows_nothing_is_told_so() {
        let blank = Sight {
            sharpness: None,
            tilt_degrees: None,
            ..sight(0.0)
        };
        let said = said(&mut Aim::default(), &blank);
        assert!(
            said.starts_with("nothing in the picture") && !said.contains("level"),
            "{said}"
        );
    }

    #[test]
    fn light_is_told_before_all_else() {
        let dark = Sight {
            mean: 30.0,
            ..sight(70.0)
        };
        assert!(said(&mut Aim::default(), &dark).starts_with("too dark"));
        let bright = Sight {
            bright_ratio: 0.234,
            ..sight(70.0)
        };
        let reading = Aim::default().take(&bright, 0);
        assert!(reading.hints[0].zh.contains("23% 已发白"), "{reading:?}");
    }

    /// Lines that lean clockwise are those of a camera that was turned the other way.
    #[test]
    fn a_tilted_camera_is_told_which_way_to_turn() {
        let tilted = |degrees| Sight {
            tilt_degrees: Some(degrees),
            ..sight(70.0)
        };
        let said = |degrees| said(&mut Aim::default(), &tilted(degrees));
        assert!(said(2.5).ends_with("turn it clockwise by 2.5°"));
        assert!(said(-3.0).ends_with("turn it anticlockwise by 3.0°"));
        assert!(said(-0.8).ends_with("level"));
    }

    #[test]
    fn long_distances_between_keyframes_are_told() {
        let mut aim = Aim::default();
        aim.take(&sight(70.0), 0);
        assert_eq!(aim.take(&sight(70.0), 2_000).hints.len(), 2);
        let slow = aim.take(&sight(70.0), 12_000).hints;
        assert!(
            slow[2].en.starts_with("a keyframe every 10 s only"),
            "{slow:?}"
        );
    }
}
