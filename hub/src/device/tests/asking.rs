//! Boxes that show a code: who is let in, who is found out, and how many may wait (X19).

use super::super::asking::Waiting;
use super::super::desk::{Act, NotDone};
use super::*;
use crate::access::person::Person;
use crate::access::session::Session;
use xunke_policy::agreement::Agreement;
use xunke_policy::level::Role;
use xunke_policy::sanction::Standing;
use xunke_protocol::asking::{ASKING_MS, Admitted, AskRequest, SHOWN_BYTES, ShownCode};

fn technician() -> Session {
    Session {
        token_hash: String::new(),
        csrf_token: String::new(),
        person: Person {
            id: Uuid::from_u128(9),
            staff_number: "T9001".into(),
            name: "赵志强".into(),
            unit: None,
            roles: vec![Role::Technician],
            standing: Standing::Active,
            agreement: Agreement::Unsigned,
            grant: None,
            password_changed_ms: NOW,
        },
        begun_address: String::new(),
    }
}

fn shown(number: u8) -> ShownCode {
    ShownCode::new([number; SHOWN_BYTES])
}

/// What a box asks that shows this code and has met the hub with this CA.
fn asks(code: &ShownCode, ca_sha256: [u8; 32], seed: u8) -> AskRequest {
    let made = request(&Code::new([0; 20], ca_sha256), seed);
    AskRequest {
        name: code.name(),
        proof: code.asks(&ca_sha256, &made.csr_pem, &made.signing_key),
        csr_pem: made.csr_pem,
        signing_key: made.signing_key,
    }
}

impl House {
    async fn ask(&self, asked: &AskRequest, now_ms: i64) -> Result<Option<Admitted>, Refused> {
        let enrolment = &self.devices.enrolment;
        let answer = enrolment.ask(asked, address(1), now_ms).await?;
        Ok(answer.admitted)
    }

    async fn type_in(
        &self,
        code: &ShownCode,
        device: Option<&str>,
        now_ms: i64,
    ) -> Result<DeviceId, NotDone> {
        let act = Act {
            session: &technician(),
            from: address(2),
            now_ms,
            reason: "教室新装设备",
        };
        let room = ClassroomId(Uuid::from_u128(1));
        self.devices.admit(act, room, device.map(id), code).await
    }
}

