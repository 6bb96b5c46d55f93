//! The boxes' door, every route as nobody, as a stranger, as a box, and as a retired box.

use super::*;
use crate::access::audit::Trail;
use crate::access::gate::tests::stage::school;
use crate::access::secret::SealingKey;
use crate::clock::now_ms;
use crate::config::Config;
use crate::device::enrol::MqttPlace;
use crate::device::registry::State;
use crate::device::tests::{House, request};
use crate::health::channel::kind::Carrier;
use crate::notice::Notices;
use crate::recording::media::Media;
use crate::web::Opened;
use crate::web::boxes::table::{router, table};
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::sync::Arc;
use xunke_protocol::enrolment::EnrolResponse;

struct Door {
    house: House,
    app: App,
}

impl Door {
    async fn new() -> Self {
        let house = House::new().await;
        let (db, notices) = (house.db.clone(), Notices::default());
        let opened = Opened {
            trail: Arc::new(Trail::new(db.clone(), notices.clone())),
            institution: school(),
            issuer: None,
            sealing: SealingKey::open(&house.folder).unwrap(),
            ca: house.ca.clone(),
            keys: house.keys.clone(),
            media: Media::open(&house.folder.join("media"), 0).unwrap(),
            carrier: Carrier::open(&Config::default()).unwrap(),
            mqtt: MqttPlace {
                host: None,
                port: 8883,
            },
        };
        let app = App::new(Arc::default(), db, notices, opened);
        Self { house, app }
    }

    /// Asks as the holder of `certificate`, which TLS has verified.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        certificate: Option<CertificateDer<'static>>,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let mut request = request.body(body.into()).unwrap();
        let address = "10.0.0.7:5000".parse().unwrap();
        request.extensions_mut().insert(Peer {
            address,
            certificate,
        });
        let door = TowerToHyperService::new(router(self.app.clone()));
        let response = door.call(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Enrols a box of room 1 through the door.
    async fn enrol(&self, device: &str, seed: u8) -> EnrolResponse {
        let code = self.house.code(device, 1, now_ms()).await.unwrap();
        let body = serde_json::to_vec(&request(&code, seed)).unwrap();
        let (status, answer) = self.ask(Method::POST, "/box/1/enrol", None, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        serde_json::from_value(answer).unwrap()
    }
}

fn certificate(response: &EnrolResponse) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(response.certificate_pem.as_bytes()).unwrap()
}

/// A path of the table with something in the place of each parameter.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "01a20299-af6e-7622-ab20-532bf0d1adc1",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn nobody_and_strangers_find_only_enrolment_and_renewal_open() {
    let door = Door::new().await;
    let elsewhere = Door::new().await;
    let stranger = certificate(&elsewhere.enrol("box-1", 1).await);
    door.enrol("box-1", 1).await;
    for route in table() {
        for shown in [None, Some(stranger.clone())] {
            let path = filled(route.path);
            let (status, answer) = door.ask(route.method.clone(), &path, shown, "{}").await;
            let expect = match route.needs {
                // For everybody to see, and only the code opens the other.
                _ if route.path.ends_with("/cacerts") => StatusCode::OK,
                _ if route.path.ends_with("/simpleenroll") => StatusCode::UNAUTHORIZED,
                Needs::Nobody => StatusCode::UNPROCESSABLE_ENTITY,
                Needs::Box => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(status, expect, "{} {answer}", route.path);
        }
    }
    let open = table()
        .into_iter()
        .filter(|route| route.needs == Needs::Nobody);
    assert_eq!(
        open.map(|route| route.path).collect::<Vec<_>>(),
        [
            "/box/1/enrol",
            "/box/1/ask",
            "/box/1/renewal",
            "/.well-known/est/cacerts",
            "/.well-known/est/simpleenroll"
        ]
    );
}

#[tokio::test]
async fn a_box_gets_in_until_it_is_retired_or_replaced() {
    let door = Door::new().await;
    let first = certificate(&door.enrol("box-1", 1).await);
    let bundle = async |shown: &CertificateDer<'static>| {
        let shown = Some(shown.clone());
        door.ask(Method::GET, "/box/1/epoch-bundle", shown, "")
            .await
            .0
    };
    assert_eq!(bundle(&first).await, StatusCode::OK);
    let second = certificate(&door.enrol("box-1", 2).await);
    assert_eq!(bundle(&first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(bundle(&second).await, StatusCode::OK);
    let device = "box-1".parse().unwrap();
    assert!(door.house.step(&device, State::Retired).await);
    assert_eq!(bundle(&second).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_code_is_told_in_both_languages_and_too_many_are_stopped() {
    let door = Door::new().await;
    let code = door.house.code("box-1", 1, 0).await.unwrap();
    let expired = serde_json::to_vec(&request(&code, 1)).unwrap();
    let ask = async || {
        door.ask(Method::POST, "/box/1/enrol", None, expired.clone())
            .await
    };
    for _ in 0..5 {
        let (status, answer) = ask().await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let error = &answer["error"];
        assert_eq!(error["code"], "wrong_code");
        assert!(error["zh"].as_str().unwrap().contains("注册码") && error["en"].is_string());
    }
    assert_eq!(ask().await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_is_too_long_or_not_there_is_refused() {
    let door = Door::new().await;
    let long = "x".repeat(enrol::BODY_BYTES_MAX + 1);
    let (status, _) = door.ask(Method::POST, "/box/1/enrol", None, long).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for path in ["/", "/api/me", "/box/2/enrol", "/box/1/../../etc/passwd"] {
        let (status, answer) = door.ask(Method::GET, path, None, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer["error"]["code"], "not_found");
    }
}
