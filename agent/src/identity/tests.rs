//! Enrolment against a hub: what is kept, what is refused, and what is never sent.

mod ask;

use super::*;
use crate::config::Config;
use crate::test_peer::{self, DEVICE, Hub, certificate, read_http, write_http};
use ed25519_dalek::SigningKey;
use std::os::unix::fs::PermissionsExt;
use tokio::io::AsyncReadExt;
use xunke_protocol::enrolment::EnrolResponse;
use xunke_protocol::sealed::epoch::SignedBundle;

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

async fn enrol_with(
    hub: &Hub,
    config: &Config,
    change: impl FnOnce(&mut EnrolResponse),
) -> Result<Enrolment, Error> {
    let code = hub.code();
    tokio::join!(enrol(config, &code, false), hub.enrol(change)).0
}

#[tokio::test]
async fn an_enrolled_box_shows_its_own_certificate_to_the_hub_alone() {
    let hub = Hub::start().await;
    let config = hub.config("enrol");
    let identity = hub.enrolled(&config).await;
    assert_eq!(identity.device_id.as_str(), DEVICE);
    assert_eq!(files(&config.state_dir), ["identity.json"]);
    let mode = std::fs::metadata(path(&config.state_dir))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let client = identity.http_client(Duration::from_secs(5)).unwrap();
    let serve = async {
        let mut stream = hub.accept().await.unwrap();
        read_http(&mut stream).await;
        write_http(&mut stream, 200, b"hello").await;
        certificate(&stream).expect("the box shows its certificate")
    };
    let (answer, shown) = tokio::join!(client.get(&config.hub.url).send(), serve);
    assert_eq!(answer.unwrap().status(), 200);
    let (_, shown) = x509_parser::parse_x509_certificate(&shown).unwrap();
    assert_eq!(shown.subject().to_string(), format!("CN={DEVICE}"));

    let stranger = Hub::start().await;
    let url = format!("https://localhost:{}", stranger.port());
    let (answer, accepted) = tokio::join!(client.get(url).send(), stranger.accept());
    assert!(
        answer.is_err() && accepted.is_none(),
        "another CA is not trusted"
    );
}

/// R: no trust on first use. The secret must not reach a hub that is not in the code.
#[tokio::test]
async fn a_stranger_never_sees_the_secret() {
    let (hub, stranger) = (Hub::start().await, Hub::start().await);
    let config = stranger.config("stranger");
    let code = hub.code();
    let listen = async {
        let mut heard = Vec::new();
        if let Some(mut stream) = stranger.accept().await {
            drop(stream.read_to_end(&mut heard).await);
        }
        heard
    };
    let (refused, heard) = tokio::join!(enrol(&config, &code, false), listen);
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::Stranger { .. }), "{error}");
    assert!(
        error.to_string().contains("the code was not sent"),
        "{error}"
    );
    assert_eq!(heard, b"", "not a byte of the request");
    assert!(files(&config.state_dir).is_empty());
}

