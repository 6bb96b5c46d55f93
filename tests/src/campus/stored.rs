//! What the hub's library holds, looked at from behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use xunke_protocol::id::SegmentId;

use super::hub::Hub;

/// All segments of the library whose file is there once and whole, with that file.
///
/// # Errors
/// The store or a folder cannot be read.
pub fn stored(hub: &Hub, wrong: &mut Vec<String>) -> Result<BTreeMap<SegmentId, PathBuf>> {
    // A file has its place before its row, so no row that is read first lacks its file.
    let rows = hub.sql("SELECT id, sha256 FROM segments ORDER BY id")?;
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    collect(&hub.data_dir(), &mut files)?;
    let mut there = BTreeMap::new();
    for row in rows.lines() {
        let (id, sha256) = row.split_once('|').context("not a row")?;
        match files.get(id).map_or(&[][..], Vec::as_slice) {
            [file] if hash(file)? == sha256 => drop(there.insert(id.parse()?, file.clone())),
            [file] => wrong.push(format!("{} is not what was signed for", file.display())),
            [] => wrong.push(format!("the row of segment {id} has no file")),
            more => wrong.push(format!("segment {id} has {} files", more.len())),
        }
    }
    Ok(there)
}

fn hash(file: &Path) -> Result<String> {
    let digest = Sha256::digest(fs::read(file)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// All sealed files below a folder, by name.
fn collect(folder: &Path, files: &mut BTreeMap<String, Vec<PathBuf>>) -> Result<()> {
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "xks") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            files.entry(name.into_owned()).or_default().push(path);
        }
    }
    Ok(())
}
