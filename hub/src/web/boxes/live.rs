//! `GET /box/1/live/{push}`: a box pushes one stream, as a WebSocket, until nobody watches.

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::response::Response;
use tokio::time::{Instant, interval_at, timeout};
use xunke_protocol::id::{DeviceId, PushId};
use xunke_protocol::live::{BadFrame, Frame, MESSAGE_BYTES_MAX};

use crate::clock::now_ms;
use crate::device::registry::BoxIdentity;
use crate::live::relay::Push;
use crate::web::App;
use crate::web::error::Error;
use crate::web::listen::Peer;

/// A box that may no longer speak is out after so long.
const ASK_EVERY: Duration = Duration::from_secs(1);
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a push ends.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error("nobody watches any more")]
    Unwatched,
    #[error("the box is gone")]
    Gone,
    #[error("the box may no longer speak")]
    Retired,
    #[error("the box sent no frame message: {0}")]
    Bad(#[from] BadFrame),
    #[error("the box sent text")]
    Text,
}

impl Ending {
    fn code(&self) -> u16 {
        match self {
            Self::Unwatched | Self::Gone => close_code::NORMAL,
            Self::Retired => close_code::POLICY,
            Self::Bad(_) | Self::Text => close_code::UNSUPPORTED,
        }
    }
}

/// Takes a push that was ordered from this very box.
///
/// # Errors
/// 404 for any other push, also for one that was used or is too late.
pub async fn live(
    State(app): State<App>,
    peer: Peer,
    identity: BoxIdentity,
    Path(push): Path<PushId>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let upgrade = upgrade.map_err(|rejection| Error::Unreadable(rejection.body_text()))?;
    let device = identity.device;
    let push = app.relay.accept(&device, push).map_err(|_| {
        tracing::warn!(device.id = %device, push.id = %push, "a push that nobody ordered");
        Error::NotFound
    })?;
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(|socket| serve(socket, push, app, peer, device)))
}

async fn serve(mut socket: WebSocket, mut push: Push, app: App, peer: Peer, device: DeviceId) {
    let ending = take(&mut socket, &mut push, &app, &peer).await;
    let source = push.key().source.clone();
    drop(push);
    tracing::info!(device.id = %device, %source, why = %ending, "a live push has ended");
    let (code, reason) = (ending.code(), Utf8Bytes::from(ending.to_string()));
    let goodbye = Message::Close(Some(CloseFrame { code, reason }));
    drop(timeout(GOODBYE, socket.send(goodbye)).await);
}

/// Takes frames until the push ends.
async fn take(socket: &mut WebSocket, push: &mut Push, app: &App, peer: &Peer) -> Ending {
    let mut ask = interval_at(Instant::now() + ASK_EVERY, ASK_EVERY);
    loop {
        let message = tokio::select! {
            message = socket.recv() => message,
            () = push.ended() => return Ending::Unwatched,
            _ = ask.tick() => {
                if !may_speak(app, peer).await {
                    return Ending::Retired;
                }
                continue;
            }
        };
        match message {
            Some(Ok(Message::Binary(bytes))) => match Frame::decode(bytes) {
                Ok(frame) if push.frame(&frame) => {}
                Ok(_) => return Ending::Unwatched,
                Err(bad) => return bad.into(),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Text(_))) => return Ending::Text,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ending::Gone,
        }
    }
}

/// A store that cannot be asked is no reason to go dark: the viewers' permits fail closed.
async fn may_speak(app: &App, peer: &Peer) -> bool {
    let Some(certificate) = &peer.certificate else {
        return false;
    };
    let identity = app.devices.identify(certificate, now_ms()).await;
    !matches!(identity, Ok(None))
}
