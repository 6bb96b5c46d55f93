//! Channels from the outbox to receivers on this machine and back into the log, with every answer
//! that the real ones give.

mod receiver;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;
use xunke_policy::agreement::Agreement;
use xunke_policy::level::Role;
use xunke_policy::sanction::Standing;

use super::desk::{Channels, Draft, State};
use super::kind::{Carrier, Settings};
use super::message::{About, Message, example};
use super::sender::{self, Did, Sender};
use super::*;
use crate::access::audit::Trail;
use crate::access::grant::By;
use crate::access::person::Person;
use crate::access::session::Session;
use crate::campus::calendar;
use crate::config::{self, Config};
use crate::keys::Keys;
use crate::keys::custody::Custody;
use crate::notice::Notices;
use crate::store::Db;
use crate::store::attempt;
use crate::store::channel as rows;
use ed25519_dalek::SigningKey;
pub(super) use receiver::Receiver;

/// 10:00 in Shanghai, some minutes past.
const NOW: i64 = 1_795_312_500_000;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A hub with nothing but channels.
struct Floor {
    folder: std::path::PathBuf,
    db: Db,
    trail: Arc<Trail>,
    desk: Channels,
    sender: Sender,
    session: Session,
}

impl Floor {
    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("xunke-channels-{}", Uuid::now_v7()));
        let db = Db::in_memory().await;
        let notices = Notices::default();
        let trail = Arc::new(Trail::new(db.clone(), notices.clone()));
        let keys = keys(&db, &folder).await;
        let config = Config {
            channels: config::Channels {
                loopback: true,
                ..config::Channels::default()
            },
            ..Config::default()
        };
        let carrier = Arc::new(Carrier::open(&config).unwrap());
        let (d, t, k, c) = (db.clone(), trail.clone(), keys.clone(), carrier.clone());
        Self {
            folder,
            desk: Channels::new(d, t, k, c),
            sender: Sender {
                db: db.clone(),
                keys,
                carrier,
                notices,
            },
            db,
            trail,
            session: technician(),
        }
    }

    fn by(&self, now_ms: i64) -> By<'_> {
        By {
            session: &self.session,
            origin: HERE,
            now_ms,
        }
    }

    async fn add(&self, draft: Draft) -> Uuid {
        self.desk.add(self.by(NOW), draft).await.unwrap()
    }

    async fn raise(&self, message: &Message, now_ms: i64) {
        let mut writing = self.db.begin().await.unwrap();
        enqueue(&mut writing, message, now_ms).await.unwrap();
        Db::commit(writing).await.unwrap();
    }

    /// Everything that one channel does in a second.
    async fn serve(&self, channel: Uuid, now_ms: i64) {
        let id = channel.to_string();
        while self.sender.step(&id, now_ms).await.unwrap() == Did::Something {}
    }

    async fn states(&self, channel: Uuid) -> Vec<(String, String)> {
        let log = self.desk.log(channel).await.unwrap();
        let rows = log.into_iter().rev();
        rows.map(|(row, _)| (row.state, row.detail)).collect()
    }

    async fn state(&self, channel: Uuid, now_ms: i64) -> (State, rows::ChannelRow) {
        let all = self.desk.all(now_ms).await.unwrap();
        let one = all
            .into_iter()
            .find(|one| one.row.id == channel.to_string());
        one.map(|one| (one.state, one.row)).unwrap()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn keys(db: &Db, folder: &std::path::Path) -> Arc<Keys> {
    let (config, signing) = (config::Keys::default(), SigningKey::from_bytes(&[4; 32]));
    let custody = Custody::own(folder);
    let keys = Keys::open(db.clone(), &custody, &config, signing, NOW);
    Arc::new(keys.await.unwrap())
}

fn technician() -> Session {
    let person = Person {
        id: Uuid::from_u128(9),
        staff_number: "T9001".into(),
        name: "赵志强".into(),
        unit: None,
        roles: vec![Role::Technician],
        standing: Standing::Active,
        agreement: Agreement::Unsigned,
        grant: None,
        password_changed_ms: NOW,
    };
    Session {
        token_hash: String::new(),
        csrf_token: String::new(),
        person,
        begun_address: String::new(),
    }
}

fn draft(name: &str, settings: Settings, address: &str) -> Draft {
    Draft {
        name: name.into(),
        enabled: true,
        severity_min: "major".into(),
        language: "zh".into(),
        period_hours: 25,
        settings,
        address: Some(address.into()),
        secret: Some("SEC0123456789abcdef".into()),
    }
}

#[tokio::test]
async fn a_message_leaves_by_every_kind_of_robot() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    for (name, settings) in [
        ("群机器人", Settings::Wecom),
        ("钉钉", Settings::Dingtalk),
        ("飞书", Settings::Feishu),
        ("转发", Settings::Webhook),
    ] {
        let address = receiver.address(&format!("/{}?key=k", settings.kind()));
        let channel = floor.add(draft(name, settings, &address)).await;
        floor.raise(&example(About::Raised), NOW).await;
        floor.serve(channel, NOW).await;
        assert_eq!(
            floor.states(channel).await.last().unwrap().0,
            "delivered",
            "{name}"
        );
        floor.desk.remove(floor.by(NOW), channel).await.unwrap();
    }
    let asked = receiver.asked();
    let lines: Vec<_> = asked
        .iter()
        .map(|one| one.head.lines().next().unwrap())
        .collect();
    assert!(lines[0].starts_with("POST /wecom?key=k "), "{}", lines[0]);
    let signed = format!("POST /dingtalk?key=k&timestamp={NOW}&sign=");
    assert!(lines[1].starts_with(&signed), "{}", lines[1]);
    assert_eq!(asked[2].json()["timestamp"], (NOW / 1000).to_string());
    assert_eq!(asked[3].json()["version"], "4");
    assert!(
        asked[3]
            .header("x-xunke-signature")
            .unwrap()
            .starts_with("sha256=")
    );
    let text = asked[0].json()["text"]["content"].clone();
    assert!(
        text.as_str()
            .unwrap()
            .starts_with("【巡课】新告警 GJ-00001 紧急"),
        "{text}"
    );
}

