//! Renewal against a hub: what is shown when, whatever is lost on the way (X20).

use super::*;
use crate::config::Config;
use crate::test_peer::{DEVICE, Hub, certificate, read_http, write_http};
use rustls::pki_types::CertificateDer;
use std::path::Path;
use xunke_protocol::enrolment::EnrolRequest;

/// Serves one request for a renewal as an honest hub; the certificate it makes.
async fn make(hub: &Hub) -> CertificateDer<'static> {
    let mut stream = hub.accept().await.unwrap();
    assert!(certificate(&stream).is_none(), "it may have expired");
    let body = read_http(&mut stream).await;
    let request: RenewalRequest = serde_json::from_slice(&body).unwrap();
    assert_eq!(request.device_id.as_str(), DEVICE);
    let made = hub.answer(&EnrolRequest {
        code_secret: String::new(),
        csr_pem: request.csr_pem,
        signing_key: [0; 32],
    });
    let response = RenewalResponse {
        certificate_pem: made.certificate_pem,
    };
    write_http(&mut stream, 200, &serde_json::to_vec(&response).unwrap()).await;
    certificates(&response.certificate_pem).unwrap().remove(0)
}

/// Serves one request for the day keys; the certificate it was asked with.
async fn see(hub: &Hub, status: u16) -> CertificateDer<'static> {
    let mut stream = hub.accept().await.unwrap();
    let shown = certificate(&stream).unwrap();
    read_http(&mut stream).await;
    let body = serde_json::to_vec(&hub.bundle(1)).unwrap();
    write_http(&mut stream, status, &body).await;
    shown
}

struct Enrolled {
    hub: Hub,
    config: Config,
    identity: Identity,
}

impl Enrolled {
    async fn new(name: &str) -> Self {
        let hub = Hub::start().await;
        let config = hub.config(name);
        let identity = hub.enrolled(&config).await;
        Self {
            hub,
            config,
            identity,
        }
    }

    /// As a process that starts on this box would have it.
    fn renewal(&self) -> Renewal {
        Renewal::new(
            &self.identity,
            self.config.state_dir.clone(),
            &self.config.hub,
        )
    }

    fn kept(&self) -> CertificateDer<'static> {
        let stored = Stored::read(&path(&self.config.state_dir)).unwrap();
        certificates(&stored.certificate_pem).unwrap().remove(0)
    }
}

fn begun(state_dir: &Path) -> bool {
    state_dir.join("renewal.json").exists()
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_by_every_new_connection() {
    let place = Enrolled::new("renew").await;
    let client = place.identity.http_client(Duration::from_secs(5)).unwrap();
    let url = format!("{}/x", place.config.hub.base());
    let (_, old) = tokio::join!(client.get(&url).send(), see(&place.hub, 200));
    let renewal = place.renewal();
    let serve = async { (make(&place.hub).await, see(&place.hub, 200).await) };
    let (renewed, (made, tried)) = tokio::join!(renewal.renew(), serve);
    renewed.unwrap();
    assert_eq!(made, tried, "the hub has seen it before it counts");
    assert_ne!(made, old);
    assert_eq!(place.kept(), made);
    assert!(!begun(&place.config.state_dir));
    // The client is the one of before: nothing that holds one needs to know.
    let (_, shown) = tokio::join!(client.get(&url).send(), see(&place.hub, 200));
    assert_eq!(shown, made);
}

/// Power fails after the hub has answered: at the next start that certificate is tried first, for
/// the hub may have put it in force.
#[tokio::test]
async fn what_was_begun_is_finished_after_a_power_cut() {
    let place = Enrolled::new("renew-cut").await;
    let (old, renewal) = (place.kept(), place.renewal());
    let serve = async {
        let made = make(&place.hub).await;
        drop(place.hub.accept().await);
        made
    };
    let (renewed, made) = tokio::join!(renewal.renew(), serve);
    assert!(
        matches!(renewed, Err(Error::Unreachable { .. })),
        "{renewed:?}"
    );
    assert_eq!(place.kept(), old, "until the hub has seen the next one");
    assert!(begun(&place.config.state_dir));
    let again = place.renewal();
    let (renewed, shown) = tokio::join!(again.when_due(0), see(&place.hub, 200));
    renewed.unwrap();
    assert_eq!((shown, place.kept()), (made.clone(), made));
    assert!(!begun(&place.config.state_dir));
}

#[tokio::test]
async fn what_the_hub_no_longer_knows_is_asked_for_again() {
    let place = Enrolled::new("renew-again").await;
    let renewal = place.renewal();
    let lost = async {
        make(&place.hub).await;
        drop(place.hub.accept().await);
    };
    let (renewed, ()) = tokio::join!(renewal.renew(), lost);
    assert!(renewed.is_err());
    let serve = async {
        see(&place.hub, 401).await;
        (make(&place.hub).await, see(&place.hub, 200).await)
    };
    let (renewed, (made, shown)) = tokio::join!(renewal.renew(), serve);
    renewed.unwrap();
    assert_eq!((&made, &made), (&shown, &place.kept()));
    std::fs::write(place.config.state_dir.join("renewal.json"), b"{\"half").unwrap();
    assert!(
        renewal.staged().unwrap().is_none(),
        "half a file was never promised"
    );
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_not_kept() {
    let place = Enrolled::new("renew-foreign").await;
    let stranger = Hub::start().await;
    let renewal = place.renewal();
    let serve = async {
        let mut stream = place.hub.accept().await.unwrap();
        let body = read_http(&mut stream).await;
        let request: RenewalRequest = serde_json::from_slice(&body).unwrap();
        let made = stranger.answer(&EnrolRequest {
            code_secret: String::new(),
            csr_pem: request.csr_pem,
            signing_key: [0; 32],
        });
        let certificate_pem = made.certificate_pem;
        let answer = serde_json::to_vec(&RenewalResponse { certificate_pem }).unwrap();
        write_http(&mut stream, 200, &answer).await;
    };
    let (renewed, ()) = tokio::join!(renewal.renew(), serve);
    assert!(matches!(renewed, Err(Error::Answer(_))), "{renewed:?}");
    assert!(!begun(&place.config.state_dir));
}

/// fleet 3.3: at half of its life, on a day of the box's own; never because a clock stands in 1970.
#[test]
fn renewal_is_due_at_half_of_a_certificates_life() {
    let (from, to) = (1_795_000_000_000, 1_795_000_000_000 + 400 * DAY_MS);
    let due = |name: &str| due_ms(from, to, &name.parse().unwrap()) - from;
    let days: Vec<i64> = (0..50).map(|n| due(&format!("box-{n}")) / DAY_MS).collect();
    assert!(days.iter().all(|day| (200..=214).contains(day)), "{days:?}");
    let first = days.iter().filter(|day| **day < 207).count();
    assert!((10..40).contains(&first), "spread over two weeks: {days:?}");
    assert!(due("box-1") + from > 0);
}
