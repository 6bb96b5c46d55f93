//! Equipment: what stands in the room beside cameras and box, and answers on the network. States
//! and numbers by the equipment's own word; nothing here switches anything.

use crate::id::EquipmentName;
use serde::{Deserialize, Serialize};

/// One projector, or one address that is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EquipmentSignals {
    /// Which one.
    pub name: EquipmentName,
    /// What it is asked by.
    pub kind: EquipmentKind,
    /// How it stands.
    pub state: EquipmentState,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// Attempts in a row that were not answered.
    #[serde(default)]
    pub misses: u32,
    /// How long its newest answer took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f32>,
    /// The newest answer to `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// A projector's power; absent while it has never told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// What a projector says is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// Hours of the lamp that has the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lamp_hours: Option<u32>,
    /// Hours of the filter (PJLink class 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_hours: Option<u32>,
    /// Its model, in at most 24 plain letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What equipment is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EquipmentKind {
    /// PJLink.
    Projector,
    /// Opening a TCP connection.
    Tcp,
    /// `GET` of an address.
    Http,
    /// ICMP echo.
    Icmp,
    /// The on-air light, which the box itself drives.
    Light,
    /// A kind that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// How equipment stands; words of OpenTelemetry's hardware states where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EquipmentState {
    /// It answers.
    Ok,
    /// It answers that it is off.
    Off,
    /// It answers with a warning.
    Degraded,
    /// It answers with an error.
    Failed,
    /// It does not answer.
    Unreachable,
    /// It wants a password, or another one.
    Unauthorized,
    /// It cannot be told: not asked yet, busy with another controller, or silent where silence
    /// means nothing.
    #[serde(other)]
    Unknown,
}

/// A projector's power, as `POWR` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Standby.
    Off,
    /// It shines.
    On,
    /// On its way to standby.
    Cooling,
    /// On its way to shine.
    Warming,
    /// A state that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// Something wrong with one part of a projector, as `ERST` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Which part.
    pub part: Part,
    /// How bad.
    pub level: TroubleLevel,
    /// Answers in a row that said so. One alone is no proof: some projectors say it while their
    /// lamp is lit.
    pub times: u32,
}

/// A part of a projector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A fan.
    Fan,
    /// The lamp or light source.
    Lamp,
    /// Too hot.
    Temperature,
    /// Its cover is open.
    Cover,
    /// The filter.
    Filter,
    /// Anything else.
    Other,
    /// A part that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// How bad a trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleLevel {
    /// `ERST` 1.
    Warning,
    /// `ERST` 2.
    Error,
    /// A level that a newer agent knows.
    #[serde(other)]
    Unknown,
}