/// HTTP 200 with a code is a failure; the channel rests for as long as the code means, and what
/// waited goes out in its order.
#[tokio::test]
async fn a_robot_that_is_hurried_is_left_alone_and_loses_nothing() {
    let floor = Floor::new().await;
    for (settings, answer, rest_ms) in [
        (
            Settings::Dingtalk,
            r#"{"errcode":130101,"errmsg":"send too fast"}"#,
            600_000,
        ),
        (
            Settings::Wecom,
            r#"{"errcode":45009,"errmsg":"freq out of limit"}"#,
            60_000,
        ),
        (
            Settings::Feishu,
            r#"{"code":11232,"msg":"frequency limited"}"#,
            60_000,
        ),
    ] {
        let receiver = Receiver::start().await;
        let channel = floor
            .add(draft("机器人", settings, &receiver.address("/")))
            .await;
        receiver.says("200 OK", answer);
        let mut second = example(About::Resolved);
        second.number = "GJ-00002".into();
        floor.raise(&example(About::Raised), NOW).await;
        floor.raise(&second, NOW + 1).await;
        floor.serve(channel, NOW + 2).await;
        let (state, row) = floor.state(channel, NOW + 2).await;
        assert_eq!(
            (state, row.rest_until_ms),
            (State::Failing, NOW + 2 + rest_ms)
        );
        floor.serve(channel, NOW + 1 + rest_ms).await;
        assert_eq!(receiver.asked().len(), 1, "not before it has rested");
        floor.serve(channel, NOW + 10_000 + rest_ms).await;
        let asked = receiver.asked();
        assert_eq!(asked.len(), 3);
        let text = |at: usize| String::from_utf8_lossy(&asked[at].body).into_owned();
        assert!(text(1).contains("GJ-00001") && text(2).contains("GJ-00002"));
        assert_eq!(floor.state(channel, NOW).await.0, State::Good);
        floor.desk.remove(floor.by(NOW), channel).await.unwrap();
    }
}

