//! The MQTT door: TCP, TLS and CONNECT, one task per connection, and a limit on everything.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use xunke_protocol::id::DeviceId;

use super::connection::{Broken, Line, talk};
use super::links::Links;
use super::packet::{Malformed, Reply};
use super::session::{Session, Step};
use super::waiting::{Place, Waiting};
use super::{Fleet, Happening, Limits};

/// Nobody was there, or nobody any more: whoever looks whether a port is open does the same.
const LOST: &str = "connection lost";
/// After a failed accept, such as no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

struct Door<F> {
    fleet: Arc<F>,
    links: Links,
    limits: Limits,
    tls: TlsAcceptor,
    handshakes: Waiting,
    seats: Arc<Semaphore>,
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
    let door = Arc::new(Door {
        fleet,
        links,
        limits,
        tls: tls.into(),
        handshakes: Waiting::default(),
        seats: Arc::new(Semaphore::new(limits.connections_max)),
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
        // Counted before anything is spawned: a refused one costs no task.
        let begun = door
            .handshakes
            .begin(address.ip(), &door.limits, Instant::now());
        let place = match begun {
            Ok(place) => place,
            Err(why) => {
                door.refused(None, address.ip(), why);
                continue;
            }
        };
        let door = Arc::clone(&door);
        connections.spawn(async move { door.connection(stream, address.ip(), place).await });
    }
    connections.shutdown().await;
}

impl<F: Fleet> Door<F> {
    async fn connection(&self, stream: TcpStream, address: IpAddr, mut place: Place) {
        let mut known = None;
        let greeted = tokio::select! {
            greeted = timeout(self.limits.handshake_max, self.greet(stream, &mut known)) => greeted,
            _ = &mut place.ended => Ok(Err("its unfinished handshake made room for another")),
        };
        drop(place);
        let (line, session) = match greeted {
            Ok(Ok(greeted)) => greeted,
            Ok(Err(why)) => return self.refused(known.as_ref(), address, why),
            Err(_) => return self.refused(known.as_ref(), address, "its handshake took too long"),
        };
        let Ok(_seat) = self.seats.try_acquire() else {
            return self.refused(known.as_ref(), address, "too many boxes are connected");
        };
        talk(line, session, &self.fleet, &self.links, &self.limits).await;
    }

    /// The trail bounds what it is told; the log has strangers at a level that can be left out.
    fn refused(&self, device: Option<&DeviceId>, address: IpAddr, why: &'static str) {
        match device {
            Some(device) => tracing::info!(device.id = %device, %address, why, "a box was refused"),
            None => tracing::debug!(%address, why, "an MQTT connection was refused"),
        }
        if why != LOST {
            self.fleet
                .happened(Happening::Refused(device, address, why));
        }
    }

    /// TLS, then the certificate, then CONNECT; the answer is written by [`talk`].
    async fn greet(
        &self,
        stream: TcpStream,
        known: &mut Option<DeviceId>,
    ) -> Result<(Line, Session), &'static str> {
        stream.set_nodelay(true).map_err(|_| LOST)?;
        let stream = self
            .tls
            .accept(stream)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => LOST,
                _ => "TLS failed",
            })?;
        let mut line = Line::new(stream, self.limits.write_max);
        let certificate = line
            .tls()
            .peer_certificates()
            .and_then(|chain| chain.first());
        let certificate = certificate.ok_or("no certificate")?.clone().into_owned();
        let device = self.fleet.admit(&certificate).await;
        known.clone_from(&device);
        let request = match line.next().await {
            Ok(request) => request,
            Err(Broken::Malformed(Malformed::Version)) => {
                return Err(refuse(line, Reply::WrongVersion, "not MQTT 3.1.1").await);
            }
            Err(Broken::Malformed(_)) => return Err("malformed CONNECT"),
            Err(Broken::Gone) => return Err(LOST),
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
