//! Listening: TLS 1.3, limits, and the peer's address and certificate for whoever asks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes the kernel may hold that it has not yet sent.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;
/// How long requests under way may take when the hub stops.
const GOODBYE: Duration = Duration::from_secs(3);
/// After an accept that failed (such as: no file descriptors left).
const BREATH: Duration = Duration::from_millis(100);

/// Who is at the other end of a connection. Every request carries it as an extension.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where from; an IPv4 address never wears IPv6 clothes.
    pub address: SocketAddr,
    /// The client certificate that TLS has verified, if the door asks for one.
    pub certificate: Option<CertificateDer<'static>>,
}

/// What a door puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; more wait in the backlog.
    pub connections_max: usize,
    /// For the TLS handshake, and for the head of each request.
    pub handshake_max: Duration,
}

/// Why a door cannot open.
#[derive(Debug, thiserror::Error)]
#[error("{key} = \"{address}\": cannot listen there ({cause}); choose a free address and port")]
pub struct CannotListen {
    key: &'static str,
    address: SocketAddr,
    cause: io::Error,
}

/// Whether a WebSocket ended because the connection did. Otherwise the other side sent what is no
/// message, or one that is too long.
#[must_use]
pub fn broke_off(error: &axum::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source()).any(|error| error.is::<io::Error>())
}

/// Takes an address; `key` is the configuration key to name if it is in use.
///
/// # Errors
/// One line naming key and address.
pub async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|cause| CannotListen {
        key,
        address,
        cause,
    })
}

/// Serves `router` over TLS until `stop` turns true, then lets requests under way finish briefly.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let next = tokio::select! {
            next = accept(&listener, &places) => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, address, place)) = next else {
            continue;
        };
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            connection(stream, address, acceptor, router, limits, stop).await;
        });
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE, finished).await.is_err() {
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, place)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

/// One connection, from handshake to end. What a stranger does wrong is no news: debug only.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    keep_prompt(&stream);
    let handshake = tokio::time::timeout(limits.handshake_max, acceptor.accept(stream)).await;
    let Ok(Ok(tls)) = handshake else {
        tracing::debug!(peer.address = %address, "no TLS handshake");
        return;
    };
    let certificates = tls.get_ref().1.peer_certificates();
    let certificate = certificates
        .and_then(|chain| chain.first())
        .map(|c| c.clone().into_owned());
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    let peer = Peer {
        address,
        certificate,
    };
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        router.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_max)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(tls), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = serving.as_mut() => Some(ended),
        () = stopped => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer.address = %address, %error, "a connection ended");
    }
}

/// Small messages leave at once, and what waits for a slow page waits with us, where it can still
/// be dropped: the kernel alone would hold half a minute of live picture (measured: 30 s behind
/// after 40 s at a third of the stream's rate).
fn keep_prompt(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let set = socket.set_tcp_nodelay(true);
    let set = set.and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX));
    if let Err(error) = set {
        tracing::debug!(%error, "cannot set up a connection");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_named_with_its_key() {
        let first = bind("people.listen", "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let taken = first.local_addr().unwrap();
        let line = bind("people.listen", taken).await.unwrap_err().to_string();
        assert!(
            line.starts_with(&format!("people.listen = \"{taken}\": cannot listen")),
            "{line}"
        );
    }
}
