//! One connection after its CONNECT: reads, hands over, writes, and ends with or without the will.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::ServerConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::links::{End, Links, Message, Seat};
use super::pace::Pace;
use super::packet::{self, Malformed, Reply, Request};
use super::session::{Session, Step};
use super::{Fleet, Happening, Limits};

const READ_BYTES: usize = 4096;
const DEAF: &str = "it does not read";
const REVOKED: &str = "revoked";

/// TLS and what was read from it but not yet understood.
pub struct Line {
    stream: TlsStream<TcpStream>,
    bytes: BytesMut,
    /// Of the packet that was read last.
    length: usize,
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
            length: 0,
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
            let before = self.bytes.len();
            if let Some(request) = packet::read(&mut self.bytes).map_err(Broken::Malformed)? {
                self.length = before - self.bytes.len();
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

/// Why a connection ended.
enum Why {
    /// By the box or the network, or because the hub or the box begins anew.
    Gone(&'static str),
    /// By the hub, because of what the box did or may no longer do.
    CutOff(&'static str),
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
        fleet.happened(Happening::CutOff(&device, REVOKED));
        let _ = line.write(Reply::NotAuthorized).await;
        return line.close().await;
    }
    tracing::info!(device.id = %device, "box connected");
    fleet.happened(Happening::Connected(&device));
    let why = match line.write(Reply::Accepted).await {
        Some(()) => exchange(&mut line, &mut session, &mut seat, fleet, limits).await,
        None => Why::CutOff(DEAF),
    };
    if let Why::CutOff(why) = why {
        fleet.happened(Happening::CutOff(&device, why));
    }
    let (Why::Gone(why) | Why::CutOff(why)) = why;
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
) -> Why {
    let mut pace = Pace::new(limits, Instant::now());
    let silence_max = Duration::from_millis(session.silence_ms_max());
    let (mut read_from, mut deadline) = (Instant::now(), Instant::now() + silence_max);
    loop {
        let messages = Some(&mut seat.queue).filter(|_| session.listens());
        let came = tokio::select! {
            biased;
            end = seat.end.changed() => return ended(end.is_ok(), *seat.end.borrow()),
            came = next(line, messages, read_from, deadline) => came,
        };
        let step = match came {
            Came::Packet(Ok(request)) => {
                let now = Instant::now();
                (read_from, deadline) = (now + pace.take(line.length, now), now + silence_max);
                session.receive(request)
            }
            Came::Packet(Err(Broken::Gone)) => return Why::Gone("connection lost"),
            Came::Packet(Err(Broken::Malformed(error))) => {
                tracing::warn!(device.id = %session.device(), %error, "malformed packet");
                return Why::CutOff("malformed packet");
            }
            Came::Message(Some(message)) => session.send(message.topic, message.payload),
            Came::Message(None) => return Why::Gone("the hub stops"),
            Came::Silence => return Why::Gone("silent for 1.5 times its keep-alive"),
        };
        if let Err(why) = perform(step, line, session, fleet).await {
            return why;
        }
    }
}

/// What came first.
enum Came {
    Packet(Result<Request, Broken>),
    Message(Option<Message>),
    Silence,
}

/// A box that is made to wait still hears what it is told, and a box with a long backlog does not
/// have it first: neither side comes before the other.
async fn next(
    line: &mut Line,
    messages: Option<&mut mpsc::Receiver<Message>>,
    read_from: Instant,
    deadline: Instant,
) -> Came {
    let packet = async {
        sleep_until(read_from).await;
        line.next().await
    };
    let message = async {
        match messages {
            Some(messages) => messages.recv().await,
            None => pending().await,
        }
    };
    tokio::select! {
        packet = packet => Came::Packet(packet),
        message = message => Came::Message(message),
        () = sleep_until(deadline.max(read_from)) => Came::Silence,
    }
}

fn ended(told: bool, end: Option<End>) -> Why {
    match end {
        Some(End::Kicked) => Why::CutOff(REVOKED),
        Some(End::TakenOver) => Why::Gone("connected anew"),
        None if told => Why::Gone("the hub stops"),
        None => Why::Gone("replaced"),
    }
}

async fn perform<F: Fleet>(
    step: Step,
    line: &mut Line,
    session: &Session,
    fleet: &Arc<F>,
) -> Result<(), Why> {
    let deaf = Why::CutOff(DEAF);
    match step {
        Step::Nothing => Ok(()),
        Step::Send(reply) => line.write(reply).await.ok_or(deaf),
        Step::Take {
            channel,
            payload,
            id,
        } => {
            let came = Instant::now();
            let taken = fleet.message(session.device(), channel, payload).await;
            taken.map_err(|_| Why::Gone("the hub cannot store now"))?;
            let Some(id) = id else { return Ok(()) };
            line.write(Reply::PubAck(id)).await.ok_or(deaf)?;
            fleet.happened(Happening::Acknowledged(came.elapsed()));
            Ok(())
        }
        Step::Goodbye => Err(Why::Gone("goodbye")),
        Step::Close(reply, why) => {
            if let Some(reply) = reply {
                line.write(reply).await.ok_or(deaf)?;
            }
            Err(Why::CutOff(why))
        }
    }
}
