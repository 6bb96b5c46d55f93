//! An issuer that says whatever it is told to: wrong tokens, garbage, nothing.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::issuer::{section, write_secret};

const REQUEST_BYTES_MAX: usize = 64 * 1024;
const CLIENT_ID: &str = "xunke";

#[derive(Default)]
struct Told {
    /// By path: the whole answer, head and body.
    answers: HashMap<String, Vec<u8>>,
    /// Paths that were asked for.
    asked: Vec<String>,
}

/// A running liar; dropping it ends it.
pub struct Liar {
    /// Its name and address.
    pub url: String,
    ca_file: PathBuf,
    secret_file: PathBuf,
    key: KeyPair,
    told: Arc<Mutex<Told>>,
    task: JoinHandle<()>,
}

impl Liar {
    /// Starts one that is honest about itself and its key, and gives nothing for a code.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start(folder: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (ca_file, secret_file) = (folder.join("liar-ca.pem"), folder.join("liar-secret"));
        std::fs::write(&ca_file, made.cert.pem())?;
        write_secret(&secret_file, "secret\n")?;
        let acceptor = acceptor(&made.cert.pem(), &made.signing_key.serialize_pem())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let told = Arc::new(Mutex::new(Told::default()));
        let shared = told.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        });
        let liar = Self {
            url,
            ca_file,
            secret_file,
            key: KeyPair::generate_for(&PKCS_ED25519)?,
            told,
            task,
        };
        liar.says(DESCRIPTION, &liar.description());
        liar.says("/keys", &json!({"keys": [liar.public("k1")]}));
        Ok(liar)
    }

    /// The section of the hub's configuration.
    #[must_use]
    pub fn section(&self) -> String {
        section(&self.url, CLIENT_ID, &self.secret_file, &self.ca_file)
    }

    /// What it ought to say of itself.
    #[must_use]
    pub fn description(&self) -> Value {
        let at = |path| format!("{}{path}", self.url);
        json!({
            "issuer": self.url, "authorization_endpoint": at("/authorize?tenant=a"),
            "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        })
    }

    /// Its public key under some name.
    #[must_use]
    pub fn public(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.der_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig"})
    }

    /// Answers `path` with JSON from now on.
    pub fn says(&self, path: &str, body: &Value) {
        self.answers(
            path,
            "200 OK\r\ncontent-type: application/json",
            body.to_string(),
        );
    }

    /// Answers `path` with this status line and body from now on.
    pub fn answers(&self, path: &str, head: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let answer = [head.as_bytes(), body].concat();
        self.told().answers.insert(path.to_owned(), answer);
    }

    /// How often `path` was asked for.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        self.told().asked.iter().filter(|one| *one == path).count()
    }

    /// Claims that are right for the nonce.
    #[must_use]
    pub fn claims(&self, nonce: &str, staff_number: &str, now_ms: i64) -> Value {
        let now = now_ms / 1000;
        json!({
            "iss": self.url, "aud": CLIENT_ID, "sub": "u1", "nonce": nonce,
            "iat": now, "exp": now + 300, "staff_number": staff_number,
        })
    }

    /// Signs with its own key.
    ///
    /// # Errors
    /// The library refuses.
    pub fn sign(&self, kid: &str, claims: &Value) -> Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.to_owned());
        let key = EncodingKey::from_ed_der(&self.key.serialize_der());
        Ok(encode(&header, claims, &key)?)
    }

    /// Gives this ID token for any code from now on.
    pub fn gives(&self, token: &str) {
        let body = json!({"access_token": "a", "token_type": "Bearer", "id_token": token});
        self.says("/token", &body);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where an issuer describes itself.
const DESCRIPTION: &str = "/.well-known/openid-configuration";

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor> {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, told: Arc<Mutex<Told>>) -> Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    let head = loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8(request[..end].to_vec())?;
        }
        ensure!(request.len() < REQUEST_BYTES_MAX, "too long a head");
        ensure!(stream.read_buf(&mut request).await? > 0, "the hub is gone");
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    while request.len() < head.len() + 4 + length.unwrap_or(0) {
        ensure!(stream.read_buf(&mut request).await? > 0, "the hub is gone");
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.asked.push(path.clone());
        told.answers.get(&path).cloned()
    };
    let missing = || b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
    stream.write_all(&answer.unwrap_or_else(missing)).await?;
    Ok(stream.shutdown().await?)
}