/// The same key for every try, so that whoever got it twice can tell.
#[tokio::test]
async fn a_failing_receiver_is_tried_again_later_under_the_same_key() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let hook = draft("转发", Settings::Webhook, &receiver.address("/hook"));
    let channel = floor.add(hook).await;
    receiver.says("500 Internal Server Error", "down");
    receiver.says("429 Too Many Requests\r\nretry-after: 120", "");
    floor.raise(&example(About::Raised), NOW).await;
    floor.serve(channel, NOW).await;
    let (_, row) = floor.state(channel, NOW).await;
    assert_eq!(
        (row.rest_until_ms, row.trouble.as_str()),
        (NOW + 5_000, "HTTP 500: down")
    );
    floor.serve(channel, NOW + 5_000).await;
    let (_, row) = floor.state(channel, NOW).await;
    assert_eq!((row.rest_until_ms, row.failures), (NOW + 125_000, 2));
    floor.serve(channel, NOW + 125_000).await;
    let asked = receiver.asked();
    let keys: Vec<_> = asked
        .iter()
        .map(|one| one.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(
        keys[0].is_some() && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
    let log = floor.desk.log(channel).await.unwrap();
    let tries = &log[0].1;
    let outcomes: Vec<_> = tries
        .iter()
        .map(|one| one.outcome.as_deref().unwrap())
        .collect();
    assert_eq!(outcomes, ["delivered", "later", "later"]);
    assert_eq!(tries[2].detail, "HTTP 500: down");
}

/// A message that is never taken stands in nobody's way.
#[tokio::test]
async fn what_is_refused_is_not_sent_again_and_the_next_goes_out() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    receiver.says(
        "200 OK",
        r#"{"errcode":45002,"errmsg":"content size out of limit"}"#,
    );
    floor.raise(&example(About::Raised), NOW).await;
    floor.raise(&example(About::Resolved), NOW + 1).await;
    floor.serve(channel, NOW + 2).await;
    let states = floor.states(channel).await;
    let why = "errcode 45002: content size out of limit".to_owned();
    assert_eq!(
        states,
        [("refused".into(), why), ("delivered".into(), String::new())]
    );
}

/// 30 messages at once and 20 a minute: one, not thirty, with every room in it.
#[tokio::test]
async fn over_the_limit_there_is_one_summary() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    for number in 1..=30 {
        let mut message = example(About::Raised);
        message.number = format!("GJ-{number:05}");
        message.rooms = vec![format!("A{number}")];
        floor.raise(&message, NOW + number).await;
    }
    floor.serve(channel, NOW + 100).await;
    let asked = receiver.asked();
    assert_eq!(asked.len(), 1);
    let text = asked[0].json()["text"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.contains("GJ-00001–GJ-00030") && text.contains("30 条告警"),
        "{text}"
    );
    assert!(text.contains("等 30 间"), "{text}");
    let states = floor.states(channel).await;
    let merged = states.iter().filter(|(state, _)| state == "merged").count();
    assert_eq!(
        (merged, states.last().unwrap().0.as_str()),
        (30, "delivered")
    );
}

/// What the limits count survives a kill: a try is in the store before it is made.
#[tokio::test]
async fn a_restart_neither_forgets_tries_nor_messages() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    let id = channel.to_string();
    floor.raise(&example(About::Raised), NOW).await;
    receiver.hangs();
    let (sender, own) = (floor.sender.clone(), id.clone());
    let task = tokio::spawn(async move { sender.step(&own, NOW).await.map(drop) });
    receiver.hears(1).await;
    task.abort();
    assert!(
        task.await.unwrap_err().is_cancelled(),
        "killed in the middle of a try"
    );
    let tries = attempt::newest(&floor.db, &id, 9).await.unwrap();
    assert_eq!((tries.len(), tries[0].outcome.as_deref()), (1, None));
    assert_eq!(floor.sender.tick(NOW + 1000).await.unwrap(), [id]);
    floor.serve(channel, NOW + 1000).await;
    assert_eq!(floor.states(channel).await[0].0, "delivered");
    let (delivery, own) = (&tries[0].delivery_id, channel.to_string());
    for extra in 0..18 {
        let begun = attempt::begin(&floor.db, delivery, &own, NOW + 2000 + extra);
        begun.await.unwrap();
    }
    floor.raise(&example(About::Raised), NOW + 3000).await;
    floor.serve(channel, NOW + 3000).await;
    assert_eq!(receiver.asked().len(), 2, "twenty tries within the minute");
    floor.serve(channel, NOW + 64_000).await;
    assert_eq!(receiver.asked().len(), 3);
}

