//! Telling systemd how the box stands (`sd_notify`); without systemd, nobody.

use crate::clock;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU64, Ordering};

/// A third of the shortest watchdog worth setting.
const ALIVE_MS: u64 = 5000;

/// Everything is started; recording has begun or waits for its cameras.
pub fn ready() {
    tell("READY=1");
}

/// A clean stop has begun.
pub fn stopping() {
    tell("STOPPING=1");
}

/// The rooms are still being looked at; a process that no longer gets there is started anew
/// (`WatchdogSec` of the unit). A stalled camera is no reason: its worker alone is restarted.
pub fn alive() {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let now = clock::mono_ms();
    if now.saturating_sub(TOLD.load(Ordering::Relaxed)) >= ALIVE_MS {
        TOLD.store(now, Ordering::Relaxed);
        tell("WATCHDOG=1");
    }
}

fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let bytes = name.as_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(hidden) => SocketAddr::from_abstract_name(hidden),
        None => SocketAddr::from_pathname(&name),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, state, "systemd could not be told");
    }
}
