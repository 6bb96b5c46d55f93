//! A box that shows a code: what it believes, and whom.

use super::*;
use std::sync::{Arc, Mutex};
use xunke_protocol::asking::{Admitted, AskRequest, AskResponse, ShownCode};

/// What a person reads on the box.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Option<ShownCode>>>);

impl Screen {
    fn read(&self) -> Option<ShownCode> {
        self.0.lock().unwrap().clone()
    }
}

/// Serves one asking.
async fn heard(hub: &Hub, answer: impl FnOnce(AskRequest) -> AskResponse) {
    let mut stream = hub.accept().await.unwrap();
    let asked = serde_json::from_slice(&read_http(&mut stream).await).unwrap();
    let answer = serde_json::to_vec(&answer(asked)).unwrap();
    write_http(&mut stream, 200, &answer).await;
}

/// A hub where somebody types what the box shows, between its first and its second asking.
async fn desk(hub: &Hub, screen: &Screen, change: impl FnOnce(&mut Admitted)) {
    let mut greeting = hub.accept().await.unwrap();
    read_http(&mut greeting).await;
    write_http(&mut greeting, 404, b"").await;
    assert_eq!(screen.read(), None, "nothing is shown before it waits");
    heard(hub, |_| AskResponse { admitted: None }).await;
    heard(hub, |asked| {
        let code = screen.read().expect("the box shows its code");
        let ca = hub.code().ca_sha256;
        let proof = code.asks(&ca, &asked.csr_pem, &asked.signing_key);
        assert!(asked.name == code.name() && asked.proof == proof);
        let text = serde_json::to_string(&asked).unwrap();
        assert!(!text.contains(&code.reveal()[4..8]), "the code is not sent");
        let answer = hub.answer(&xunke_protocol::enrolment::EnrolRequest {
            code_secret: String::new(),
            csr_pem: asked.csr_pem,
            signing_key: asked.signing_key,
        });
        let answer = serde_json::to_string(&answer).unwrap();
        let proof = code.answers(&asked.proof, &answer);
        let mut admitted = Admitted { answer, proof };
        change(&mut admitted);
        AskResponse {
            admitted: Some(admitted),
        }
    })
    .await;
}

async fn asked(
    hub: &Hub,
    config: &Config,
    change: impl FnOnce(&mut Admitted),
) -> Result<Enrolment, Error> {
    let screen = Screen::default();
    let shown = screen.clone();
    let show = move |code: &ShownCode| *shown.0.lock().unwrap() = Some(code.clone());
    tokio::join!(ask(config, false, show), desk(hub, &screen, change)).0
}

#[tokio::test]
async fn a_box_that_shows_a_code_becomes_who_the_hub_says() {
    let hub = Hub::start().await;
    let config = hub.config("asks");
    let enrolled = asked(&hub, &config, |_| {}).await.unwrap();
    assert_eq!(enrolled.device_id.as_str(), DEVICE);
    let identity = Identity::load(&config.state_dir).unwrap();
    assert_eq!(identity.device_id.as_str(), DEVICE);
    let again = ask(&config, false, |_| panic!("nothing is shown")).await;
    assert!(matches!(again, Err(Error::AlreadyEnrolled { .. })));
}

/// No trust on first use: whoever answers must have been told the code by a person.
#[tokio::test]
async fn a_hub_that_does_not_know_the_code_is_not_believed() {
    let hub = Hub::start().await;
    let config = hub.config("asks-stranger");
    let forged = |admitted: &mut Admitted| admitted.proof = [7; 32];
    let changed = |admitted: &mut Admitted| admitted.answer.push(' ');
    for error in [
        asked(&hub, &config, forged).await.unwrap_err(),
        asked(&hub, &config, changed).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("does not know the code"),
            "{error}"
        );
        assert!(files(&config.state_dir).is_empty());
    }
}

/// The hub that was met first is the only one that is asked: another CA behind the same address
/// is a stranger.
#[tokio::test]
async fn the_ca_that_was_met_first_stays() {
    let (hub, stranger) = (Hub::start().await, Hub::start().await);
    let pin = pin::PinnedCa::first_met();
    let get = async |port: u16| {
        let client = http_client(pin.tls().unwrap(), Duration::from_secs(5)).unwrap();
        client.get(format!("https://localhost:{port}")).send().await
    };
    let greet = async |hub: &Hub| {
        if let Some(mut stream) = hub.accept().await {
            read_http(&mut stream).await;
            write_http(&mut stream, 200, b"").await;
        }
    };
    let (met, ()) = tokio::join!(get(hub.port()), greet(&hub));
    assert!(met.is_ok());
    assert_eq!(pin.sha256(), Some(hub.code().ca_sha256));
    let (refused, ()) = tokio::join!(get(stranger.port()), greet(&stranger));
    assert!(refused.is_err() && pin.met_stranger());
    assert_eq!(pin.sha256(), Some(hub.code().ca_sha256));
}
