//! Reading: the outline without any key (recovery on the box, verification at ingest), and the
//! content with the day's secret (the hub's key room, for a permit).

use super::crypt::{self, COMMIT_BYTES, ENC_BYTES, Keys, TAG_BYTES, WRAPPED_BYTES, Wrapped};
use super::epoch::DaySecret;
use super::header::Header;
use super::record::{self, CHECKPOINT, CHUNK, CHUNK_HEAD_BYTES, ChunkHead, END, MARK_BYTES};
use super::{CHUNKS_MAX, Damage, SUITE_AES_X25519};
use ed25519_dalek::{Signature, VerifyingKey};
use std::ops::Range;

const MAGIC: &[u8] = b"XKS1";

/// What can be said of a segment without its key.
pub struct Outline {
    /// Which room, when, from which box.
    pub header: Header,
    /// Whether the end is there. When not, the segment is truncated and still good.
    pub complete: bool,
    /// Bytes up to the end of the last whole record.
    pub whole_bytes: usize,
    /// Media covered by the whole chunks, microseconds.
    pub duration_us: u32,
    /// The newest link of the chain.
    pub chain: [u8; 32],
    header_bytes: Vec<u8>,
    wrapped: Wrapped,
    commit: [u8; COMMIT_BYTES],
    chunks: Vec<Chunk>,
    marks: Vec<Mark>,
    cut_head: Option<(ChunkHead, Range<usize>)>,
}

/// The key of one segment, unwrapped. Never stored.
pub struct SegmentKey(Keys);

struct Chunk {
    head: ChunkHead,
    at: usize,
}

struct Mark {
    kind: u8,
    at: usize,
    chain: [u8; 32],
    chunks: u64,
    signature: [u8; 64],
}

impl Outline {
    /// Reads the structure of a segment.
    ///
    /// # Errors
    /// The bytes are not a segment. A segment that ends early is read up to its last whole record.
    pub fn scan(bytes: &[u8]) -> Result<Self, Damage> {
        let mut outline = Self::preamble(bytes)?;
        while !outline.complete {
            let at = outline.whole_bytes;
            let rest = &bytes[at..];
            let read = match rest.first() {
                None => break,
                Some(&CHUNK) => outline.scan_chunk(rest, at)?,
                Some(&kind @ (CHECKPOINT | END)) => outline.scan_mark(kind, rest, at)?,
                Some(_) => {
                    return Err(Damage::Record {
                        at,
                        why: "unknown kind",
                    });
                }
            };
            if read == 0 {
                break;
            }
            outline.whole_bytes += read;
        }
        if outline.complete && outline.whole_bytes != bytes.len() {
            let at = outline.whole_bytes;
            return Err(Damage::Record {
                at,
                why: "bytes after the end",
            });
        }
        Ok(outline)
    }

    /// Checks every mark's signature with the key of the device in the header.
    ///
    /// # Errors
    /// A mark that this device did not sign over this chain.
    pub fn verify(&self, device: &VerifyingKey) -> Result<(), Damage> {
        for mark in &self.marks {
            let message = record::mark_message(mark.kind, &mark.chain, mark.chunks);
            let signature = Signature::from_bytes(&mark.signature);
            if device.verify_strict(&message, &signature).is_err() {
                return Err(Damage::Signature { at: mark.at });
            }
        }
        Ok(())
    }

    /// Unwraps the segment's key.
    ///
    /// # Errors
    /// Another day's secret, or a header that was changed.
    pub fn unwrap_key(&self, day: &DaySecret) -> Result<SegmentKey, Damage> {
        let failed = Damage::Key {
            epoch: self.header.epoch,
        };
        let key = crypt::unwrap(&self.wrapped, day, &self.header_bytes).ok_or(failed.clone())?;
        let keys = Keys::derive(&key, &self.header_bytes);
        if keys.commit != self.commit {
            return Err(failed);
        }
        Ok(SegmentKey(keys))
    }

    /// Opens all whole chunks of `bytes`, which must be what was scanned: the init segment, then
    /// the fragments.
    ///
    /// # Errors
    /// A chunk that was changed, moved, or whose announced length was changed.
    pub fn open(&self, bytes: &[u8], key: &SegmentKey) -> Result<Vec<Vec<u8>>, Damage> {
        let mut plain = Vec::with_capacity(self.chunks.len());
        for (index, chunk) in (0..).zip(&self.chunks) {
            let opened = self.open_chunk(bytes, &key.0, index, chunk);
            let opened = opened.ok_or(Damage::Chunk { index })?;
            if !chunk.head.last {
                plain.push(opened);
            }
        }
        self.check_cut_head(bytes, &key.0)?;
        Ok(plain)
    }

