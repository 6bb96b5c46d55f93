//! One connection after its CONNECT: reads, hands over, writes, and ends with or without the will.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::ServerConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::links::{End, Links, Seat};
use super::packet::{self, Malformed, Reply, Request};
use super::session::{Session, Step};
use super::{Fleet, Limits};

const READ_BYTES: usize = 4096;

/// TLS and what was read from it but not yet understood.
pub struct Line {
    stream: TlsStream<TcpStream>,
    bytes: BytesMut,
    write_max: Duration,
}

/// Why reading ended.
#[derive(Debug)]
pub enum Broken {
    /// The other side is gone.
    Gone,
    /// It sent what it must not.
    Malformed(Malformed),
}

impl Line {
    pub fn new(stream: TlsStream<TcpStream>, write_max: Duration) -> Self {
        Self {
            stream,
            bytes: BytesMut::new(),
            write_max,
        }
    }

    /// The TLS side, for the certificate.
    pub fn tls(&self) -> &ServerConnection {
        self.stream.get_ref().1
    }

    /// The next packet. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Request, Broken> {
        loop {
            if let Some(request) = packet::read(&mut self.bytes).map_err(Broken::Malformed)? {
                return Ok(request);
            }
            self.bytes.reserve(READ_BYTES);
            match self.stream.read_buf(&mut self.bytes).await {
                Ok(0) | Err(_) => return Err(Broken::Gone),
                Ok(_) => {}
            }
        }
    }

    /// Writes one packet; `None` when the other side does not take it.
    pub async fn write(&mut self, reply: Reply) -> Option<()> {
        let mut out = BytesMut::new();
        reply.write(&mut out);
        let written = async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        };
        timeout(self.write_max, written).await.ok()?.ok()
    }

    pub async fn close(mut self) {
        drop(timeout(self.write_max, self.stream.shutdown()).await);
    }
}

/// A rate with a burst: says how long to wait before reading on.
struct Pace {
    interval: Duration,
    burst: Duration,
    free_at: Instant,
}

impl Pace {
    fn take(&mut self, now: Instant) -> Duration {
        self.free_at = self.free_at.max(now) + self.interval;
        (self.free_at - now).saturating_sub(self.burst)
    }
}

/// From the accepted CONNECT to the end.
pub async fn talk<F: Fleet>(
    mut line: Line,
    mut session: Session,
    fleet: &Arc<F>,
    links: &Links,
    limits: &Limits,
) {
    let device = session.device().clone();
    let mut seat = links.sit(&device).await;
    // Revoked since it was admitted: the kick found no seat, so it is asked again here.
    let certificate = line
        .tls()
        .peer_certificates()
        .and_then(|chain| chain.first());
    let certificate = certificate.map(|leaf| leaf.clone().into_owned());
    let admitted = match &certificate {
        Some(leaf) => fleet.admit(leaf).await,
        None => None,
    };
    if admitted.as_ref() != Some(&device) {
        let _ = line.write(Reply::NotAuthorized).await;
        return line.close().await;
    }
    tracing::info!(device.id = %device, "box connected");
    let why = match line.write(Reply::Accepted).await {
        Some(()) => exchange(&mut line, &mut session, &mut seat, fleet, limits).await,
        None => "it does not read",
    };
    tracing::info!(device.id = %device, why, "box disconnected");
    if let Some((channel, payload)) = session.will()
        && let Err(error) = fleet.message(&device, channel, payload).await
    {
        tracing::error!(device.id = %device, %error, "a last will was lost");
    }
    drop(seat);
    line.close().await;
}

async fn exchange<F: Fleet>(
    line: &mut Line,
    session: &mut Session,
    seat: &mut Seat,
    fleet: &Arc<F>,
    limits: &Limits,
) -> &'static str {
    let interval = Duration::from_secs(1) / limits.messages_per_second;
    let mut pace = Pace {
        interval,
        burst: interval * limits.messages_burst_max,
        free_at: Instant::now(),
    };
    let silence_max = Duration::from_millis(session.silence_ms_max());
    let mut deadline = Instant::now() + silence_max;
    loop {
        let step = tokio::select! {
            biased;
            end = seat.end.changed() => return ended(end.is_ok(), *seat.end.borrow()),
            read = line.next() => {
                deadline = Instant::now() + silence_max;
                match read {
                    Ok(request) => session.receive(request),
                    Err(Broken::Gone) => return "connection lost",
                    Err(Broken::Malformed(error)) => {
                        tracing::warn!(device.id = %session.device(), %error, "malformed packet");
                        return "malformed packet";
                    }
                }
            }
            message = seat.queue.recv(), if session.listens() => match message {
                Some(message) => session.send(message.topic, message.payload),
                None => return "the hub stops",
            },
            () = sleep_until(deadline) => return "silent for 1.5 times its keep-alive",
        };
        if let Err(why) = perform(step, line, session, fleet, &mut pace).await {
            return why;
        }
    }
}

fn ended(told: bool, end: Option<End>) -> &'static str {
    match end {
        Some(End::Kicked) => "revoked",
        Some(End::TakenOver) => "connected anew",
        None if told => "the hub stops",
        None => "replaced",
    }
}

async fn perform<F: Fleet>(
    step: Step,
    line: &mut Line,
    session: &Session,
    fleet: &Arc<F>,
    pace: &mut Pace,
) -> Result<(), &'static str> {
    let deaf = "it does not read";
    match step {
        Step::Nothing => Ok(()),
        Step::Send(reply) => line.write(reply).await.ok_or(deaf),
        Step::Take {
            channel,
            payload,
            id,
        } => {
            sleep(pace.take(Instant::now())).await;
            let taken = fleet.message(session.device(), channel, payload).await;
            taken.map_err(|_| "the hub cannot store now")?;
            match id {
                Some(id) => line.write(Reply::PubAck(id)).await.ok_or(deaf),
                None => Ok(()),
            }
        }
        Step::Close(reply, why) => {
            if let Some(reply) = reply {
                line.write(reply).await.ok_or(deaf)?;
            }
            Err(why)
        }
    }
}
