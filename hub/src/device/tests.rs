//! Enrolment end to end in the room: codes, refusals, the trail, and who is known afterwards.

mod asking;
mod order;
mod renewal;

use super::enrol::{MqttPlace, Refused, new_code};
use super::registry::{State, find};
use super::*;
use crate::authority::Ca;
use crate::config;
use crate::endpoint::NotSent;
use crate::keys::Keys;
use crate::keys::custody::Custody;
use crate::notice::Notices;
use crate::store::device as rows;
use ed25519_dalek::SigningKey;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;
use xunke_protocol::command::SignedCommand;
use xunke_protocol::enrolment::{Code, EnrolRequest, EnrolResponse};
use xunke_protocol::envelope::{self, Command, CommandAnswer, CommandState, Order};
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::topic::Down;

const NOW: i64 = 1_795_000_000_000;
const MINUTE: i64 = 60_000;

pub(crate) struct House {
    pub folder: PathBuf,
    pub db: Db,
    pub ca: Arc<Ca>,
    pub keys: Arc<Keys>,
    trail: Arc<Trail>,
    pub devices: Devices,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("xunke-device-{}", Uuid::now_v7()));
        let ca = Arc::new(Ca::open(&folder, NOW).unwrap());
        let db = Db::in_memory().await;
        room(&db, 1).await;
        room(&db, 2).await;
        let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
        let (config, key) = (config::Keys::default(), ca.signing_key().clone());
        let custody = Custody::own(&folder);
        let keys = Keys::open(db.clone(), &custody, &config, key, NOW);
        let keys = Arc::new(keys.await.unwrap());
        let place = Place {
            ca: ca.clone(),
            keys: keys.clone(),
            mqtt: MqttPlace {
                host: None,
                port: 8883,
            },
        };
        let devices = Devices::new(db.clone(), trail.clone(), place);
        Self {
            folder,
            db,
            ca,
            keys,
            trail,
            devices,
        }
    }

    /// Takes a box from one state to another as the desk does; what it has open ends.
    pub(crate) async fn step(&self, device: &DeviceId, to: State) -> bool {
        let Some(known) = find(&self.db, device).await.unwrap() else {
            return false;
        };
        let mut writing = self.db.begin().await.unwrap();
        let (from, to) = (known.state.name(), to.name());
        let stepped = rows::step(&mut writing, device.as_str(), from, to).await;
        Db::commit(writing).await.unwrap();
        self.devices.links.kick(device);
        stepped.unwrap()
    }

    pub(crate) async fn code(
        &self,
        device: &str,
        room: u128,
        now_ms: i64,
    ) -> Result<Code, registry::Error> {
        let room = ClassroomId(Uuid::from_u128(room));
        new_code(&self.db, &self.ca, &id(device), room, now_ms).await
    }

    pub(crate) async fn enrol(
        &self,
        request: &EnrolRequest,
        now_ms: i64,
    ) -> Result<EnrolResponse, Refused> {
        self.devices
            .enrolment
            .enrol(request, address(1), now_ms)
            .await
    }

    /// A command as its box opens it.
    pub(crate) fn opened(&self, device: &DeviceId, payload: &[u8]) -> Command {
        let signed: SignedCommand = envelope::parse(payload).unwrap();
        let command: Command = serde_json::from_str(&signed.command).unwrap();
        let hub = self.ca.signing_key().verifying_key();
        SignedCommand::open(payload, command.id, device, &hub).unwrap()
    }

    /// Outcome and detail of every line, oldest first.
    async fn trail(&self) -> Vec<(String, String)> {
        let mut lines = self.trail.before(i64::MAX, 100).await.unwrap();
        lines.reverse();
        lines
            .into_iter()
            .map(|line| (line.outcome, line.detail))
            .collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn room(db: &Db, number: u128) {
    let id = Uuid::from_u128(number).to_string();
    for sql in [
        "INSERT INTO units (id, code, name) VALUES ($1, $1, $1)",
        "INSERT INTO buildings (id, name) VALUES ($1, $1)",
        "INSERT INTO classrooms (id, name, building_id, unit_id) VALUES ($1, $1, $1, $1)",
    ] {
        sqlx::query(sql)
            .bind(&id)
            .execute(db.write())
            .await
            .unwrap();
    }
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

pub(crate) fn request(code: &Code, seed: u8) -> EnrolRequest {
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default()
        .serialize_request(&key)
        .unwrap();
    EnrolRequest {
        code_secret: code.secret().to_string(),
        csr_pem: csr.pem().unwrap(),
        signing_key: SigningKey::from_bytes(&[seed; 32])
            .verifying_key()
            .to_bytes(),
    }
}

fn certificate(response: &EnrolResponse) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(response.certificate_pem.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_code_enrols_one_box_once() {
    let house = House::new().await;
    let code = house.code("box-1", 1, NOW).await.unwrap();
    assert_eq!(code.ca_sha256, house.ca.sha256());
    let response = house.enrol(&request(&code, 1), NOW).await.unwrap();
    assert_eq!(response.device_id, id("box-1"));
    assert_eq!(response.classroom_id, ClassroomId(Uuid::from_u128(1)));
    let hub = house.ca.signing_key().verifying_key();
    assert!(response.epoch_bundle.acceptable(&hub, 0));
    let known = house
        .devices
        .identify(&certificate(&response), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (known.device, known.classroom),
        (response.device_id, response.classroom_id)
    );
    assert_eq!(
        known.signing_keys,
        [SigningKey::from_bytes(&[1; 32]).verifying_key()]
    );
    let again = house.enrol(&request(&code, 2), NOW).await;
    assert!(matches!(again, Err(Refused::Code)), "a code is good once");
    let trail = house.trail().await;
    assert!(trail[0].0 == "permitted" && trail[0].1.starts_with("certificate "));
    assert_eq!(trail[1], ("refused".into(), "the code is not valid".into()));
}

#[tokio::test]
async fn a_replaced_box_loses_its_certificate_and_keeps_what_it_had_signed() {
    let house = House::new().await;
    let first = house.code("box-1", 1, NOW).await.unwrap();
    let first = house.enrol(&request(&first, 1), NOW).await.unwrap();
    let second = house.code("box-1", 1, NOW).await.unwrap();
    let second = house.enrol(&request(&second, 2), NOW + 1).await.unwrap();
    assert_eq!(
        house
            .devices
            .identify(&certificate(&first), NOW)
            .await
            .unwrap(),
        None
    );
    let known = house
        .devices
        .identify(&certificate(&second), NOW)
        .await
        .unwrap()
        .unwrap();
    let key = |seed| SigningKey::from_bytes(&[seed; 32]).verifying_key();
    assert_eq!(known.signing_keys, [key(2), key(1)]);
}

#[tokio::test]
async fn a_retired_box_is_nobody_and_gets_no_code() {
    let house = House::new().await;
    let code = house.code("box-1", 1, NOW).await.unwrap();
    let spare = house.code("box-1", 1, NOW).await.unwrap();
    let response = house.enrol(&request(&code, 1), NOW).await.unwrap();
    assert!(house.step(&id("box-1"), State::Retired).await);
    assert!(!house.step(&id("box-9"), State::Retired).await);
    assert_eq!(
        house
            .devices
            .identify(&certificate(&response), NOW)
            .await
            .unwrap(),
        None
    );
    assert!(matches!(
        house.enrol(&request(&spare, 2), NOW).await,
        Err(Refused::Code)
    ));
    assert!(house.code("box-1", 1, NOW).await.is_err());
    let state = find(&house.db, &id("box-1")).await.unwrap().unwrap().state;
    assert_eq!(state, State::Retired);
}

#[tokio::test]
async fn what_proves_nothing_is_refused_and_uses_up_no_code() {
    let house = House::new().await;
    let code = house.code("box-1", 1, NOW).await.unwrap();
    assert!(
        house.code("box-1", 2, NOW).await.is_err(),
        "a box stands in one room"
    );
    let good = request(&code, 1);
    let late = house.enrol(&good, NOW + 24 * 60 * MINUTE).await;
    assert!(matches!(late, Err(Refused::Code)));
    let bad_csr = EnrolRequest {
        csr_pem: "no".into(),
        ..good.clone()
    };
    assert!(matches!(
        house.enrol(&bad_csr, NOW).await,
        Err(Refused::Request(_))
    ));
    let weak = EnrolRequest {
        signing_key: [0; 32],
        ..good.clone()
    };
    assert!(matches!(
        house.enrol(&weak, NOW).await,
        Err(Refused::Request(_))
    ));
    let response = house.enrol(&good, NOW).await.unwrap();
    let other = house.code("box-2", 2, NOW).await.unwrap();
    let copied = house.enrol(&request(&other, 1), NOW).await;
    assert!(
        matches!(copied, Err(Refused::Request(_))),
        "another box's signing key"
    );
    assert!(
        house
            .devices
            .identify(&certificate(&response), NOW)
            .await
            .unwrap()
            .is_some()
    );
    // Another hub's certificate for the same name: TLS would refuse it; so does the registry.
    let stranger = House::new().await;
    let code = stranger.code("box-1", 1, NOW).await.unwrap();
    let foreign = stranger.enrol(&request(&code, 5), NOW).await.unwrap();
    assert_eq!(
        house
            .devices
            .identify(&certificate(&foreign), NOW)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn guessing_is_stopped_per_address() {
    let house = House::new().await;
    let code = house.code("box-1", 1, NOW).await.unwrap();
    let wrong = EnrolRequest {
        code_secret: "guess".into(),
        ..request(&code, 1)
    };
    for _ in 0..5 {
        assert!(matches!(house.enrol(&wrong, NOW).await, Err(Refused::Code)));
    }
    let good = request(&code, 1);
    let stopped = house.enrol(&good, NOW + 9 * MINUTE).await;
    assert!(matches!(
        stopped,
        Err(Refused::TooMany {
            retry_after_seconds: 61
        })
    ));
    let elsewhere = house.devices.enrolment.enrol(&wrong, address(2), NOW).await;
    assert!(
        matches!(elsewhere, Err(Refused::Code)),
        "others are not stopped"
    );
    assert!(house.enrol(&good, NOW + 10 * MINUTE).await.is_ok());
    let trail = house.trail().await;
    assert_eq!(
        trail
            .iter()
            .filter(|(outcome, _)| outcome == "refused")
            .count(),
        6
    );
}

#[tokio::test]
async fn an_order_finds_its_box_and_the_answer_its_order() {
    let house = House::new().await;
    let (commands, device) = (&house.devices.commands, id("box-1"));
    assert_eq!(
        commands.send(&device, Order::Ping, NOW).err(),
        Some(NotSent::Absent)
    );
    let mut seat = house.devices.links.sit(&device).await;
    let sent = commands.send(&device, Order::Ping, NOW).unwrap();
    let message = seat.queue.recv().await.unwrap();
    let command = house.opened(&device, &message.payload);
    assert_eq!(message.topic, Down::Command(command.id).topic(&device));
    assert_eq!(
        (command.order, command.expires),
        (Order::Ping, NOW + 10_000)
    );
    let answer = |state| CommandAnswer::new(state, None);
    let answered = |device: &DeviceId, state| commands.answered(device, command.id, &answer(state));
    assert!(!answered(&id("box-2"), CommandState::Failed));
    assert!(!answered(&device, CommandState::Running));
    assert!(answered(&device, CommandState::Done));
    let got = sent.answer(Duration::from_secs(1)).await.unwrap();
    assert_eq!(got, answer(CommandState::Done));
    let silent = commands.send(&device, Order::Ping, NOW).unwrap();
    assert!(silent.answer(Duration::from_millis(5)).await.is_err());
}
