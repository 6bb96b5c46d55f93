//! An empty hub with the school's issuer, for a browser that makes the first accounts.

use std::io::Write;

use anyhow::Result;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::campus::{EmptyHub, Issuer};

/// Whom the issuer vouches for.
const STAFF_NUMBER: &str = "A1";

/// Runs both until SIGTERM; prints one JSON line once they are up: address, start code, and the
/// staff number that the issuer vouches for.
///
/// # Errors
/// A part cannot be started, or does not end cleanly.
pub async fn run() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let folder = std::env::temp_dir().join(format!("xunke-first-{}", Uuid::now_v7().simple()));
    std::fs::create_dir_all(&folder)?;
    let mut issuer = None;
    let mut hub = EmptyHub::start(&folder, |url| {
        let started = issuer.insert(Issuer::start(&folder, url, STAFF_NUMBER)?);
        Ok(started.section(""))
    })?;
    let line = json!({
        "url": hub.url,
        "code": hub.code().await?,
        "staff_number": STAFF_NUMBER,
    });
    println!("{line}");
    std::io::stdout().flush()?;
    terminate.recv().await;
    hub.process.end()?;
    if let Some(mut issuer) = issuer {
        issuer.end()?;
    }
    Ok(std::fs::remove_dir_all(&folder)?)
}
