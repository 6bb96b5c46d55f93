//! The envelope around every message of a device, and the command the hub sends down.
//!
//! `id` removes duplicates, `seq` shows gaps, (`boot`, `mono_ms`) tells time when the clock cannot.

use crate::id::{EquipmentName, MessageId, PushId, SourceName, StreamKind};
use crate::topic::DOCUMENT_BYTES_MAX;
use crate::version::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One message from a device. Fields that a newer minor adds are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the writer.
    pub v: Version,
    /// Made by the writer, kept over re-sending.
    pub id: MessageId,
    /// Counts this device's messages, never reset while the outbox lives; a gap is a loss.
    pub seq: u64,
    /// This start of the box's operating system.
    pub boot: Uuid,
    /// Raised at every connection, so that a late will cannot end a newer session.
    pub epoch: u64,
    /// Wall clock when written, milliseconds since 1970-01-01 UTC.
    pub ts: i64,
    /// Milliseconds since `boot`.
    pub mono_ms: u64,
    /// Whether `ts` can be trusted.
    pub sync: bool,
    /// What `data` is; unknown kinds are stored, not dropped.
    pub kind: String,
    /// The document.
    pub data: Value,
}

/// Why a message was not understood.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Checked before parsing.
    #[error("the message has {0} bytes; at most {DOCUMENT_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// Not the JSON this version expects.
    #[error("the message cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Another major version.
    #[error("the message speaks protocol {0}, which this version does not")]
    ForeignVersion(Version),
}

impl Envelope {
    /// Reads a payload, size first.
    ///
    /// # Errors
    /// Too large, not JSON of this shape, or another major version.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let envelope: Self = parse(payload)?;
        if !envelope.v.readable() {
            return Err(Error::ForeignVersion(envelope.v));
        }
        Ok(envelope)
    }

    /// The document as its type.
    ///
    /// # Errors
    /// The document does not have that shape.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.data).map_err(Error::Unreadable)
    }
}

/// Reads any document of the fleet plane, size first.
///
/// # Errors
/// Too large, or not JSON of this shape.
pub fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    if payload.len() > DOCUMENT_BYTES_MAX {
        return Err(Error::TooLarge(payload.len()));
    }
    serde_json::from_slice(payload).map_err(Error::Unreadable)
}

/// Birth, last will or goodbye on `up/state`. The will is fixed at connect, so it stands alone,
/// without an envelope; all three carry (`boot`, `epoch`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Which of the three.
    pub s: PresenceState,
    /// This start of the box's operating system.
    pub boot: Uuid,
    /// The connection this belongs to.
    pub epoch: u64,
    /// The agent's version; empty in a will.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Why the box leaves; empty unless it says goodbye.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// See [`Presence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// Birth.
    Online,
    /// The last will, published by the hub.
    Lost,
    /// Goodbye.
    Offline,
}

/// An order from the hub; on `dn/cmd/<id>` inside a [`crate::command::SignedCommand`].
///
/// What is not in [`Order`] does not exist: no shell, no file access, no snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Version of the writer.
    pub v: Version,
    /// The same id as in the topic.
    pub id: MessageId,
    /// When the hub wrote it, milliseconds since 1970-01-01 UTC.
    pub issued: i64,
    /// After this the box answers `expired` and does nothing.
    pub expires: i64,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// Everything the hub may order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case")]
pub enum Order {
    /// Answer `done`.
    Ping,
    /// Ask for the timetable again: it has changed. Answered `done` at once.
    Timetable,
    /// Ask for the certificate that follows, due or not. Answered `done` when the hub has seen it.
    Renew,
    /// Open `/box/1/live/<push>` and send this stream, beginning at the newest keyframe.
    LiveStart {
        /// Names the push; chosen by the hub, single use.
        push: PushId,
        /// Which camera or screen.
        source: SourceName,
        /// Which encoding.
        stream: StreamKind,
    },
    /// Read the configuration again, and begin anew with it where it has changed.
    Reload,
    /// Start the machine anew.
    Reboot,
    /// Answer with versions, numbers and the end of the log.
    CollectDiag,
    /// Try what a lesson needs, and answer with a [`crate::selftest::Selftest`].
    Selftest,
    /// Switch a projector of the configuration.
    Projector {
        /// Which one.
        name: EquipmentName,
        /// On or off.
        power: Switch,
    },
}

/// Which way something is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// The answer to a command on `up/ack/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandAnswer {
    /// Where the command stands.
    pub state: CommandState,
    /// A stable word for a refusal or failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What came of it, at most [`crate::command::RESULT_BYTES_MAX`] of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Whether the command had come before; then nothing was done now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dup: bool,
}

