//! Judging: which faults a report of signals, or its absence, points to.

mod certificate;
mod equipment;
mod machine;

pub use certificate::{
    RENEWAL_GRACE_DAYS, certificate_finding, hub_certificate, is_of_hub, is_of_register,
};
use xunke_protocol::health::{
    CameraSignals, CameraState, HealthDocument, RecordingSignals, RecordingState, Shows, SightKind,
    Sighting, SoundKind, SoundSignals, SpoolSignals,
};

/// A covered lens is dark: 8-bit luma of an unlit room with a projector stays above.
const COVERED_LUMA_MEAN_MAX: f32 = 40.0;
/// … and shows nothing: sensor noise alone stays below.
const COVERED_LUMA_VARIANCE_MAX: f32 = 25.0;
/// A fragment becomes durable every two seconds; five missed ones are a failure.
const DURABLE_AGE_MS_MAX: u64 = 10_000;
const SPOOL_PERCENT_MAX: u64 = 70;
/// Above 5 s a warning, above 60 s the times cannot be trusted.
const SKEW_MS_MAX: i64 = 5_000;
const WRONG_MS_MAX: i64 = 60_000;
const MEMORY_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Reports come every minute; two and a half missed.
const SILENCE_MS_MAX: i64 = 150_000;
/// The component of findings about the box itself.
const BOX: &str = "box";

/// Numbers that a finding rests on; never a picture.
pub type Evidence = Vec<(&'static str, f64)>;

/// The signals point to this fault of this component.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// A code of the catalogue.
    pub code: &'static str,
    /// The name of a source or of a piece of equipment, or `box`.
    pub component: String,
    /// Why.
    pub evidence: Evidence,
    /// Since when, where the box says so, by the box's clock.
    pub since_ms: Option<i64>,
}

/// What a box's newest report points to.
#[must_use]
pub fn device_findings(report: &HealthDocument) -> Vec<Finding> {
    let mut found: Vec<Finding> = report.cameras.iter().flat_map(camera).collect();
    let streaming = report
        .cameras
        .iter()
        .any(|camera| camera.state == CameraState::Streaming);
    found.extend(recording(&report.recording, streaming));
    found.extend(spool(&report.spool));
    found.extend(report.clock_skew_ms.and_then(clock));
    let memory = report.system.memory_available_bytes;
    if memory < MEMORY_BYTES_MIN {
        found.push(of_box(
            "MEMORY_LOW",
            vec![("memory_available_bytes", memory as f64)],
        ));
    }
    found.extend(machine::findings(report));
    found.extend(report.equipment.iter().flat_map(equipment::findings));
    found
}

/// What silence points to. `online_since_ms` is `None` while the box is lost;
/// `reported_ms` is when its newest report arrived, if ever.
#[must_use]
pub fn silence_findings(
    online_since_ms: Option<i64>,
    reported_ms: Option<i64>,
    now_ms: i64,
) -> Vec<Finding> {
    let Some(online_since_ms) = online_since_ms else {
        return vec![of_box("DEVICE_LOST", Vec::new())];
    };
    let heard_ms = reported_ms.unwrap_or(online_since_ms).max(online_since_ms);
    let silence_ms = now_ms - heard_ms;
    if silence_ms > SILENCE_MS_MAX {
        return vec![of_box(
            "DEVICE_SILENT",
            vec![("silence_ms", silence_ms as f64)],
        )];
    }
    Vec::new()
}

fn of_box(code: &'static str, evidence: Evidence) -> Finding {
    Finding {
        code,
        component: BOX.to_owned(),
        evidence,
        since_ms: None,
    }
}

fn camera(signals: &CameraSignals) -> Vec<Finding> {
    let component = signals.source.as_str();
    let finding = |code, evidence, since_ms| Finding {
        code,
        component: component.to_owned(),
        evidence,
        since_ms,
    };
    let age = || {
        signals
            .frame_age_ms
            .map_or(Vec::new(), |age| vec![("frame_age_ms", age as f64)])
    };
    let code = match signals.state {
        CameraState::Connecting | CameraState::Unreachable => "CAM_NO_SIGNAL",
        CameraState::Unauthorized => "CAM_UNAUTHORIZED",
        CameraState::Garbage => "CAM_GARBAGE",
        CameraState::Stalled => "CAM_STALLED",
        // A screen may look and sound like anything.
        CameraState::Streaming if signals.shows == Shows::Screen => return Vec::new(),
        CameraState::Streaming => return picture(signals, finding),
        CameraState::Unknown => return Vec::new(),
    };
    vec![finding(code, age(), Some(signals.since))]
}

