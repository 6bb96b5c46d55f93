//! Kill, torn tail, limits: what was acknowledged is still there, what had to go is reported.

use super::queue::{Draft, Queue};
use super::*;
use crate::link::{Backlog, Message, Token};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use uuid::Uuid;
use xunke_protocol::envelope::Envelope;
use xunke_protocol::id::MessageId;
use xunke_protocol::topic::DOCUMENT_BYTES_MAX;
use xunke_protocol::topic::Up;
use xunke_protocol::version;

const LIMIT: Limit = Limit {
    bytes_max: 1 << 20,
    age_ms_max: i64::MAX / 2,
};
const LIMITS: Limits = Limits {
    record: LIMIT,
    note: LIMIT,
};

fn directory(name: &str) -> PathBuf {
    let directory =
        std::env::temp_dir().join(format!("xunke-outbox-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&directory));
    directory
}

fn open(directory: &Path) -> Outbox {
    Outbox::open(directory, LIMITS).unwrap()
}

fn event(class: Class, number: u64) -> Event {
    Event {
        class,
        kind: "gap",
        data: json!({"number": number, "padding": "x".repeat(200)}),
    }
}

fn read(message: &Message) -> Envelope {
    Envelope::parse(&message.payload).unwrap()
}

/// Everything that waits, the health document aside.
fn drain(outbox: &Outbox) -> Vec<Envelope> {
    outbox.begin(1);
    std::iter::from_fn(|| outbox.next())
        .filter(|message| message.up != Up::Health)
        .map(|message| read(&message))
        .collect()
}

fn numbers(envelopes: &[Envelope]) -> Vec<u64> {
    envelopes
        .iter()
        .filter_map(|envelope| envelope.data["number"].as_u64())
        .collect()
}

fn newest_log(directory: &Path, class: &str) -> PathBuf {
    let files = std::fs::read_dir(directory.join(class)).unwrap();
    files.map(|entry| entry.unwrap().path()).max().unwrap()
}

async fn fill(outbox: &Outbox, class: Class, numbers: std::ops::Range<u64>) {
    for number in numbers {
        outbox.append(event(class, number)).await.unwrap();
    }
}

#[tokio::test]
async fn events_come_in_order_until_they_are_delivered() {
    let directory = directory("order");
    let outbox = open(&directory);
    fill(&outbox, Class::Record, 1..3).await;
    fill(&outbox, Class::Note, 3..5).await;
    let all = drain(&outbox);
    assert_eq!(numbers(&all), [1, 2, 3, 4]);
    assert_eq!(
        all.iter().map(|one| one.seq).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(outbox.next().is_none(), "each only once on one connection");
    outbox.delivered(Token(2));
    outbox.delivered(Token(3));
    assert_eq!(numbers(&drain(&outbox)), [1, 4]);
}

#[tokio::test]
async fn the_count_goes_on_after_everything_was_delivered() {
    let directory = directory("count");
    for round in 0..3 {
        let outbox = open(&directory);
        fill(&outbox, Class::Record, 0..1).await;
        let waiting = drain(&outbox);
        let newest = waiting.last().unwrap().seq;
        assert_eq!(newest, round + 1);
        waiting
            .iter()
            .for_each(|one| outbox.delivered(Token(one.seq)));
        assert!(drain(&outbox).is_empty());
    }
}

/// sled may be wiped at any time; the log is the truth.
#[tokio::test]
async fn without_its_index_the_outbox_sends_twice_but_loses_nothing() {
    let directory = directory("index");
    let outbox = open(&directory);
    fill(&outbox, Class::Record, 1..4).await;
    let ids: Vec<_> = drain(&outbox).iter().map(|one| one.id).collect();
    outbox.delivered(Token(1));
    drop(outbox);
    // The index is written behind; wait until it has been.
    std::thread::sleep(Duration::from_millis(900));
    let remembered = open(&directory);
    assert_eq!(numbers(&drain(&remembered)), [2, 3]);
    drop(remembered);
    std::thread::sleep(Duration::from_millis(300));
    std::fs::remove_dir_all(directory.join("delivered.sled")).unwrap();
    let rebuilt = drain(&open(&directory));
    assert_eq!(numbers(&rebuilt), [1, 2, 3]);
    let again: Vec<_> = rebuilt.iter().map(|one| one.id).collect();
    assert_eq!(
        again, ids,
        "the same id, so that the hub can tell a duplicate"
    );
}

#[tokio::test]
async fn a_damaged_index_is_begun_anew() {
    let directory = directory("damaged");
    let outbox = open(&directory);
    fill(&outbox, Class::Record, 1..3).await;
    drop(outbox);
    std::thread::sleep(Duration::from_millis(300));
    let index = directory.join("delivered.sled");
    for file in ["db", "conf"] {
        std::fs::write(index.join(file), [0xA5; 4096]).unwrap();
    }
    assert_eq!(numbers(&drain(&open(&directory))), [1, 2]);
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_its_number_used_again() {
    for torn in [1, 11, 100] {
        let directory = directory("torn");
        let outbox = open(&directory);
        fill(&outbox, Class::Record, 1..3).await;
        drop(outbox);
        let record = record::Record {
            seq: 3,
            kind: "gap".into(),
            payload: vec![b'x'; 200],
        };
        let log = newest_log(&directory, "record");
        let mut file = OpenOptions::new().append(true).open(&log).unwrap();
        file.write_all(&record.encode()[..torn]).unwrap();
        let outbox = open(&directory);
        fill(&outbox, Class::Record, 3..4).await;
        drop(outbox);
        let kept = drain(&open(&directory));
        assert_eq!(numbers(&kept), [1, 2, 3], "torn after {torn} bytes");
        assert_eq!(kept[2].seq, 3);
    }
}

#[tokio::test]
async fn the_oldest_makes_room_and_the_hub_is_told() {
    let directory = directory("limit");
    let note = Limit {
        bytes_max: 64 * 1024,
        ..LIMIT
    };
    let limits = Limits { note, ..LIMITS };
    let outbox = Outbox::open(&directory, limits).unwrap();
    fill(&outbox, Class::Record, 0..1).await;
    fill(&outbox, Class::Note, 1..500).await;
    let waiting = drain(&outbox);
    let lost: Vec<_> = waiting.iter().filter(|one| one.kind == "lost").collect();
    let gone: u64 = lost.iter().map(|one| one.data["n"].as_u64().unwrap()).sum();
    let kept = numbers(&waiting);
    assert!(
        gone > 0 && kept.contains(&0),
        "the other class keeps its own"
    );
    assert_eq!(
        gone + kept.len() as u64,
        500,
        "every event is kept or reported"
    );
    assert_eq!(kept.last(), Some(&499));
    assert!(lost.iter().all(|one| one.data["class"] == "note"));
    let files = std::fs::read_dir(directory.join("note")).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 64 * 1024, "{bytes}");
}

/// What is older than its class may be goes, and is told as lost once, also after a start; what was
/// stamped while the clock was wrong stays, and a wrong clock finds nothing old.
#[test]
fn what_is_too_old_is_given_up_and_the_hub_is_told() {
    const DAY_MS: i64 = 86_400_000;
    let directory = directory("age");
    let aged = |days: i64| Limit {
        age_ms_max: days * DAY_MS,
        ..LIMIT
    };
    let limits = Limits {
        record: aged(90),
        note: aged(30),
    };
    let mut queue = Queue::open(&directory, limits).unwrap();
    let add = |queue: &mut Queue, class, days: i64, sync| {
        queue
            .append(vec![stamped(class, days * DAY_MS, sync)])
            .unwrap();
    };
    add(&mut queue, Class::Note, 100, true);
    add(&mut queue, Class::Note, 0, false);
    add(&mut queue, Class::Record, 100, true);
    add(&mut queue, Class::Record, 20_000, false);
    assert_eq!(
        kinds(&mut queue),
        [(1, "gap"), (2, "gap"), (3, "gap"), (4, "gap")]
    );
    drop(queue);
    let mut queue = Queue::open(&directory, limits).unwrap();
    add(&mut queue, Class::Record, 131, true);
    let waiting = kinds(&mut queue);
    assert_eq!(
        waiting,
        [(2, "gap"), (3, "gap"), (4, "gap"), (5, "gap"), (6, "lost")]
    );
    let lost = Envelope::parse(&queue.after(5).unwrap().payload).unwrap();
    let told = json!({"class": "note", "from": 1, "to": 1, "n": 1, "why": "age"});
    assert_eq!(lost.data, told);
    add(&mut queue, Class::Record, 132, true);
    drop(queue);
    // The index is written behind; wait until it has been.
    std::thread::sleep(Duration::from_millis(900));
    let mut queue = Queue::open(&directory, limits).unwrap();
    add(&mut queue, Class::Record, 133, true);
    let gone = kinds(&mut queue)
        .iter()
        .filter(|(_, kind)| *kind == "lost")
        .count();
    assert_eq!(gone, 1, "told once");
    add(&mut queue, Class::Record, 191, true);
    assert!(kinds(&mut queue).iter().all(|(seq, _)| *seq != 3));
}

fn stamped(class: Class, ts: i64, sync: bool) -> Draft {
    let envelope = Envelope {
        v: version::CURRENT,
        id: MessageId(Uuid::now_v7()),
        seq: 0,
        boot: Uuid::nil(),
        epoch: 1,
        ts,
        mono_ms: 0,
        sync,
        kind: "gap".into(),
        data: json!({}),
    };
    Draft { class, envelope }
}

fn kinds(queue: &mut Queue) -> Vec<(u64, &'static str)> {
    let mut all = Vec::new();
    let mut seq = 0;
    while let Some(record) = queue.after(seq) {
        seq = record.seq;
        all.push((seq, if record.kind == "lost" { "lost" } else { "gap" }));
    }
    all
}

#[tokio::test]
async fn only_the_newest_health_document_is_sent_and_again_after_each_connection() {
    let outbox = open(&directory("health"));
    outbox.begin(7);
    fill(&outbox, Class::Record, 1..2).await;
    outbox.set_health(json!({"n": 1}));
    outbox.set_health(json!({"n": 2}));
    let first = outbox.next().unwrap();
    let health = read(&first);
    assert_eq!(
        (first.up, health.data["n"].as_u64()),
        (Up::Health, Some(2)),
        "live first"
    );
    assert_eq!(
        (health.epoch, health.seq),
        (7, 1),
        "a state takes no number of its own"
    );
    assert!(matches!(outbox.next().unwrap().up, Up::Event(_)));
    assert!(outbox.next().is_none());
    outbox.delivered(first.token);
    outbox.begin(8);
    assert_eq!(outbox.next().unwrap().up, Up::Health);
}

#[tokio::test]
async fn an_event_too_large_for_the_hub_is_refused_alone() {
    let outbox = open(&directory("large"));
    let large = Event {
        class: Class::Note,
        kind: "gap",
        data: json!("x".repeat(DOCUMENT_BYTES_MAX)),
    };
    assert!(matches!(
        outbox.append(large).await,
        Err(Error::TooLarge(_))
    ));
    fill(&outbox, Class::Note, 1..2).await;
    assert_eq!(drain(&outbox).len(), 1);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    let directory = directory("readonly");
    std::fs::write(&directory, "a file where the directory should be").unwrap();
    let error = Outbox::open(&directory, LIMITS).err().unwrap().to_string();
    assert!(error.contains(directory.to_str().unwrap()), "{error}");
}

const KILLED: &str = "XUNKE_TEST_OUTBOX_TO_KILL";

/// Room for more than a fast machine appends before it is killed: nothing has to make way.
fn open_roomy(directory: &Path) -> Outbox {
    let record = Limit {
        bytes_max: 64 << 20,
        ..LIMIT
    };
    let limits = Limits { record, ..LIMITS };
    Outbox::open(directory, limits).unwrap()
}

/// Runs in a child process: appends for ever and says which number was acknowledged.
#[tokio::test]
#[ignore = "runs only as the child of what_was_acknowledged_survives_kill_9"]
async fn append_until_killed() {
    let outbox = open_roomy(Path::new(&std::env::var(KILLED).unwrap()));
    for number in 0.. {
        outbox.append(event(Class::Record, number)).await.unwrap();
        println!("acknowledged {number}");
    }
}

/// Five sentences, the third: what was acknowledged is never lost.
#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = directory("kill");
    let output = directory.with_extension("out");
    for round in 0..5 {
        drop(std::fs::remove_dir_all(&directory));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "outbox::tests::append_until_killed",
                "--nocapture",
                "--ignored",
            ])
            .env(KILLED, &directory)
            .stdout(std::fs::File::create(&output).unwrap())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(300 + 70 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let said = std::fs::read_to_string(&output).unwrap();
        let mut acknowledged = said
            .lines()
            .filter_map(|line| line.strip_prefix("acknowledged "));
        let last: u64 = acknowledged
            .next_back()
            .expect("it came that far")
            .parse()
            .unwrap();
        let kept = numbers(&drain(&open_roomy(&directory)));
        assert!(last > 3, "the kill must hit a busy outbox");
        assert_eq!(kept[..=last as usize], (0..=last).collect::<Vec<_>>());
    }
}
