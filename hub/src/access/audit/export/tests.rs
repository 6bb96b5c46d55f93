//! Tests of the export: whole as written, and no edit of it goes unseen.

use super::super::{Entry, Outcome, Who};
use super::*;
use crate::notice::Notices;
use crate::store::Db;

const LINES: i64 = 16;
const EDITS: u32 = 5_000;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn entry(number: i64) -> Entry {
    Entry {
        who: Who {
            person_id: (number % 3 > 0).then(|| format!("0190-{number}")),
            person: "王建国".into(),
            staff_number: format!("T{number:04}"),
            address: "10.1.2.3".into(),
        },
        action: "view_live",
        object: format!("博学楼{number}"),
        purpose: "other: \"校长\"\n来访".into(),
        outcome: if number % 4 == 0 {
            Outcome::Refused
        } else {
            Outcome::Permitted
        },
        article: if number % 4 == 0 { "第十条" } else { "" },
        detail: String::new(),
    }
}

async fn trail_of(lines: i64) -> Arc<Trail> {
    let trail = Trail::new(Db::in_memory().await, Notices::default());
    for number in 1..=lines {
        trail.append(entry(number), 1_000 + number).await.unwrap();
    }
    Arc::new(trail)
}

async fn exported(trail: &Arc<Trail>) -> Export {
    let head = trail.head().await.unwrap();
    Export::new(trail.clone(), head, &key(), 9_000)
}

async fn bytes_of(lines: i64) -> Vec<u8> {
    let trail = trail_of(lines).await;
    let (mut export, mut bytes) = (exported(&trail).await, Vec::new());
    while let Some(piece) = export.next().await.unwrap() {
        bytes.extend(piece.into_bytes());
    }
    bytes
}

/// The file of a day: the last `lines` of a trail that had three before.
async fn day_of(lines: i64) -> Vec<u8> {
    let trail = trail_of(3 + lines).await;
    let head = |line: Line| Head {
        seq: line.seq,
        hash: line.hash,
    };
    let from = head(trail.line(3).await.unwrap().unwrap());
    let until = head(trail.line(3 + lines).await.unwrap().unwrap());
    let (day, signed_ms) = (20_779, 9_000);
    let row = DayRow {
        day,
        seq: until.seq,
        signed_ms,
        signing_key: signed::public_text(&key().verifying_key()),
        signature: signed::sign(&key(), Word::Day { day, signed_ms }, &until),
        hash: until.hash,
    };
    let (mut export, mut bytes) = (Export::of_day(trail, &from, &row), Vec::new());
    while let Some(piece) = export.next().await.unwrap() {
        bytes.extend(piece.into_bytes());
    }
    bytes
}

/// A small generator (SplitMix64), so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

/// One edit; what it was is said for a failure. It may by chance change nothing.
fn edit(bytes: &[u8], dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(Vec::from)
        .collect();
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    let what = match dice.below(6) {
        0 => {
            let place = dice.below(lines[at].len());
            lines[at][place] ^= 1 << dice.below(8);
            "a flipped bit"
        }
        1 => {
            swap_fields(&mut lines[at], dice);
            "swapped fields"
        }
        2 => {
            lines.remove(at);
            "a dropped line"
        }
        3 => {
            lines.insert(other, lines[at].clone());
            "a duplicated line"
        }
        4 => {
            lines.swap(at, other);
            "reordered lines"
        }
        _ => {
            let length = dice.below(lines[at].len());
            lines[at].truncate(length);
            "a truncated line"
        }
    };
    (what, lines.concat())
}

/// Two fields of a line exchange their values.
fn swap_fields(line: &mut Vec<u8>, dice: &mut Dice) {
    let text = String::from_utf8(line.clone()).unwrap();
    let mut fields: Vec<(String, String)> = text
        .trim_end()
        .trim_matches(['{', '}'])
        .split(",\"")
        .filter_map(|field| field.split_once("\":"))
        .map(|(name, value)| (name.trim_matches('"').to_owned(), value.to_owned()))
        .collect();
    let (one, two) = (dice.below(fields.len()), dice.below(fields.len()));
    let first = fields[one].1.clone();
    fields[one].1 = std::mem::replace(&mut fields[two].1, first);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    *line = format!("{{{}}}\n", fields.join(",")).into_bytes();
}

/// X8, K6: 5,000 random single edits, 5,000 detected.
#[tokio::test]
async fn no_edit_of_an_export_goes_unseen() {
    every_edit_is_seen(&bytes_of(LINES).await);
}

/// X8, K6: the same for the file of one day.
#[tokio::test]
async fn no_edit_of_a_days_file_goes_unseen() {
    let bytes = day_of(LINES).await;
    let verified = verify(bytes.as_slice(), Some(&key().verifying_key())).unwrap();
    assert_eq!((verified.after.seq, verified.head.seq), (3, 3 + LINES));
    assert_eq!(verified.day, Some(20_779));
    every_edit_is_seen(&bytes);
}

