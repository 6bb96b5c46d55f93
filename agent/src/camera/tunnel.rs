//! RTSP over TLS: `retina` speaks plain RTSP to a port of this process, and the bytes go on to the
//! camera through TLS (docs/decisions/0015). Worker process only.
//!
//! One listener per stream for the life of the worker, on loopback; each session's tunnel takes
//! exactly one connection from it, and only once the camera has shown its certificate.

use super::pair::{Order, Trust};
use super::trust::Verifier;
use rustls::pki_types::ServerName;
use std::io::{Error as IoError, ErrorKind};
use std::net::{Ipv4Addr, TcpListener as StdTcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

/// RFC 7826, 19.2: the port of RTSP over TLS.
pub const RTSPS_PORT: u16 = 322;
/// A camera that speaks plain RTSP may wait for the end of a line that never comes.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// From the camera at once, and to it.
const DOWN_BYTES: usize = 64 * 1024;
const UP_BYTES: usize = 4 * 1024;

/// The loopback ports of this worker's tunnels; bound before it reads a byte from the camera.
pub struct Doors {
    /// For the full picture.
    pub main: Option<StdTcpListener>,
    /// For the small one.
    pub sub: Option<StdTcpListener>,
}

impl Doors {
    /// Binds what the order needs: nothing, unless a camera speaks RTSPS. This is the only place
    /// where a worker listens.
    ///
    /// # Errors
    /// There is no port.
    pub fn bind(order: &Order) -> std::io::Result<Self> {
        let bind = |url: &str| {
            is_secure(url)
                .then(|| StdTcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
                .transpose()
        };
        let sub = order.sub_url.as_deref().map(bind).transpose()?.flatten();
        let main = bind(&order.main_url)?;
        Ok(Self { main, sub })
    }
}

/// Whether a URL asks for TLS.
pub fn is_secure(url: &str) -> bool {
    url.starts_with("rtsps://")
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The camera could not be reached.
    #[error("{0}")]
    Connect(#[source] IoError),
    /// Somebody answered who is not the camera.
    #[error(
        "the camera shows a certificate that is not trusted, SHA-256 {0}; if the camera is the \
         right one, write this into tls_sha256"
    )]
    Stranger(String),
    /// It speaks no TLS.
    #[error("no TLS at this address ({0}); if the camera speaks plain RTSP, write rtsp://")]
    Plain(String),
    /// It cannot be tried at all.
    #[error("RTSP over TLS cannot be used: {0}")]
    Unusable(String),
}

/// A tunnel for one session. Dropping it ends it.
pub struct Tunnel {
    /// Where `retina` finds the camera.
    pub url: Url,
    task: JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    /// Connects to the camera behind `url`, has it show its certificate, and then lets one
    /// connection in through `door`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(url: &Url, trust: &Trust, door: &StdTcpListener) -> Result<Self, Error> {
        let camera = shake_hands(url, trust).await?;
        let (url, door) = lead(url, door).map_err(|error| Error::Unusable(error.to_string()))?;
        let task = tokio::spawn(carry(door, camera));
        Ok(Self { url, task })
    }
}

async fn shake_hands(url: &Url, trust: &Trust) -> Result<TlsStream<TcpStream>, Error> {
    let unusable = |why: String| Error::Unusable(why);
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    // The URL has a number in the place of the name by now.
    let name = match trust {
        Trust::Authority(_, name) if !name.is_empty() => name,
        _ => host,
    };
    let name =
        ServerName::try_from(name.to_owned()).map_err(|error| unusable(error.to_string()))?;
    let verifier = Verifier::new(trust).map_err(unusable)?;
    let tls = TlsConnector::from(Arc::new(verifier.tls().map_err(unusable)?));
    let port = url.port().unwrap_or(RTSPS_PORT);
    let socket = TcpStream::connect((host, port))
        .await
        .map_err(Error::Connect)?;
    let shaken = timeout(HANDSHAKE, tls.connect(name, socket)).await;
    let shaken = shaken.map_err(|_| Error::Plain("no answer to the handshake".into()))?;
    shaken.map_err(|error| {
        let stranger = verifier.stranger().map(Error::Stranger);
        stranger.unwrap_or_else(|| Error::Plain(error.to_string()))
    })
}

