//! Running: puts the rooms together, opens the doors, and closes them in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::authority::{Ca, tls};
use crate::clock::now_ms;
use crate::config::Config;
use crate::notice::Notices;
use crate::store::Db;
use crate::web::listen::{self, Limits};
use crate::web::{App, routes};

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever keeps the hub from starting, in one line.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let people = listen::bind("people.listen", config.people.listen).await?;
    make_data_dir(&config.data_dir)?;
    let db = Db::open(&config.data_dir).await?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let identity = ca.server(&config.people.names, now_ms())?;
    let app = App::new(config.clone(), db.clone(), Notices::default());
    app.gate.close_left_open(now_ms()).await?;

    let stop = stop_on_signal()?;
    let limits = Limits {
        connections_max: config.people.connections_max,
        handshake_max: Duration::from_secs(config.people.handshake_seconds_max),
    };
    let address = people.local_addr()?;
    let tls = tls::people(&identity)?;
    tracing::info!(%address, "the people's door is open at https://{address}/");
    listen::serve(people, tls, routes::router(app), limits, stop).await;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Only the hub's own user looks into the data.
fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("data_dir = \"{}\": cannot make this folder", path.display()))
}

/// Turns true at the first SIGTERM or Ctrl-C.
fn stop_on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.send_replace(true);
    });
    Ok(stopped)
}
