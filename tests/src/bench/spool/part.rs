//! The processes that are measured: one fills a spool, one opens it.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use xunke_agent::config::Config;
use xunke_agent::identity::Identity;
use xunke_agent::recording::seal::{Label, Seal};
use xunke_agent::recording::spool::{Entry, Limits, Spool};
use xunke_mutate::Dice;

use crate::bench::figure::percentile;
use crate::bench::usage::Usage;
use crate::clock::now_ms;

const MIB: u64 = 1024 * 1024;
/// Two seconds at 8 Mbit/s.
const FRAGMENT_BYTES: usize = 2_000_000;
const FRAGMENT_US: u32 = 2_000_000;
const GAPS_MAX: usize = 1024;

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Records.
    Fill,
    /// Opens what was recorded.
    Open,
}

/// A process of the bench.
#[derive(Debug, Clone, Args)]
pub struct Part {
    /// Which.
    #[arg(value_enum)]
    pub role: Role,
    /// The box's identity.
    #[arg(long)]
    pub state: PathBuf,
    /// The spool.
    #[arg(long)]
    pub folder: PathBuf,
    /// How much to record.
    #[arg(long)]
    pub mib: u64,
    /// The hub has signed for all that is there.
    #[arg(long)]
    pub receipts: bool,
}

/// What was recorded.
#[derive(Debug, Serialize, Deserialize)]
pub struct Filled {
    /// Sealed bytes.
    pub bytes: u64,
    /// Fragments.
    pub fragments: u64,
    /// Segments.
    pub segments: u64,
    /// Memory at the end.
    pub resident_mb: f64,
    /// Until a fragment was durable.
    pub p50_ms: f64,
    /// The slowest hundredth.
    pub p99_ms: f64,
}

/// How opening went.
#[derive(Debug, Serialize, Deserialize)]
pub struct Opened {
    /// How long it took.
    pub ms: f64,
    /// Segments that wait.
    pub segments: u64,
    /// Memory after it.
    pub resident_mb: f64,
}

/// Does the part and prints one line.
///
/// # Errors
/// The disk refuses.
pub fn run(part: &Part) -> Result<()> {
    let line = match part.role {
        Role::Fill => serde_json::to_string(&fill(part)?)?,
        Role::Open => serde_json::to_string(&open(part)?)?,
    };
    println!("{line}");
    Ok(())
}

/// Takes the index away, as a disk that lost it; the segments stay.
///
/// # Errors
/// There is none.
pub fn without_index(spool: &Path) -> Result<()> {
    let mut taken = 0;
    for item in fs::read_dir(spool)? {
        let path = item?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("_index") {
            continue;
        }
        taken += 1;
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    ensure!(taken > 0, "there is no index in {}", spool.display());
    Ok(())
}

/// As the agent opens it by default, with room for all.
fn spool(part: &Part) -> Result<(Spool, Seal)> {
    let identity = Identity::load(&part.state)?;
    let limits = Limits {
        bytes_max: 64 * 1024 * MIB,
        free_bytes_min: 16 * MIB,
        slot_bytes: Config::default().spool.slot_mib * MIB,
    };
    let (gaps, _told) = mpsc::channel(GAPS_MAX);
    let device = identity.device_signing_key.verifying_key();
    let spool = Spool::open(&part.folder, limits, &device, gaps)?;
    while let Some((segment, _)) = spool.oldest(|_| false).filter(|_| part.receipts) {
        spool.forget(segment);
    }
    Ok((spool, Seal::of(&identity)))
}

fn fill(part: &Part) -> Result<Filled> {
    let (spool, seal) = spool(part)?;
    let plain = Dice::of(1, 1).bytes(FRAGMENT_BYTES);
    let seconds = Config::default().recording.segment_seconds;
    // A segment ends before its slot is full, as the agent cuts it.
    let slot_bytes = Config::default().spool.slot_mib * MIB - 64 * 1024;
    let fit = slot_bytes / (FRAGMENT_BYTES as u64 + 1024);
    let fragments = u32::try_from((seconds * 1_000_000 / u64::from(FRAGMENT_US)).min(fit))?;
    let mut filled = Filled {
        bytes: 0,
        fragments: 0,
        segments: 0,
        resident_mb: 0.0,
        p50_ms: 0.0,
        p99_ms: 0.0,
    };
    let mut took_ms = Vec::new();
    let mut start_us = now_ms() * 1000;
    while filled.bytes < part.mib * MIB {
        start_us += i64::from(fragments * FRAGMENT_US);
        filled.bytes += segment(&spool, &seal, start_us, fragments, &plain, &mut took_ms)?;
        filled.fragments += u64::from(fragments);
        filled.segments += 1;
    }
    filled.p50_ms = percentile(&took_ms, 0.5);
    filled.p99_ms = percentile(&took_ms, 0.99);
    filled.resident_mb = Usage::of(std::process::id())?.resident_mb;
    spool.close();
    Ok(filled)
}

/// Records one segment; gives its sealed bytes.
fn segment(
    spool: &Spool,
    seal: &Seal,
    start_us: i64,
    fragments: u32,
    plain: &[u8],
    took_ms: &mut Vec<f64>,
) -> Result<u64> {
    let source: xunke_protocol::id::SourceName = "cam0".parse()?;
    let label = Label {
        source: source.clone(),
        start_us,
        codecs: "avc1.640028".into(),
        previous: spool.tail(&source).map_or([0; 32], |tail| tail.chain),
    };
    let (segment, mut sealer, mut first) = seal.begin(&label)?;
    first.extend(sealer.chunk(&plain[..700], 0)?);
    let entry = Entry {
        source,
        start_us,
        duration_us: 0,
        bytes: 0,
        sha256: None,
    };
    let mut bytes = first.len();
    let mut writer = spool.create(segment, entry, &first)?;
    for number in 1..=fragments {
        let began = Instant::now();
        let until_us = number * FRAGMENT_US;
        let mut record = sealer.chunk(plain, until_us)?;
        record.extend(sealer.checkpoint());
        writer.append(&record, until_us, sealer.chain())?;
        bytes += record.len();
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let (records, chain) = sealer.finish();
    writer.end(&records, chain)?;
    Ok((bytes + records.len()) as u64)
}

fn open(part: &Part) -> Result<Opened> {
    let began = Instant::now();
    let (spool, _) = spool(part)?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let segments = Cell::new(0);
    spool.oldest(|_| {
        segments.set(segments.get() + 1);
        true
    });
    let resident_mb = Usage::of(std::process::id())?.resident_mb;
    spool.close();
    Ok(Opened {
        ms,
        segments: segments.get(),
        resident_mb,
    })
}
