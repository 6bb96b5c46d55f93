//! Somebody who watches all the while, and how late the pictures come.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use xunke_protocol::live::FrameKind;

use crate::campus::{Person, Said, Viewer};
use crate::clock::now_us;

const STREAMS: [&str; 2] = ["sub", "main"];
const SILENCE_MAX: Duration = Duration::from_secs(4);
const AGAIN: Duration = Duration::from_millis(500);
/// A picture begins with what the box has in memory: that is old on purpose.
const SETTLE: Duration = Duration::from_secs(3);

/// Milliseconds from the camera to the viewer, of each picture of the small and the full stream.
pub type Late = [Vec<f64>; 2];

/// Watches both streams of a room until it is ended.
pub struct Audience {
    end: watch::Sender<bool>,
    task: JoinHandle<Late>,
}

impl Audience {
    /// Begins, and begins again whenever the picture goes.
    #[must_use]
    pub fn watch(person: Person, room: String) -> Self {
        let (end, mut ends) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut late = Late::default();
            while !*ends.borrow() {
                let sitting = sit(&person, &room, &mut late, ends.clone());
                // Whatever was wrong: it is tried again until the end.
                drop(sitting.await);
                tokio::select! {
                    () = sleep(AGAIN) => {}
                    _ = ends.wait_for(|end| *end) => {}
                }
            }
            late
        });
        Self { end, task }
    }

    /// Ends it and gives what was measured.
    ///
    /// # Errors
    /// It panicked.
    pub async fn end(self) -> Result<Late> {
        self.end.send_replace(true);
        Ok(self.task.await?)
    }
}

async fn sit(
    person: &Person,
    room: &str,
    late: &mut Late,
    mut ends: watch::Receiver<bool>,
) -> Result<()> {
    let mut viewer = Viewer::open(person).await?;
    for (tile, stream) in (0..).zip(STREAMS) {
        viewer.watch(tile, room, stream).await?;
    }
    let mut tiles: HashMap<u16, (usize, Instant)> = HashMap::new();
    loop {
        let said = tokio::select! {
            said = viewer.next(SILENCE_MAX) => said?,
            _ = ends.wait_for(|end| *end) => return Ok(()),
        };
        match said {
            Said::Closed => return Ok(()),
            Said::Word(word) if word["op"] == "opened" => {
                let number = |key: &str| word[key].as_u64().context("no number");
                let tile = usize::try_from(number("tile")?)?;
                let handle = u16::try_from(number("handle")?)?;
                tiles.insert(handle, (tile, Instant::now() + SETTLE));
            }
            Said::Word(word) if word["op"] == "delayed" => {}
            Said::Word(_) => return Ok(()),
            Said::Frame(frame) if frame.kind == FrameKind::Video => {
                if let Some((tile, from)) = tiles.get(&frame.handle)
                    && Instant::now() > *from
                {
                    late[*tile].push((now_us() - frame.captured_us) as f64 / 1e3);
                }
            }
            Said::Frame(_) => {}
        }
    }
}
