//! A survey of a camera's stream, for a technician: what it sends, how often, and what to change.
//! Never a picture.

use super::greeting::Greeting;
use super::hearing::Heard;
use super::launch::Failure;
use super::onvif::advice::Advice;
use super::onvif::probe::Findings;
use super::pair::{ClockPace, MAIN, Note, Report};
use super::remedy::remedy;
use super::visit::{Target, Visit};
use crate::clock;
use serde_json::{Value, json};
use xunke_protocol::health::{CameraState, Side};
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, VideoConfig};

/// A keyframe this often, or live views and seeking wait.
const KEY_MS_MAX: u64 = 4_000;
/// Stamps that run this much too fast or too slow come from no clock.
const ROUGH_OFF_MAX: f32 = 0.05;
const TEXT_CHARS_MAX: usize = 300;
const TROUBLES_MAX: usize = 8;

/// Takes the stream for so many seconds from its first picture.
///
/// # Errors
/// No worker can be started. A camera that does not stream is no error: it is told in the findings.
pub async fn survey(target: &Target, seconds: u64) -> Result<Findings, Failure> {
    let mut visit = Visit::begin(target, 0, true).await?;
    let mut seen = Seen::new(clock::mono_ms());
    while seen.watched_ms() < seconds * 1000 {
        match visit.next().await {
            Ok(report) => seen.take(report, clock::mono_ms()),
            // Mostly it has said why.
            Err(failure) => {
                seen.trouble(&failure.to_string());
                break;
            }
        }
    }
    visit.end().await;
    Ok(seen.findings(&target.camera.main_url))
}

/// What came.
#[derive(Debug, Default)]
struct Seen {
    begun_ms: u64,
    greeting: Option<Greeting>,
    video: Option<VideoConfig>,
    audio: Option<AudioConfig>,
    /// When the first picture came, and the newest.
    pictures_ms: Option<(u64, u64)>,
    pictures: u32,
    bytes: u64,
    sounds: u32,
    newest_key_ms: Option<u64>,
    key_apart_ms: Option<u64>,
    heard: Option<Heard>,
    pace: ClockPace,
    failed: Option<(CameraState, Option<Side>)>,
    troubles: Vec<String>,
}

impl Seen {
    fn new(begun_ms: u64) -> Self {
        Self {
            begun_ms,
            ..Self::default()
        }
    }

    fn watched_ms(&self) -> u64 {
        self.pictures_ms
            .map_or(0, |(first, newest)| newest.saturating_sub(first))
    }

    fn take(&mut self, report: Report, mono_ms: u64) {
        match report {
            Report::Frame(frame) if frame.handle == MAIN => self.frame(&frame, mono_ms),
            Report::Note(Note::Greeting(greeting)) => self.greeting = Some(greeting),
            Report::Note(Note::Clock(pace)) => self.pace = pace,
            Report::Note(Note::Sound(heard)) => self.heard = Some(heard),
            Report::Note(Note::Ignored { detail } | Note::OnvifEnded { detail }) => {
                self.trouble(&detail);
            }
            Report::Note(Note::State {
                state,
                side,
                detail,
            }) if state != CameraState::Streaming => {
                self.failed = Some((state, side));
                self.trouble(&detail);
            }
            _ => {}
        }
    }

    fn frame(&mut self, frame: &Frame, mono_ms: u64) {
        match frame.kind {
            FrameKind::VideoConfig => self.video = serde_json::from_slice(&frame.payload).ok(),
            FrameKind::AudioConfig => self.audio = serde_json::from_slice(&frame.payload).ok(),
            FrameKind::Audio => self.sounds += 1,
            FrameKind::Video => {
                let (first_ms, _) = self.pictures_ms.unwrap_or((mono_ms, mono_ms));
                self.pictures_ms = Some((first_ms, mono_ms));
                self.pictures += 1;
                if frame.key {
                    self.key(mono_ms);
                }
            }
        }
        self.bytes += frame.payload.len() as u64;
    }

