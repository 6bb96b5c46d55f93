//! Commands: the hub's signed word to one box. A broker that carries it cannot make one up.
//!
//! The signature covers the text as it is sent, so that a newer hub may add to it.

use crate::encoding;
use crate::envelope::{self, Command, CommandAnswer, CommandState, Order};
use crate::id::{DeviceId, MessageId};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest result of a command, in bytes of JSON: its envelope takes the rest of a document.
pub const RESULT_BYTES_MAX: usize = 12 * 1024;

/// A command on `dn/cmd/<id>`, as the hub signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCommand {
    /// [`Command`] as JSON.
    pub command: String,
    /// Ed25519 of the hub over the box and this text.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

/// Why a box does not take a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No signed command at all, or one that is too large.
    #[error("it is no command")]
    NotUnderstood,
    /// The hub has not signed this for this box.
    #[error("the hub has not signed this for this box")]
    Forged,
    /// The hub has signed an order that this version does not know.
    #[error("this order is not known")]
    UnknownOrder,
    /// The hub speaks another major version.
    #[error("another major version of the protocol")]
    ForeignVersion,
    /// It came under another command's topic.
    #[error("it came under another id")]
    WrongId,
}

impl Refused {
    /// The stable word of the answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotUnderstood => "not_understood",
            Self::Forged => "forged",
            Self::UnknownOrder => "unknown_order",
            Self::ForeignVersion => "foreign_version",
            Self::WrongId => "wrong_id",
        }
    }
}

impl SignedCommand {
    /// Signs a command for one box.
    #[must_use]
    pub fn sign(command: &Command, device: &DeviceId, key: &SigningKey) -> Self {
        let command = serde_json::to_string(command).expect("invariant: a command is plain data");
        Self {
            signature: key.sign(&message(device, &command)).to_bytes(),
            command,
        }
    }

    /// The command in a payload that came under `id`, if the hub has signed it for this box.
    ///
    /// # Errors
    /// The reason; the signature is looked at before anything that it covers.
    pub fn open(
        payload: &[u8],
        id: MessageId,
        device: &DeviceId,
        hub: &VerifyingKey,
    ) -> Result<Command, Refused> {
        let signed: Self = envelope::parse(payload).map_err(|_| Refused::NotUnderstood)?;
        let signature = Signature::from_bytes(&signed.signature);
        let message = message(device, &signed.command);
        let genuine = hub.verify_strict(&message, &signature);
        genuine.map_err(|_| Refused::Forged)?;
        let value: Value =
            serde_json::from_str(&signed.command).map_err(|_| Refused::NotUnderstood)?;
        let major = value["v"].as_str().and_then(|text| text.parse().ok());
        if !major.is_some_and(crate::version::Version::readable) {
            return Err(Refused::ForeignVersion);
        }
        let command =
            Command::deserialize(&value).map_err(|_| match value["kind"].is_string() {
                true => Refused::UnknownOrder,
                false => Refused::NotUnderstood,
            })?;
        match command.id == id {
            true => Ok(command),
            false => Err(Refused::WrongId),
        }
    }
}

/// Texts of any length have one of their own: each goes in as its SHA-256.
fn message(device: &DeviceId, command: &str) -> Vec<u8> {
    let mut message = b"xunke-command-v1".to_vec();
    for text in [device.as_str(), command] {
        message.extend_from_slice(&Sha256::digest(text.as_bytes()));
    }
    message
}

impl Order {
    /// Its word on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Timetable => "timetable",
            Self::Renew => "renew",
            Self::LiveStart { .. } => "live_start",
            Self::Reload => "reload",
            Self::Reboot => "reboot",
            Self::CollectDiag => "collect_diag",
            Self::Selftest => "selftest",
            Self::Projector { .. } => "projector",
        }
    }

    /// Whether a box carries it out beside no other of these.
    #[must_use]
    pub fn exclusive(&self) -> bool {
        !matches!(self, Self::Ping | Self::Timetable | Self::LiveStart { .. })
    }

    /// A box that has begun ends it within so long, in milliseconds; a push ends when the hub
    /// closes it.
    #[must_use]
    pub fn limit_ms(&self) -> i64 {
        match self {
            Self::Ping | Self::Timetable | Self::LiveStart { .. } => 10_000,
            Self::Reload | Self::Projector { .. } => 30_000,
            Self::Renew | Self::CollectDiag | Self::Selftest => 60_000,
            Self::Reboot => 300_000,
        }
    }
}

impl CommandState {
    /// Its word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing follows it.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Running
    }
}

