//! The programs of the house: built beside the one that is running.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

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

/// A port on loopback that nobody listens on now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Whether this port on loopback can be listened on.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}