/// Turns away whoever came before the session, and says where the door is.
fn lead(url: &Url, door: &StdTcpListener) -> std::io::Result<(Url, TcpListener)> {
    let door = door.try_clone()?;
    door.set_nonblocking(true)?;
    while door.accept().is_ok() {}
    let mut inside = Url::parse("rtsp://127.0.0.1").map_err(|_| invalid())?;
    inside
        .set_port(Some(door.local_addr()?.port()))
        .map_err(|()| invalid())?;
    inside.set_path(url.path());
    inside.set_query(url.query());
    Ok((inside, TcpListener::from_std(door)?))
}

fn invalid() -> IoError {
    IoError::from(ErrorKind::InvalidInput)
}

async fn carry(door: TcpListener, mut camera: TlsStream<TcpStream>) {
    let Ok((mut session, _)) = door.accept().await else {
        return;
    };
    drop(door);
    let _ = copy_bidirectional_with_sizes(&mut session, &mut camera, UP_BYTES, DOWN_BYTES).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_door_keeps_path_and_query_and_turns_early_visitors_away() {
        let door = StdTcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let early = std::net::TcpStream::connect(door.local_addr().unwrap()).unwrap();
        let url = Url::parse("rtsps://192.0.2.7:322/Streaming/Channels/101?a=b").unwrap();
        let (inside, listener) = lead(&url, &door).unwrap();
        let port = door.local_addr().unwrap().port();
        let expect = format!("rtsp://127.0.0.1:{port}/Streaming/Channels/101?a=b");
        assert_eq!(inside.as_str(), expect);
        let ours = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, ours.local_addr().unwrap());
        drop(early);
    }

    /// What a technician is told: which certificate came, or that none did.
    #[tokio::test]
    async fn a_stranger_and_a_plain_camera_are_told_apart() {
        let door = StdTcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let camera = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = Url::parse(&format!("rtsps://{}/a", camera.local_addr().unwrap())).unwrap();
        let (stranger, plain) =
            tokio::join!(Tunnel::open(&url, &Trust::Sha256([7; 32]), &door), async {
                let (socket, _) = camera.accept().await.unwrap();
                assert!(acceptor.accept(socket).await.is_err());
            })
            .0
            .map_or_else(
                |error| (error.to_string(), url),
                |_| panic!("a stranger was trusted"),
            );
        assert!(
            stranger.contains("write this into tls_sha256"),
            "{stranger}"
        );
        let (answered, ()) = tokio::join!(
            Tunnel::open(&plain, &Trust::Sha256([7; 32]), &door),
            async {
                let (mut socket, _) = camera.accept().await.unwrap();
                let answer = b"RTSP/1.0 400 Bad Request\r\n\r\n";
                tokio::io::AsyncWriteExt::write_all(&mut socket, answer)
                    .await
                    .unwrap();
            }
        );
        let words = answered.err().unwrap().to_string();
        assert!(words.contains("no TLS at this address"), "{words}");
    }

    #[test]
    fn only_cameras_that_speak_tls_open_a_door() {
        let order = |main: &str, sub: Option<&str>| Order {
            device: None,
            main_url: main.into(),
            sub_url: sub.map(str::to_owned),
            onvif: None,
            credentials: None,
            trust: None,
            audio: false,
            connect_seconds: 1,
            stall_seconds: 1,
            look_ms: 4_000,
            mib_max: 256,
            brokered: true,
            greet: false,
        };
        let bound = |order| {
            let doors = Doors::bind(&order).unwrap();
            (doors.main.is_some(), doors.sub.is_some())
        };
        assert_eq!(
            bound(order("rtsp://a/1", Some("rtsp://a/2"))),
            (false, false)
        );
        assert_eq!(bound(order("rtsps://a/1", None)), (true, false));
        assert_eq!(
            bound(order("rtsps://a/1", Some("rtsps://a/2"))),
            (true, true)
        );
    }
}
