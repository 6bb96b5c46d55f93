//! What a box measures about itself and its devices: numbers and states, never a picture.
//!
//! The box reports signals; only the hub judges that something is a fault. Units stand in the
//! field names (SI base units).

mod equipment;
mod machine;

pub use equipment::{
    EquipmentKind, EquipmentSignals, EquipmentState, Part, Power, Trouble, TroubleLevel,
};
pub use machine::{DiskSignals, MachineSignals, PathEnd, PathMethod, PathSignals, Sensor};

use crate::id::SourceName;
use crate::recording::Stretch;
use serde::{Deserialize, Serialize};

/// The full report on `up/health`, sent on change and every minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthDocument {
    /// Every camera and its streams.
    pub cameras: Vec<CameraSignals>,
    /// The recorder; never "recording" while it is not.
    pub recording: RecordingSignals,
    /// The spool's disk.
    pub spool: SpoolSignals,
    /// What lies in the spool, sealed, until the hub has it; the newest where a document has no
    /// room for all. Absent from an agent that does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Stretch>,
    /// Processor and memory.
    pub system: SystemSignals,
    /// The box as a machine; absent from an agent that does not measure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineSignals>,
    /// Its disk; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskSignals>,
    /// The ways to the hub and to the next router; empty likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<PathSignals>,
    /// What else of the room is asked how it is; empty likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment: Vec<EquipmentSignals>,
    /// The box's clock against the hub's, milliseconds; absent before the hub has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// Times the box's clock was set since the agent started.
    #[serde(default)]
    pub clock_steps: u32,
}

/// One camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraSignals {
    /// Which one.
    pub source: SourceName,
    /// What it shows; absent for the room.
    #[serde(default, skip_serializing_if = "Shows::is_room")]
    pub shows: Shows,
    /// How its session stands.
    pub state: CameraState,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// Which side frames are missing at; absent while none are, or when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled: Option<Side>,
    /// Age of the newest frame of the main stream; absent when there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_age_ms: Option<u64>,
    /// Received over the last ten seconds.
    pub bytes_per_second: u64,
    /// Frames per second over the last ten seconds.
    pub frames_per_second: f32,
    /// Times the session had to be opened again since the agent started.
    pub restarts: u32,
    /// Brightness of the newest checked keyframe of the sub stream, 0 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub luma_mean: Option<f32>,
    /// Variance of the same; a covered lens has almost none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub luma_variance: Option<f32>,
    /// Whether the camera sends sound. Missing sound never stops the picture.
    pub audio: bool,
    /// Whether the box takes its sound at all: not that of a camera on USB, and none where the
    /// configuration says so.
    #[serde(
        default = "CameraSignals::takes_sound",
        skip_serializing_if = "Clone::clone"
    )]
    pub sound_taken: bool,
    /// What it calls itself by ONVIF; absent when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What runs on it, by ONVIF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// The camera's clock against the box's, milliseconds, by ONVIF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// How fast the time stamps of its pictures run against the box's own clock, parts per million;
    /// above zero they are the faster ones. Absent until a quarter of an hour of a session is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<f32>,
    /// The same of its sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_drift_ppm: Option<f32>,
    /// Times its time stamps were set or stopped since the agent started.
    #[serde(default)]
    pub clock_steps: u32,
    /// Tamper events that the camera itself says are going on: second evidence, never the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<CameraEvent>,
    /// How steep edges in the picture are, 0 (fog) to 100; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f32>,
    /// What the pictures point to, two at most; absent from an agent that does not look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sight: Option<Vec<Sighting>>,
    /// The newest checked piece of sound; absent without sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<SoundSignals>,
}

impl CameraSignals {
    /// As of agents that do not say.
    fn takes_sound() -> bool {
        true
    }
}

/// What a source of pictures shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The classroom.
    #[default]
    Room,
    /// What is projected. It may stand still or be black for a whole lesson, so that nothing is
    /// judged by what it looks or sounds like.
    Screen,
    /// Something that a newer agent knows.
    #[serde(other)]
    Unknown,
}

impl Shows {
    /// Whether it is what a source shows that says nothing of it.
    #[must_use]
    pub fn is_room(&self) -> bool {
        *self == Self::Room
    }
}

/// A tamper event of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraEvent {
    /// Which.
    pub topic: TamperTopic,
    /// When the box heard of it, milliseconds since 1970-01-01 UTC.
    pub since: i64,
}

