//! Real connections over TLS, against the door as it is served (fleet §1.2, the black-box tests).

use super::super::*;
use crate::authority::{Ca, Shown, tls};
use bytes::BytesMut;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

const NOW: i64 = 1_795_000_000_000;
const SOON: Duration = Duration::from_secs(3);

/// Remembers what it was told; can be out of order.
#[derive(Default)]
struct Heard {
    said: Mutex<Vec<String>>,
    broken: Mutex<bool>,
    revoked: Mutex<bool>,
    /// What happened besides messages.
    happened: Mutex<Vec<String>>,
}

impl Fleet for Heard {
    async fn admit(&self, certificate: &CertificateDer<'_>) -> Option<DeviceId> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let name = certificate
            .subject()
            .iter_common_name()
            .next()?
            .as_str()
            .ok()?
            .to_owned();
        if *self.revoked.lock().unwrap() {
            None
        } else {
            name.parse().ok()
        }
    }

    async fn message(&self, device: &DeviceId, up: Up, payload: Bytes) -> Result<(), Unavailable> {
        sleep(Duration::from_millis(20)).await;
        if *self.broken.lock().unwrap() {
            return Err(Unavailable);
        }
        let text = String::from_utf8(payload.to_vec()).unwrap();
        self.said
            .lock()
            .unwrap()
            .push(format!("{device} {} {text}", up.topic(device)));
        Ok(())
    }

    async fn knows(&self, _: &DeviceId) -> bool {
        !*self.revoked.lock().unwrap()
    }

    async fn lost_sight(&self) {
        self.said.lock().unwrap().push("lost sight".into());
    }

    fn happened(&self, happening: Happening<'_>) {
        let text = match happening {
            Happening::Acknowledged(_) => return,
            Happening::Connected(device) => format!("{device} connected"),
            Happening::CutOff(device, why) => format!("{device} cut off: {why}"),
            Happening::Refused(None, _, why) => format!("refused: {why}"),
            Happening::Refused(Some(device), _, why) => format!("{device} refused: {why}"),
        };
        self.happened.lock().unwrap().push(text);
    }
}

struct House {
    folder: PathBuf,
    ca: Ca,
    address: SocketAddr,
    heard: Arc<Heard>,
    links: Links,
    stop: watch::Sender<bool>,
}

