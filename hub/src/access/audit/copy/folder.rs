//! The folder: every touch of it on a thread of its own, which may hang without anybody waiting.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::super::export;
use super::{MARKER, Trouble};

/// What went wrong, and the cause for the log.
#[derive(Debug)]
pub struct Failure {
    pub trouble: Trouble,
    pub cause: String,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let cause = String::new();
        Self { trouble, cause }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let trouble = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full,
            _ => Trouble::Unreachable,
        };
        let cause = error.to_string();
        Self { trouble, cause }
    }
}

fn no_answer() -> Failure {
    Failure {
        trouble: Trouble::Unreachable,
        cause: "the folder does not answer".into(),
    }
}

/// A folder of another machine.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// How long it may take for one step.
    step_max: Duration,
    /// A thread is in it; while one hangs there, no other goes in.
    taken: Arc<AtomicBool>,
}

/// Frees the folder when its thread has come out, however it came out.
struct Inside(Arc<AtomicBool>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Folder {
    pub fn new(path: PathBuf, step_max: Duration) -> Self {
        Self {
            path,
            step_max,
            taken: Arc::default(),
        }
    }

    /// The names of the files in it, once it is the folder that was meant.
    pub async fn names(&self) -> Result<HashSet<String>, Failure> {
        let path = self.path.clone();
        let answer = self.enter(move || names(&path))?;
        let answer = timeout(self.step_max, answer).await;
        let answer = answer.map_err(|_| no_answer())?;
        answer.map_err(|_| no_answer())?
    }

    /// Begins to write a file that is not there yet.
    pub fn write(&self, name: String, key: VerifyingKey) -> Result<Writing, Failure> {
        let (pieces, coming) = mpsc::channel(2);
        let folder = self.path.clone();
        let answer = self.enter(move || write(&folder, &name, coming, &key))?;
        Ok(Writing {
            step_max: self.step_max,
            pieces,
            answer,
        })
    }

    fn enter<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Failure>>, Failure> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(no_answer());
        }
        let inside = Inside(self.taken.clone());
        let (tell, told) = oneshot::channel();
        let thread = thread::Builder::new().name("trail-copy".into());
        thread.spawn(move || {
            let answer = work();
            drop(inside);
            drop(tell.send(answer));
        })?;
        Ok(told)
    }
}

/// A file on its way into the folder.
pub struct Writing {
    step_max: Duration,
    pieces: mpsc::Sender<Option<String>>,
    answer: oneshot::Receiver<Result<(), Failure>>,
}

impl Writing {
    /// Hands over a piece; `false` when the folder takes no more.
    pub async fn put(&mut self, piece: String) -> bool {
        let sent = timeout(self.step_max, self.pieces.send(Some(piece))).await;
        matches!(sent, Ok(Ok(())))
    }

    /// That was all. The file is there, whole and durable, when this returns.
    pub async fn end(self) -> Result<(), Failure> {
        drop(timeout(self.step_max, self.pieces.send(None)).await);
        drop(self.pieces);
        let answer = timeout(self.step_max, self.answer).await;
        answer.map_err(|_| no_answer())?.map_err(|_| no_answer())?
    }
}

fn names(folder: &Path) -> Result<HashSet<String>, Failure> {
    let entries = fs::read_dir(folder)?;
    let mut names = HashSet::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    if !names.contains(MARKER) {
        return Err(Trouble::Unmarked.into());
    }
    Ok(names)
}

/// Beside its place, read back, then put there under its name.
fn write(
    folder: &Path,
    name: &str,
    mut pieces: mpsc::Receiver<Option<String>>,
    key: &VerifyingKey,
) -> Result<(), Failure> {
    let part = folder.join(format!(".{name}.part"));
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&part)?;
    while let Some(piece) = pieces.blocking_recv() {
        let Some(piece) = piece else {
            file.sync_all()?;
            check(&part, key)?;
            fs::rename(&part, folder.join(name))?;
            return Ok(File::open(folder)?.sync_all()?);
        };
        if let Err(error) = file.write_all(piece.as_bytes()) {
            drop(fs::remove_file(&part));
            return Err(error.into());
        }
    }
    fs::remove_file(&part)?;
    Err(Failure {
        trouble: Trouble::Unreachable,
        cause: "the trail could not be read to its end".into(),
    })
}

fn check(part: &Path, key: &VerifyingKey) -> Result<(), Failure> {
    let doubt = match export::verify(BufReader::new(File::open(part)?), Some(key)) {
        Ok(_) => return Ok(()),
        Err(doubt) => doubt,
    };
    drop(fs::remove_file(part));
    let (trouble, cause) = (Trouble::Damaged, doubt.to_string());
    Err(Failure { trouble, cause })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// X8: a folder that never answers holds up nobody, is not entered a second time, and is used
    /// again once it answers.
    #[tokio::test]
    async fn a_folder_that_hangs_holds_up_nobody() {
        let path = std::env::temp_dir().join(format!("xunke-hang-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&path).unwrap();
        File::create(path.join(MARKER)).unwrap();
        // Opening a pipe that nobody reads waits, as a server that is gone does.
        let pipe = path.join(".day.part");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let folder = Folder::new(path.clone(), Duration::from_millis(500));
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let writing = folder.write("day".into(), key).unwrap();
        let failure = writing.end().await.unwrap_err();
        assert_eq!(failure.trouble, Trouble::Unreachable);
        let failure = folder.names().await.unwrap_err();
        assert_eq!(failure.cause, "the folder does not answer");
        drop(File::open(&pipe).unwrap());
        let mut names = folder.names().await;
        for _ in 0..200 {
            if names.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            names = folder.names().await;
        }
        assert!(names.unwrap().contains(MARKER));
        fs::remove_dir_all(path).unwrap();
    }
}
