//! A proxy of the school: TLS 1.3 on both sides, and it says for whom it asks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A running proxy; dropping it ends it.
pub struct Proxy {
    /// Its address for browsers.
    pub url: String,
    /// What browsers must trust, PEM.
    pub ca_pem: String,
    says: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that asks the hub at `port` from `own`, an address of this machine. Until
    /// [`Proxy::says`] it adds nothing to what it passes on.
    ///
    /// # Errors
    /// It cannot listen, or the hub's authority cannot be read.
    pub async fn start(port: u16, own: Ipv4Addr, hub_ca_pem: &str) -> Result<Self> {
        let names = vec!["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        let (ca_pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let (acceptor, connector) = (server(&ca_pem, &key)?, client(hub_ca_pem)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let says = Arc::new(Mutex::new(String::new()));
        let line = says.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                let line = line.clone();
                tokio::spawn(async move {
                    let Ok(inside) = acceptor.accept(stream).await else {
                        return;
                    };
                    let Ok(outside) = reach(port, own, &connector).await else {
                        return;
                    };
                    pass_on(inside, outside, &line).await;
                });
            }
        });
        Ok(Self {
            url,
            ca_pem,
            says,
            task,
        })
    }

    /// What it adds to the head of each request from now on: whole lines, each with its end.
    pub fn says(&self, lines: &str) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = lines.to_owned();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn server(certificate: &str, key: &str) -> Result<TlsAcceptor> {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn client(ca_pem: &str) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn reach(
    port: u16,
    own: Ipv4Addr,
    connector: &TlsConnector,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(own), 0))?;
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
    Ok(connector
        .connect(ServerName::try_from("localhost")?, stream)
        .await?)
}

/// Requests with a line more in their heads; answers as they are.
async fn pass_on<I, O>(inside: I, outside: O, line: &Mutex<String>)
where
    I: AsyncRead + AsyncWrite + Send + 'static,
    O: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut from_browser, mut to_browser) = split(inside);
    let (mut from_hub, mut to_hub) = split(outside);
    let answers = tokio::spawn(async move {
        drop(copy(&mut from_hub, &mut to_browser).await);
        drop(to_browser.shutdown().await);
    });
    drop(requests(&mut from_browser, &mut to_hub, line).await);
    drop(to_hub.shutdown().await);
    drop(answers.await);
}

async fn requests(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    line: &Mutex<String>,
) -> Result<()> {
    let mut waiting = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = waiting.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 2;
            }
            anyhow::ensure!(waiting.len() < HEAD_BYTES_MAX, "too long a head");
            anyhow::ensure!(
                from.read_buf(&mut waiting).await? > 0,
                "the browser is gone"
            );
        };
        let head = String::from_utf8(waiting[..end].to_vec())?;
        let lower = head.to_ascii_lowercase();
        let header = |name: &str| lower.lines().find_map(|line| line.strip_prefix(name));
        let upgrades = header("upgrade:").is_some();
        // One request a connection: nothing of one answer can be taken for another.
        let closing = ["connection: close\r\n", ""][usize::from(upgrades)];
        let added = line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = format!("{head}{added}{closing}\r\n");
        to.write_all(sent.as_bytes()).await?;
        waiting.drain(..end + 2);
        if upgrades {
            to.write_all(&waiting).await?;
            copy(from, to).await.context("an upgraded line")?;
            return Ok(());
        }
        let length = header("content-length:").map_or(Ok(0), |text| text.trim().parse())?;
        while waiting.len() < length {
            anyhow::ensure!(
                from.read_buf(&mut waiting).await? > 0,
                "the browser is gone"
            );
        }
        to.write_all(&waiting[..length]).await?;
        to.flush().await?;
        waiting.drain(..length);
    }
}
