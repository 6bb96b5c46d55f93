//! The control: the same fragments into plain files, unsealed and never flushed, and told of as if
//! they were durable. A rig that finds nothing wrong with this finds nothing.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use uuid::Uuid;
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;

use super::account::{Found, Piece, Said};
use super::lesson::{FRAGMENT_US, piece};

const PIECES: u64 = 6;

/// Writes so many fragments into `folder` and speaks into `ear`.
///
/// # Errors
/// The disk refuses.
pub fn record(folder: &Path, ear: &Path, fragments: usize, dice: &mut Dice) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut ear = File::options().write(true).open(ear)?;
    let mut left = fragments as u64;
    while left > 0 {
        let id = u128::from(dice.throw()) << 64 | u128::from(dice.throw());
        let segment = SegmentId(Uuid::from_u128(id));
        let mut file = File::create(folder.join(segment.to_string()))?;
        for index in 0..PIECES.min(left + 1) {
            let (pieces, until_us) = (index + 1, u32::try_from(index)? * FRAGMENT_US);
            let hands = Said::Hands {
                segment,
                pieces,
                until_us,
            };
            ear.write_all(hands.line().as_bytes())?;
            file.write_all(&piece(segment, index))?;
            let durable = Said::Durable {
                segment,
                pieces,
                until_us,
            };
            ear.write_all(durable.line().as_bytes())?;
        }
        left = left.saturating_sub(PIECES - 1);
    }
    Ok(())
}

/// What is there of it.
///
/// # Errors
/// The folder cannot be read.
pub fn found(folder: &Path) -> Result<Found> {
    let mut found = Found::default();
    // It may not be there at all.
    for file in fs::read_dir(folder).into_iter().flatten() {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let segment: SegmentId = name.context("no name")?.parse()?;
        let bytes = fs::read(&path)?;
        let pieces = whole(segment, &bytes);
        found.segments.push(Piece {
            segment,
            pieces,
            until_us: u32::try_from(pieces.saturating_sub(1))? * FRAGMENT_US,
        });
    }
    Ok(found)
}

fn whole(segment: SegmentId, mut bytes: &[u8]) -> u64 {
    let mut pieces = 0;
    while let Some(rest) = bytes.strip_prefix(&piece(segment, pieces)[..]) {
        bytes = rest;
        pieces += 1;
    }
    pieces
}
