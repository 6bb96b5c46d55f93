//! A camera: it listens, plays its clips to whoever shows its account, and suffers what it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::auth::{Account, Scheme};
use super::clip::{Clip, Codec, Size, SoundCodec, Spec, clip, tune};
use super::play::Programme;
use super::quirk::Quirk;
use super::session::{Mood, STREAMS, Shared, serve};
use super::tally::{Tallies, Tally};
use crate::classroom::Behaviour;

/// How often a port that is still in use is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// What kind of camera.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What it does otherwise.
    pub quirk: Option<Quirk>,
    /// How both pictures are encoded.
    pub codec: Codec,
    /// How large the full picture is; the other is small.
    pub size: Size,
    /// Its sound, with the full picture.
    pub sound: Option<SoundCodec>,
    /// How it wants to be convinced.
    pub scheme: Scheme,
    /// Whether it speaks RTSPS, with a certificate made at its start.
    pub tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quirk: None,
            codec: Codec::H264,
            size: Size::Small,
            sound: Some(SoundCodec::Aac),
            scheme: Scheme::Digest,
            tls: false,
        }
    }
}

/// A running camera on 127.0.0.1. Dropping it ends it.
pub struct SimulatedCamera {
    shared: Arc<Shared>,
    address: SocketAddr,
    certificate: Option<(Vec<u8>, String)>,
    /// Era up to which the listener has followed.
    followed: watch::Receiver<Mood>,
    task: JoinHandle<()>,
}

impl SimulatedCamera {
    /// Starts it within a tokio runtime. Clips are encoded first, if no other camera has them.
    ///
    /// # Errors
    /// GStreamer lacks an encoder, or there is no port.
    pub async fn start(options: Options) -> Result<Self> {
        let programmes = tokio::task::spawn_blocking(move || programmes(options)).await??;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let scheme = if options.tls { "rtsps" } else { "rtsp" };
        let shared = Arc::new(Shared {
            account: Account {
                user: "admin".into(),
                password: uuid::Uuid::now_v7().simple().to_string(),
                scheme: options.scheme,
            },
            quirk: options.quirk,
            programmes,
            base: format!("{scheme}://{address}"),
            tallies: Tallies::default(),
            mood: watch::Sender::default(),
            gone: watch::Sender::default(),
        });
        let (tls, certificate) = if options.tls {
            let (acceptor, certificate) = make_certificate()?;
            (Some(acceptor), Some(certificate))
        } else {
            (None, None)
        };
        let (follow, followed) = watch::channel(Mood::default());
        let task = tokio::spawn(listen(Arc::clone(&shared), listener, tls, follow));
        Ok(Self {
            shared,
            address,
            certificate,
            followed,
            task,
        })
    }

    /// URL of `main` or `sub`.
    #[must_use]
    pub fn url(&self, stream: &str) -> String {
        format!("{}/{stream}", self.shared.base)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its account: name and password.
    #[must_use]
    pub fn account(&self) -> (&str, &str) {
        (&self.shared.account.user, &self.shared.account.password)
    }

    /// SHA-256 of its certificate in hexadecimal, and the certificate as PEM.
    #[must_use]
    pub fn certificate(&self) -> Option<(String, &str)> {
        let (der, pem) = self.certificate.as_ref()?;
        let digest = Sha256::digest(der);
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some((hex, pem))
    }

    /// What has happened to `main` or `sub`.
    #[must_use]
    pub fn tally(&self, stream: &str) -> Tally {
        self.shared.tallies.of(stream)
    }

    /// Makes it happen; returns when it has.
    ///
    /// # Errors
    /// A clip cannot be covered.
    pub async fn suffer(&mut self, behaviour: Behaviour) -> Result<()> {
        if matches!(behaviour, Behaviour::Cover | Behaviour::Uncover) {
            bail!("a clip cannot be covered; the classroom can");
        }
        self.shared.mood.send_modify(|mood| {
            match behaviour {
                Behaviour::Freeze => mood.frozen = true,
                Behaviour::Thaw => mood.frozen = false,
                Behaviour::Die => mood.dead = true,
                Behaviour::Garbage => mood.garbage = true,
                Behaviour::Unauthorized => mood.unauthorized = true,
                _ => {
                    *mood = Mood {
                        era: mood.era,
                        ..Mood::default()
                    }
                }
            }
            let stays = matches!(behaviour, Behaviour::Freeze | Behaviour::Thaw);
            mood.era += u32::from(!stays);
        });
        let mood = *self.shared.mood.borrow();
        let followed = self.followed.wait_for(|followed| *followed == mood).await;
        followed.map(drop).context("the camera has ended")
    }
}

impl Drop for SimulatedCamera {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.mood.send_modify(|mood| mood.era += 1);
    }
}

async fn listen(
    shared: Arc<Shared>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    follow: watch::Sender<Mood>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut mood = shared.mood.subscribe();
    let mut listener = Some(listener);
    loop {
        let now = *mood.borrow_and_update();
        if now.dead {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        if now.dead || listener.is_some() {
            follow.send_replace(now);
        }
        select! {
            socket = accept(listener.as_ref()) => {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(greet(shared, socket, tls));
            }
            _ = mood.changed() => {}
            () = sleep(AGAIN), if listener.is_none() && !now.dead => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        if let Ok((socket, _)) = listener.accept().await {
            return socket;
        }
        sleep(AGAIN).await;
    }
}

async fn greet(shared: Arc<Shared>, socket: TcpStream, tls: Option<TlsAcceptor>) {
    let _ = socket.set_nodelay(true);
    match tls {
        None => serve(shared, socket).await,
        Some(tls) => {
            if let Ok(socket) = tls.accept(socket).await {
                serve(shared, socket).await;
            }
        }
    }
}

/// Signed by itself, as cameras do; it names 127.0.0.1, so that it may be trusted as a CA file too.
fn make_certificate() -> Result<(TlsAcceptor, (Vec<u8>, String))> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))?;
    let certificate = (made.cert.der().to_vec(), made.cert.pem());
    Ok((TlsAcceptor::from(Arc::new(config)), certificate))
}

fn programmes(options: Options) -> Result<[Programme; 2]> {
    let sound = options
        .sound
        .filter(|_| options.quirk != Some(Quirk::NoSound));
    let main = Programme {
        clips: clips(options, options.size)?,
        tune: sound.map(tune).transpose()?,
    };
    let sub = Programme {
        clips: clips(options, Size::Small)?,
        tune: None,
    };
    debug_assert_eq!(STREAMS.len(), 2);
    Ok([main, sub])
}

fn clips(options: Options, size: Size) -> Result<Vec<Arc<Clip>>> {
    let of = |size, pictures, gop, reordered| {
        let codec = options.codec;
        clip(Spec {
            codec,
            size,
            pictures,
            gop,
            reordered,
        })
    };
    let other = if size == Size::Small {
        Size::Middle
    } else {
        Size::Small
    };
    let specs = match options.quirk {
        Some(Quirk::LongGop) => vec![of(size, 250, 250, false)?],
        Some(Quirk::SmartGop) => vec![
            of(size, 12, 12, false)?,
            of(size, 125, 125, false)?,
            of(size, 50, 25, false)?,
        ],
        Some(Quirk::ParametersChange) => {
            vec![of(size, 100, 50, false)?, of(other, 50, 25, false)?]
        }
        Some(Quirk::Reordered) => vec![of(size, 100, 50, true)?],
        _ => vec![of(size, 100, 50, false)?],
    };
    Ok(specs)
}
