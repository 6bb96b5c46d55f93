//! A cable between boxes and hub that can be pulled out, or fall silent as a switch does.

use std::net::Ipv4Addr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::fleet::Address;

/// How the cable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything passes.
    Whole,
    /// Connections are closed, and new ones at once.
    Pulled,
    /// Nothing passes, nobody is told.
    Silent,
}

/// The cable. Dropping it closes every connection.
pub struct Cable {
    address: Address,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Cable {
    /// Lays it to a port on this machine.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn lay(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = Address {
            host: "127.0.0.1".into(),
            port: listener.local_addr()?.port(),
        };
        let (state, looks) = watch::channel(State::Whole);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(carry(near, port, looks.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// Where boxes find it.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address.clone()
    }

    /// Changes how it is.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(near: TcpStream, port: u16, state: watch::Receiver<State>) {
    let mut pulled = state.clone();
    let both = async {
        let far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        tokio::select! {
            done = one_way(near_in, far_out, state.clone()) => done,
            done = one_way(far_in, near_out, state) => done,
        }
    };
    tokio::select! {
        // Either end is gone: the other is closed with it.
        _ = both => {}
        _ = pulled.wait_for(|state| *state == State::Pulled) => {}
    }
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        // What comes while it is silent arrives later, or never when the connection is given up.
        drop(state.wait_for(|state| *state != State::Silent).await);
        to.write_all(&bytes[..count]).await?;
    }
}
