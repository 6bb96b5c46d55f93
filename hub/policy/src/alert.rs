//! Alerts: a fault becomes a word to somebody, once, and not more often than it helps (R66).
//!
//! group, silence, duty, notify → book → facts; facts in, words out
//!
//! “保障智慧教室设备及网络正常运行” (第五条第1项): whoever keeps the rooms running is told; technical
//! matters go to 信息中心 (第十二条第2项). Semantics of Alertmanager: group, inhibit, silence, repeat,
//! resolve; with acknowledgement and escalation beside. Everything here is a function of what is
//! stored, so a restart of the hub neither repeats nor forgets.

pub mod group;
pub mod silence;
pub mod duty;
pub mod notify;
pub mod book;
pub mod facts;

#[cfg(test)]
mod tests;
