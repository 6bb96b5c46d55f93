//! The document of a time mark: what is signed, as JSON; no picture in it. Pure.
//!
//! PROTOCOL.md says it exactly: the hub's signature is over a domain and the mark without white
//! space, so that a copy that a program has laid out anew still holds.

use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::audit::signed::parse_public;
use crate::access::sanction::Export;

/// Says what is signed, so that the signature can mean nothing else.
pub const DOMAIN: &str = "xunke time mark 1\n";
/// Says what a document is.
pub const KIND: &str = "xunke time mark 1";

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// [`KIND`].
    pub kind: String,
    /// The mark.
    pub id: Uuid,
    /// Such as `BJ-00001`.
    pub number: String,
    /// In which recording.
    pub recording: Uuid,
    /// The room's name.
    pub room: String,
    /// The course; null outside lessons.
    pub course: Option<String>,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// To.
    pub to_ms: i64,
    /// What was seen there.
    pub note: String,
    /// The author's name.
    pub made_by: String,
    /// When it was made.
    pub made_ms: i64,
    /// The sealed files that hold this stretch, of every source.
    pub segments: Vec<Named>,
}

/// A sealed file, named by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The segment.
    pub id: Uuid,
    /// Such as `cam0`.
    pub source: String,
    /// SHA-256 of the sealed file, lower-case hex.
    pub sha256: String,
}

/// A mark with its signature.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    mark: Said,
    key: String,
    signature: String,
}

/// What is to be thought of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This hub said so.
    Genuine,
    /// It is a mark that somebody has changed.
    Altered,
    /// Another key than this hub's signed it, or none.
    UnknownKey,
    /// It is something else.
    NotAMark,
}

impl Verdict {
    /// The word on the wire and in the trail.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Altered => "altered",
            Self::UnknownKey => "unknown_key",
            Self::NotAMark => "not_a_mark",
        }
    }
}

/// Signs what a mark says: the document, laid out for people.
#[must_use]
pub fn sign(key: &SigningKey, said: Said) -> String {
    let export = Export::sign(key, DOMAIN, text(&said));
    let document = Document {
        mark: said,
        key: export.key,
        signature: export.signature,
    };
    let laid_out = serde_json::to_string_pretty(&document);
    laid_out.expect("invariant: texts and numbers are JSON") + "\n"
}

/// What is signed: the mark without white space, its fields in their order.
fn text(said: &Said) -> String {
    serde_json::to_string(said).expect("invariant: texts and numbers are JSON")
}

/// Reads a document. What it says comes with it where it can be read, whatever the verdict: it is
/// the document's word, and the hub's alone if it is genuine.
#[must_use]
pub fn read(document: &str, hub: &VerifyingKey) -> (Verdict, Option<Said>) {
    let Ok(read) = serde_json::from_str::<Document>(document) else {
        let claims = document.contains(KIND);
        let verdict = if claims {
            Verdict::Altered
        } else {
            Verdict::NotAMark
        };
        return (verdict, None);
    };
    if read.mark.kind != KIND {
        return (Verdict::NotAMark, None);
    }
    let export = Export {
        text: text(&read.mark),
        key: read.key,
        signature: read.signature,
    };
    let verdict = match parse_public(&export.key) {
        Some(key) if key == *hub && export.holds(DOMAIN) => Verdict::Genuine,
        Some(key) if key == *hub => Verdict::Altered,
        _ => Verdict::UnknownKey,
    };
    (verdict, Some(read.mark))
}