#[tokio::test]
async fn an_answer_that_does_not_hold_together_is_not_kept() {
    let hub = Hub::start().await;
    let other = Hub::start().await;
    let foreign = {
        let key = rcgen::KeyPair::generate().unwrap();
        let csr = rcgen::CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        hub.answer(&xunke_protocol::enrolment::EnrolRequest {
            code_secret: String::new(),
            csr_pem: csr.pem().unwrap(),
            signing_key: [0; 32],
        })
    };
    let other_ca = other.answer_ca();
    let forged = SignedBundle {
        version: 9,
        ..hub.bundle(1)
    };
    type Change = Box<dyn FnOnce(&mut EnrolResponse)>;
    let cases: Vec<(&str, Change)> = vec![
        (
            "its CA is not the one",
            Box::new(move |a| a.ca_pem = other_ca),
        ),
        (
            "exactly one CA",
            Box::new(|a| a.ca_pem = a.ca_pem.repeat(2)),
        ),
        ("no certificate", Box::new(|a| a.ca_pem.clear())),
        (
            "another key",
            Box::new(move |a| a.certificate_pem = foreign.certificate_pem),
        ),
        (
            "name is not the device",
            Box::new(|a| a.device_id = "box-other".parse().unwrap()),
        ),
        (
            "not signed by the hub",
            Box::new(move |a| a.epoch_bundle = forged),
        ),
        (
            "not signed by the hub",
            Box::new(|a| a.hub_signing_key = [1; 32]),
        ),
        (
            "another key",
            Box::new(|a| a.certificate_pem = a.ca_pem.clone()),
        ),
    ];
    for (expect, change) in cases {
        let config = hub.config("answer");
        let error = enrol_with(&hub, &config, change).await.unwrap_err();
        assert!(matches!(error, Error::Answer(_)), "{error}");
        assert!(
            error.to_string().contains(expect),
            "{error} should say {expect}"
        );
        assert!(files(&config.state_dir).is_empty(), "{expect}");
    }
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_hubs_words() {
    let hub = Hub::start().await;
    let config = hub.config("refused");
    let code = hub.code();
    let refuse = async {
        let mut stream = hub.accept().await.unwrap();
        read_http(&mut stream).await;
        let body = br#"{"error":{"code":"used","zh":"x","en":"this code was used before"}}"#;
        write_http(&mut stream, 403, body).await;
    };
    let (refused, ()) = tokio::join!(enrol(&config, &code, false), refuse);
    let expect = "the hub refused: 403 this code was used before";
    assert_eq!(refused.unwrap_err().to_string(), expect);
}

#[tokio::test]
async fn a_hub_that_is_away_is_said_in_one_line() {
    let hub = Hub::start().await;
    let (config, code) = (hub.config("away"), hub.code());
    drop(hub);
    let error = enrol(&config, &code, false).await.unwrap_err().to_string();
    assert!(
        error.contains(&config.hub.url) && error.contains("refused"),
        "{error}"
    );
}

#[tokio::test]
async fn an_enrolled_box_keeps_its_identity_unless_told_otherwise() {
    let hub = Hub::start().await;
    let config = hub.config("again");
    let before = hub.enrolled(&config).await;
    let code = hub.code();
    let error = enrol(&config, &code, false).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("already enrolled as box-test: add --replace"),
        "{error}"
    );
    let (replaced, _) = tokio::join!(enrol(&config, &code, true), hub.enrol(|_| {}));
    replaced.unwrap();
    let after = Identity::load(&config.state_dir).unwrap();
    let public = |identity: &Identity| identity.device_signing_key.verifying_key();
    assert_ne!(
        public(&before),
        public(&after),
        "a new identity has new keys"
    );
}

#[tokio::test]
async fn a_failed_replacement_leaves_the_old_identity() {
    let hub = Hub::start().await;
    let config = hub.config("failed");
    hub.enrolled(&config).await;
    let before = std::fs::read(path(&config.state_dir)).unwrap();
    let code = hub.code();
    let spoil = hub.enrol(|answer| answer.hub_signing_key = [1; 32]);
    let (refused, _) = tokio::join!(enrol(&config, &code, true), spoil);
    assert!(refused.is_err());
    assert_eq!(std::fs::read(path(&config.state_dir)).unwrap(), before);
}

#[test]
fn a_box_without_identity_is_told_what_to_do() {
    let directory = test_peer::directory("none");
    let error = Identity::load(&directory).err().unwrap().to_string();
    assert!(
        error.contains("xunke-agent enrol --config FILE --code-file"),
        "{error}"
    );
    std::fs::write(path(&directory), "{\"key_pem\": \"SECRET\", broken").unwrap();
    let error = Identity::load(&directory).err().unwrap().to_string();
    assert!(
        error.contains("not readable at line 1") && error.contains("--replace"),
        "{error}"
    );
    assert!(!error.contains("SECRET"), "{error}");
}

#[tokio::test]
async fn day_keys_only_ever_get_newer() {
    let hub = Hub::start().await;
    let config = hub.config("epochs");
    let identity = hub.enrolled(&config).await;
    assert_eq!(identity.epochs.current().version, 1);
    identity.epochs.accept(hub.bundle(3)).unwrap();
    let older = identity
        .epochs
        .accept(hub.bundle(2))
        .unwrap_err()
        .to_string();
    assert!(older.contains("version 2 are older than 3"), "{older}");
    let key = SigningKey::from_bytes(&[9; 32]);
    let forged = SignedBundle::sign(4, hub.bundle(4).days, &key);
    assert!(identity.epochs.accept(forged).is_err());
    let empty = SignedBundle::sign(4, Vec::new(), &SigningKey::from_bytes(&[5; 32]));
    assert!(
        identity.epochs.accept(empty).is_err(),
        "nothing to seal with"
    );
    let restarted = Identity::load(&config.state_dir).unwrap();
    assert_eq!(restarted.epochs.current().version, 3, "kept over a restart");
    std::fs::write(config.state_dir.join("epoch-bundle.json"), b"{").unwrap();
    let damaged = Identity::load(&config.state_dir).unwrap();
    assert_eq!(
        damaged.epochs.current().version,
        1,
        "sealing goes on with the first"
    );
}