fn picture(
    signals: &CameraSignals,
    finding: impl Fn(&'static str, Evidence, Option<i64>) -> Finding,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen_since = Vec::new();
    match &signals.sight {
        Some(seen) => seen_since.extend(seen.iter().filter_map(|seen| {
            let (code, evidence) = sighting(seen)?;
            Some(finding(code, evidence, Some(seen.since)))
        })),
        None => found.extend(dark_and_even(signals)),
    }
    match &signals.sound {
        _ if !signals.sound_taken => {}
        _ if !signals.audio => found.push(("MIC_ABSENT", Vec::new())),
        Some(sound) => found.extend(heard(sound)),
        None => {}
    }
    let others = found.into_iter();
    let others = others.map(|(code, evidence)| finding(code, evidence, None));
    seen_since.into_iter().chain(others).collect()
}

/// What the box has seen for a while, as a code with the numbers it rests on.
fn sighting(seen: &Sighting) -> Option<(&'static str, Evidence)> {
    let (code, number, usual) = match seen.kind {
        SightKind::Covered => ("CAM_COVERED", "lost_texture_ratio", ""),
        SightKind::Dark => ("CAM_DARK", "luma_mean", "usual_luma_mean"),
        SightKind::Blurred => ("CAM_BLURRED", "sharpness", "usual_sharpness"),
        SightKind::Frozen => ("CAM_FROZEN", "same_picture_ratio", ""),
        SightKind::Moved => ("CAM_MOVED", "likeness", ""),
        SightKind::Unknown => return None,
    };
    let mut evidence = vec![(number, seen.value.into())];
    evidence.extend(seen.usual.map(|value| (usual, value.into())));
    evidence.retain(|(name, _)| !name.is_empty());
    Some((code, evidence))
}

/// An agent that does not look for more reports brightness alone.
fn dark_and_even(signals: &CameraSignals) -> Option<(&'static str, Evidence)> {
    let (mean, variance) = signals.luma_mean.zip(signals.luma_variance)?;
    let covered = mean <= COVERED_LUMA_MEAN_MAX && variance <= COVERED_LUMA_VARIANCE_MAX;
    let evidence = vec![
        ("luma_mean", mean.into()),
        ("luma_variance", variance.into()),
    ];
    covered.then_some(("CAM_COVERED", evidence))
}

fn heard(sound: &SoundSignals) -> Option<(&'static str, Evidence)> {
    match sound.found? {
        SoundKind::Silent => Some(("MIC_SILENT", vec![("rms_dbfs", sound.rms_dbfs.into())])),
        SoundKind::Clipping => {
            let clipping = ("clipping_ratio", sound.clipping_ratio.into());
            Some(("MIC_CLIPPING", vec![clipping]))
        }
        SoundKind::Unknown => None,
    }
}

/// Never "recording" while nothing becomes durable.
fn recording(signals: &RecordingSignals, streaming: bool) -> Option<Finding> {
    let age_ms = signals.durable_age_ms;
    let behind = streaming && age_ms.is_some_and(|age_ms| age_ms > DURABLE_AGE_MS_MAX);
    if signals.state != RecordingState::Failing && !behind {
        return None;
    }
    let evidence = age_ms.map_or(Vec::new(), |age_ms| vec![("durable_age_ms", age_ms as f64)]);
    Some(of_box("REC_FAILING", evidence))
}

fn spool(signals: &SpoolSignals) -> Vec<Finding> {
    let mut found = Vec::new();
    let waiting = vec![
        ("waiting_bytes", signals.waiting_bytes as f64),
        ("limit_bytes", signals.limit_bytes as f64),
    ];
    if signals.waiting_bytes > signals.limit_bytes / 100 * SPOOL_PERCENT_MAX {
        found.push(of_box("SPOOL_FILLING", waiting));
    }
    if signals.evicted_unsent > 0 {
        let evidence = vec![("evicted_segments", signals.evicted_unsent as f64)];
        found.push(of_box("REC_EVICTED", evidence));
    }
    found
}

fn clock(skew_ms: i64) -> Option<Finding> {
    let off_ms = skew_ms.saturating_abs();
    let code = if off_ms > WRONG_MS_MAX {
        "CLOCK_WRONG"
    } else {
        "CLOCK_SKEW"
    };
    (off_ms > SKEW_MS_MAX).then(|| of_box(code, vec![("clock_skew_ms", skew_ms as f64)]))
}