impl House {
    async fn start(limits: Limits) -> Self {
        let folder = std::env::temp_dir().join(format!("xunke-mqtt-{}", uuid::Uuid::now_v7()));
        let ca = Ca::open(&folder, NOW).unwrap();
        let shown = Arc::new(Shown::open(&ca, &[], NOW).unwrap());
        let tls = tls::mqtt(&shown, &ca).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, links) = (Arc::new(Heard::default()), Links::default());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(
            listener,
            tls,
            heard.clone(),
            links.clone(),
            limits,
            stopped,
        ));
        Self {
            folder,
            ca,
            address,
            heard,
            links,
            stop,
        }
    }

    /// TLS as the box of that name.
    async fn dial(&self, name: &str) -> Client {
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default()
            .serialize_request(&key)
            .unwrap()
            .pem()
            .unwrap();
        let issued = self.ca.issue(&csr, &name.parse().unwrap(), NOW).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = self.client().with_client_auth_cert(chain, key).unwrap();
        Client::dial(self.address, config).await.unwrap()
    }

    fn client(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.ca.pem().as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
    }

    async fn connect(&self, name: &str, will: &str) -> Client {
        let mut client = self.dial(name).await;
        client.send(&connect(name, name, will)).await;
        assert_eq!(client.read(4).await, b"\x20\x02\x00\x00");
        client
    }

    fn said(&self) -> Vec<String> {
        self.heard.said.lock().unwrap().clone()
    }

    /// Whether all of this has happened, in this order, before or after other things.
    async fn happened_soon(&self, expect: &[&str]) {
        let happened = || self.heard.happened.lock().unwrap().clone();
        let all = async {
            loop {
                let mut left = expect.iter().peekable();
                for one in happened() {
                    left.next_if(|expected| **expected == one);
                }
                if left.peek().is_none() {
                    break;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(SOON, all).await.is_ok(), "{:?}", happened());
    }

    async fn said_soon(&self, expect: &[&str]) {
        let all = async {
            while self.said() != expect {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(SOON, all).await.is_ok(), "{:?}", self.said());
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

struct Client(TlsStream<TcpStream>);

impl Client {
    async fn dial(address: SocketAddr, config: ClientConfig) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Self(
            TlsConnector::from(Arc::new(config))
                .connect(name, stream)
                .await?,
        ))
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(SOON, self.0.read_exact(&mut bytes))
            .await
            .expect("an answer")
            .unwrap();
        bytes
    }

    async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(
            timeout(SOON, self.0.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    }
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap();
    assert!(length < 128);
    [&[first, length], body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [
        &u16::try_from(text.len()).unwrap().to_be_bytes()[..],
        text.as_bytes(),
    ]
    .concat()
}

/// Keep-alive 1 s, will on the box's own state.
fn connect(client_id: &str, topic_of: &str, will: &str) -> Vec<u8> {
    let topic = text(&format!("xk/1/d/{topic_of}/up/state"));
    let head = b"\x00\x04MQTT\x04\x2e\x00\x01";
    packet(
        0x10,
        &[&head[..], &text(client_id), &topic, &text(will)].concat(),
    )
}

fn publish(topic: &str, payload: &str) -> Vec<u8> {
    packet(
        0x32,
        &[&text(topic)[..], b"\x00\x05", payload.as_bytes()].concat(),
    )
}

#[tokio::test]
async fn a_message_is_acknowledged_after_it_was_stored_and_not_otherwise() {
    let house = House::start(Limits::default()).await;
    let mut client = house.connect("box-1", "w").await;
    client.send(&publish("xk/1/d/box-1/up/health", "h")).await;
    assert_eq!(client.read(4).await, b"\x40\x02\x00\x05");
    assert_eq!(house.said(), ["box-1 xk/1/d/box-1/up/health h"]);
    *house.heard.broken.lock().unwrap() = true;
    client
        .send(&publish("xk/1/d/box-1/up/health", "lost"))
        .await;
    assert!(
        client.is_closed().await,
        "no PUBACK: the box keeps the message"
    );
}

#[tokio::test]
async fn nobody_connects_without_a_certificate_or_as_another() {
    let house = House::start(Limits::default()).await;
    let anonymous = house.client().with_no_client_auth();
    // TLS 1.3 tells the client only when it reads.
    if let Ok(mut client) = Client::dial(house.address, anonymous).await {
        assert!(client.is_closed().await);
    }
    let refused = async |sent: Vec<u8>, answer: &[u8]| {
        let mut client = house.dial("box-1").await;
        client.send(&sent).await;
        assert_eq!(client.read(4).await, answer);
        assert!(client.is_closed().await);
    };
    refused(connect("box-2", "box-2", "w"), b"\x20\x02\x00\x02").await;
    refused(connect("box-1", "box-2", "w"), b"\x20\x02\x00\x05").await;
    *house.heard.revoked.lock().unwrap() = true;
    refused(connect("box-1", "box-1", "w"), b"\x20\x02\x00\x05").await;
    assert_eq!(house.links.count(), 0);
    let told = [
        "refused: TLS failed",
        "box-1 refused: the client id is not the certificate's name",
        "box-1 refused: the will is not for the box's own state",
        "refused: its certificate is not in force",
    ];
    house.happened_soon(&told).await;
}

#[tokio::test]
async fn the_will_is_published_on_loss_silence_and_foreign_topics_but_not_on_goodbye() {
    let house = House::start(Limits::default()).await;
    let mut leaves = house.connect("box-1", "never").await;
    leaves.send(b"\xe0\x00").await;
    assert!(leaves.is_closed().await);
    drop(house.connect("box-1", "reset").await);
    house
        .said_soon(&["box-1 xk/1/d/box-1/up/state reset"])
        .await;
    house.heard.said.lock().unwrap().clear();
    let mut foreign = house.connect("box-1", "foreign").await;
    foreign.send(&publish("xk/1/d/box-2/up/health", "h")).await;
    assert!(foreign.is_closed().await);
    house
        .said_soon(&["box-1 xk/1/d/box-1/up/state foreign"])
        .await;
    house.heard.said.lock().unwrap().clear();
    let silent = house.connect("box-1", "silent").await;
    let begun = std::time::Instant::now();
    house
        .said_soon(&["box-1 xk/1/d/box-1/up/state silent"])
        .await;
    let after = begun.elapsed();
    assert!(
        after > Duration::from_millis(1400),
        "1.5 × 1 s, not {after:?}"
    );
    drop(silent);
}

/// fleet §1.2 test 7: the old session's will, before the new one may speak.
#[tokio::test]
async fn a_take_over_publishes_the_old_will_first() {
    let house = House::start(Limits::default()).await;
    let mut old = house.connect("box-1", "old").await;
    let mut new = house.connect("box-1", "new").await;
    assert_eq!(house.said(), ["box-1 xk/1/d/box-1/up/state old"]);
    assert!(old.is_closed().await);
    new.send(b"\xc0\x00").await;
    assert_eq!(new.read(2).await, b"\xd0\x00");
    drop(new);
    let state = |will| format!("box-1 xk/1/d/box-1/up/state {will}");
    house.said_soon(&[&state("old"), &state("new")]).await;
}

#[tokio::test]
async fn a_box_hears_what_it_is_told_once_it_listens_until_it_is_kicked() {
    let house = House::start(Limits::default()).await;
    let device: DeviceId = "box-1".parse().unwrap();
    assert_eq!(
        house.links.send(&device, "t".into(), Bytes::new()),
        Err(NotSent::Absent)
    );
    let mut client = house.connect("box-1", "w").await;
    house
        .links
        .send(&device, "t".into(), Bytes::from_static(b"order"))
        .unwrap();
    client
        .send(&packet(
            0x82,
            &[b"\x00\x09", &text("xk/1/d/box-1/dn/#")[..], b"\x01"].concat(),
        ))
        .await;
    assert_eq!(client.read(5).await, b"\x90\x03\x00\x09\x01");
    assert_eq!(client.read(12).await, b"\x32\x0a\x00\x01t\x00\x01order");
    let begun = std::time::Instant::now();
    house.links.kick(&device);
    assert!(client.is_closed().await);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "revoke to gone in under a second"
    );
    house.said_soon(&["box-1 xk/1/d/box-1/up/state w"]).await;
    assert!(!house.links.is_open(&device));
    house
        .happened_soon(&["box-1 connected", "box-1 cut off: revoked"])
        .await;
}

/// fleet §1.2 test 13, and the caps.
#[tokio::test]
async fn silent_peers_stop_nobody_and_are_sent_away() {
    let limits = Limits {
        handshake_max: Duration::from_millis(300),
        handshakes_per_address_max: 3,
        ..Limits::default()
    };
    let house = House::start(limits).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(house.address).await.unwrap());
    }
    let mut client = house.connect("box-1", "w").await;
    client.send(b"\xc0\x00").await;
    assert_eq!(client.read(2).await, b"\xd0\x00");
    silent.push(TcpStream::connect(house.address).await.unwrap());
    sleep(Duration::from_millis(50)).await;
    let mut fourth = TcpStream::connect(house.address).await.unwrap();
    let begun = std::time::Instant::now();
    let read = timeout(SOON, fourth.read(&mut [0])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)) && begun.elapsed() < Duration::from_millis(200));
    let read = timeout(SOON, silent[0].read(&mut [0])).await.unwrap();
    assert!(
        matches!(read, Ok(0) | Err(_)),
        "sent away after the handshake time"
    );
}

