//! An export of the trail: one line a JSON object, then the head with the hub's signature.
//!
//! Whoever holds the file checks it offline, without the hub (K6, X8). The file of one day begins
//! with where the trail stood before it, and ends with that day's signed head.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::signed::{self, Word};
use super::{PAGE, Trail, Unavailable, empty, follows};
use crate::campus::calendar;
use crate::store::trail::{self, DayRow, Head, Line};

/// No line of a trail is longer: its texts are cut when it is written.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// How the last line begins, and no other.
const ENDING: &[u8] = b"{\"head\":";
/// How the first line of a day's file begins, and no other.
const BEGINNING: &[u8] = b"{\"after\":";

/// The first line of a day's file; a whole export begins with the first line of the trail.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    after: i64,
    hash: String,
}

/// The last line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    head: i64,
    hash: String,
    /// Of a day's file, such as `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    signed_ms: i64,
    key: String,
    signature: String,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The trail cannot be read.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The file cannot be made or written; an existing one is left as it is.
    #[error("cannot write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why an export is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// The file cannot be read.
    #[error("the export cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is not what the hub wrote.
    #[error("line {line}: {what}")]
    Broken {
        /// The first line that does not fit, counted from 1.
        line: u64,
        /// What does not fit.
        what: String,
    },
}

/// A whole export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Where it begins: after this line. A whole export begins at 0.
    pub after: Head,
    /// The day it is the file of; `None` for a whole export.
    pub day: Option<i64>,
    /// Where it ends.
    pub head: Head,
    /// When it was signed, milliseconds since the epoch.
    pub signed_ms: i64,
    /// The public key that signed it, base64.
    pub key: String,
}

/// An export on its way out of the trail, page by page.
#[derive(Debug)]
pub struct Export {
    trail: Arc<Trail>,
    head: Head,
    /// The last line handed out.
    at: i64,
    /// The first piece of a day's file; `None` once it is handed out.
    beginning: Option<String>,
    /// The last piece; `None` once it is handed out.
    ending: Option<String>,
}

impl Export {
    /// Everything up to `head`, signed at `now_ms`.
    #[must_use]
    pub fn new(trail: Arc<Trail>, head: Head, key: &SigningKey, now_ms: i64) -> Self {
        let ending = Some(ending(&head, key, now_ms));
        Self {
            trail,
            head,
            at: 0,
            beginning: None,
            ending,
        }
    }

    /// The lines after `from` up to the signed head of a day.
    #[must_use]
    pub fn of_day(trail: Arc<Trail>, from: &Head, row: &DayRow) -> Self {
        let beginning = text(&Beginning {
            after: from.seq,
            hash: from.hash.clone(),
        });
        let ending = text(&Ending {
            head: row.seq,
            hash: row.hash.clone(),
            day: Some(calendar::date_text(row.day)),
            signed_ms: row.signed_ms,
            key: row.signing_key.clone(),
            signature: row.signature.clone(),
        });
        Self {
            trail,
            head: row.head(),
            at: from.seq,
            beginning: Some(beginning),
            ending: Some(ending),
        }
    }

    /// The next piece of text; `None` after the last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<Option<String>, Unavailable> {
        if let Some(beginning) = self.beginning.take() {
            return Ok(Some(beginning));
        }
        let mut lines = trail::after(&self.trail.db, self.at, PAGE).await?;
        lines.retain(|line| line.seq <= self.head.seq);
        let Some(last) = lines.last() else {
            return Ok(self.ending.take());
        };
        self.at = last.seq;
        Ok(Some(lines.iter().map(text).collect()))
    }

    /// Writes all of it to a new file, durable when this returns. What was begun is removed again
    /// when it cannot be finished.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store fails.
    pub async fn write(mut self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        let written = self.write_to(&mut file, path).await;
        if written.is_err() {
            drop(std::fs::remove_file(path));
        }
        written
    }

    async fn write_to(&mut self, file: &mut File, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        while let Some(piece) = self.next().await? {
            file.write_all(piece.as_bytes()).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        folder.sync_all().map_err(failed)
    }
}

fn text(line: &impl Serialize) -> String {
    let text = serde_json::to_string(line);
    text.expect("invariant: numbers and texts can be written as JSON") + "\n"
}