    fn key(&mut self, mono_ms: u64) {
        if let Some(before_ms) = self.newest_key_ms.replace(mono_ms) {
            let apart_ms = mono_ms.saturating_sub(before_ms);
            self.key_apart_ms = Some(self.key_apart_ms.unwrap_or(0).max(apart_ms));
        }
    }

    /// Camera's words go to a terminal.
    fn trouble(&mut self, text: &str) {
        let plain = text.chars().filter(|letter| !letter.is_control());
        let text: String = plain.take(TEXT_CHARS_MAX).collect();
        // A worker that ended after it said why has nothing to add.
        let said = self.failed.is_some() && !self.troubles.is_empty();
        if !said && self.troubles.len() < TROUBLES_MAX && !self.troubles.contains(&text) {
            self.troubles.push(text);
        }
    }

    fn findings(mut self, url: &str) -> Findings {
        let mut found = Findings::default();
        let tls = json!(url.starts_with("rtsps://"));
        found.fact("address", "地址", "address", json!(url));
        found.fact("tls", "加密传输", "TLS", tls);
        if let Some(greeting) = &self.greeting {
            let proofs = greeting.proofs.join(", ");
            let proofs = if greeting.status == 200 {
                "none".into()
            } else {
                proofs
            };
            found.fact("server", "服务程序", "server", json!(greeting.server));
            found.fact(
                "authentication",
                "身份认证",
                "authentication",
                json!(proofs),
            );
        }
        self.tell_picture(&mut found);
        self.tell_sound(&mut found);
        self.tell_clock(&mut found);
        found.advice = self.advice();
        found.failed = self.pictures_ms.is_none();
        found.troubles = std::mem::take(&mut self.troubles);
        found
    }

    fn tell_picture(&self, found: &mut Findings) {
        let Some((first_ms, _)) = self.pictures_ms else {
            return found.fact("picture", "画面", "picture", json!(false));
        };
        let seconds = self.watched_ms().max(1) as f64 / 1000.0;
        let rate = f64::from(self.pictures.saturating_sub(1)) / seconds;
        let kbit = self.bytes as f64 * 8.0 / 1000.0 / seconds;
        let tenths = |value: f64| json!((value * 10.0).round() / 10.0);
        let first = first_ms.saturating_sub(self.begun_ms) as f64 / 1000.0;
        let apart = self.key_apart_ms.map(|ms| ms as f64 / 1000.0);
        let video = self.video.as_ref();
        let codec = video.map(|video| family(&video.codec));
        let size = video.map(|video| format!("{}×{}", video.width, video.height));
        found.fact("transport", "传输", "transport", json!("TCP"));
        found.fact("codec", "编码", "codec", json!(codec));
        found.fact("size", "分辨率", "size", json!(size));
        found.fact(
            "frames_per_second",
            "帧率（帧/秒）",
            "frames per second",
            tenths(rate),
        );
        found.fact(
            "kbit_per_second",
            "码率（kbit/s）",
            "kbit/s",
            json!(kbit.round()),
        );
        let (zh, en) = ("关键帧间隔（秒）", "keyframe every (s)");
        found.fact(
            "keyframe_seconds",
            zh,
            en,
            apart.map_or(Value::Null, tenths),
        );
        let (zh, en) = ("首帧用时（秒）", "first picture after (s)");
        found.fact("first_picture_seconds", zh, en, tenths(first));
    }

    fn tell_sound(&self, found: &mut Findings) {
        let audio = self.audio.as_ref().filter(|_| self.sounds > 0);
        let sound = audio.map(|audio| {
            let codec = family(&audio.codec);
            format!("{codec} {} Hz ×{}", audio.sample_rate, audio.channels)
        });
        found.fact("sound", "声音", "sound", json!(sound));
        let level = self.heard.map(|heard| json!(heard.rms_dbfs.round()));
        let level = level.unwrap_or(Value::Null);
        found.fact("sound_dbfs", "音量（dBFS）", "sound level (dBFS)", level);
    }