impl CommandAnswer {
    /// A state, and a stable word for what went wrong.
    #[must_use]
    pub fn new(state: CommandState, code: Option<&str>) -> Self {
        Self {
            state,
            code: code.map(str::to_owned),
            result: None,
            dup: false,
        }
    }

    /// It ended well, with this result.
    #[must_use]
    pub fn with(result: Value) -> Self {
        Self {
            result: Some(result),
            ..Self::new(CommandState::Done, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Switch;
    use crate::version::CURRENT;
    use uuid::Uuid;
    use xunke_mutate::Dice;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn device(id: &str) -> DeviceId {
        id.parse().unwrap()
    }

    fn command(order: Order) -> Command {
        Command {
            v: CURRENT,
            id: MessageId(Uuid::from_u128(5)),
            issued: 1,
            expires: 2,
            order,
        }
    }

    fn sent(order: Order) -> Vec<u8> {
        let signed = SignedCommand::sign(&command(order), &device("box-1"), &key());
        serde_json::to_vec(&signed).unwrap()
    }

    fn open(payload: &[u8]) -> Result<Command, Refused> {
        let id = MessageId(Uuid::from_u128(5));
        SignedCommand::open(payload, id, &device("box-1"), &key().verifying_key())
    }

    fn orders() -> Vec<Order> {
        let name = || "projector".parse().unwrap();
        vec![
            Order::Ping,
            Order::Renew,
            Order::Reload,
            Order::Reboot,
            Order::CollectDiag,
            Order::Selftest,
            Order::Projector {
                name: name(),
                power: Switch::Off,
            },
        ]
    }

    #[test]
    fn a_signed_command_reads_back_and_says_its_kind() {
        for order in orders() {
            let opened = open(&sent(order.clone())).unwrap();
            assert_eq!(opened.order, order);
            let text = serde_json::to_value(&opened).unwrap();
            assert_eq!(text["kind"], order.kind());
            assert!(order.limit_ms() > 0);
        }
    }

    /// Issue 6, item 4: another box, another key, another id.
    #[test]
    fn a_command_is_for_one_box_by_one_hub_under_one_id() {
        let payload = sent(Order::Reboot);
        let id = MessageId(Uuid::from_u128(5));
        let hub = key().verifying_key();
        let forged = Err(Refused::Forged);
        let other = SignedCommand::open(&payload, id, &device("box-2"), &hub);
        assert_eq!(other.map(drop), forged);
        let stranger = SigningKey::from_bytes(&[8; 32]).verifying_key();
        let by = SignedCommand::open(&payload, id, &device("box-1"), &stranger);
        assert_eq!(by.map(drop), forged);
        let moved = MessageId(Uuid::from_u128(6));
        let moved = SignedCommand::open(&payload, moved, &device("box-1"), &hub);
        assert_eq!(moved.map(drop), Err(Refused::WrongId));
    }

    /// M7: nothing that was changed on its way is ever carried out.
    #[test]
    fn a_command_that_was_changed_is_none() {
        let mut dice = Dice::of(11, 0);
        let good = sent(Order::Selftest);
        for _ in 0..2000 {
            let mut bytes = good.clone();
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            if let Ok(command) = open(&bytes) {
                // A hexadecimal digit has two cases.
                assert_eq!(command.order, Order::Selftest);
                assert!(bytes.eq_ignore_ascii_case(&good));
            }
        }
    }

    #[test]
    fn what_the_hub_signed_may_still_be_too_new() {
        let signed = |text: &str| {
            let command = text.to_owned();
            let message = message(&device("box-1"), &command);
            let signature = key().sign(&message).to_bytes();
            serde_json::to_vec(&SignedCommand { command, signature }).unwrap()
        };
        let id = Uuid::from_u128(5);
        let text = |v: &str, kind: &str| {
            format!(
                r#"{{"v":"{v}","id":"{id}","issued":1,"expires":2,"new":true,"kind":"{kind}"}}"#
            )
        };
        assert!(open(&signed(&text("1.9", "ping"))).is_ok());
        let refused = |bytes: &[u8]| open(bytes).unwrap_err();
        assert_eq!(
            refused(&signed(&text("2.0", "ping"))),
            Refused::ForeignVersion
        );
        for forbidden in ["shell", "snapshot", "read_file", "microphone", "ptz"] {
            let text = signed(&text("1.0", forbidden));
            assert_eq!(refused(&text), Refused::UnknownOrder, "{forbidden}");
        }
        assert_eq!(refused(&signed("7")), Refused::ForeignVersion);
        assert_eq!(refused(b"{}"), Refused::NotUnderstood);
        assert_eq!(
            refused(text("1.0", "ping").as_bytes()),
            Refused::NotUnderstood
        );
    }
}
