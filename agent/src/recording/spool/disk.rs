//! What the spool asks of a disk. Tests put one in its place that fails.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A disk below the spool.
pub trait Disk: Send + Sync {
    /// Writes all of `bytes` at an offset.
    ///
    /// # Errors
    /// The disk refuses; part of it may have been written.
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes what was written durable, on the device itself.
    ///
    /// # Errors
    /// The disk refuses; nothing written since the last call may then be relied on, ever.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Gives back what of a file lies behind `bytes`.
    ///
    /// # Errors
    /// The disk refuses.
    fn cut(&self, file: &File, bytes: u64) -> io::Result<()>;

    /// Bytes that we may still take; 0 when nobody can tell.
    fn free_bytes(&self, dir: &Path) -> u64;
}

/// The disk as it is.
pub struct RealDisk;

impl Disk for RealDisk {
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn cut(&self, file: &File, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)
    }

    fn free_bytes(&self, dir: &Path) -> u64 {
        let free = rustix::fs::statvfs(dir);
        free.map_or(0, |free| free.f_bavail.saturating_mul(free.f_frsize))
    }
}