/// One receiver never answers; the other hears of it at once.
#[tokio::test]
async fn a_slow_channel_delays_no_other() {
    let floor = Floor::new().await;
    let (slow, fast) = (Receiver::start().await, Receiver::start().await);
    slow.hangs();
    floor
        .add(draft("慢", Settings::Wecom, &slow.address("/")))
        .await;
    floor
        .add(draft("快", Settings::Wecom, &fast.address("/")))
        .await;
    floor
        .raise(&example(About::Raised), crate::clock::now_ms())
        .await;
    let (stop, stopped) = watch::channel(false);
    let following = tokio::spawn(sender::follow(floor.sender.clone(), stopped));
    slow.hears(1).await;
    floor
        .raise(&example(About::Resolved), crate::clock::now_ms())
        .await;
    let both = tokio::time::timeout(Duration::from_secs(8), fast.hears(2));
    both.await.expect("before the slow one times out");
    assert_eq!(slow.asked().len(), 1);
    stop.send_replace(true);
    following.await.unwrap();
}

#[tokio::test]
async fn what_has_waited_for_a_day_is_given_up() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    let day = calendar::DAY_MS;
    floor.raise(&example(About::Raised), NOW - day - 1).await;
    floor.raise(&example(About::Raised), NOW - day + 1).await;
    floor.sender.tick(NOW).await.unwrap();
    let states: Vec<_> = floor
        .states(channel)
        .await
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(states, ["expired", "waiting"]);
}

/// At 08:00 in Shanghai each channel says that it works, once, also to a hub that was away then.
#[tokio::test]
async fn every_morning_each_channel_shows_that_it_lives() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let address = receiver.address("/");
    let mut quiet = draft("只收紧急", Settings::Wecom, &address);
    quiet.severity_min = "critical".into();
    let quiet = floor.add(quiet).await;
    let mut off = draft("停用", Settings::Wecom, &address);
    off.enabled = false;
    let off = floor.add(off).await;
    let eight = calendar::moment(calendar::day(NOW) + 1, 8 * 60);
    floor.sender.tick(eight - 1).await.unwrap();
    assert!(
        floor.states(quiet).await.is_empty(),
        "it was set up yesterday, and it is early"
    );
    for at_ms in [eight, eight + 1000, eight + 5 * 3_600_000] {
        floor.sender.tick(at_ms).await.unwrap();
    }
    assert_eq!(floor.states(quiet).await.len(), 1);
    assert!(floor.states(off).await.is_empty());
    floor.serve(quiet, eight + 1000).await;
    let text = receiver.asked()[0].json()["text"]["content"].clone();
    assert!(text.as_str().unwrap().contains("每日自检"), "{text}");
    let (state, _) = floor.state(quiet, eight + 24 * 3_600_000).await;
    assert_eq!(state, State::Good);
    let (state, _) = floor.state(quiet, eight + 26 * 3_600_000).await;
    assert_eq!(state, State::Silent, "a day later nothing has gone through");
    floor.sender.tick(eight + 30 * 3_600_000).await.unwrap();
    assert_eq!(
        floor.states(quiet).await.len(),
        2,
        "made up for after a day away"
    );
}

