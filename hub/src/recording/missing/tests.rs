//! Gaps that a box signs, and those that it does not.

use super::*;
use crate::device::tests::{House, request};
use crate::notice::Notices;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use uuid::Uuid;
use xunke_protocol::id::MessageId;
use xunke_protocol::recording::GapReason;
use xunke_protocol::version;

/// 2026-11-23 08:00 in Shanghai.
const EIGHT: i64 = 1_795_392_000_000;
const ROOM: ClassroomId = ClassroomId(Uuid::from_u128(1));

struct Desk {
    house: House,
    trail: Arc<Trail>,
    missing: Missing,
    device: DeviceId,
    key: SigningKey,
}

impl Desk {
    /// A hub with a box in room 1.
    async fn new() -> Self {
        let house = House::new().await;
        let code = house.code("box-1", 1, EIGHT).await.unwrap();
        let key = SigningKey::from_bytes(&[9; 32]);
        let mut asked = request(&code, 1);
        asked.signing_key = key.verifying_key().to_bytes();
        house.enrol(&asked, EIGHT).await.unwrap();
        let trail = Arc::new(Trail::new(house.db.clone(), Notices::default()));
        Self {
            missing: Missing::new(house.db.clone(), trail.clone()),
            house,
            trail,
            device: "box-1".parse().unwrap(),
            key,
        }
    }

    async fn tell(&self, data: Value, now_ms: i64) -> Result<(), Error> {
        let envelope = Envelope {
            v: version::CURRENT,
            id: MessageId(Uuid::now_v7()),
            seq: 1,
            boot: Uuid::nil(),
            epoch: 1,
            ts: now_ms,
            mono_ms: 5,
            sync: true,
            kind: "gap".into(),
            data,
        };
        self.missing.take(&self.device, &envelope, now_ms).await
    }

    fn signed(&self, gap: &Gap) -> SignedGap {
        SignedGap::sign(gap.clone(), self.device.clone(), ROOM, &self.key)
    }

    async fn kept(&self) -> Vec<GapRow> {
        let room = ROOM.to_string();
        let all = rows::gaps(&self.house.db, &room, i64::MIN, i64::MAX);
        all.await.unwrap()
    }

    async fn refused(&self) -> Vec<String> {
        let lines = self.trail.before(i64::MAX, 100).await.unwrap().into_iter();
        let refused = lines.filter(|line| line.action == "tell_gap" && line.outcome == "refused");
        refused.map(|line| line.detail).collect()
    }
}

fn gap(reason: GapReason, from_s: i64, to_s: i64) -> Gap {
    Gap {
        source: "cam0".parse().unwrap(),
        from_us: EIGHT * 1000 + from_s * 1_000_000,
        to_us: EIGHT * 1000 + to_s * 1_000_000,
        reason,
    }
}

fn data(signed: &SignedGap) -> Value {
    serde_json::to_value(signed).unwrap()
}

/// K14: what a box signs for is kept with its signature, once, and can be verified afterwards.
#[tokio::test]
async fn a_signed_gap_is_kept_with_its_signature() {
    let desk = Desk::new().await;
    let good = desk.signed(&gap(GapReason::Network, -60, -30));
    for _ in 0..2 {
        desk.tell(data(&good), EIGHT).await.unwrap();
    }
    let kept = desk.kept().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].reason.as_str(), kept[0].device_id.as_str()),
        ("network", "box-1")
    );
    assert_eq!(kept[0].signature, HEXLOWER.encode(&good.signature));
    assert!(desk.refused().await.is_empty());
}

/// K14: a gap that is not the box's own word about its own room is refused, in the trail.
#[tokio::test]
async fn a_bad_signature_is_refused_and_written_into_the_trail() {
    let desk = Desk::new().await;
    let good = desk.signed(&gap(GapReason::Camera, -60, -30));
    let mut longer = good.clone();
    longer.gap.to_us += 1;
    let mut elsewhere = good.clone();
    elsewhere.classroom = ClassroomId(Uuid::from_u128(2));
    let mut other = good.clone();
    other.device = "box-2".parse().unwrap();
    let hour = 3_600_000;
    for (number, forged) in (1..).zip([&longer, &elsewhere, &other]) {
        desk.tell(data(forged), EIGHT + number * hour)
            .await
            .unwrap();
        desk.tell(data(forged), EIGHT + number * hour + 59_000)
            .await
            .unwrap();
    }
    assert!(desk.kept().await.is_empty());
    let why = [
        "told of another box",
        "told of another room",
        "wrong signature",
    ];
    assert_eq!(desk.refused().await, why, "one line a minute");
    let mut garbled = data(&good);
    garbled["signature"] = json!("nonsense");
    let answer = desk.tell(garbled, EIGHT).await;
    assert!(matches!(answer, Err(Error::Unreadable(_))));
}

/// An agent of before there were signatures is heard; who has signed once always signs.
#[tokio::test]
async fn who_has_signed_once_always_signs() {
    let desk = Desk::new().await;
    let plain = |from_s| serde_json::to_value(gap(GapReason::Power, from_s, from_s + 10)).unwrap();
    desk.tell(plain(-100), EIGHT).await.unwrap();
    assert_eq!(desk.kept().await[0].signature, "");
    let signed = desk.signed(&gap(GapReason::Evicted, -60, -30));
    desk.tell(data(&signed), EIGHT).await.unwrap();
    desk.tell(plain(-20), EIGHT).await.unwrap();
    assert_eq!(desk.kept().await.len(), 2);
    assert_eq!(desk.refused().await, ["no signature"]);
}

/// A box that tells of 1970, or of next week, has a clock that is wrong: it would explain away
/// what nobody knows.
#[tokio::test]
async fn times_that_cannot_be_explain_nothing() {
    let desk = Desk::new().await;
    let years = EIGHT / 1000;
    for (from_s, to_s) in [(-years, 60 - years), (7 * 86_400, 8 * 86_400), (30, 20)] {
        let signed = desk.signed(&gap(GapReason::Camera, from_s, to_s));
        desk.tell(data(&signed), EIGHT).await.unwrap();
    }
    assert!(desk.kept().await.is_empty());
    assert!(desk.refused().await.is_empty());
    let summer = desk.signed(&gap(GapReason::Power, -90 * 86_400, -10));
    desk.tell(data(&summer), EIGHT).await.unwrap();
    assert_eq!(desk.kept().await.len(), 1);
}
