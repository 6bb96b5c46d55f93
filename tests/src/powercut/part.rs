//! The processes whose power is cut: a box that records, the control, and the next start that looks
//! at what is there.

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};
use xunke_agent::recording::spool::Spool;
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;
use xunke_protocol::sealed::Outline;

use super::account::{Found, Piece};
use super::lesson::piece;
use super::plain;
use super::recorder::Recorder;
use crate::campus::BoxKeys;

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Records into a spool.
    Box,
    /// Writes plain files.
    Plain,
    /// Starts on what is there, tells it, and goes on.
    Again,
}

/// A process of the rig.
#[derive(Debug, Clone, Args)]
pub struct Part {
    /// Which.
    #[arg(value_enum)]
    pub role: Role,
    /// The box's identity.
    #[arg(long)]
    pub state: PathBuf,
    /// Where it records to.
    #[arg(long)]
    pub folder: PathBuf,
    /// Where it says what is durable.
    #[arg(long)]
    pub ear: PathBuf,
    /// How many fragments.
    #[arg(long, default_value_t = 0)]
    pub fragments: usize,
    /// Of its chances.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Does the part; its last line says that it is done, or what it has found.
///
/// # Errors
/// The disk refuses.
pub fn run(part: &Part) -> Result<()> {
    let mut dice = Dice::of(part.seed, 0);
    match part.role {
        Role::Box => {
            let mut recorder = Recorder::start(&part.state, &part.folder, &part.ear)?;
            recorder.record(&part.folder, part.fragments, &mut dice)?;
            recorder.close();
            println!("done");
        }
        Role::Plain => {
            plain::record(&part.folder, &part.ear, part.fragments, &mut dice)?;
            println!("done");
        }
        Role::Again => println!("{}", serde_json::to_string(&again(part)?)?),
    }
    Ok(())
}

fn again(part: &Part) -> Result<Found> {
    let keys = BoxKeys::read(&part.state)?;
    let began = Instant::now();
    let mut recorder = Recorder::start(&part.state, &part.folder, &part.ear)?;
    let mut found = Found {
        opened_ms: u64::try_from(began.elapsed().as_millis())?,
        ..Found::default()
    };
    for segment in recorder.waiting() {
        match look(recorder.spool(), *segment, &keys) {
            Ok(piece) => found.segments.push(piece),
            Err(error) => found.wrong.push(format!("segment {segment}: {error:#}")),
        }
    }
    match recorder.events() {
        Ok(events) => found.events = events,
        Err(error) => found.wrong.push(format!("outbox: {error:#}")),
    }
    if let Err(error) = goes_on(&mut recorder, part, &keys) {
        found.wrong.push(format!("it does not go on: {error:#}"));
    }
    recorder.close();
    Ok(found)
}

/// Keeps an event, records a segment, starts again, and finds all that is still owed.
fn goes_on(recorder: &mut Recorder, part: &Part, keys: &BoxKeys) -> Result<()> {
    recorder.one_event()?;
    let own = recorder.one()?;
    let owed = recorder.waiting().clone();
    recorder.again(&part.folder)?;
    let missing: Vec<_> = owed.difference(recorder.waiting()).collect();
    ensure!(missing.is_empty(), "gone after another start: {missing:?}");
    let piece = look(recorder.spool(), own, keys)?;
    ensure!(piece.pieces == 3, "{piece:?} of 3");
    Ok(())
}

/// Opens a segment as the hub would, and compares all of it with what was recorded.
fn look(spool: &Spool, segment: SegmentId, keys: &BoxKeys) -> Result<Piece> {
    let reader = spool.read(segment)?;
    let mut reader = reader.context("it is listed, and not there")?;
    let (length, sha256) = (reader.length(), reader.sha256());
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    // Its end promises nothing and may be missing: what is known of it is right once it was read.
    let listed = spool.oldest(|other| other != segment);
    let (_, entry) = listed.context("it is listed no more")?;
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    ensure!(
        bytes.len() as u64 == length && length == entry.bytes,
        "{} bytes, not {length}, and not {}",
        bytes.len(),
        entry.bytes
    );
    ensure!(hash == sha256, "its bytes are others than the spool says");
    let outline = Outline::scan(&bytes)?;
    outline.verify(&keys.device)?;
    ensure!(outline.header.segment == segment, "it bears another name");
    ensure!(
        outline.duration_us == entry.duration_us,
        "the spool says another length"
    );
    let plain = outline.open(&bytes, &outline.unwrap_key(&keys.day_secret()?)?)?;
    for (index, chunk) in (0..).zip(&plain) {
        ensure!(
            *chunk == piece(segment, index),
            "piece {index} is another's"
        );
    }
    Ok(Piece {
        segment,
        pieces: plain.len() as u64,
        until_us: outline.duration_us,
    })
}
