//! The whole people's door with an expired password.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

use super::*;
use crate::access::audit::Trail;
use crate::access::gate::tests::stage::school;
use crate::clock::now_ms;
use crate::config::Config;
use crate::demo::tests::college_at;
use crate::device::enrol::MqttPlace;
use crate::device::tests::House;
use crate::health::channel::kind::Carrier;
use crate::notice::Notices;
use crate::recording::media::Media;
use crate::store::trail;
use crate::web::Opened;
use crate::web::guard::{COOKIE, CSRF_HEADER, Needs};
use crate::web::listen::Peer;
use crate::web::routes::{router, table};

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Somebody whose password has expired, at every door.
struct Expired {
    app: App,
    token: Zeroizing<String>,
    csrf: String,
    house: House,
}

impl Expired {
    async fn new(role: &str) -> Self {
        let house = House::new().await;
        let (db, sealing, seeded) = college_at(1, now_ms()).await;
        let notices = Notices::default();
        let opened = Opened {
            issuer: None,
            trail: Arc::new(Trail::new(db.clone(), notices.clone())),
            institution: school(),
            sealing,
            ca: house.ca.clone(),
            keys: house.keys.clone(),
            media: Media::open(&house.folder.join("media"), 0).unwrap(),
            carrier: Carrier::open(&Config::default()).unwrap(),
            mqtt: MqttPlace {
                host: None,
                port: 8883,
            },
        };
        let app = App::new(Arc::default(), db.clone(), notices, opened);
        trail::tamper(&db, "UPDATE credentials SET password_changed_ms = 0").await;
        let mut accounts = seeded.accounts.iter();
        let person = accounts.find(|account| account.label == role).unwrap().id;
        let here = "10.0.0.7".parse().unwrap();
        let token = app.sessions.begin(person, here, now_ms()).await.unwrap();
        let session = app.sessions.find(&token, now_ms()).await.unwrap().unwrap();
        Self {
            app,
            token,
            csrf: session.csrf_token,
            house,
        }
    }

    async fn ask(&self, method: Method, path: &str) -> (StatusCode, String) {
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => NIL,
            false => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "hub")
            .header(header::ORIGIN, "https://hub")
            .header(header::COOKIE, format!("{COOKIE}={}", *self.token))
            .header(CSRF_HEADER, &self.csrf)
            .header(header::CONTENT_TYPE, "application/json");
        let mut request = request.body(Body::from("{}")).unwrap();
        request.extensions_mut().insert(Peer {
            address: "10.0.0.7:5000".parse().unwrap(),
            certificate: None,
        });
        let door = TowerToHyperService::new(router(self.app.clone()));
        let response = door.call(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let code = body["error"]["code"].as_str().unwrap_or_default();
        (status, code.to_owned())
    }
}

/// R30: with an expired password no route answers but who one is, changing it and signing out; each
/// refusal has its line.
#[tokio::test]
async fn an_expired_password_permits_only_its_change() {
    for role in ["school_supervisor", "technician", "teacher"] {
        let expired = Expired::new(role).await;
        let mut left = Vec::new();
        for route in table() {
            let before = expired.app.trail.head().await.unwrap().seq;
            let open = matches!(route.needs, Needs::Nobody | Needs::Session);
            // Signing out would end the session that the other routes are asked with.
            if open && route.method != Method::DELETE && !route.path.contains("single") {
                let (_, code) = expired.ask(route.method.clone(), route.path).await;
                assert_ne!(code, "password_expired", "{} {}", route.method, route.path);
            }
            if let Needs::Session = route.needs {
                left.push(format!("{} {}", route.method, route.path));
            }
            if open {
                continue;
            }
            let (status, code) = expired.ask(route.method.clone(), route.path).await;
            assert_eq!(
                status,
                StatusCode::FORBIDDEN,
                "{} {}",
                route.method,
                route.path
            );
            assert_eq!(code, "password_expired", "{} {}", route.method, route.path);
            let after = expired.app.trail.head().await.unwrap().seq;
            assert_eq!(after, before + 1, "{} {}", route.method, route.path);
        }
        let only = [
            "DELETE /api/session",
            "GET /api/me",
            "POST /api/account/password",
        ];
        assert_eq!(left, only, "{role}");
        std::fs::remove_dir_all(&expired.house.folder).ok();
    }
}
