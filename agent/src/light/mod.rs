//! The on-air light: what a teacher sees of being recorded and watched, by the process that holds
//! the pictures (issue 7, Q19).
//!
//! board → outlet → light
//!
//! Invariants: a push claims the light before its connection is opened, and gives it back when that
//! is closed; a light that is known to show less is never taken for lit; what cannot be shown is
//! tried again and told.

mod board;
mod outlet;

use crate::clock;
use crate::config;
use board::{Board, Scene};
use outlet::Outlet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use xunke_protocol::health::{
    EquipmentKind, EquipmentSignals, EquipmentState, RecordingSignals, RecordingState,
};

/// A push waits for its light no longer: file and address have a second each.
const LIT_MAX: Duration = Duration::from_millis(2500);
/// What failed is tried again so soon.
const AGAIN: Duration = Duration::from_secs(5);
/// A light that was without power shows again what it is to show.
const REPEAT: Duration = Duration::from_secs(60);
/// Under this name it stands among the equipment; no piece of it may have the same.
const NAME: &str = "light";

/// The light cannot be lit, and nothing is pushed without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the on-air light cannot be lit, and light.push_without is false")]
pub struct Dark;

/// The light of the room, or none. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Light {
    outlet: Option<Outlet>,
    board: watch::Sender<Board>,
    push_without: bool,
}

/// A push for which the light is lit. Dropping it gives the light back.
#[derive(Debug)]
pub struct Claim(watch::Sender<Board>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.send_modify(Board::give_back);
    }
}

impl Light {
    /// As configured.
    #[must_use]
    pub fn new(config: &config::Light) -> Self {
        let outlet = Outlet::new(config);
        let alike = outlet.as_ref().map_or(Scene::ALL, Outlet::alike);
        Self {
            outlet,
            board: watch::Sender::new(Board::new(alike)),
            push_without: config.push_without,
        }
    }

    /// Lights it for a push, and waits until it is lit.
    ///
    /// # Errors
    /// It cannot be lit, and the configuration wants it.
    pub async fn claim(&self) -> Result<Claim, Dark> {
        let mut attempts = 0;
        self.board.send_modify(|board| {
            attempts = board.attempts();
            board.claim();
        });
        let claim = Claim(self.board.clone());
        if self.outlet.is_none() {
            return Ok(claim);
        }
        let mut board = self.board.subscribe();
        let tried =
            |board: &Board| board.is_right() || (board.has_failed() && board.attempts() > attempts);
        // What is seen is let go of before the claim may be.
        let lit = match timeout(LIT_MAX, board.wait_for(tried)).await {
            Ok(Ok(board)) => board.is_right(),
            _ => false,
        };
        (lit || self.push_without).then_some(claim).ok_or(Dark)
    }

    /// Ends when what is pushed may not go on: the light is out, and the configuration wants it.
    pub async fn lost(&self) {
        if self.outlet.is_none() || self.push_without {
            return std::future::pending().await;
        }
        let mut board = self.board.subscribe();
        drop(board.wait_for(Board::has_failed).await);
    }

    /// Shows what goes on until `stopping`, and then that nothing does; tells how it stands.
    pub async fn run(
        self,
        mut recording: watch::Receiver<RecordingSignals>,
        tell: watch::Sender<Option<EquipmentSignals>>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let Some(outlet) = &self.outlet else { return };
        let mut board = self.board.subscribe();
        let mut stopped = *stopping.borrow();
        let mut records = true;
        while !self.board.borrow().is_over() {
            let on = recording.borrow_and_update().state == RecordingState::Recording;
            self.board.send_modify(|board| {
                board.record(on);
                if stopped {
                    board.end();
                }
            });
            let failed = self.show(outlet, &tell).await;
            let pause = if failed { AGAIN } else { REPEAT };
            // Until something changes that is to be seen, or it is time to make sure.
            loop {
                tokio::select! {
                    due = board.wait_for(|board| board.is_due() || board.is_over()) => {
                        drop(due);
                        break;
                    }
                    changed = recording.changed(), if records => {
                        records = changed.is_ok();
                        let on = recording.borrow().state == RecordingState::Recording;
                        self.board.send_if_modified(|board| {
                            board.record(on);
                            board.is_due()
                        });
                    }
                    _ = stopping.wait_for(|stop| *stop), if !stopped => {
                        stopped = true;
                        self.board.send_modify(Board::end);
                    }
                    () = sleep(pause) => break,
                }
            }
        }
    }

    /// One attempt; whether it failed.
    async fn show(&self, outlet: &Outlet, tell: &watch::Sender<Option<EquipmentSignals>>) -> bool {
        let mut scene = Scene::Idle;
        self.board.send_modify(|board| scene = board.begin());
        let shown = outlet.show(scene).await;
        let failed_before = tell.borrow().as_ref().is_some_and(has_failed);
        match &shown {
            Err(error) if !failed_before => {
                tracing::warn!(%error, ?scene, "the on-air light does not show what goes on");
            }
            Ok(()) if failed_before => tracing::info!(?scene, "the on-air light works again"),
            _ => {}
        }
        let failed = shown.is_err();
        tell.send_if_modified(|told| {
            let news = told.as_ref().is_none_or(|told| has_failed(told) != failed);
            if news {
                *told = Some(signals(failed, clock::now_ms()));
            }
            news
        });
        self.board.send_modify(|board| board.done(scene, !failed));
        failed
    }
}

fn has_failed(told: &EquipmentSignals) -> bool {
    told.state == EquipmentState::Failed
}

fn signals(failed: bool, now_ms: i64) -> EquipmentSignals {
    let state = match failed {
        true => EquipmentState::Failed,
        false => EquipmentState::Ok,
    };
    EquipmentSignals {
        name: NAME.parse().expect("invariant: the name is a name"),
        kind: EquipmentKind::Light,
        state,
        since: now_ms,
        misses: 0,
        rtt_ms: None,
        http_status: None,
        power: None,
        troubles: Vec::new(),
        lamp_hours: None,
        filter_hours: None,
        model: None,
    }
}

#[cfg(test)]
mod tests;