/// A whole export whose beginning was cut off is no day's file, and a day's file no whole export.
#[tokio::test]
async fn the_beginning_of_an_export_is_not_cut_off() {
    let whole = String::from_utf8(bytes_of(5).await).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let second: Line = serde_json::from_str(lines[1]).unwrap();
    let cut = format!("{{\"after\":2,\"hash\":\"{}\"}}\n", second.hash) + &lines[2..].concat();
    let said = |text: &str| verify(text.as_bytes(), None).unwrap_err().to_string();
    assert_eq!(
        said(&cut),
        "line 5: only the file of a day begins elsewhere than with the first line"
    );
    let made_up = "{\"after\":0,\"hash\":\"00\"}\n".to_owned() + &whole;
    assert_eq!(said(&made_up), "line 1: no trail begins like this");
}

fn every_edit_is_seen(bytes: &[u8]) {
    const SEED: u64 = 20_261_122;
    assert!(verify(bytes, None).is_ok());
    let mut dice = Dice(SEED);
    let (mut edits, mut kinds) = (0, std::collections::BTreeMap::new());
    while edits < EDITS {
        let (what, edited) = edit(bytes, &mut dice);
        if edited == bytes {
            continue;
        }
        edits += 1;
        *kinds.entry(what).or_insert(0) += 1;
        let answer = verify(edited.as_slice(), None);
        assert!(
            matches!(answer, Err(Doubt::Broken { .. })),
            "seed {SEED}, edit {edits}: {what} is not seen: {answer:?}"
        );
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert!(kinds.values().all(|count| *count > 500), "{kinds:?}");
}

/// K6: swapping fields with the line's own writer changes nothing else.
#[tokio::test]
async fn the_editor_edits_only_what_it_says() {
    let bytes = bytes_of(3).await;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let unchanged = (0..200).any(|seed| {
            let mut edited = line.to_vec();
            swap_fields(&mut edited, &mut Dice(seed));
            edited == line
        });
        assert!(unchanged, "{}", String::from_utf8_lossy(line));
    }
}

/// K6: an export is whole offline, names its key, and knows a key that is not its own.
#[tokio::test]
async fn an_export_is_checked_offline() {
    let bytes = bytes_of(5).await;
    let own = key().verifying_key();
    let verified = verify(bytes.as_slice(), Some(&own)).unwrap();
    assert_eq!((verified.head.seq, verified.signed_ms), (5, 9_000));
    assert_eq!(verified.key, signed::public_text(&own));
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
    let doubt = verify(bytes.as_slice(), Some(&other)).unwrap_err();
    assert_eq!(
        doubt.to_string(),
        "line 6: signed with another key than the one given"
    );
}

/// The sentence names the line and what is wrong with it.
#[tokio::test]
async fn what_is_broken_is_said_with_its_line() {
    let bytes = bytes_of(5).await;
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let said = |text: &str| verify(text.as_bytes(), None).unwrap_err().to_string();
    assert_eq!(
        said(&text.replace("博学楼3", "博学楼9")),
        "line 3: the hash does not fit the line"
    );
    assert_eq!(
        said(&[lines[0], lines[2]].concat()),
        "line 2: a line is missing"
    );
    assert_eq!(
        said(&lines[..5].concat()),
        "line 6: the file ends before the head and its signature"
    );
    assert_eq!(said(&text[..text.len() - 1]), "line 6: the line is cut off");
    assert_eq!(
        said(&text.replace("{\"seq\":2", "{ \"seq\":2")),
        "line 2: not a line as the hub writes it"
    );
    assert_eq!(
        said(&(text.clone() + "\n")),
        "line 7: there is more after the signature"
    );
    assert_eq!(
        said(&text.replace("\"signed_ms\":9000", "\"signed_ms\":9001")),
        "line 6: the signature does not fit the head"
    );
}

/// An existing file is never written over, and an unfinished one does not stay.
#[tokio::test]
async fn an_export_goes_to_a_new_file() {
    let folder = std::env::temp_dir().join(format!("xunke-export-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("trail.jsonl");
    let trail = trail_of(3).await;
    exported(&trail).await.write(&path).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(verify(bytes.as_slice(), None).unwrap().head.seq, 3);
    assert!(exported(&trail).await.write(&path).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let second = folder.join("second.jsonl");
    trail::tamper(&trail.db, "DROP TABLE trail").await;
    let head = Head {
        seq: 3,
        hash: String::new(),
    };
    let unreadable = Export::new(trail, head, &key(), 1);
    assert!(unreadable.write(&second).await.is_err());
    assert!(!second.exists());
    std::fs::remove_dir_all(folder).unwrap();
}
