//! Files that are whole or absent, whenever the power goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Replaces `file` by `bytes`, readable by the owner alone. When this returns, a power cut cannot
/// undo it; when it fails, the old file is still there.
///
/// # Errors
/// The directory does not exist or refuses, or the disk is full.
pub fn write_durable(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let fresh = file.with_extension("new");
    let written = write_all(&fresh, bytes).and_then(|()| std::fs::rename(&fresh, file));
    if written.is_err() {
        drop(std::fs::remove_file(&fresh));
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write_all(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A leftover of a crash may have any mode; a new file has ours.
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut open = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    open.write_all(bytes)?;
    open.sync_all()
}