fn ending(head: &Head, key: &SigningKey, now_ms: i64) -> String {
    text(&Ending {
        head: head.seq,
        hash: head.hash.clone(),
        day: None,
        signed_ms: now_ms,
        key: signed::public_text(&key.verifying_key()),
        signature: signed::sign(key, Word::Export { signed_ms: now_ms }, head),
    })
}

/// Checks a whole export: every line as the hub writes it, numbers without gaps, hashes, the head
/// and its signature. Without `key`, the signature proves only that the file is of one piece: the
/// caller compares [`Verified::key`] with the hub's.
///
/// # Errors
/// The first line that does not fit.
pub fn verify(mut from: impl BufRead, key: Option<&VerifyingKey>) -> Result<Verified, Doubt> {
    let (mut end, mut number, mut bytes) = (empty(), 0, Vec::new());
    let mut after = None;
    loop {
        number += 1;
        let broken = |what: &str| broken(number, what);
        next(&mut from, &mut bytes)?;
        if bytes.is_empty() {
            return Err(broken("the file ends before the head and its signature"));
        }
        if bytes.pop() != Some(b'\n') {
            return Err(broken("the line is cut off"));
        }
        if bytes.starts_with(ENDING) {
            break;
        }
        if number == 1 && bytes.starts_with(BEGINNING) {
            end = begin(&bytes).map_err(broken)?;
            after = Some(end.clone());
            continue;
        }
        let line: Line = read(&bytes).ok_or_else(|| broken("not a line as the hub writes it"))?;
        follows(&end, &line).map_err(|wrong| broken(wrong.what))?;
        end = Head {
            seq: line.seq,
            hash: line.hash,
        };
    }
    let verified = check_ending(&bytes, (after, end), key);
    let verified = verified.map_err(|what| broken(number, what))?;
    next(&mut from, &mut bytes)?;
    if !bytes.is_empty() {
        return Err(broken(number + 1, "there is more after the signature"));
    }
    Ok(verified)
}

fn broken(line: u64, what: &str) -> Doubt {
    let what = what.into();
    Doubt::Broken { line, what }
}

fn next(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    from.take(LINE_BYTES_MAX).read_until(b'\n', bytes).map(drop)
}

/// Takes nothing but what would be written the same way again, byte for byte.
fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let again = serde_json::to_vec(&value).ok()?;
    (again == bytes).then_some(value)
}

/// Where a day's file begins.
fn begin(bytes: &[u8]) -> Result<Head, &'static str> {
    let Beginning { after: seq, hash } =
        read(bytes).ok_or("not a beginning as the hub writes it")?;
    let first = empty();
    if seq < first.seq || seq == first.seq && hash != first.hash {
        return Err("no trail begins like this");
    }
    Ok(Head { seq, hash })
}

/// What the ending says, if it is said of what the file holds.
fn check_ending(
    bytes: &[u8],
    (after, end): (Option<Head>, Head),
    key: Option<&VerifyingKey>,
) -> Result<Verified, &'static str> {
    let ending: Ending = read(bytes).ok_or("not a head as the hub writes it")?;
    let day = match &ending.day {
        Some(text) => Some(calendar::parse_day(text).ok_or("there is no such day")?),
        None => None,
    };
    if day.is_some() != after.is_some() {
        return Err("only the file of a day begins elsewhere than with the first line");
    }
    if ending.head != end.seq || ending.hash != end.hash {
        return Err("the trail does not end where the head says");
    }
    let own = signed::parse_public(&ending.key).ok_or("the key is no Ed25519 key")?;
    if key.is_some_and(|key| *key != own) {
        return Err("signed with another key than the one given");
    }
    let signed_ms = ending.signed_ms;
    let word = match day {
        Some(day) => Word::Day { day, signed_ms },
        None => Word::Export { signed_ms },
    };
    if !signed::holds(&own, word, &end, &ending.signature) {
        return Err("the signature does not fit the head");
    }
    Ok(Verified {
        after: after.unwrap_or_else(empty),
        day,
        head: end,
        signed_ms,
        key: ending.key,
    })
}

#[cfg(test)]
mod tests;
