//! Reading: the outline without any key (recovery on the box, verification at ingest), and the
//! content with the day's secret (the hub's key room, for a permit).

use super::epoch::DaySecret;
use super::header::Header;
use super::record::{self, CHECKPOINT, CHUNK, CHUNK_HEAD_BYTES, ChunkHead, END, MARK_BYTES};
use super::suite::{KEY_BYTES, Keys, Suite, TAG_BYTES};
use super::{CHUNKS_MAX, Damage};
use ed25519_dalek::{Signature, VerifyingKey};
use std::ops::Range;
use zeroize::Zeroizing;

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
    suite: Suite,
    header_bytes: Vec<u8>,
    wrapped: Vec<u8>,
    commit: [u8; KEY_BYTES],
    chunks: Vec<Chunk>,
    marks: Vec<Mark>,
    cut_head: Option<(ChunkHead, Range<usize>)>,
}

/// The key of one segment, unwrapped. Never stored.
pub struct SegmentKey(Keys);

/// What the key of one segment is made from. Stored only sealed again, in the hub's key room, for
/// a recording that outlives its day.
pub struct SegmentSecret(Zeroizing<[u8; 32]>);

impl SegmentSecret {
    /// Takes stored bytes back.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store, encrypted, in the key room.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }
}

/// One record as its first bytes tell it. Whether it is genuine only a mark can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A chunk.
    Chunk {
        /// All of its bytes.
        bytes: u64,
        /// Media covered from the segment's start to the end of this chunk, microseconds.
        until_us: u32,
    },
    /// A mark.
    Mark {
        /// All of its bytes.
        bytes: u64,
        /// Chunks before it.
        chunks: u64,
        /// Whether the segment ends with it.
        end: bool,
    },
}

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
        self.key_from(&self.unwrap_secret(day)?)
    }

    /// Unwraps what the segment's key is made from, to be sealed again; good for this segment.
    ///
    /// # Errors
    /// Another day's secret, or a header that was changed.
    pub fn unwrap_secret(&self, day: &DaySecret) -> Result<SegmentSecret, Damage> {
        let unwrapped = day.unwrap(self.suite, &self.wrapped, &self.header_bytes);
        let secret = SegmentSecret(unwrapped.ok_or(self.no_key())?);
        self.key_from(&secret).map(|_| secret)
    }

    /// Makes the segment's key from what [`Outline::unwrap_secret`] gave.
    ///
    /// # Errors
    /// Another segment's secret, or a header that was changed.
    pub fn key_from(&self, secret: &SegmentSecret) -> Result<SegmentKey, Damage> {
        let keys = self.suite.primitives().keys(&secret.0, &self.header_bytes);
        if keys.commit != self.commit {
            return Err(self.no_key());
        }
        Ok(SegmentKey(keys))
    }

    fn no_key(&self) -> Damage {
        Damage::Key {
            epoch: self.header.epoch,
        }
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

    /// Opens what is needed to play from `from_us` (microseconds from the segment's start) on: the
    /// init segment, and the fragments from the last one on that covers `from_us` or what is before
    /// it and that `begins` (with a keyframe). Looked for backwards, so that nothing before it is
    /// opened; where none begins, all are opened. With them: where the first of them begins.
    ///
    /// # Errors
    /// One of the chunks it opens was changed, moved, or its announced length was.
    pub fn open_from(
        &self,
        bytes: &[u8],
        key: &SegmentKey,
        from_us: u32,
        begins: impl Fn(&[u8]) -> bool,
    ) -> Result<(u32, Vec<Vec<u8>>), Damage> {
        let content = self.chunks();
        let open = |at: usize| {
            let index = at as u64;
            let chunk = &self.chunks[at];
            let opened = self.open_chunk(bytes, &key.0, index, chunk);
            opened.ok_or(Damage::Chunk { index })
        };
        let begin_us = |at: usize| match at {
            0 => 0,
            _ => self.chunks[at - 1].head.until_us,
        };
        // Before the first fragment stands the init segment.
        let wanted = |at: &usize| *at == 1 || from_us > 0 && begin_us(*at) <= from_us;
        let mut first = (1..content).rev().find(wanted).unwrap_or(content);
        let mut plain = Vec::new();
        while first > 0 && first < content {
            let opened = open(first)?;
            let found = begins(&opened);
            plain.push(opened);
            if found || first == 1 {
                break;
            }
            first -= 1;
        }
        if content > 0 {
            plain.push(open(0)?);
        }
        plain.reverse();
        for at in first + plain.len().saturating_sub(1)..content {
            plain.push(open(at)?);
        }
        self.check_cut_head(bytes, &key.0)?;
        Ok((begin_us(first), plain))
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

    /// What a segment says of itself, from its first bytes, and where its first record begins.
    ///
    /// # Errors
    /// The bytes do not begin a segment, or the preamble is not all there.
    pub fn begin(bytes: &[u8]) -> Result<(Header, usize), Damage> {
        Self::preamble(bytes).map(|outline| (outline.header, outline.whole_bytes))
    }

    /// What the record with these first bytes is, for walking over a segment without reading all
    /// of it. `None` where no record stands.
    pub fn told(bytes: &[u8]) -> Option<Told> {
        match *bytes.first()? {
            CHUNK => {
                let head = ChunkHead::decode(bytes.first_chunk()?, 0).ok()?;
                let body = CHUNK_HEAD_BYTES + TAG_BYTES + head.length as usize;
                Some(Told::Chunk {
                    bytes: body as u64,
                    until_us: head.until_us,
                })
            }
            kind @ (CHECKPOINT | END) => Some(Told::Mark {
                bytes: MARK_BYTES as u64,
                chunks: u64::from_be_bytes(*bytes[1..].first_chunk()?),
                end: kind == END,
            }),
            _ => None,
        }
    }

    fn preamble(bytes: &[u8]) -> Result<Self, Damage> {
        let short = Damage::Preamble("it ends within its preamble");
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(Damage::Preamble("it does not begin XKS1"))?;
        let (&[suite, l0, l1], rest) = rest.split_first_chunk().ok_or(short.clone())?;
        let suite = Suite::of(suite).ok_or(Damage::Suite(suite))?;
        let header_bytes = usize::from(u16::from_be_bytes([l0, l1]));
        let wrapped_bytes = suite.primitives().wrapped_bytes();
        let (header, rest) = rest.split_at_checked(header_bytes).ok_or(short.clone())?;
        let (wrapped, rest) = rest.split_at_checked(wrapped_bytes).ok_or(short.clone())?;
        let (&commit, rest) = rest.split_first_chunk().ok_or(short)?;
        let whole_bytes = bytes.len() - rest.len();
        Ok(Self {
            header: Header::decode(header)?,
            complete: false,
            whole_bytes,
            duration_us: 0,
            chain: record::chain_start(suite, &bytes[..whole_bytes]),
            suite,
            header_bytes: header.to_vec(),
            wrapped: wrapped.to_vec(),
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
        self.chain = record::chain_next(self.suite, &self.chain, record);
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

/// The same.
impl std::fmt::Debug for SegmentSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SegmentSecret")
    }
}
