//! The programs of the house: built beside the one that is running.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

/// Path of `xunke-hub`, `xunke-agent` or `xunke-tests`.
///
/// # Errors
/// It has not been built: says how to.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let mut folders = here
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name));
    let found = folders.find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "{name} is not built beside {}; run cargo build --workspace --bins",
            here.display()
        )
    })
}

/// Below those that connections are made from: what opens ten thousand of them takes none of these
/// between here and the program that is to listen.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// A port on loopback that nobody listens on now, and that nobody here was given before.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(getrandom::u32().unwrap_or_default()));
    let count = PORTS.end - PORTS.start;
    let ports = (0..count).map(|_| PORTS.start + next.fetch_add(1, Ordering::Relaxed) % count);
    let mut ports = ports.filter_map(|port| u16::try_from(port).ok());
    let found = ports.find(|port| is_free(*port));
    found.context("there is no free port on loopback")
}

/// Whether this port on loopback can be listened on.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}
