//! The drive: a file system of two files in our memory. One is the disk, and remembers every write
//! and flush; the other is where somebody says what is durable, so that both share one order.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyWrite, Request, WriteFlags,
};

use super::history::{Event, History};

const DISK: INodeNo = INodeNo(2);
const EAR: INodeNo = INodeNo(3);
const NAMES: [(&str, INodeNo); 2] = [("disk", DISK), ("said", EAR)];
const TTL: Duration = Duration::from_secs(3600);

/// A drive that remembers. Dropping it pulls it out.
pub struct Drive {
    inside: Arc<Mutex<Inside>>,
    folder: PathBuf,
    session: BackgroundSession,
}

struct Inside {
    bytes: Vec<u8>,
    history: History,
}

impl Drive {
    /// A drive with `base` on it, as files in `folder`, which is made.
    ///
    /// # Errors
    /// FUSE does not work here.
    pub fn start(folder: &Path, base: Vec<u8>) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let inside = Inside {
            bytes: base.clone(),
            history: History {
                base,
                ..History::default()
            },
        };
        let inside = Arc::new(Mutex::new(inside));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("xunke-powercut".into())];
        let session = fuser::spawn_mount(Files(inside.clone()), folder, &config);
        Ok(Self {
            inside,
            folder: folder.to_owned(),
            session: session.context("FUSE does not work here")?,
        })
    }

    /// The disk.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join(NAMES[0].0)
    }

    /// Where to say things, one line a write.
    #[must_use]
    pub fn ear(&self) -> PathBuf {
        self.folder.join(NAMES[1].0)
    }

    /// How many things have happened.
    #[must_use]
    pub fn now(&self) -> usize {
        lock(&self.inside).history.events.len()
    }

    /// Pulls it out. Nobody may hold its files.
    ///
    /// # Errors
    /// Somebody holds them.
    pub fn end(self) -> Result<History> {
        self.session
            .umount_and_join()
            .context("the drive is busy")?;
        Ok(std::mem::take(&mut lock(&self.inside).history))
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Files(Arc<Mutex<Inside>>);

impl Files {
    fn attributes(&self, inode: INodeNo) -> Option<FileAttr> {
        let size = match inode {
            INodeNo::ROOT | EAR => 0,
            DISK => lock(&self.0).bytes.len() as u64,
            _ => return None,
        };
        let folder = inode == INodeNo::ROOT;
        Some(FileAttr {
            ino: inode,
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: [FileType::RegularFile, FileType::Directory][usize::from(folder)],
            perm: if folder { 0o700 } else { 0o600 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }
}

impl Filesystem for Files {
    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = NAMES.into_iter().find(|(known, _)| name == *known);
        let inode = found.filter(|_| parent == INodeNo::ROOT);
        match inode.and_then(|(_, inode)| self.attributes(inode)) {
            Some(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _req: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(inode) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    // Nothing of it in the kernel's cache: a write is here when it is said to be.
    fn open(&self, _req: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _req: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let inside = lock(&self.0);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let until = from.saturating_add(size as usize).min(inside.bytes.len());
        match inside.bytes.get(from..until) {
            Some(bytes) if inode == DISK => reply.data(bytes),
            _ => reply.data(&[]),
        }
    }

    fn write(
        &self,
        _req: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let inside = &mut *lock(&self.0);
        let written = u32::try_from(data.len()).unwrap_or(0);
        if inode == EAR {
            let line = String::from_utf8_lossy(data).trim_end().to_owned();
            inside.history.events.push(Event::Said(line));
            return reply.written(written);
        }
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let place = inside.bytes.get_mut(at..at.saturating_add(data.len()));
        let Some(place) = place.filter(|_| inode == DISK) else {
            return reply.error(Errno::ENOSPC);
        };
        place.copy_from_slice(data);
        let bytes = data.into();
        inside.history.events.push(Event::Write { at, bytes });
        reply.written(written);
    }

    fn fsync(&self, _req: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        if inode == DISK {
            lock(&self.0).history.events.push(Event::Flush);
        }
        reply.ok();
    }
}