/// Life of a command on the box; the last four are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandState {
    /// Started.
    Running,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
    /// Not understood or not allowed.
    Rejected,
    /// Came too late.
    Expired,
}

/// What the acknowledgement of an event (PUBACK) means to the box that gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acks {
    /// The hub has stored it: the hub itself is at the other end.
    #[default]
    Puback,
    /// A broker between has it, in its memory; what is stored the hub says on `dn/rcv`.
    Rcv,
}

/// The hub's clock on `dn/time`, said after every birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubTime {
    /// Milliseconds since 1970-01-01 UTC.
    pub now: i64,
    /// A hub of before leaves it out, and is at the other end itself.
    #[serde(default)]
    pub acks: Acks,
}

/// The hub behind a broker, on `hub/state`, retained; its last will says that it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubState {
    /// Whether it listens.
    pub online: bool,
    /// Since when, milliseconds since 1970-01-01 UTC: another number is another connection of the
    /// hub, which knows nothing of what was sent before.
    pub since: i64,
    /// What acknowledgements mean.
    pub acks: Acks,
}

/// What the hub has stored, on `dn/rcv`.
///
/// Runs and not one number: a broker may drop a message in the middle, and the hub cannot tell a
/// gap that the box has given up from one that never came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Runs of [`Envelope::seq`], first and last.
    pub seqs: Vec<(u64, u64)>,
}

impl Received {
    /// Of these numbers, in any order.
    #[must_use]
    pub fn of(mut seqs: Vec<u64>) -> Self {
        seqs.sort_unstable();
        seqs.dedup();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for seq in seqs {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
                _ => runs.push((seq, seq)),
            }
        }
        Self { seqs: runs }
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn holds(&self, seq: u64) -> bool {
        self.seqs
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            v: crate::version::CURRENT,
            id: MessageId(Uuid::nil()),
            seq: 7,
            boot: Uuid::nil(),
            epoch: 2,
            ts: 1_763_000_000_000,
            mono_ms: 5,
            sync: true,
            kind: "health".into(),
            data: serde_json::json!({"now": 1}),
        }
    }

    #[test]
    fn a_newer_minor_is_read_and_its_new_field_ignored() {
        let mut json = serde_json::to_value(envelope()).unwrap();
        json["v"] = "1.7".into();
        json["surprise"] = true.into();
        let read = Envelope::parse(json.to_string().as_bytes()).unwrap();
        assert_eq!(read.seq, 7);
        assert_eq!(read.data::<HubTime>().unwrap().now, 1);
    }

    #[test]
    fn foreign_large_and_broken_messages_are_refused() {
        let mut json = serde_json::to_value(envelope()).unwrap();
        json["v"] = "2.0".into();
        let foreign = Envelope::parse(json.to_string().as_bytes());
        assert!(matches!(foreign, Err(Error::ForeignVersion(_))));
        let large = vec![b' '; DOCUMENT_BYTES_MAX + 1];
        assert!(matches!(Envelope::parse(&large), Err(Error::TooLarge(_))));
        assert!(matches!(Envelope::parse(b"{}"), Err(Error::Unreadable(_))));
    }

    #[test]
    fn what_is_stored_is_told_in_runs_and_nothing_between_them() {
        let received = Received::of(vec![9, 4, 3, 4, 7, 5]);
        assert_eq!(received.seqs, [(3, 5), (7, 7), (9, 9)]);
        let held: Vec<u64> = (0..12).filter(|seq| received.holds(*seq)).collect();
        assert_eq!(held, [3, 4, 5, 7, 9]);
        let last = Received::of(vec![u64::MAX, 0]);
        assert_eq!(last.seqs, [(0, 0), (u64::MAX, u64::MAX)]);
        assert!(Received::of(Vec::new()).seqs.is_empty());
    }

    /// A hub of before is at the other end itself; a word of a later one is none of this version.
    #[test]
    fn acknowledgements_mean_what_the_hub_says() {
        let acks = |text: &str| parse::<HubTime>(text.as_bytes()).map(|time| time.acks);
        assert_eq!(acks(r#"{"now":1}"#).unwrap(), Acks::Puback);
        assert_eq!(acks(r#"{"now":1,"acks":"rcv"}"#).unwrap(), Acks::Rcv);
        assert!(acks(r#"{"now":1,"acks":"later"}"#).is_err());
    }
}