/// Named as ONVIF names its topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TamperTopic {
    /// `tns1:VideoSource/ImageTooBlurry`
    ImageTooBlurry,
    /// `tns1:VideoSource/ImageTooDark`
    ImageTooDark,
    /// `tns1:VideoSource/ImageTooBright`
    ImageTooBright,
    /// `tns1:VideoSource/GlobalSceneChange`: covered or turned.
    GlobalSceneChange,
    /// `tns1:VideoSource/SignalLoss`
    SignalLoss,
    /// `tns1:RuleEngine/…TamperDetector`
    TamperDetector,
    /// A topic that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// Something that a camera's pictures point to, for longer than a passer-by takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// What.
    pub kind: SightKind,
    /// First seen, milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// The number that says so; what it measures stands with each [`SightKind`].
    pub value: f32,
    /// What that number usually is, where it was learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<f32>,
}

/// What pictures may point to. Names follow the tamper topics of the ONVIF imaging service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SightKind {
    /// Something hangs before the lens: share of the room's edges that are gone, 0 to 1.
    Covered,
    /// There is no light, but the room can be made out: mean brightness, 0 to 255.
    Dark,
    /// Out of focus: sharpness, 0 to 100.
    Blurred,
    /// The same picture again and again: share of it that repeats an earlier one exactly, 0 to 1.
    Frozen,
    /// Another view than the usual one: likeness of the two, −1 to 1.
    Moved,
    /// A kind that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// A camera's sound, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundSignals {
    /// Root mean square against full scale, −120 (digital silence) to 0.
    pub rms_dbfs: f32,
    /// Share of samples at the end of the scale, 0 to 1.
    pub clipping_ratio: f32,
    /// What the sound points to, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<SoundKind>,
}

/// What sound may point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundKind {
    /// Next to nothing is heard, though sound is sent.
    Silent,
    /// The level is too high.
    Clipping,
    /// A kind that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// How a camera's session stands, and which side is at fault when it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Opening the session.
    Connecting,
    /// Frames arrive.
    Streaming,
    /// Nobody answers at its address.
    Unreachable,
    /// It refuses our name and password (401).
    Unauthorized,
    /// It answers with what is not RTSP or not a stream we can record.
    Garbage,
    /// The session is open but frames have stopped.
    Stalled,
    /// A state that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// Where frames get lost on their way from the camera into the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It answers and sends no frames.
    Camera,
    /// Nothing comes back from its address, or what is sent there is not acknowledged.
    Network,
    /// Frames arrive faster than the box takes them.
    Box,
    /// A side that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// The recorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingSignals {
    /// What it is doing.
    pub state: RecordingState,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// Age of the newest durable fragment; absent when there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable_age_ms: Option<u64>,
    /// By what it decides when to record; absent from an agent that always does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timetable: Option<TimetableSignals>,
}

/// By what a box decides when to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimetableSignals {
    /// What counts now.
    pub basis: TimetableBasis,
    /// Of the document the box has; 0 when it has none.
    pub version: u64,
}

/// What counts when a box decides whether to record. All but the first record always: a lesson
/// that was missed does not come again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimetableBasis {
    /// The windows of its document.
    Lessons,
    /// Its document says so.
    Continuous,
    /// It never got a document for its room.
    #[default]
    Missing,
    /// Its document does not speak about today.
    RanOut,
    /// Its clock cannot be right.
    Clock,
    /// A basis that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// What the recorder is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Fragments become durable.
    Recording,
    /// Nothing to record: no frames arrive.
    Waiting,
    /// Nothing to record: no lesson is on. The cameras go on, and live views with them.
    Idle,
    /// Frames arrive but cannot be made durable.
    Failing,
    /// A state that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// The spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolSignals {
    /// Sealed bytes waiting for a receipt.
    pub waiting_bytes: u64,
    /// Segments waiting for a receipt.
    pub waiting_segments: u64,
    /// Free space under the spool.
    pub free_bytes: u64,
    /// The limit set for the spool.
    pub limit_bytes: u64,
    /// Segments given up unsent since the agent started.
    pub evicted_unsent: u64,
}

/// Processor and memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemSignals {
    /// Since the operating system started.
    pub uptime_s: u64,
    /// One-minute load divided by the number of processors.
    pub load_ratio: f32,
    /// Memory that can be had without swapping.
    pub memory_available_bytes: u64,
    /// Resident memory of the agent without its camera workers.
    pub agent_resident_bytes: u64,
}

#[cfg(test)]
mod tests;
