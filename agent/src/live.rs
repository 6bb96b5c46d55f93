//! Live: one outbound push of one stream while somebody may watch it.
//!
//! The hub orders a push; the box opens a WebSocket to it, sends the newest GOP from memory and
//! then every frame as it comes, until the hub closes. Nobody can connect to a box.
//!
//! Invariant: a slow network costs frames, never memory: the camera's ring moves a late reader on
//! to the next keyframe. The room's light is lit before a push, and put out after it.

use crate::camera::ring::{FrameHub, Subscription};
use crate::config::HubAddress;
use crate::light::{Dark, Light};
use crate::link::Job;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustls::ClientConfig;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order};
use xunke_protocol::id::{MessageId, PushId, SourceName, StreamKind};
use xunke_protocol::live::Frame;

/// The viewer has gone elsewhere when it takes longer.
const OPEN: Duration = Duration::from_secs(5);
/// A network that takes nothing for this long is dead.
const SEND: Duration = Duration::from_secs(10);
/// For the goodbye to a hub that may be gone.
const CLOSE: Duration = Duration::from_secs(1);
/// The hub sends only control frames on a push.
const INCOMING_BYTES_MAX: usize = 4096;
/// Frames handed over at once while more are waiting.
const BATCH_MAX: usize = 32;
/// Push ids kept, so that none is used twice.
const IDS_MAX: usize = 1000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What can be watched, and where to send it.
pub struct Pushes {
    /// The boxes' door of the hub.
    pub hub: HubAddress,
    /// Shows this box's certificate; shared with the other doors, for its session tickets.
    pub tls: Arc<ClientConfig>,
    /// Every stream of every camera.
    pub streams: HashMap<(SourceName, StreamKind), FrameHub>,
    /// Pushes at the same time.
    pub pushes_max: usize,
    /// How many there are; what else goes to the hub makes room for them.
    pub watched: watch::Sender<usize>,
    /// What the teacher sees of it.
    pub light: Light,
}

/// Why a push ended before the hub closed it.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the camera or its stream does not exist on this box")]
    UnknownSource,
    #[error("this push was ordered before")]
    Twice,
    #[error("too many pushes at the same time")]
    TooMany,
    #[error("the hub cannot be reached")]
    Unreachable(#[source] SocketError),
    #[error("the hub refused the push")]
    Refused(#[source] SocketError),
    #[error("the network took nothing for too long")]
    Slow,
    #[error(transparent)]
    Dark(#[from] Dark),
}

impl Error {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::Twice => "push_used",
            Self::TooMany => "too_many",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) => "refused",
            Self::Slow => "slow",
            Self::Dark(_) => "no_light",
        }
    }
}

impl Pushes {
    /// Carries out the hub's orders until `stop` becomes true. Each order is answered when its push
    /// has ended.
    pub async fn run(
        self,
        mut jobs: mpsc::Receiver<Job>,
        answers: mpsc::Sender<(MessageId, CommandAnswer)>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut running = JoinSet::new();
        let mut used = VecDeque::new();
        loop {
            let job = tokio::select! {
                job = jobs.recv() => job,
                Some(_) = running.join_next() => continue,
                () = stopped(&mut stop) => None,
            };
            let Some(Job { id, order, .. }) = job else {
                break;
            };
            let push = self.prepare(order, running.len(), &mut used);
            let (answers, stop) = (answers.clone(), stop.clone());
            running.spawn(async move {
                let answer = answered(push, stop).await;
                // The link has gone only when the box is stopping.
                drop(answers.send((id, answer)).await);
            });
        }
        while running.join_next().await.is_some() {}
    }

    fn prepare(
        &self,
        order: Order,
        running: usize,
        used: &mut VecDeque<PushId>,
    ) -> Result<Push, Error> {
        let Order::LiveStart {
            push,
            source,
            stream,
        } = order
        else {
            return Err(Error::UnknownSource);
        };
        if used.contains(&push) {
            return Err(Error::Twice);
        }
        let frames = self
            .streams
            .get(&(source, stream))
            .ok_or(Error::UnknownSource)?;
        if running >= self.pushes_max {
            return Err(Error::TooMany);
        }
        used.push_back(push);
        if used.len() > IDS_MAX {
            used.pop_front();
        }
        Ok(Push {
            id: push,
            hub: self.hub.clone(),
            tls: self.tls.clone(),
            frames: frames.clone(),
            light: self.light.clone(),
            _counted: Counted::new(&self.watched),
        })
    }
}

/// A push that counts for as long as this lives.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(watched: &watch::Sender<usize>) -> Self {
        watched.send_modify(|count| *count += 1);
        Self(watched.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn answered(push: Result<Push, Error>, stop: watch::Receiver<bool>) -> CommandAnswer {
    let ended = match push {
        Ok(push) => push.run(stop).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => CommandAnswer::new(CommandState::Done, None),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "a live push ended badly");
            CommandAnswer::new(CommandState::Failed, Some(error.code()))
        }
    }
}

/// One push on its way.
struct Push {
    id: PushId,
    hub: HubAddress,
    tls: Arc<ClientConfig>,
    frames: FrameHub,
    light: Light,
    _counted: Counted,
}

impl Push {
    async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        // Lit before anything is sent, and until the connection is closed.
        let _lit = self.light.claim().await?;
        let opened = timeout(OPEN, self.open()).await.map_err(|_| Error::Slow)?;
        let mut socket = opened.map_err(|error| match error {
            SocketError::Http(_) => Error::Refused(error),
            _ => Error::Unreachable(error),
        })?;
        tracing::info!(push.id = %self.id, "live push begins");
        let mut frames = self.frames.subscribe();
        loop {
            tokio::select! {
                frame = frames.next() => {
                    let Some(frame) = frame else { break };
                    let sent = timeout(SEND, send(&mut socket, frame, &mut frames)).await;
                    match sent.map_err(|_| Error::Slow)? {
                        Ok(()) => {}
                        Err(_closed_by_hub) => break,
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
                () = stopped(&mut stop) => break,
                () = self.light.lost() => {
                    drop(timeout(CLOSE, socket.close(None)).await);
                    return Err(Dark.into());
                }
            }
        }
        tracing::info!(push.id = %self.id, frames.dropped = frames.dropped(), "live push ended");
        // The other side may have closed first, or be gone.
        drop(timeout(CLOSE, socket.close(None)).await);
        Ok(())
    }

    async fn open(&self) -> Result<Socket, SocketError> {
        let HubAddress { host, port } = &self.hub;
        let url = format!("wss://{host}:{port}/box/1/live/{}", self.id);
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(INCOMING_BYTES_MAX))
            .max_frame_size(Some(INCOMING_BYTES_MAX));
        let connector = Connector::Rustls(self.tls.clone());
        let opened =
            client_async_tls_with_config(url, stream, Some(limits), Some(connector)).await?;
        Ok(opened.0)
    }
}

/// The box is stopping; also when nobody is left who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Sends a frame and those that wait behind it, then flushes once.
async fn send(
    socket: &mut Socket,
    first: Frame,
    frames: &mut Subscription,
) -> Result<(), SocketError> {
    socket.feed(Message::Binary(first.encode())).await?;
    for _ in 1..BATCH_MAX {
        let Some(Some(frame)) = frames.next().now_or_never() else {
            break;
        };
        socket.feed(Message::Binary(frame.encode())).await?;
    }
    socket.flush().await
}

#[cfg(test)]
mod tests;
