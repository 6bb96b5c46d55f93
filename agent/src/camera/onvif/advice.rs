//! What a technician should do about a camera, in two languages. Pure.

use super::answer::Profile;
use super::choice::{Choice, choose};
use super::skew::{Clock, judge};
use super::topic::tampering;

/// The small picture of a wall of rooms.
const SUB_WIDTH_MAX: u32 = 1280;
/// A keyframe this often, or live views and seeking wait.
const GOP_SECONDS_MAX: f32 = 4.0;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// For people who read Chinese.
    pub zh: String,
    /// For people who read English.
    pub en: String,
}

fn advice(zh: impl Into<String>, en: impl Into<String>) -> Advice {
    let (zh, en) = (zh.into(), en.into());
    Advice { zh, en }
}

/// About a clock that is `skew_ms` off ours.
pub fn clock(skew_ms: Option<i64>, now_ms: i64) -> Option<Advice> {
    let Some(skew_ms) = skew_ms else {
        return Some(advice(
            "摄像机不报告时间：请在其网页上核对时间与 NTP",
            "the camera does not tell its time: check its clock and NTP on its own page",
        ));
    };
    match judge(skew_ms, now_ms) {
        Clock::Right => None,
        Clock::NeverSet => Some(advice(
            "时钟从未校准（停在出厂时间）：请设置 NTP 服务器",
            "its clock was never set: give it a time server (NTP)",
        )),
        Clock::Zone(half_hours) => {
            let hours = half_hours as f64 / 2.0;
            Some(advice(
                format!("时钟相差 {hours} 小时：请设置时区（Asia/Shanghai，UTC+8）"),
                format!("its clock is {hours} h off: set its time zone (Asia/Shanghai, UTC+8)"),
            ))
        }
        Clock::Off(seconds) => Some(advice(
            format!("时钟相差 {seconds} 秒：请设置 NTP 服务器"),
            format!("its clock is {seconds} s off: give it a time server (NTP)"),
        )),
    }
}

/// About who may ask it.
pub fn authentication(open: bool) -> Option<Advice> {
    let said = advice(
        "未开启身份认证：同一网络中的任何人都能控制它，请开启并设置密码",
        "authentication is off: anybody in its network can control it; switch it on",
    );
    open.then_some(said)
}

/// About its streams.
pub fn streams(profiles: &[Profile]) -> Vec<Advice> {
    let Some(Choice { main, sub }) = choose(profiles) else {
        return vec![advice(
            "没有可录制的码流：请把主码流设为 H.264",
            "no stream can be recorded: set its main stream to H.264",
        )];
    };
    let mut found = Vec::new();
    let Some(sub) = sub else {
        found.push(advice(
            "没有子码流：请增加 640×360 H.264 子码流",
            "there is no sub stream: add one of 640×360 H.264",
        ));
        return found
            .into_iter()
            .chain(gop(&profiles[main], "主码流", "main"))
            .collect();
    };
    if let Some(video) = &profiles[sub].video
        && (video.codec != "H264" || video.width > SUB_WIDTH_MAX)
    {
        let (codec, width, height) = (&video.codec, video.width, video.height);
        found.push(advice(
            format!("子码流为 {codec} {width}×{height}：请设为 640×360 H.264"),
            format!("the sub stream is {codec} {width}×{height}: set it to 640×360 H.264"),
        ));
    }
    found.extend(gop(&profiles[main], "主码流", "main"));
    found.extend(gop(&profiles[sub], "子码流", "sub"));
    found
}

fn gop(profile: &Profile, zh: &str, en: &str) -> Option<Advice> {
    let video = profile.video.as_ref()?;
    let (frames, rate) = (video.gop_frames?, video.frames_per_second?);
    let seconds = frames as f32 / rate.max(1.0);
    let wish = (rate * 2.0).round();
    (seconds > GOP_SECONDS_MAX).then(|| {
        advice(
            format!("{zh}的关键帧间隔为 {seconds:.0} 秒：请设为 {wish:.0} 帧（2 秒）"),
            format!(
                "the {en} stream has a keyframe every {seconds:.0} s: set {wish:.0} frames (2 s)"
            ),
        )
    })
}

/// About the events it offers.
pub fn events(topics: &[String]) -> Option<Advice> {
    let none = !topics.iter().any(|topic| tampering(topic).is_some());
    let said = advice(
        "不提供遮挡类事件：由盒子自行判断画面",
        "it offers no tamper events: the box judges the picture by itself",
    );
    none.then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::onvif::answer::VideoSettings;

    fn profile(codec: &str, width: u32, gop_frames: u32) -> Profile {
        let video = VideoSettings {
            codec: codec.into(),
            width,
            height: width * 9 / 16,
            frames_per_second: Some(25.0),
            gop_frames: Some(gop_frames),
            kbit_per_second: None,
        };
        Profile {
            video: Some(video),
            ..Profile::default()
        }
    }

    fn said(profiles: &[Profile]) -> String {
        let said = streams(profiles).into_iter().map(|one| one.en);
        said.collect::<Vec<_>>().join("; ")
    }

    /// X62: what a technician is told is what to do.
    #[test]
    fn streams_that_do_not_suit_are_told_with_what_to_set() {
        let good = [profile("H264", 1920, 50), profile("H264", 640, 50)];
        assert_eq!(said(&good), "");
        assert_eq!(
            said(&[profile("H265", 3840, 50), profile("H265", 1920, 50)]),
            "the sub stream is H265 1920×1080: set it to 640×360 H.264"
        );
        assert!(said(&good[..1]).contains("add one of 640×360"));
        assert!(said(&[profile("JPEG", 640, 1)]).contains("no stream can be recorded"));
        let slow = [profile("H264", 1920, 250), profile("H264", 640, 50)];
        assert_eq!(
            said(&slow),
            "the main stream has a keyframe every 10 s: set 50 frames (2 s)"
        );
    }

    #[test]
    fn a_clock_is_told_with_what_to_set() {
        let now_ms = 1_795_000_000_000;
        let zh = |skew_ms| clock(skew_ms, now_ms).map(|one| one.zh).unwrap_or_default();
        assert_eq!(zh(Some(100)), "");
        assert!(zh(Some(-28_800_000)).contains("相差 -8 小时：请设置时区"));
        assert!(zh(Some(-now_ms)).contains("从未校准"));
        assert!(zh(Some(60_000)).contains("相差 60 秒"));
        assert!(zh(None).contains("不报告时间"));
    }

    #[test]
    fn tamper_events_are_missed_when_there_are_none() {
        assert!(events(&["VideoSource/ImageTooDark/ImagingService".into()]).is_none());
        assert!(events(&["Device/Trigger/DigitalInput".into()]).is_some());
        assert!(authentication(true).is_some() && authentication(false).is_none());
    }
}
