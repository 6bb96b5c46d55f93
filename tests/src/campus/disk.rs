//! A disk that can be full: a small file system in the place of a folder, seen by one process
//! alone and gone with it. It takes user namespaces, not root.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::fs::statvfs;

/// Makes the file system, takes what the folder holds along, fills it if it is to be full, and
/// becomes the program.
const SCRIPT: &str = r#"mount -t tmpfs -o "size=$1,mode=700" none "$0.disk" &&
cp -a "$0/." "$0.disk" && mount --move "$0.disk" "$0" || exit
[ "$2" = false ] || cat /dev/zero > "$0/ballast" 2> /dev/null
shift 2 && exec "$@""#;
const UNSHARE: [&str; 3] = ["--user", "--map-root-user", "--mount"];
const BALLAST: &str = "ballast";
const PIECE_BYTES: usize = 64 * 1024;
/// Space is handed out in pages.
const PAGE_BYTES: u64 = 4096;

/// What a folder is to lie on for one process.
#[derive(Debug, Clone)]
pub struct SmallDisk {
    folder: PathBuf,
    mib: u64,
    full: bool,
}

impl SmallDisk {
    /// A disk of so many MiB, all of it memory, in the place of `folder`.
    #[must_use]
    pub fn new(folder: &Path, mib: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            mib,
            full: false,
        }
    }

    /// The same, filled before the program starts.
    #[must_use]
    pub fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// Whether this machine lets us make one; many containers do not.
    #[must_use]
    pub fn is_possible() -> bool {
        let mut command = Command::new("unshare");
        command.args(UNSHARE).args(["--", "mount", "-t", "tmpfs"]);
        command.arg("none").arg(std::env::temp_dir());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// What to start in order to start `program` on this disk: a program and its arguments.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn under<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<(PathBuf, Vec<OsString>)> {
        let mut disk = self.folder.clone().into_os_string();
        disk.push(".disk");
        fs::create_dir_all(disk)?;
        let mut all: Vec<OsString> = UNSHARE.map(OsString::from).to_vec();
        all.extend(["--", "sh", "-c", SCRIPT].map(OsString::from));
        all.push(self.folder.clone().into());
        all.push(format!("{}m", self.mib).into());
        all.push(self.full.to_string().into());
        all.push(program.into());
        all.extend(arguments.into_iter().map(|one| one.as_ref().to_owned()));
        Ok(("unshare".into(), all))
    }

    /// The folder as the process on this disk sees it.
    #[must_use]
    pub fn seen_by(&self, pid: u32) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        root.join(self.folder.strip_prefix("/").unwrap_or(&self.folder))
    }

    /// Takes all that is free but for `bytes`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn fill(&self, pid: u32, bytes: u64) -> Result<()> {
        let folder = self.seen_by(pid);
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(folder.join(BALLAST))
            .context("no such disk")?;
        let piece = vec![0; PIECE_BYTES];
        loop {
            let disk = statvfs(&folder)?;
            let excess = (disk.f_bavail * disk.f_frsize).saturating_sub(bytes);
            if excess < PAGE_BYTES {
                return Ok(());
            }
            let take = PIECE_BYTES.min(usize::try_from(excess)?);
            match ballast.write_all(&piece[..take]) {
                // The process was faster.
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                written => written?,
            }
        }
    }

    /// Gives back all that [`SmallDisk::fill`] has taken.
    ///
    /// # Errors
    /// Nothing was taken, or the process is gone.
    pub fn clear(&self, pid: u32) -> Result<()> {
        let ballast = self.seen_by(pid).join(BALLAST);
        fs::remove_file(&ballast).with_context(|| format!("no {}", ballast.display()))
    }
}
