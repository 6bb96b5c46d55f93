//! Kill, truncate, full disk, garbled index: what was acknowledged stays.

use super::*;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use std::process::Command;
use uuid::Uuid;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::sealed::epoch::DaySecret;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Outline, Sealer};

const CANARY: &[u8] = b"a face in the third row";
const START_US: i64 = 1_763_000_000_000_000;

/// A directory of its own that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("xunke-spool-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn open(&self, bytes_max: u64) -> (Spool, mpsc::Receiver<Gap>) {
        let limits = Limits {
            bytes_max,
            free_bytes_min: 0,
            slot_bytes: 64 * 1024,
        };
        let (gaps, told) = mpsc::channel(64);
        let device = device().verifying_key();
        (Spool::open(&self.0, limits, &device, gaps).unwrap(), told)
    }

    fn files(&self, dir: &str) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.0.join(dir)).unwrap();
        let mut files: Vec<PathBuf> = listed.map(|item| item.unwrap().path()).collect();
        files.sort();
        files
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn device() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn segment(number: u128) -> SegmentId {
    SegmentId(Uuid::from_u128(number))
}

fn header(number: u128) -> Header {
    Header {
        device: "box-1".parse().unwrap(),
        classroom: ClassroomId(Uuid::from_u128(1)),
        segment: segment(number),
        source: "cam0".parse().unwrap(),
        epoch: 20_000,
        start_us: START_US + i64::try_from(number).unwrap() * 10_000_000,
        boot: Uuid::from_u128(3),
        mono_ms: 42,
        codecs: "avc1.640028".into(),
        previous: [0; 32],
    }
}

/// Writes the init segment and five fragments of a kilobyte; ends the segment if asked.
fn record(spool: &Spool, number: u128, end: bool) -> Result<(), Error> {
    let mut random = UnwrapErr(SysRng);
    let (_, day) = DaySecret::generate(20_000, &mut random);
    let header = header(number);
    let (mut sealer, mut first) = Sealer::begin(&header, &day, device(), &mut random).unwrap();
    first.extend(sealer.chunk(CANARY, 0).unwrap());
    let entry = Entry {
        source: header.source,
        start_us: header.start_us,
        duration_us: 0,
        bytes: 0,
        sha256: [0; 32],
    };
    let mut writer = spool.create(header.segment, entry, &first)?;
    for fragment in 1..=5 {
        let until_us = fragment * 2_000_000;
        let mut record = sealer.chunk(&CANARY.repeat(45), until_us).unwrap();
        record.extend(sealer.checkpoint());
        writer.append(&record, until_us, sealer.chain())?;
    }
    if end {
        let (records, chain) = sealer.finish();
        writer.append(&records, 10_000_000, chain)?;
    }
    Ok(())
}

fn waiting(spool: &Spool) -> Vec<u128> {
    spool
        .state()
        .kept
        .waiting
        .keys()
        .map(|segment| segment.0.as_u128())
        .collect()
}

#[test]
fn closed_segments_wait_oldest_first_and_nothing_plain_is_on_the_disk() {
    let scratch = Scratch::new("closed");
    let (spool, _) = scratch.open(1 << 20);
    record(&spool, 2, true).unwrap();
    record(&spool, 1, true).unwrap();
    let (oldest, entry) = spool.oldest(|_| false).unwrap();
    assert_eq!((oldest, entry.duration_us), (segment(1), 10_000_000));
    assert_eq!(
        spool.oldest(|skip| skip == segment(1)).unwrap().0,
        segment(2)
    );
    for path in scratch.files("cam0") {
        let bytes = fs::read(&path).unwrap();
        assert!(
            !bytes.windows(8).any(|window| window == &CANARY[..8]),
            "plain canary"
        );
        assert!(Outline::scan(&bytes).unwrap().complete);
    }
    let bytes = fs::read(spool.path(&entry.source, oldest)).unwrap();
    assert_eq!(entry.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
    assert_eq!(spool.signals().borrow().waiting_bytes, 2 * entry.bytes);
    spool.forget(oldest);
    assert_eq!(waiting(&spool), [2]);
    assert_eq!(scratch.files("cam0").len(), 1);
}

#[test]
fn a_start_after_an_orderly_stop_reads_the_index_and_no_segment() {
    let scratch = Scratch::new("index");
    let (spool, _) = scratch.open(1 << 20);
    record(&spool, 1, true).unwrap();
    let tail = spool.tail(&"cam0".parse().unwrap());
    spool.close();
    // Same length, other content: only a start that trusts the index keeps the entry.
    let path = scratch.files("cam0").remove(0);
    let bytes = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![0; usize::try_from(bytes).unwrap()]).unwrap();
    let (again, _) = scratch.open(1 << 20);
    assert_eq!(waiting(&again), [1]);
    assert_eq!(again.tail(&"cam0".parse().unwrap()), tail);
}

#[test]
fn every_cut_and_every_torn_write_keeps_the_whole_fragments_and_no_more() {
    let scratch = Scratch::new("cut");
    let (spool, _) = scratch.open(1 << 20);
    record(&spool, 1, false).unwrap();
    spool.close();
    drop(spool);
    let path = scratch.files("cam0").remove(0);
    let whole = fs::read(&path).unwrap();
    // Head, head tag, content, tag, mark.
    let fragment = 10 + 16 + 45 * CANARY.len() + 16 + 73;
    let first = whole.len() - 5 * fragment;
    for length in (0..whole.len()).step_by(97) {
        for tail in [&b""[..], &[0; 300], &[b'K'; 300], &whole[first..][..300]] {
            let _ = fs::remove_dir_all(scratch.0.join(INDEX));
            fs::write(&path, [&whole[..length], tail].concat()).unwrap();
            let expect = length.saturating_sub(first) / fragment;
            let (spool, _) = scratch.open(1 << 20);
            let kept = spool.oldest(|_| false).map(|(_, entry)| entry);
            spool.close();
            let seconds = kept
                .as_ref()
                .map_or(0, |entry| entry.duration_us as usize / 2_000_000);
            assert_eq!(seconds, expect, "{length}");
            if let Some(entry) = kept {
                let bytes = fs::read(&path).unwrap();
                assert_eq!(bytes, whole[..first + expect * fragment], "{length}");
                assert_eq!(entry.bytes, bytes.len() as u64);
            }
        }
    }
}

