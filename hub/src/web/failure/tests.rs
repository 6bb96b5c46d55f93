//! An entrance that fails, asked by somebody and by a box.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::*;
use crate::access::audit::Trail;
use crate::access::gate::tests::stage::school;
use crate::config::Config;
use crate::demo::tests::college_at;
use crate::device::enrol::MqttPlace;
use crate::device::tests::House;
use crate::health::channel::kind::Carrier;
use crate::notice::Notices;
use crate::recording::media::Media;
use crate::store::trail::{Line, tamper};
use crate::web::Opened;
use crate::web::guard::COOKIE;
use crate::web::routes::router;

struct Door {
    app: App,
    cookie: String,
    staff_number: String,
    _house: House,
}

impl Door {
    async fn new() -> Self {
        let house = House::new().await;
        let now_ms = clock::now_ms();
        let (db, sealing, seeded) = college_at(1, now_ms).await;
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
        let app = App::new(Arc::default(), db, notices, opened);
        let mut accounts = seeded.accounts.iter();
        let technician = accounts.find(|account| account.label == "technician");
        let technician = technician.unwrap();
        let here = "10.0.0.7".parse().unwrap();
        let token = app.sessions.begin(technician.id, here, now_ms).await;
        Self {
            cookie: format!("{COOKIE}={}", *token.unwrap()),
            staff_number: technician.login.clone(),
            app,
            _house: house,
        }
    }

    /// Asks for the faults, and gives status, number and body.
    async fn ask(&self) -> (StatusCode, Option<String>, String) {
        let request = Request::builder().uri("/api/faults?open=true");
        let request = request.header(header::COOKIE, &self.cookie);
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer {
            address: "10.0.0.7:5000".parse().unwrap(),
            certificate: None,
        });
        let door = TowerToHyperService::new(router(self.app.clone()));
        let response = door.call(request).await.unwrap();
        let status = response.status();
        let number = response.headers().get(HEADER);
        let number = number.map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, number, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn failed(&self) -> Vec<Line> {
        let mut lines = self.app.trail.before(i64::MAX, 1000).await.unwrap();
        lines.retain(|line| line.action == "request_failed");
        lines
    }
}

/// R116: an answer of 500 is a line with person, entrance and number, and nothing else; the number
/// is in the answer; what works is none.
#[tokio::test]
async fn a_failed_answer_is_a_line_with_its_number() {
    let door = Door::new().await;
    let (status, number, _) = door.ask().await;
    assert_eq!((status, number), (StatusCode::OK, None));
    assert_eq!(door.failed().await, []);
    tamper(&door.app.db, "ALTER TABLE faults RENAME TO away").await;
    let (status, number, body) = door.ask().await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
    let number = number.expect("a number");
    assert!(!body.contains("away") && !body.contains("table"), "{body}");
    for _ in 0..20 {
        door.ask().await;
    }
    let failed = door.failed().await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    let line = &failed[0];
    assert_eq!(
        (line.object.as_str(), line.outcome.as_str()),
        ("GET /api/faults", "failed")
    );
    assert_eq!(
        (&line.staff_number, line.address.as_str()),
        (&door.staff_number, "10.0.0.7")
    );
    assert_eq!(line.detail, format!("500, request {number}"));
}

/// X9: when the trail itself is away nothing goes on, and what failed is told afterwards.
#[tokio::test]
async fn a_failure_of_the_trail_is_told_when_it_is_back() {
    let door = Door::new().await;
    tamper(&door.app.db, "ALTER TABLE trail RENAME TO away").await;
    tamper(&door.app.db, "ALTER TABLE faults RENAME TO gone").await;
    let (status, number, _) = door.ask().await;
    assert!(status.is_server_error() && number.is_some(), "{status}");
    tamper(&door.app.db, "ALTER TABLE away RENAME TO trail").await;
    assert_eq!(door.failed().await, []);
    let later_ms = clock::now_ms() + 61_000;
    door.app.failures.tell_rest(later_ms).await;
    let failed = door.failed().await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].detail, format!("{}, 1 untold", status.as_u16()));
}
