//! What a file of the spool holds: cheaply by its heads, or surely by its signatures.

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use xunke_protocol::recording::SEGMENT_BYTES_MAX;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Damage, Outline, Told};

/// A preamble has some 600 bytes at most.
const PREAMBLE_BYTES: usize = 1024;
/// Enough of a record to know its length.
const HEAD_BYTES: usize = 16;

/// The beginning of a segment.
#[derive(Debug, Clone)]
pub struct Begun {
    /// What it says of itself.
    pub header: Header,
    /// Where its first record begins.
    pub records_at: u64,
}

/// What is known of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it says of itself.
    pub header: Header,
    /// Media covered, microseconds.
    pub duration_us: u32,
    /// Its bytes up to its last mark.
    pub bytes: u64,
    /// Whether that mark is its end.
    pub complete: bool,
    /// SHA-256 of those bytes and the newest link of its chain, once they were read.
    pub proof: Option<Proof>,
}

/// What only reading all of a segment tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 of the segment.
    pub sha256: [u8; 32],
    /// The newest link of its chain.
    pub chain: [u8; 32],
}

/// What all signatures of a file say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A segment of this box, up to the last mark that it has signed.
    Ours(Found),
    /// Footage, but nothing that this box has signed.
    Foreign(Header),
    /// No footage.
    Empty,
}

/// How a file begins; `None` when no segment does.
///
/// # Errors
/// The disk refuses.
pub fn begun(file: &File) -> io::Result<Option<Begun>> {
    let mut bytes = [0; PREAMBLE_BYTES];
    let read = read_at(file, &mut bytes, 0)?;
    Ok(Outline::begin(&bytes[..read]).ok().map(|begun| Begun {
        header: begun.0,
        records_at: begun.1 as u64,
    }))
}

/// Whether a file begins with zeros, as a slot does that holds nothing.
///
/// # Errors
/// The disk refuses.
pub fn blank(file: &File) -> io::Result<bool> {
    let mut bytes = [0; HEAD_BYTES];
    read_at(file, &mut bytes, 0)?;
    Ok(bytes == [0; HEAD_BYTES])
}

/// Walks over the records without reading them, up to the last mark. Proves nothing; tells the
/// truth of a segment that was closed, because a zero byte stands behind it. `None`: no footage.
///
/// # Errors
/// The disk refuses.
pub fn walk(file: &File, begun: &Begun) -> io::Result<Option<Found>> {
    let end = file.metadata()?.len();
    let (mut at, mut chunks, mut until) = (begun.records_at, 0, 0);
    let mut found = None;
    loop {
        let mut head = [0; HEAD_BYTES];
        let read = read_at(file, &mut head, at)?;
        let told = Outline::told(&head[..read]);
        let (next, mark) = match told {
            Some(Told::Chunk { bytes, until_us }) => {
                chunks += 1;
                until = until_us;
                (at + bytes, None)
            }
            Some(Told::Mark {
                bytes,
                chunks: marked,
                end,
            }) if marked == chunks => (at + bytes, Some(end)),
            _ => return Ok(found),
        };
        if next > end {
            return Ok(found);
        }
        at = next;
        // The first chunk is the init segment.
        if let Some(complete) = mark.filter(|_| chunks > 1) {
            found = Some(Found {
                header: begun.header.clone(),
                duration_us: until,
                bytes: at,
                complete,
                proof: None,
            });
        }
        if mark == Some(true) {
            return Ok(found);
        }
    }
}

/// Reads all of a file and keeps what this box has signed; the bytes themselves come along.
///
/// # Errors
/// The disk refuses.
pub fn whole(path: &Path, device: &VerifyingKey) -> io::Result<(Verdict, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(SEGMENT_BYTES_MAX + 1);
    file.read_to_end(&mut bytes)?;
    let verdict = judge(&bytes, device);
    let kept = match &verdict {
        Verdict::Ours(found) => usize::try_from(found.bytes).unwrap_or(0),
        Verdict::Foreign(_) | Verdict::Empty => 0,
    };
    bytes.truncate(kept);
    Ok((verdict, bytes))
}

/// Scans up to the last mark that this box has signed: what stands beyond it may be torn, or what
/// an earlier segment has left, records, marks and end included.
fn judge(bytes: &[u8], device: &VerifyingKey) -> Verdict {
    let mut end = bytes.len();
    let mut unsigned = None;
    loop {
        end = match Outline::scan(&bytes[..end]) {
            Ok(outline) if outline.marked_bytes() < end => outline.marked_bytes(),
            Ok(outline) => match outline.verify(device) {
                Ok(()) if outline.chunks() > 1 => return Verdict::Ours(found(&outline, bytes)),
                Err(Damage::Signature { at }) => {
                    unsigned = (outline.chunks() > 1).then_some(outline.header);
                    at
                }
                _ => break,
            },
            Err(Damage::Record { at, .. }) => at,
            Err(_) => break,
        };
    }
    unsigned.map_or(Verdict::Empty, Verdict::Foreign)
}

fn found(outline: &Outline, bytes: &[u8]) -> Found {
    Found {
        header: outline.header.clone(),
        duration_us: outline.duration_us,
        bytes: outline.whole_bytes as u64,
        complete: outline.complete,
        proof: Some(Proof {
            sha256: Sha256::digest(&bytes[..outline.whole_bytes]).into(),
            chain: outline.chain,
        }),
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], at + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
