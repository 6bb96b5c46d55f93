//! The hub's own certificate while it runs: looked at every hour and by order (SIGHUP), so that it
//! is renewed without a restart and a changed file counts at once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::access::audit::{Trail, running};
use crate::authority::{Ca, Shown};
use crate::campus::calendar::date_and_time;
use crate::clock::now_ms;
use crate::web::{App, error};

/// Never by a computed moment alone: clocks are set, and machines sleep.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks again and again.
pub(super) struct Reload {
    ca: Arc<Ca>,
    shown: Arc<Shown>,
    names: Vec<String>,
    trail: Arc<Trail>,
    ordered: Signal,
}

impl Reload {
    /// From now on SIGHUP is an order, and no longer an end.
    pub(super) fn new(app: &App, ca: Arc<Ca>, shown: Arc<Shown>) -> anyhow::Result<Self> {
        Ok(Self {
            ca,
            shown,
            names: app.config.people.names.clone(),
            trail: app.trail.clone(),
            ordered: signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?,
        })
    }

    /// Looks until `stop` turns true.
    pub(super) async fn follow(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                Some(()) = self.ordered.recv() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            self.look(now_ms()).await;
        }
    }

    async fn look(&self, now_ms: i64) {
        match self.shown.look_again(&self.ca, &self.names, now_ms) {
            Ok(false) => {}
            Ok(true) => {
                let until = date_and_time(self.shown.until_ms());
                tracing::info!(until, "the hub shows another certificate from now on");
                if let Err(error) = running::certificate(&self.trail, &until, now_ms).await {
                    let error = error::chain(&error);
                    tracing::error!(error, "the trail was not told of the hub's certificate");
                }
            }
            Err(error) => tracing::error!(
                error = error::chain(&error),
                "the hub's certificate cannot be read or renewed; it goes on with the one it has"
            ),
        }
    }
}
