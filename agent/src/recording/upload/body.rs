//! What is sent of a segment: a piece at a time, each when the bucket grants it.
//!
//! Invariant: one piece of each upload is in memory, whatever the segment's size.

use super::super::spool::Reader;
use super::rate::{Bucket, PIECE_BYTES, Rates};
use futures_util::stream;
use reqwest::Body;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The one bucket of the box.
pub struct Pacer {
    bucket: Mutex<Bucket>,
    rates: Rates,
    /// How many live pushes are on their way.
    watched: watch::Receiver<usize>,
    origin: Instant,
}

impl Pacer {
    /// One that knows whether somebody watches.
    pub fn new(rates: Rates, watched: watch::Receiver<usize>, now: Instant) -> Self {
        Self {
            bucket: Mutex::default(),
            rates,
            watched,
            origin: now,
        }
    }

    /// When so many bytes may go.
    fn grant(&self, bytes: u64, now: Instant) -> Instant {
        let rate = self.rates.of(*self.watched.borrow() > 0);
        let now_ns = now.duration_since(self.origin).as_nanos();
        let now_ns = u64::try_from(now_ns).unwrap_or(u64::MAX);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        self.origin + Duration::from_nanos(bucket.take(bytes, rate, now_ns))
    }
}

/// Since when the network has taken nothing of what it was given; `None` while it is given nothing.
pub type Quiet = watch::Receiver<Option<Instant>>;

/// Ends when the network, or the hub, has been quiet for so long.
pub async fn quiet_for(mut quiet: Quiet, longest: Duration) {
    loop {
        let since = *quiet.borrow_and_update();
        let until = since.map(|since| since + longest);
        let changed = match until {
            Some(until) => match timeout_at(until, quiet.changed()).await {
                Ok(changed) => changed,
                Err(_quiet) => return,
            },
            None => quiet.changed().await,
        };
        if changed.is_err() {
            // All was given away; what is waited for now is the answer.
            return sleep_until(until.unwrap_or_else(Instant::now) + longest).await;
        }
    }
}

/// The rest of a segment, and how its way goes.
pub fn body(reader: Reader, pacer: Arc<Pacer>) -> (Body, Quiet) {
    let (tell, quiet) = watch::channel(Some(Instant::now()));
    let pieces = stream::unfold(Some(reader), move |reader| {
        let (pacer, tell) = (pacer.clone(), tell.clone());
        async move {
            tell.send_replace(None);
            let next = next(reader?, &pacer).await;
            tell.send_replace(Some(Instant::now()));
            next
        }
    });
    (Body::wrap_stream(pieces), quiet)
}

type Next = Option<(io::Result<Vec<u8>>, Option<Reader>)>;

async fn next(reader: Reader, pacer: &Pacer) -> Next {
    let read = spawn_blocking(move || piece(reader)).await;
    match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok((_, piece)) if piece.is_empty() => None,
        Ok((reader, piece)) => {
            sleep_until(pacer.grant(piece.len() as u64, Instant::now())).await;
            Some((Ok(piece), Some(reader)))
        }
        Err(error) => Some((Err(error), None)),
    }
}

fn piece(mut reader: Reader) -> io::Result<(Reader, Vec<u8>)> {
    let mut piece = Vec::with_capacity(usize::try_from(PIECE_BYTES).unwrap_or_default());
    (&mut reader).take(PIECE_BYTES).read_to_end(&mut piece)?;
    Ok((reader, piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_millis(300);

    async fn ends_after(quiet: Quiet) -> Duration {
        let began = Instant::now();
        quiet_for(quiet, LONGEST).await;
        began.elapsed()
    }

    #[tokio::test]
    async fn who_waits_for_the_bucket_is_not_quiet() {
        let (tell, quiet) = watch::channel(None);
        let waiting = tokio::spawn(ends_after(quiet));
        tokio::time::sleep(2 * LONGEST).await;
        assert!(!waiting.is_finished());
        tell.send_replace(Some(Instant::now()));
        assert!(waiting.await.unwrap() >= 3 * LONGEST);
    }

    #[tokio::test]
    async fn after_the_last_piece_the_answer_is_waited_for() {
        let (tell, quiet) = watch::channel(Some(Instant::now()));
        drop(tell);
        let took = ends_after(quiet).await;
        assert!(took >= LONGEST, "{took:?}");
    }
}