#[test]
fn a_garbled_or_missing_index_is_rebuilt_from_the_files() {
    let scratch = Scratch::new("garbled");
    let (spool, _) = scratch.open(1 << 20);
    (1..=3).for_each(|number| record(&spool, number, true).unwrap());
    let entries: Vec<Entry> = spool.state().kept.waiting.values().cloned().collect();
    let tail = spool.tail(&"cam0".parse().unwrap());
    spool.close();
    drop(spool);
    for damage in 0..3 {
        let index = scratch.0.join(INDEX);
        match damage {
            0 => fs::remove_dir_all(&index).unwrap(),
            1 => fs::write(index.join("conf"), b"garbage").unwrap(),
            _ => {
                let db = fs::read(index.join("db")).unwrap();
                let mixed = db.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>();
                fs::write(index.join("db"), mixed).unwrap();
            }
        }
        let (again, _) = scratch.open(1 << 20);
        let found: Vec<Entry> = again.state().kept.waiting.values().cloned().collect();
        assert_eq!(found, entries, "damage {damage}");
        assert_eq!(
            again.tail(&"cam0".parse().unwrap()),
            tail,
            "damage {damage}"
        );
        again.close();
    }
}

#[test]
fn a_full_spool_gives_up_the_oldest_and_says_so() {
    let scratch = Scratch::new("full");
    let (spool, mut gaps) = scratch.open(40_000);
    for number in 1..=20 {
        record(&spool, number, true).unwrap();
        let used: u64 = scratch
            .files("cam0")
            .iter()
            .map(|p| fs::metadata(p).unwrap().len())
            .sum();
        assert!(used <= 40_000 + 6_000, "{used}");
    }
    let kept = waiting(&spool);
    assert_eq!(kept.last(), Some(&20));
    let evicted = 20 - kept.len();
    assert!(evicted > 5);
    assert_eq!(spool.signals().borrow().evicted_unsent, evicted as u64);
    let gap = gaps.try_recv().unwrap();
    assert_eq!(
        (gap.from_us, gap.reason),
        (START_US + 10_000_000, GapReason::Disk)
    );
    assert_eq!(gap.to_us - gap.from_us, 10_000_000);
}

#[test]
fn what_the_hub_refuses_is_put_aside_and_survives_a_restart() {
    let scratch = Scratch::new("quarantine");
    let (spool, _) = scratch.open(1 << 20);
    record(&spool, 1, true).unwrap();
    spool.quarantine(segment(1), "no such classroom");
    assert!(waiting(&spool).is_empty() && scratch.files("cam0").is_empty());
    assert_eq!(scratch.files(QUARANTINE).len(), 1);
    spool.close();
    let (again, _) = scratch.open(1 << 20);
    assert!(waiting(&again).is_empty());
    assert_eq!(again.state().kept.quarantined.len(), 1);
}

#[test]
fn a_disk_that_refuses_is_an_error_and_leaves_nothing_half() {
    let scratch = Scratch::new("refuses");
    let (spool, _) = scratch.open(1 << 20);
    fs::write(scratch.0.join("cam0"), b"in the way").unwrap();
    assert!(record(&spool, 1, true).is_err());
    assert!(waiting(&spool).is_empty());
    fs::remove_file(scratch.0.join("cam0")).unwrap();
    record(&spool, 1, true).unwrap();
}

/// Writes segments until it is killed, telling each durable fragment on standard output.
#[test]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("XUNKE_SPOOL_KILL") else {
        return;
    };
    let limits = Limits {
        bytes_max: 1 << 30,
        free_bytes_min: 0,
        slot_bytes: 64 * 1024,
    };
    let (gaps, key) = (mpsc::channel(1).0, device().verifying_key());
    let spool = Spool::open(Path::new(&dir), limits, &key, gaps).unwrap();
    for number in 1.. {
        record(&spool, number, true).unwrap();
        println!("durable {number}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_agent_is_killed() {
    use std::io::{BufRead, BufReader};
    let scratch = Scratch::new("kill");
    for round in 0..5 {
        let _ = fs::remove_dir_all(scratch.0.join("cam0"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "recording::spool::tests::child_that_is_killed",
                "--exact",
                "--nocapture",
            ])
            .env("XUNKE_SPOOL_KILL", &scratch.0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut durable = 0;
        for line in lines
            .filter(|line| line.starts_with("durable"))
            .take(7 + round)
        {
            durable = line["durable ".len()..].parse::<u128>().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (spool, _) = scratch.open(1 << 30);
        let kept = waiting(&spool);
        assert!(
            (1..=durable).all(|number| kept.contains(&number)),
            "{durable} {kept:?}"
        );
        for (segment, entry) in &spool.state().kept.waiting {
            let bytes = fs::read(spool.path(&entry.source, *segment)).unwrap();
            assert_eq!(entry.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
            assert_eq!(Outline::scan(&bytes).unwrap().whole_bytes, bytes.len());
        }
        spool.close();
    }
}