    fn tell_clock(&self, found: &mut Findings) {
        let rough = self
            .pace
            .rough
            .map(|rough| (f64::from(rough) * 100.0).round() / 100.0);
        let (zh, en) = ("时间戳每秒走（秒）", "time stamps: seconds per second");
        found.fact("clock_rate", zh, en, json!(rough));
        let (zh, en) = ("时间戳跳变（次）", "time stamps jumped (times)");
        found.fact("clock_steps", zh, en, json!(self.pace.steps));
    }

    fn advice(&self) -> Vec<Advice> {
        let mut advice = Vec::new();
        let mut say = |zh: String, en: String| advice.push(Advice { zh, en });
        if let Some((state, side)) = self.failed {
            let Advice { zh, en } = remedy(state, side);
            say(zh, en);
            if !matches!(state, CameraState::Unauthorized | CameraState::Unreachable) {
                say(BUSY.0.into(), BUSY.1.into());
            }
        }
        self.advise_proof(&mut say);
        if self.pictures_ms.is_some() {
            self.advise_stream(&mut say);
        }
        advice
    }

    fn advise_proof(&self, say: &mut impl FnMut(String, String)) {
        let Some(greeting) = &self.greeting else {
            return;
        };
        let basic = |proof: &String| proof.eq_ignore_ascii_case("basic");
        if greeting.status == 200 {
            say(
                "未开启身份认证：同一网络中的任何人都能观看，请开启并设置密码".into(),
                "authentication is off: anybody in its network can watch; switch it on".into(),
            );
        } else if !greeting.proofs.is_empty() && greeting.proofs.iter().all(basic) {
            say(
                "只支持 Basic 认证，密码在网络中可读：请改为 Digest，或使用 rtsps://".into(),
                "Basic authentication shows the password to the network: set Digest, or use \
                 rtsps://"
                    .into(),
            );
        }
    }

    fn advise_stream(&self, say: &mut impl FnMut(String, String)) {
        let key_ms = self.key_apart_ms.unwrap_or_else(|| self.watched_ms());
        if key_ms > KEY_MS_MAX {
            let seconds = key_ms as f64 / 1000.0;
            say(
                format!("关键帧间隔不短于 {seconds:.0} 秒：请设为 2 秒"),
                format!("keyframes are at least {seconds:.0} s apart: set 2 s"),
            );
        }
        if self.sounds == 0 {
            say(
                "没有声音：如有麦克风，请在摄像机上开启音频（AAC 或 G.711）".into(),
                "no sound: if there is a microphone, switch audio on (AAC or G.711)".into(),
            );
        }
        let off = |rough: &f32| (rough - 1.0).abs() > ROUGH_OFF_MAX;
        if let Some(rough) = self.pace.rough.filter(off) {
            say(
                format!("时间戳每秒走 {rough:.2} 秒：录像以盒子的时间为准；请升级摄像机固件"),
                format!(
                    "its time stamps count {rough:.2} s each second: recordings keep the box's \
                     time; update its firmware"
                ),
            );
        }
        if self.pace.steps > 0 {
            say(
                "时间戳跳变或停走：录像以盒子的时间为准；请检查摄像机的时间同步".into(),
                "its time stamps jump or stand: recordings keep the box's time; check its time \
                 service"
                    .into(),
            );
        }
    }
}

/// Cameras may serve one viewer only.
const BUSY: (&str, &str) = (
    "摄像机可能只允许一路观看：如盒子正在录制，先运行 systemctl stop xunke-agent，再试",
    "the camera may serve one viewer only: if the box is recording, run `systemctl stop \
     xunke-agent` and try again",
);

/// `avc1.640028` is H.264 to people.
fn family(codec: &str) -> &str {
    match codec.split('.').next().unwrap_or_default() {
        "avc1" => "H264",
        "hvc1" | "hev1" => "H265",
        "mp4a" => "AAC",
        "flac" => "G.711",
        _ => codec,
    }
}

#[cfg(test)]
mod tests;