/// What a stored document says; `None` for one that the hub did not write.
#[must_use]
pub fn said(document: &str) -> Option<Said> {
    let read: Document = serde_json::from_str(document).ok()?;
    Some(read.mark)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[4; 32])
    }

    fn example() -> Said {
        Said {
            kind: KIND.into(),
            id: Uuid::from_u128(1),
            number: "BJ-00001".into(),
            recording: Uuid::from_u128(2),
            room: "博学楼101".into(),
            course: Some("计算机\"网络\"".into()),
            from_ms: 1_795_305_600_000,
            to_ms: 1_795_305_660_000,
            note: "教师离开\n教室".into(),
            made_by: "王建国".into(),
            made_ms: 1_795_392_000_000,
            segments: vec![Named {
                id: Uuid::from_u128(3),
                source: "cam0".into(),
                sha256: "ab".repeat(32),
            }],
        }
    }

    fn verdict(document: &str) -> Verdict {
        read(document, &key().verifying_key()).0
    }

    /// K4: whatever is changed in it shows; how it is laid out is nobody's business.
    #[test]
    fn every_change_shows() {
        let document = sign(&key(), example());
        assert_eq!(verdict(&document), Verdict::Genuine);
        let value: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(
            verdict(&format!(" {value}\r\n")),
            Verdict::Genuine,
            "laid out anew"
        );
        for (from, to) in [
            ("BJ-00001", "BJ-00002"),
            ("博学楼101", "博学楼102"),
            ("1795305600000", "1795305600001"),
            ("1795305600000", "1795305600000.0"),
            ("教师离开", "教师没有离开"),
            ("王建国", "李建国"),
            ("abab", "abac"),
            ("cam0", "cam1"),
            ("\"note\"", "\"note\": \"\", \"note\""),
            ("\"kind\"", "\"more\": 1, \"kind\""),
        ] {
            let changed = document.replacen(from, to, 1);
            assert_ne!(changed, document, "{from}");
            assert_eq!(verdict(&changed), Verdict::Altered, "{from}");
        }
        assert_eq!(verdict(&document[..document.len() / 2]), Verdict::Altered);
        assert_eq!(said(&document), Some(example()));
    }

    /// K4: another hub's word, and what is no mark at all.
    #[test]
    fn only_this_hubs_word_is_genuine() {
        let other = SigningKey::from_bytes(&[5; 32]);
        let (foreign, own) = (sign(&other, example()), sign(&key(), example()));
        let (verdict_of, told) = read(&foreign, &key().verifying_key());
        assert_eq!((verdict_of, told), (Verdict::UnknownKey, Some(example())));
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let mut mixed = value(&foreign);
        mixed["key"] = value(&own)["key"].clone();
        assert_eq!(verdict(&mixed.to_string()), Verdict::Altered);
        mixed["key"] = "no key".into();
        assert_eq!(verdict(&mixed.to_string()), Verdict::UnknownKey);
        let mut unlike = value(&own);
        unlike["mark"]["kind"] = "xunke destruction 1".into();
        for no_mark in ["", "{}", "销毁证明", &unlike.to_string()] {
            assert_eq!(
                read(no_mark, &key().verifying_key()),
                (Verdict::NotAMark, None)
            );
        }
    }

    /// The signature of another word of the hub is none for a mark.
    #[test]
    fn the_signature_is_for_marks_alone() {
        let export = Export::sign(&key(), "xunke destruction 1\n", text(&example()));
        let document = serde_json::json!({
            "mark": example(), "key": export.key, "signature": export.signature,
        });
        assert_eq!(verdict(&document.to_string()), Verdict::Altered);
    }

    /// As PROTOCOL.md has it: these bytes are signed.
    #[test]
    fn what_is_signed_is_as_the_protocol_says() {
        let signed = text(&example());
        let expected = concat!(
            r#"{"kind":"xunke time mark 1","id":"00000000-0000-0000-0000-000000000001","#,
            r#""number":"BJ-00001","recording":"00000000-0000-0000-0000-000000000002","#,
            r#""room":"博学楼101","course":"计算机\"网络\"","from_ms":1795305600000,"#,
            r#""to_ms":1795305660000,"note":"教师离开\n教室","made_by":"王建国","#,
            r#""made_ms":1795392000000,"segments":[{"id":"00000000-0000-0000-0000-000000000003","#,
            r#""source":"cam0","sha256":""#
        );
        assert_eq!(signed, format!("{expected}{}\"}}]}}", "ab".repeat(32)));
    }
}
