//! A hub for tests: one CA, one TLS listener, and whatever it is told to answer.

use crate::config::Config;
use crate::identity::{self, Identity};
use bytes::BytesMut;
use ed25519_dalek::SigningKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer,
    KeyPair,
};
use rumqttc::mqttbytes::v4::Packet;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;
use xunke_protocol::command::SignedCommand;
use xunke_protocol::enrolment::{Code, EnrolRequest, EnrolResponse};
use xunke_protocol::envelope::Command;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::sealed::epoch::{DayKey, PublicHalf, SignedBundle};

/// The device every test hub hands out.
pub const DEVICE: &str = "box-test";

/// One hub on a port of its own.
pub struct Hub {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    issuer: Issuer<'static, KeyPair>,
    ca: rcgen::Certificate,
    signing: SigningKey,
}

/// An empty directory of this test's own.
pub fn directory(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = std::process::id();
    let directory = std::env::temp_dir().join(format!("xunke-agent-{name}-{id}-{number}"));
    drop(std::fs::remove_dir_all(&directory));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

impl Hub {
    pub async fn start() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "test hub CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![leaf.der().clone(), ca.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            issuer,
            ca,
            signing: SigningKey::from_bytes(&[5; 32]),
        }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub fn code(&self) -> Code {
        Code::new([7; 20], Sha256::digest(self.ca.der()).into())
    }

    /// A box's configuration for this hub.
    pub fn config(&self, name: &str) -> Config {
        let mut config = Config {
            state_dir: directory(name),
            ..Config::default()
        };
        config.hub.url = format!("https://localhost:{}", self.port());
        config
    }

    /// A command as this hub sends it.
    pub fn signed(&self, command: &Command) -> Vec<u8> {
        let signed = SignedCommand::sign(command, &DEVICE.parse().unwrap(), &self.signing);
        serde_json::to_vec(&signed).unwrap()
    }

    pub fn bundle(&self, version: u64) -> SignedBundle {
        let half = vec![u8::try_from(version).unwrap(); 32];
        let day = DayKey {
            epoch: 20_000,
            public: PublicHalf::new(half).unwrap(),
        };
        SignedBundle::sign(version, vec![day], &self.signing)
    }

    /// Waits for a connection; `None` when its handshake fails.
    pub async fn accept(&self) -> Option<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        self.acceptor.accept(stream).await.ok()
    }

    /// What an honest hub answers to an enrolment.
    pub fn answer(&self, request: &EnrolRequest) -> EnrolResponse {
        let mut csr = CertificateSigningRequestParams::from_pem(&request.csr_pem).unwrap();
        csr.params
            .distinguished_name
            .push(DnType::CommonName, DEVICE);
        EnrolResponse {
            device_id: DEVICE.parse().unwrap(),
            classroom_id: ClassroomId(Uuid::from_u128(1)),
            certificate_pem: csr.signed_by(&self.issuer).unwrap().pem(),
            ca_pem: self.ca.pem(),
            mqtt_host: None,
            mqtt_port: self.port(),
            hub_signing_key: self.signing.verifying_key().to_bytes(),
            epoch_bundle: self.bundle(1),
        }
    }

    /// Its CA certificate, as an enrolment would carry it.
    pub fn answer_ca(&self) -> String {
        self.ca.pem()
    }

    /// Serves one enrolment, its answer changed by `change`; returns what the box sent.
    pub async fn enrol(&self, change: impl FnOnce(&mut EnrolResponse)) -> EnrolRequest {
        let mut stream = self.accept().await.unwrap();
        let body = read_http(&mut stream).await;
        let request: EnrolRequest = serde_json::from_slice(&body).unwrap();
        let mut answer = self.answer(&request);
        change(&mut answer);
        write_http(&mut stream, 200, &serde_json::to_vec(&answer).unwrap()).await;
        request
    }

    /// A box that this hub knows.
    pub async fn enrolled(&self, config: &Config) -> Identity {
        let code = self.code();
        let (enrolled, _) = tokio::join!(identity::enrol(config, &code, false), self.enrol(|_| {}));
        enrolled.unwrap();
        Identity::load(&config.state_dir).unwrap()
    }
}

/// The certificate a connected box has shown.
pub fn certificate(stream: &TlsStream<TcpStream>) -> Option<CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    session
        .peer_certificates()
        .map(|chain| chain[0].clone().into_owned())
}

/// Reads one request; its body.
pub async fn read_http(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        assert!(
            stream.read_buf(&mut bytes).await.unwrap() > 0,
            "the request ended early"
        );
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if bytes.len() == end + 4 + length {
            return bytes.split_off(end + 4);
        }
    }
}

pub async fn write_http(stream: &mut TlsStream<TcpStream>, status: u16, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream.flush().await.unwrap();
}

/// The hub's end of an MQTT connection.
pub struct Mqtt {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

impl Mqtt {
    pub fn new(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// The next packet; `None` when the box has gone.
    pub async fn read(&mut self) -> Option<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.buffer, 65536) {
                return Some(packet);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(bytes) if bytes > 0 => {}
                _ => return None,
            }
        }
    }

    pub async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, 65536).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}
