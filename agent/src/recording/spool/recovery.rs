//! Start: compares index and files. The files are right.

use super::file::{self, Found};
use super::index::{Entry, Index, Known, Tail};
use super::{EXTENSION, QUARANTINE};
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};
use xunke_protocol::id::{SegmentId, SourceName};

/// What the spool holds.
#[derive(Debug, Default)]
pub struct Kept {
    /// Waiting for receipts, oldest first.
    pub waiting: BTreeMap<SegmentId, Entry>,
    /// Refused by the hub for good.
    pub quarantined: BTreeMap<SegmentId, Entry>,
    /// Where each camera's recording ended.
    pub tails: HashMap<SourceName, Tail>,
}

/// Finds all segments below `dir`, cuts what a crash left at its last signed record, and brings the
/// index up to date.
///
/// # Errors
/// A directory cannot be listed.
pub fn run(dir: &Path, device: &VerifyingKey, index: &Index, known: Known) -> io::Result<Kept> {
    let mut recovery = Recovery {
        device,
        index,
        known: known.segments.into_iter().collect(),
        kept: Kept {
            tails: known.tails.into_iter().collect(),
            ..Kept::default()
        },
    };
    for item in fs::read_dir(dir)? {
        let item = item?;
        let name = item.file_name();
        let name = name.to_string_lossy();
        if name == QUARANTINE {
            for (segment, path) in segments(&item.path())? {
                recovery.keep_quarantined(segment, &path);
            }
        } else if let Ok(source) = name.parse::<SourceName>() {
            for (segment, path) in segments(&item.path())? {
                recovery.keep(segment, &source, &path);
            }
        }
    }
    for segment in recovery.known.keys() {
        index.remove(*segment);
    }
    Ok(recovery.kept)
}

struct Recovery<'a> {
    device: &'a VerifyingKey,
    index: &'a Index,
    known: HashMap<SegmentId, Entry>,
    kept: Kept,
}

impl Recovery<'_> {
    fn keep(&mut self, segment: SegmentId, source: &SourceName, path: &Path) {
        let bytes = fs::metadata(path).map_or(0, |file| file.len());
        let known = self.known.remove(&segment);
        if let Some(entry) = known.filter(|entry| entry.bytes == bytes && entry.source == *source) {
            self.kept.waiting.insert(segment, entry);
            return;
        }
        match file::recover(path, self.device) {
            Ok(Some(found)) if found.header.segment == segment => self.found(segment, found),
            Ok(Some(_)) => {
                tracing::error!(file = %path.display(), "a segment does not bear its file's name");
            }
            Ok(None) => {
                tracing::info!(file = %path.display(), "a segment without footage is removed");
                let _ = fs::remove_file(path);
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "a segment cannot be read");
            }
        }
    }

    fn found(&mut self, segment: SegmentId, found: Found) {
        let chain = found.chain;
        let entry = entry(found);
        let tail = Tail {
            chain,
            ended_us: entry.start_us + i64::from(entry.duration_us),
        };
        let newest = self.kept.tails.get(&entry.source);
        if newest.is_none_or(|newest| newest.ended_us < tail.ended_us) {
            self.kept.tails.insert(entry.source.clone(), tail);
            self.index.tail(entry.source.clone(), tail);
        }
        self.index.put(segment, entry.clone());
        self.kept.waiting.insert(segment, entry);
    }

    fn keep_quarantined(&mut self, segment: SegmentId, path: &Path) {
        self.known.remove(&segment);
        if let Ok(Some(found)) = file::inspect(path, self.device) {
            self.kept.quarantined.insert(segment, entry(found));
        }
    }
}

fn entry(found: Found) -> Entry {
    Entry {
        source: found.header.source,
        start_us: found.header.start_us,
        duration_us: found.duration_us,
        bytes: found.bytes,
        sha256: found.sha256,
    }
}

/// Segment files of a directory, by name.
fn segments(dir: &Path) -> io::Result<Vec<(SegmentId, PathBuf)>> {
    let mut found = Vec::new();
    for item in fs::read_dir(dir)? {
        let path = item?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let segment = name.and_then(|name| name.parse().ok());
        let ours = path
            .extension()
            .is_some_and(|extension| extension == EXTENSION);
        if let Some(segment) = segment.filter(|_| ours) {
            found.push((segment, path));
        }
    }
    Ok(found)
}
