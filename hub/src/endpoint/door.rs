//! The MQTT door: TCP, TLS and CONNECT, one task per connection, and a limit on everything.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{Broken, Line, talk};
use super::links::Links;
use super::packet::{Malformed, Reply};
use super::session::{Session, Step};
use super::{Fleet, Limits};

/// After a failed accept, such as no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

struct Door<F> {
    fleet: Arc<F>,
    links: Links,
    limits: Limits,
    tls: TlsAcceptor,
    handshakes: Counts,
}

/// Serves until `stop` turns true; then every connection is closed without its will, because it is
/// the hub that leaves.
pub async fn serve<F: Fleet>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    fleet: Arc<F>,
    links: Links,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let seats = Arc::new(Semaphore::new(limits.connections_max));
    let handshakes = Counts::default();
    let door = Arc::new(Door {
        fleet,
        links,
        limits,
        tls: tls.into(),
        handshakes,
    });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, address)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            tracing::warn!(%address, "too many MQTT connections: one is closed");
            continue;
        };
        let door = Arc::clone(&door);
        connections.spawn(async move {
            door.connection(stream, address.ip()).await;
            drop(seat);
        });
    }
    connections.shutdown().await;
}

impl<F: Fleet> Door<F> {
    async fn connection(&self, stream: TcpStream, address: IpAddr) {
        let most = self.limits.handshakes_per_address_max;
        let Some(waiting) = Waiting::begin(&self.handshakes, address, most) else {
            tracing::warn!(%address, "too many unfinished MQTT handshakes: one is closed");
            return;
        };
        let greeted = timeout(self.limits.handshake_max, self.greet(stream)).await;
        drop(waiting);
        match greeted {
            Err(_) => tracing::info!(%address, "an MQTT handshake took too long"),
            Ok(Err(why)) => tracing::info!(%address, why, "an MQTT connection was refused"),
            Ok(Ok((line, session))) => {
                talk(line, session, &self.fleet, &self.links, &self.limits).await;
            }
        }
    }

    /// TLS, then the certificate, then CONNECT; the answer is written by [`talk`].
    async fn greet(&self, stream: TcpStream) -> Result<(Line, Session), &'static str> {
        stream.set_nodelay(true).map_err(|_| "connection lost")?;
        let stream = self.tls.accept(stream).await.map_err(|_| "TLS failed")?;
        let mut line = Line::new(stream, self.limits.write_max);
        let certificate = line
            .tls()
            .peer_certificates()
            .and_then(|chain| chain.first());
        let certificate = certificate.ok_or("no certificate")?.clone().into_owned();
        let device = self.fleet.admit(&certificate).await;
        let request = match line.next().await {
            Ok(request) => request,
            Err(Broken::Malformed(Malformed::Version)) => {
                return Err(refuse(line, Reply::WrongVersion, "not MQTT 3.1.1").await);
            }
            Err(Broken::Malformed(_)) => return Err("malformed CONNECT"),
            Err(Broken::Gone) => return Err("connection lost"),
        };
        let Some(device) = device else {
            let why = "its certificate is not in force";
            return Err(refuse(line, Reply::NotAuthorized, why).await);
        };
        let mut session = Session::new(device);
        match session.receive(request) {
            Step::Send(Reply::Accepted) => Ok((line, session)),
            Step::Close(Some(reply), why) => Err(refuse(line, reply, why).await),
            Step::Close(None, why) => Err(why),
            _ => Err("no CONNECT"),
        }
    }
}

async fn refuse(mut line: Line, reply: Reply, why: &'static str) -> &'static str {
    let _ = line.write(reply).await;
    line.close().await;
    why
}

/// Counts an unfinished handshake until dropped.
struct Waiting {
    counts: Counts,
    address: IpAddr,
}

impl Waiting {
    fn begin(counts: &Counts, address: IpAddr, most: usize) -> Option<Self> {
        let mut map = counts
            .lock()
            .expect("invariant: nobody panics while counting");
        let count = map.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self {
            counts: Arc::clone(counts),
            address,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut map = self
            .counts
            .lock()
            .expect("invariant: nobody panics while counting");
        if let Some(count) = map.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.address);
            }
        }
    }
}