fn field(refused: Result<DeviceId, NotDone>) -> &'static str {
    match refused {
        Err(NotDone::Field(field)) => field.en,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_box_that_shows_a_code_is_let_in_by_whoever_types_it() {
    let house = House::new().await;
    let code = shown(1);
    let asked = asks(&code, house.ca.sha256(), 1);
    assert!(field(house.type_in(&code, None, NOW).await).starts_with("No box waits"));
    assert_eq!(house.ask(&asked, NOW).await.unwrap(), None);
    assert_eq!(house.ask(&asked, NOW + 3000).await.unwrap(), None);
    let waits = Waiting {
        address: "10.0.0.1".into(),
        since_ms: NOW,
    };
    assert_eq!(house.devices.waiting(NOW + 3000).await.unwrap(), [waits]);
    assert!(
        house
            .devices
            .waiting(NOW + MINUTE + 3000)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(field(house.type_in(&shown(2), None, NOW).await).starts_with("No box waits"));
    let device = house.type_in(&code, None, NOW + 4000).await.unwrap();
    assert!(house.devices.waiting(NOW + 4000).await.unwrap().is_empty());
    // An answer that was lost is given again.
    for later in [6000, 9000] {
        let admitted = house.ask(&asked, NOW + later).await.unwrap().unwrap();
        assert_eq!(code.answers(&asked.proof, &admitted.answer), admitted.proof);
        let response: EnrolResponse = serde_json::from_str(&admitted.answer).unwrap();
        assert_eq!(response.device_id, device);
        let shown = certificate(&response);
        let known = house.devices.identify(&shown, NOW).await;
        let known = known.unwrap().unwrap();
        assert_eq!(known.classroom, ClassroomId(Uuid::from_u128(1)));
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        assert_eq!(known.signing_keys, [key]);
    }
    assert!(field(house.type_in(&code, None, NOW + 9000).await).starts_with("No box waits"));
    let trail = house.trail().await;
    assert_eq!(trail.len(), 2, "asked once, let in once: {trail:?}");
    assert!(trail[1].1.ends_with("asks from 10.0.0.1"), "{trail:?}");
}

/// Somebody stands between and shows a CA of his own: the code proves which one the box has met.
#[tokio::test]
async fn a_box_that_has_met_another_hub_is_not_let_in() {
    let house = House::new().await;
    let code = shown(1);
    let asked = asks(&code, [6; 32], 1);
    house.ask(&asked, NOW).await.unwrap();
    let why = field(house.type_in(&code, Some("box-1"), NOW).await);
    assert!(why.starts_with("The box has met another hub"), "{why}");
    assert_eq!(find(&house.db, &id("box-1")).await.unwrap(), None);
    assert_eq!(house.ask(&asked, NOW).await.unwrap(), None);
    let trail = house.trail().await;
    assert_eq!(
        trail[1],
        ("refused".into(), "it has met another hub".into())
    );
}

#[tokio::test]
async fn a_box_takes_anothers_place_by_its_code() {
    let house = House::new().await;
    let old = house.code("box-1", 1, NOW).await.unwrap();
    let old = house.enrol(&request(&old, 1), NOW).await.unwrap();
    let code = shown(1);
    // A key that signs for a box already is nobody else's.
    house
        .ask(&asks(&code, house.ca.sha256(), 1), NOW)
        .await
        .unwrap();
    let why = field(house.type_in(&code, Some("box-1"), NOW).await);
    assert!(why.starts_with("The signing key"), "{why}");
    let code = shown(2);
    house
        .ask(&asks(&code, house.ca.sha256(), 2), NOW)
        .await
        .unwrap();
    let device = house.type_in(&code, Some("box-1"), NOW).await.unwrap();
    assert_eq!(device, id("box-1"));
    let known = house.devices.identify(&certificate(&old), NOW).await;
    assert_eq!(known.unwrap(), None, "the old one is out");
}

#[tokio::test]
async fn a_code_is_good_for_an_hour_and_for_what_was_asked_with_it() {
    let house = House::new().await;
    let code = shown(1);
    let asked = asks(&code, house.ca.sha256(), 1);
    house.ask(&asked, NOW).await.unwrap();
    let other = asks(&code, house.ca.sha256(), 2);
    let other = house.ask(&other, NOW).await;
    assert!(matches!(other, Err(Refused::Request(_))), "{other:?}");
    let late = NOW + ASKING_MS;
    assert!(field(house.type_in(&code, None, late).await).starts_with("No box waits"));
    assert!(matches!(
        house.ask(&asked, late).await,
        Err(Refused::Request(_))
    ));
    let nameless = AskRequest {
        name: "x".repeat(64),
        ..asks(&shown(3), house.ca.sha256(), 3)
    };
    let long = AskRequest {
        csr_pem: "x".repeat(5000),
        ..asks(&shown(4), house.ca.sha256(), 4)
    };
    for bad in [nameless, long] {
        let refused = house.ask(&bad, NOW).await;
        assert!(matches!(refused, Err(Refused::Request(_))), "{refused:?}");
    }
    let unfit = AskRequest {
        csr_pem: "no request".into(),
        ..asks(&shown(5), house.ca.sha256(), 5)
    };
    let proof = shown(5).asks(&house.ca.sha256(), &unfit.csr_pem, &unfit.signing_key);
    let unfit = AskRequest { proof, ..unfit };
    house.ask(&unfit, NOW).await.unwrap();
    let refused = house.type_in(&shown(5), None, NOW).await;
    assert!(matches!(refused, Err(NotDone::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn so_many_boxes_wait_and_no_more() {
    let house = House::new().await;
    for number in 0..32 {
        let asked = asks(&shown(number), house.ca.sha256(), number + 1);
        house.ask(&asked, NOW).await.unwrap();
    }
    let one_more = asks(&shown(99), house.ca.sha256(), 99);
    let refused = house.ask(&one_more, NOW).await;
    assert!(
        matches!(refused, Err(Refused::TooMany { .. })),
        "{refused:?}"
    );
    assert_eq!(house.trail().await.len(), 32, "the flood is no line each");
    let elsewhere = house.devices.enrolment.ask(&one_more, address(7), NOW);
    assert!(elsewhere.await.is_ok(), "another address waits as before");
    let again = asks(&shown(100), house.ca.sha256(), 100);
    assert_eq!(house.ask(&again, NOW + ASKING_MS).await.unwrap(), None);
}
