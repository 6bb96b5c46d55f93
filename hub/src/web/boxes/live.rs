//! `GET /box/1/live/{push}`: a box pushes one stream, as a WebSocket, until nobody watches.

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::response::Response;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use xunke_protocol::id::{DeviceId, PushId};
use xunke_protocol::live::{BadFrame, Frame, MESSAGE_BYTES_MAX};

use crate::clock::now_ms;
use crate::device::registry::BoxIdentity;
use crate::live::relay::Push;
use crate::live::tally::Turn;
use crate::web::App;
use crate::web::error::Error;
use crate::web::listen::{Peer, broke_off};

/// A box that may no longer speak is out after so long.
const ASK_EVERY: Duration = Duration::from_secs(1);
const GOODBYE: Duration = Duration::from_secs(1);
/// 64 Mbit/s: twice what a 4K camera sends at its best.
const BYTES_PER_SECOND: u64 = 8 * 1024 * 1024;
/// At once: the box's ring of ten seconds, and a network that had stalled.
const BURST_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// The least a message counts for: 512 a second, 3072 at once.
const MESSAGE_COSTS: u64 = 16 * 1024;

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
    #[error("the box sent a message that is too long, or none at all")]
    Unreadable,
    #[error("the box sends more than a camera does")]
    TooMuch,
}

impl Ending {
    fn code(&self) -> u16 {
        match self {
            Self::Unwatched | Self::Gone => close_code::NORMAL,
            Self::Retired | Self::TooMuch => close_code::POLICY,
            Self::Bad(_) | Self::Text | Self::Unreadable => close_code::UNSUPPORTED,
        }
    }

    /// What the box is counted for; `None` where it did nothing wrong.
    fn counted(&self) -> Option<&'static str> {
        match self {
            Self::Unwatched | Self::Gone => None,
            Self::Retired => Some("retired"),
            Self::Bad(_) => Some("no_frame"),
            Self::Text => Some("text"),
            Self::Unreadable => Some("unreadable"),
            Self::TooMuch => Some("too_much"),
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
        app.relay.tally().count(Turn::PushRefused, "not_ordered");
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
    if let Some(why) = ending.counted() {
        app.relay.tally().count(Turn::PushCut, why);
    }
    tracing::info!(device.id = %device, %source, why = %ending, "a live push has ended");
    let (code, reason) = (ending.code(), Utf8Bytes::from(ending.to_string()));
    let goodbye = Message::Close(Some(CloseFrame { code, reason }));
    drop(timeout(GOODBYE, socket.send(goodbye)).await);
}

/// Takes frames until the push ends.
async fn take(socket: &mut WebSocket, push: &mut Push, app: &App, peer: &Peer) -> Ending {
    let mut ask = interval_at(Instant::now() + ASK_EVERY, ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut allowance = Allowance::new(Instant::now());
    loop {
        // A box that never stops sending is asked about all the same.
        let message = tokio::select! {
            biased;
            () = push.ended() => return Ending::Unwatched,
            _ = ask.tick() => {
                if !may_speak(app, peer).await {
                    return Ending::Retired;
                }
                continue;
            }
            message = socket.recv() => message,
        };
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => {
                if allowance.take(bytes.len(), Instant::now()) {
                    continue;
                }
                return Ending::TooMuch;
            }
            Some(Ok(Message::Text(_))) => return Ending::Text,
            Some(Err(error)) if !broke_off(&error) => return Ending::Unreadable,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ending::Gone,
        };
        if !allowance.take(bytes.len(), Instant::now()) {
            return Ending::TooMuch;
        }
        match Frame::decode(bytes) {
            Ok(frame) if push.frame(&frame) => {}
            Ok(_) => return Ending::Unwatched,
            Err(bad) => return bad.into(),
        }
    }
}

/// What a push may bring: a bucket of bytes that fills again as time passes.
#[derive(Debug)]
struct Allowance {
    left: u64,
    at: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self {
            left: BURST_BYTES_MAX,
            at: now,
        }
    }

    /// Takes a message of that length; false when it is more than a camera sends.
    fn take(&mut self, length: usize, now: Instant) -> bool {
        let passed_us = u64::try_from((now - self.at).as_micros()).unwrap_or(u64::MAX);
        let gained = passed_us.saturating_mul(BYTES_PER_SECOND) / 1_000_000;
        // What is less than a byte waits for the next message.
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(BURST_BYTES_MAX);
            self.at = now;
        }
        let cost = u64::try_from(length).unwrap_or(u64::MAX).max(MESSAGE_COSTS);
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_at_its_best_is_within_and_a_flood_is_not() {
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut camera = Allowance::new(begun);
        // The ring first, then 60 pictures and 50 sounds a second at 32 Mbit/s, for a minute.
        assert!((0..800).all(|_| camera.take(15_000, begun)));
        for ms in 0..60_000 {
            assert!(ms % 16 != 0 || camera.take(64_000, at(ms)), "{ms}");
            assert!(ms % 20 != 0 || camera.take(300, at(ms)), "{ms}");
        }
        let mut large = Allowance::new(begun);
        let taken = (0..100).filter(|_| large.take(MESSAGE_BYTES_MAX, begun));
        assert_eq!(taken.count(), 6);
        let mut small = Allowance::new(begun);
        let taken = (0..10_000).filter(|_| small.take(0, begun));
        assert_eq!(taken.count(), 3072);
        assert!(!small.take(0, at(1)) && small.take(0, at(2)));
    }
}
