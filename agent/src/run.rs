//! Run: puts the rooms together and takes them apart again.

use crate::config::Config;
use crate::identity::{self, Identity};
use anyhow::Result;
use std::time::Duration;

/// Runs the box until SIGTERM or Ctrl-C.
///
/// # Errors
/// What keeps a box from starting: no identity, no state directory.
pub async fn run(config: Config) -> Result<()> {
    let identity = Identity::load(&config.state_dir)?;
    let connect = Duration::from_secs(config.hub.connect_seconds);
    let client = identity.http_client(connect)?;
    identity::keep_fresh(&identity, client, config.hub.base()).await;
    Ok(())
}
