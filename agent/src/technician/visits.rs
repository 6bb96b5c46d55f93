//! Visits to a camera, told: a survey once, aiming again and again.

use super::asked::Asked;
use super::{Speech, told};
use crate::camera::aim::{Error, Reading, aim};
use crate::camera::onvif::advice::Advice;
use crate::camera::survey::survey;
use anyhow::{Result, bail};
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;
use tokio::time::Instant;

/// What a survey found.
pub struct Told {
    /// For the reader.
    pub text: String,
    /// The camera sent no picture.
    pub failed: bool,
}

/// One stream, watched for so many seconds.
///
/// # Errors
/// It cannot be watched at all.
pub async fn surveyed(asked: &Asked, seconds: u64, speech: Speech) -> Result<Told> {
    let mut found = asked.find().await?;
    // Its full picture alone: a camera may serve no second viewer.
    found.target.camera.sub_url = None;
    let findings = survey(&found.target, seconds).await?;
    Ok(Told {
        text: told(&findings, speech),
        failed: findings.failed,
    })
}

/// Readings of one camera until `longest` is over; each goes to `show`.
///
/// # Errors
/// There is nothing to aim by.
pub async fn aimed(
    asked: &Asked,
    longest: Option<Duration>,
    speech: Speech,
    mut show: impl FnMut(&str),
) -> Result<()> {
    let mut found = asked.find().await?;
    let camera = &mut found.target.camera;
    // One session, of the smaller picture where it is known: it shows the same room.
    if let Some(sub_url) = camera.sub_url.take() {
        camera.main_url = sub_url;
    }
    found.target.intake.audio = false;
    let until = longest.map(|longest| Instant::now() + longest);
    let enough = || until.is_some_and(|until| Instant::now() >= until);
    let shown = |reading: Reading| show(&read(&reading, speech));
    match aim(&found.target, enough, shown).await {
        Ok(()) => Ok(()),
        Err(Error::Camera { detail, advice }) => {
            let advice = pick(&advice, speech);
            let busy = speech.pick(
                "盒子正在录制而摄像机只允许一路观看时，先运行 systemctl stop xunke-agent",
                "if the box is recording and the camera serves one viewer only, run `systemctl \
                 stop xunke-agent` first",
            );
            bail!("{advice} ({detail}); {busy}")
        }
        Err(Error::Worker(failure)) => Err(failure.into()),
    }
}

fn pick(advice: &Advice, speech: Speech) -> &str {
    speech.pick(&advice.zh, &advice.en)
}

fn read(reading: &Reading, speech: Speech) -> String {
    match speech {
        Speech::Json => read_json(reading),
        speech => read_text(reading, speech),
    }
}

fn read_json(reading: &Reading) -> String {
    let tenths = |value: f32| (f64::from(value) * 10.0).round() / 10.0;
    let hints = reading.hints.iter();
    let hints: Vec<_> = hints
        .map(|one| json!({"zh": one.zh, "en": one.en}))
        .collect();
    let line = json!({
        "sharpness": reading.sharpness.map(tenths),
        "best": reading.best.map(tenths),
        "brightness": tenths(reading.brightness),
        "bright_percent": tenths(reading.bright_ratio * 100.0),
        "tilt_degrees": reading.tilt_degrees.map(tenths),
        "hints": hints,
    });
    line.to_string() + "\n"
}

fn read_text(reading: &Reading, speech: Speech) -> String {
    let number = |value: Option<f32>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
    let tilt = reading.tilt_degrees;
    let tilt = tilt.map_or("-".to_owned(), |degrees| format!("{degrees:+.1}°"));
    let (sharpness, best) = (number(reading.sharpness), number(reading.best));
    let brightness = number(Some(reading.brightness));
    let bright = number(Some(reading.bright_ratio * 100.0));
    let mut text = if speech == Speech::English {
        format!(
            "sharpness {sharpness} (best {best})  brightness {brightness}  white {bright} %  \
             tilt {tilt}\n"
        )
    } else {
        format!(
            "清晰度 {sharpness}（最好 {best}）  亮度 {brightness}  发白 {bright}%  倾斜 {tilt}\n"
        )
    };
    for hint in &reading.hints {
        let _ = writeln!(text, "  {}", pick(hint, speech));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading {
            sharpness: Some(71.6),
            best: Some(84.2),
            brightness: 109.4,
            bright_ratio: 0.031,
            tilt_degrees: Some(-2.54),
            hints: vec![Advice {
                zh: "转".into(),
                en: "turn".into(),
            }],
        }
    }

    /// Numbers and words, in two languages and for machines.
    #[test]
    fn a_reading_is_told() {
        let told = |speech| read(&reading(), speech);
        let zh = "清晰度 72（最好 84）  亮度 109  发白 3%  倾斜 -2.5°\n  转\n";
        assert_eq!(told(Speech::Chinese), zh);
        let en = "sharpness 72 (best 84)  brightness 109  white 3 %  tilt -2.5°\n  turn\n";
        assert_eq!(told(Speech::English), en);
        let json: serde_json::Value = serde_json::from_str(&told(Speech::Json)).unwrap();
        assert_eq!(
            (&json["sharpness"], &json["tilt_degrees"]),
            (&json!(71.6), &json!(-2.5))
        );
        let blank = Reading {
            sharpness: None,
            tilt_degrees: None,
            hints: Vec::new(),
            ..reading()
        };
        assert!(read(&blank, Speech::Chinese).contains("清晰度 -（最好 84）"));
    }
}
