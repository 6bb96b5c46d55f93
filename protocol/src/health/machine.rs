//! The box as a machine: processor, temperature, power, disk, and the network around it.

use serde::{Deserialize, Serialize};

/// Processor, temperature, power and certificate of the box.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineSignals {
    /// Share of the processors' time that was not idle since the look before, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ratio: Option<f32>,
    /// The hottest sensor that is not a disk's, degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f32>,
    /// Whether the processor is being slowed down to stay cool or alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<bool>,
    /// Whether the supply voltage is too low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undervoltage: Option<bool>,
    /// Whole days until the box's certificate ends; below zero when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_days: Option<i32>,
    /// Age of the oldest footage that the hub does not have yet, by the box's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog_age_s: Option<u64>,
    /// What this machine has no sensor for, so that a missing number is not taken for a good one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Sensor>,
}

/// The disk that holds identity, spool and outbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskSignals {
    /// Space that the agent may use.
    pub free_bytes: u64,
    /// Size of the file system.
    pub size_bytes: u64,
    /// Share of its files that can still be made, 0 to 1; absent where it has no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inodes_free_ratio: Option<f32>,
    /// Whether it takes no writes.
    pub read_only: bool,
    /// Degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_temperature_c: Option<f32>,
    /// Share of its rated life that is used up, rounded up to what the disk tells; above 1 when it
    /// has outlived it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wear_ratio: Option<f32>,
    /// Whether the disk or the kernel calls it worn out or dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_failing: Option<bool>,
    /// What it has no sensor for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Sensor>,
}

/// A number that some machines do not measure; named as its field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensor {
    /// [`MachineSignals::temperature_c`]
    TemperatureC,
    /// [`MachineSignals::throttled`]
    Throttled,
    /// [`MachineSignals::undervoltage`]
    Undervoltage,
    /// [`DiskSignals::disk_temperature_c`]
    DiskTemperatureC,
    /// [`DiskSignals::wear_ratio`]
    WearRatio,
    /// [`DiskSignals::disk_failing`]
    DiskFailing,
    /// A sensor that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// The way to somewhere on the network, over the last minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathSignals {
    /// Where to.
    pub to: PathEnd,
    /// How it is measured.
    pub method: PathMethod,
    /// Median time there and back, of the attempts that were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f32>,
    /// Mean difference of two answers that follow each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f32>,
    /// Share of attempts that were not answered, 0 to 1; absent before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_ratio: Option<f32>,
    /// Attempts that these numbers rest on.
    pub attempts: u32,
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathEnd {
    /// The hub.
    Hub,
    /// The next router.
    Gateway,
    /// Somewhere that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// How a path is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMethod {
    /// ICMP echo.
    Icmp,
    /// The time that a TCP connection takes to open, or to be refused.
    Tcp,
    /// Not at all: the system lets the agent send no ICMP, and nothing else is asked there.
    None,
    /// A method that a newer agent knows.
    #[serde(other)]
    Unknown,
}