#[tokio::test]
async fn a_box_that_sends_too_fast_is_read_more_slowly() {
    let limits = Limits {
        // The CONNECT is over when the rate begins.
        packets_per_second: 10,
        packets_burst_max: 5,
        ..Limits::default()
    };
    let house = House::start(limits).await;
    let mut client = house.connect("box-1", "w").await;
    let burst: BytesMut = (0..10)
        .flat_map(|_| publish("xk/1/d/box-1/up/met", "m"))
        .collect();
    client.send(&burst).await;
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(client.read(4).await, b"\x40\x02\x00\x05");
    }
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(400),
        "five above the burst, 10 a second: {took:?}"
    );
    assert_eq!(house.said().len(), 10, "nothing is dropped");
}

#[tokio::test]
async fn when_the_hub_stops_no_box_is_called_lost() {
    let house = House::start(Limits::default()).await;
    let mut client = house.connect("box-1", "w").await;
    house.stop.send_replace(true);
    assert!(client.is_closed().await);
    sleep(Duration::from_millis(50)).await;
    assert!(house.said().is_empty() && TcpStream::connect(house.address).await.is_err());
}

/// Every seat is taken by strangers who say nothing: the next box gets in all the same.
#[tokio::test]
async fn half_open_connections_make_room_for_a_box() {
    let limits = Limits {
        handshakes_max: 8,
        handshake_yields: Duration::from_millis(200),
        ..Limits::default()
    };
    let house = House::start(limits).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(house.address).await.unwrap());
    }
    sleep(Duration::from_millis(250)).await;
    drop(house.connect("box-1", "w").await);
    let read = timeout(SOON, silent[0].read(&mut [0])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "the oldest made room");
    house.happened_soon(&["box-1 connected"]).await;
}

/// A box that is read slowly still hears the hub, and a revocation ends it at once, not when its
/// turn comes.
#[tokio::test]
async fn a_box_that_is_made_to_wait_hears_the_hub_and_can_be_kicked() {
    let limits = Limits {
        packets_per_second: 1,
        packets_burst_max: 1,
        ..Limits::default()
    };
    let house = House::start(limits).await;
    let device: DeviceId = "box-1".parse().unwrap();
    let mut client = house.connect("box-1", "w").await;
    let filter = text("xk/1/d/box-1/dn/#");
    let listens = packet(0x82, &[b"\x00\x09", &filter[..], b"\x01"].concat());
    let burst = (0..9).flat_map(|_| publish("xk/1/d/box-1/up/met", "m"));
    let burst: Vec<u8> = listens.into_iter().chain(burst).collect();
    client.send(&burst).await;
    assert_eq!(client.read(5).await, b"\x90\x03\x00\x09\x01");
    let order = Bytes::from_static(b"order");
    house.links.send(&device, "t".into(), order).unwrap();
    let mut head = client.read(4).await;
    while head == b"\x40\x02\x00\x05" {
        head = client.read(4).await;
    }
    let order = [head, client.read(8).await].concat();
    assert_eq!(order, b"\x32\x0a\x00\x01t\x00\x01order");
    assert!(house.said().len() < 9, "the rest waits");
    house.links.kick(&device);
    let ends = async { while client.0.read(&mut [0]).await.is_ok_and(|read| read > 0) {} };
    assert!(timeout(SOON, ends).await.is_ok());
    assert!(
        house.said().len() < 9,
        "it did not have to wait for its turn"
    );
}