/// Another master key, or a row that was changed: nothing goes out.
#[tokio::test]
async fn secrets_that_do_not_open_send_nothing() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    let (_, row) = floor.state(channel, NOW).await;
    assert!(!row.secrets.contains("127.0.0.1") && !row.settings.contains("SEC0123"));
    let other = Uuid::now_v7().to_string();
    let swap = "UPDATE channels SET id = $1";
    let swap = sqlx::query(swap).bind(&other).execute(floor.db.write());
    swap.await.unwrap();
    floor.raise(&example(About::Raised), NOW).await;
    assert_eq!(floor.sender.step(&other, NOW).await.unwrap(), Did::Nothing);
    assert!(receiver.asked().is_empty());
    let row = rows::find(&floor.db, &other).await.unwrap().unwrap();
    assert!(row.trouble.contains("do not open"), "{}", row.trouble);
}

/// Secrets go in and never come out: not shown, not in the trail, not sent to whoever asks for
/// them.
#[tokio::test]
async fn a_stored_secret_stays_where_it_was_meant_for() {
    let floor = Floor::new().await;
    let relay = |host: &str| {
        let relay = json!({"kind": "smtp", "host": host, "port": 25, "security": "starttls",
                           "user": "xunke", "from": "a@example.com", "to": ["b@example.com"]});
        serde_json::from_value::<Settings>(relay).unwrap()
    };
    let mut mail = draft("邮件", relay("mail.example.com"), "");
    mail.secret = Some("hunter2-hunter2".into());
    let channel = floor.add(mail.clone()).await;
    let (_, row) = floor.state(channel, NOW).await;
    assert_eq!(row.secret_hint, "…ter2");
    mail.secret = None;
    mail.settings = relay("evil.example.com");
    let change = floor
        .desk
        .change(floor.by(NOW), channel, mail.clone())
        .await;
    assert!(matches!(change, Err(Error::Field(field)) if field.field == "secret"));
    mail.settings = relay("mail.example.com");
    mail.severity_min = "warning".into();
    floor
        .desk
        .change(floor.by(NOW), channel, mail.clone())
        .await
        .unwrap();
    let (_, row) = floor.state(channel, NOW).await;
    assert_eq!(
        (row.secret_hint.as_str(), row.severity_min.as_str()),
        ("…ter2", "warning")
    );
    mail.settings = Settings::Wecom;
    let other = floor.desk.change(floor.by(NOW), channel, mail).await;
    assert!(matches!(other, Err(Error::Field(field)) if field.field == "kind"));
    let lines = floor.trail.before(i64::MAX, 9).await.unwrap();
    let said: Vec<_> = lines
        .iter()
        .rev()
        .map(|line| line.action.as_str())
        .collect();
    assert_eq!(said, ["add_channel", "change_channel"]);
    let all = format!("{lines:?}");
    assert!(
        !all.contains("hunter2") && !all.contains("b@example.com"),
        "{all}"
    );
}

#[tokio::test]
async fn a_test_message_goes_by_one_channel_and_once() {
    let floor = Floor::new().await;
    let receiver = Receiver::start().await;
    let channel = floor
        .add(draft("群", Settings::Wecom, &receiver.address("/")))
        .await;
    let other = floor
        .add(draft("另一群", Settings::Wecom, &receiver.address("/")))
        .await;
    floor.desk.test(floor.by(NOW), channel).await.unwrap();
    let again = floor.desk.test(floor.by(NOW), channel).await;
    assert!(matches!(again, Err(Error::Conflict(..))));
    floor.serve(channel, NOW + 1).await;
    assert_eq!(floor.states(channel).await[0].0, "delivered");
    assert!(floor.states(other).await.is_empty());
    floor.desk.test(floor.by(NOW + 2), channel).await.unwrap();
    floor.desk.remove(floor.by(NOW + 3), channel).await.unwrap();
    let gone = floor.desk.log(channel).await;
    assert!(matches!(gone, Err(Error::NotFound)));
    assert!(
        floor.sender.tick(NOW + 4).await.unwrap().is_empty(),
        "withdrawn with it"
    );
}