    fn open_chunk(&self, bytes: &[u8], keys: &Keys, index: u64, chunk: &Chunk) -> Option<Vec<u8>> {
        let aad = self.aad(chunk.head);
        let tag_at = chunk.at + CHUNK_HEAD_BYTES;
        let body_at = tag_at + TAG_BYTES;
        let tag = bytes.get(tag_at..body_at)?;
        let body = bytes.get(body_at..body_at + chunk.head.length as usize)?;
        let last = chunk.head.last;
        if !keys.head_is_true(index, last, &aad, tag) {
            return None;
        }
        keys.open(index, last, &aad, body)
    }

    fn check_cut_head(&self, bytes: &[u8], keys: &Keys) -> Result<(), Damage> {
        let Some((head, tag)) = &self.cut_head else {
            return Ok(());
        };
        let index = self.chunks.len() as u64;
        let tag = bytes.get(tag.clone()).unwrap_or_default();
        if keys.head_is_true(index, head.last, &self.aad(*head), tag) {
            return Ok(());
        }
        Err(Damage::Chunk { index })
    }

    fn aad(&self, head: ChunkHead) -> Vec<u8> {
        [&self.header_bytes[..], &head.encode()].concat()
    }

    fn preamble(bytes: &[u8]) -> Result<Self, Damage> {
        let short = Damage::Preamble("it ends within its preamble");
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(Damage::Preamble("it does not begin XKS1"))?;
        let (&[suite, l0, l1], rest) = rest.split_first_chunk().ok_or(short.clone())?;
        if suite != SUITE_AES_X25519 {
            return Err(Damage::Suite(suite));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (header, rest) = rest.split_at_checked(length).ok_or(short.clone())?;
        let (&enc, rest) = rest.split_first_chunk::<ENC_BYTES>().ok_or(short.clone())?;
        let (&wrapped, rest) = rest
            .split_first_chunk::<WRAPPED_BYTES>()
            .ok_or(short.clone())?;
        let (&commit, rest) = rest.split_first_chunk::<COMMIT_BYTES>().ok_or(short)?;
        let whole_bytes = bytes.len() - rest.len();
        Ok(Self {
            header: Header::decode(header)?,
            complete: false,
            whole_bytes,
            duration_us: 0,
            chain: crypt::chain_start(&bytes[..whole_bytes]),
            header_bytes: header.to_vec(),
            wrapped: Wrapped { enc, wrapped },
            commit,
            chunks: Vec::new(),
            marks: Vec::new(),
            cut_head: None,
        })
    }

    /// Returns the bytes of the record, or 0 when it is cut.
    fn scan_chunk(&mut self, rest: &[u8], at: usize) -> Result<usize, Damage> {
        let bad = |why| Err(Damage::Record { at, why });
        if self.chunks.last().is_some_and(|chunk| chunk.head.last) {
            return bad("chunk after the last chunk");
        }
        if self.chunks.len() as u64 > CHUNKS_MAX {
            return bad("too many chunks");
        }
        let Some(head) = rest.first_chunk() else {
            return Ok(0);
        };
        let head = ChunkHead::decode(head, at)?;
        let body_at = CHUNK_HEAD_BYTES + TAG_BYTES;
        if rest.len() < body_at {
            return Ok(0);
        }
        let length = body_at + head.length as usize;
        let Some(record) = rest.get(..length) else {
            self.cut_head = Some((head, at + CHUNK_HEAD_BYTES..at + body_at));
            return Ok(0);
        };
        self.chain = crypt::chain_next(&self.chain, record);
        self.duration_us = head.until_us;
        self.chunks.push(Chunk { head, at });
        Ok(length)
    }

    /// Returns the bytes of the record, or 0 when it is cut.
    fn scan_mark(&mut self, kind: u8, rest: &[u8], at: usize) -> Result<usize, Damage> {
        let Some(record) = rest.first_chunk::<MARK_BYTES>() else {
            return Ok(0);
        };
        let (count, signature) = record[1..].split_at(8);
        let chunks = self.chunks.len() as u64;
        if count != chunks.to_be_bytes() {
            return Err(Damage::Record {
                at,
                why: "mark counts other chunks",
            });
        }
        let ended = self.chunks.last().is_some_and(|chunk| chunk.head.last);
        if ended != (kind == END) {
            return Err(Damage::Record {
                at,
                why: "end and last chunk do not agree",
            });
        }
        let signature = signature.try_into().expect("invariant: 73 - 9 = 64");
        self.marks.push(Mark {
            kind,
            at,
            chain: self.chain,
            chunks,
            signature,
        });
        self.complete = kind == END;
        Ok(MARK_BYTES)
    }

    /// Bytes up to the end of the last mark; 0 without one. After a crash, what stands beyond it
    /// may be torn in ways that show only with the segment's key.
    pub fn marked_bytes(&self) -> usize {
        self.marks.last().map_or(0, |mark| mark.at + MARK_BYTES)
    }

    /// How many whole chunks hold content (init segment and fragments).
    pub fn chunks(&self) -> usize {
        self.chunks.iter().filter(|chunk| !chunk.head.last).count()
    }
}

/// Unwrapping is a secret's business: never printed.
impl std::fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SegmentKey(secret)")
    }
}
