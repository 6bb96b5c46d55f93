//! Kill, truncate, failing disk, garbled index, foreign slots: what was acknowledged stays.

mod disks;

use super::*;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::Command;
use uuid::Uuid;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::sealed::epoch::DaySecret;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Outline, Sealer, Suite};

const CANARY: &[u8] = b"a face in the third row";
const START_US: i64 = 1_763_000_000_000_000;
/// Room for one segment of `WHOLE`, and too little for two.
const SLOT_BYTES: u64 = 8 * 1024;

/// A directory of its own that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("xunke-spool-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn open(&self, slots: u64) -> (Spool, mpsc::Receiver<Gap>) {
        self.open_on(Arc::new(RealDisk), slots)
    }

    fn open_on(&self, disk: Arc<dyn Disk>, slots: u64) -> (Spool, mpsc::Receiver<Gap>) {
        let (gaps, told) = mpsc::channel(64);
        let device = device().verifying_key();
        let spool = Spool::open_on(disk, &self.0, limits(slots), &device, gaps);
        (spool.unwrap(), told)
    }

    /// What lies in the directory, but for the index.
    fn files(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(&self.0).unwrap();
        let files = listed.map(|item| item.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| !path.ends_with(INDEX)).collect();
        files.sort();
        files
    }

    fn slot(&self, number: u32) -> PathBuf {
        slot::path(&self.0, number)
    }

    fn lose_index(&self) {
        let _ = fs::remove_dir_all(self.0.join(INDEX));
    }
}

fn limits(slots: u64) -> Limits {
    Limits {
        bytes_max: slots * SLOT_BYTES,
        free_bytes_min: 0,
        slot_bytes: SLOT_BYTES,
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
        mono_ms: 10_000 * u64::try_from(number).unwrap(),
        codecs: "avc1.640028".into(),
        previous: [0; 32],
    }
}

/// What a test writes.
#[derive(Clone, Copy)]
struct Plan {
    fragments: u32,
    /// Bytes of a fragment before it is sealed.
    bytes: usize,
    end: bool,
}

const WHOLE: Plan = Plan {
    fragments: 5,
    bytes: 45 * CANARY.len(),
    end: true,
};

/// Writes the init segment and five fragments of a kilobyte; ends the segment if asked.
fn record(spool: &Spool, number: u128, end: bool) -> Result<(), Error> {
    let plan = Plan { end, ..WHOLE };
    write(spool, &header(number), plan, &device()).map(drop)
}

/// Gives the segment when it was not ended.
fn write(
    spool: &Spool,
    header: &Header,
    plan: Plan,
    key: &SigningKey,
) -> Result<Option<Writer>, Error> {
    let mut random = UnwrapErr(SysRng);
    let (_, day) = DaySecret::generate(Suite::default(), 20_000, &mut random);
    let (mut sealer, mut first) = Sealer::begin(header, &day, key.clone(), &mut random).unwrap();
    first.extend(sealer.chunk(CANARY, 0).unwrap());
    let entry = Entry {
        source: header.source.clone(),
        start_us: header.start_us,
        duration_us: 0,
        bytes: 0,
        sha256: None,
    };
    let mut writer = spool.create(header.segment, entry, &first)?;
    let plain: Vec<u8> = CANARY.iter().copied().cycle().take(plan.bytes).collect();
    for fragment in 1..=plan.fragments {
        let until_us = fragment * 2_000_000;
        let mut record = sealer.chunk(&plain, until_us).unwrap();
        record.extend(sealer.checkpoint());
        writer.append(&record, until_us, sealer.chain())?;
    }
    if plan.end {
        let (records, chain) = sealer.finish();
        return writer.end(&records, chain).map(|()| None);
    }
    Ok(Some(writer))
}

/// All bytes of a segment as the uploader gets them.
fn bytes_of(spool: &Spool, number: u128) -> Vec<u8> {
    let mut reader = spool.read(segment(number)).unwrap().unwrap();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(reader.sha256(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    assert_eq!(reader.length(), bytes.len() as u64);
    let outline = Outline::scan(&bytes).unwrap();
    outline.verify(&device().verifying_key()).unwrap();
    assert_eq!(outline.whole_bytes, bytes.len());
    assert_eq!(outline.header.segment, segment(number));
    bytes
}

fn waiting(spool: &Spool) -> Vec<u128> {
    let ring = spool.ring();
    let waiting = ring.waiting().map(|(segment, _)| segment.0.as_u128());
    waiting.collect()
}

fn entries(spool: &Spool) -> Vec<Entry> {
    let ring = spool.ring();
    // The hash is known to who wrote it and to who has read it.
    let known = |kept: &Kept| Entry {
        sha256: None,
        ..kept.entry.clone()
    };
    ring.waiting().map(|(_, kept)| known(kept)).collect()
}

fn cam0() -> SourceName {
    "cam0".parse().unwrap()
}

#[test]
fn closed_segments_wait_oldest_first_and_nothing_plain_is_on_the_disk() {
    let scratch = Scratch::new("closed");
    let (spool, _) = scratch.open(16);
    record(&spool, 2, true).unwrap();
    record(&spool, 1, true).unwrap();
    let (oldest, entry) = spool.oldest(|_| false).unwrap();
    assert_eq!((oldest, entry.duration_us), (segment(1), 10_000_000));
    let next = spool.oldest(|skip| skip == segment(1)).unwrap().0;
    assert_eq!(next, segment(2));
    for path in scratch.files() {
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, SLOT_BYTES);
        let plain = bytes.windows(8).any(|window| window == &CANARY[..8]);
        assert!(!plain, "plain canary");
    }
    assert!(Outline::scan(&bytes_of(&spool, 1)).unwrap().complete);
    let hash: [u8; 32] = Sha256::digest(bytes_of(&spool, 1)).into();
    assert_eq!(entry.sha256, Some(hash));
    assert_eq!(spool.signals().borrow().waiting_bytes, 2 * SLOT_BYTES);
    spool.forget(oldest);
    assert_eq!(waiting(&spool), [2]);
    assert_eq!(spool.signals().borrow().waiting_bytes, SLOT_BYTES);
}

/// DESIGN §4.2: slots are made once, and from then on neither resized nor renamed nor removed.
#[test]
fn slots_are_used_again_and_again() {
    use std::os::unix::fs::MetadataExt;
    let scratch = Scratch::new("again");
    let (spool, _) = scratch.open(16);
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    record(&spool, 1, true).unwrap();
    record(&spool, 2, true).unwrap();
    let files = scratch.files();
    let inodes: Vec<u64> = files.iter().cloned().map(inode).collect();
    for number in 3..20 {
        spool.forget(segment(number - 2));
        record(&spool, number, true).unwrap();
        bytes_of(&spool, number);
    }
    assert_eq!(scratch.files(), files);
    let after: Vec<u64> = files.iter().cloned().map(inode).collect();
    assert_eq!(after, inodes);
}

/// What the hub has signed for is not handed over again, even when the index is gone.
#[test]
fn what_was_handed_over_stays_so_without_the_index() {
    let scratch = Scratch::new("struck");
    let (spool, _) = scratch.open(16);
    (1..=3).for_each(|number| record(&spool, number, true).unwrap());
    spool.forget(segment(2));
    spool.close();
    drop(spool);
    scratch.lose_index();
    let (again, _) = scratch.open(16);
    assert_eq!(waiting(&again), [1, 3]);
}

#[test]
fn a_start_after_an_orderly_stop_reads_the_index_and_no_segment() {
    let scratch = Scratch::new("index");
    let (spool, _) = scratch.open(16);
    record(&spool, 1, true).unwrap();
    let tail = spool.tail(&cam0());
    spool.close();
    drop(spool);
    // All but the preamble is gone: only a start that trusts the index keeps the entry.
    let mut bytes = fs::read(scratch.slot(0)).unwrap();
    bytes[1024..].fill(0);
    fs::write(scratch.slot(0), bytes).unwrap();
    let (again, _) = scratch.open(16);
    assert_eq!(waiting(&again), [1]);
    assert_eq!(again.tail(&cam0()), tail);
}

/// An index that is behind must not be believed of a slot that was used again since.
#[test]
fn an_index_from_yesterday_is_corrected_by_the_slots() {
    let scratch = Scratch::new("yesterday");
    let (spool, _) = scratch.open(16);
    (1..=2).for_each(|number| record(&spool, number, true).unwrap());
    spool.close();
    drop(spool);
    let (index, copy) = (scratch.0.join(INDEX), scratch.0.join("_copy"));
    assert!(
        Command::new("cp")
            .arg("-a")
            .args([&index, &copy])
            .status()
            .unwrap()
            .success()
    );
    let (spool, _) = scratch.open(16);
    spool.forget(segment(1));
    (3..=4).for_each(|number| record(&spool, number, true).unwrap());
    spool.close();
    drop(spool);
    fs::remove_dir_all(&index).unwrap();
    fs::rename(&copy, &index).unwrap();
    let (again, _) = scratch.open(16);
    assert_eq!(waiting(&again), [2, 3, 4]);
    for number in 2..=4 {
        bytes_of(&again, number);
    }
}

/// Every length of a torn segment, before everything that an earlier one may have left behind it.
#[test]
fn every_cut_and_every_torn_write_keeps_the_whole_fragments_and_no_more() {
    let scratch = Scratch::new("cut");
    let (spool, _) = scratch.open(16);
    // The same shape with other keys: each of its records ends where one of the other ends.
    record(&spool, 9, true).unwrap();
    record(&spool, 1, true).unwrap();
    spool.close();
    drop(spool);
    let earlier = fs::read(scratch.slot(0)).unwrap();
    fs::remove_file(scratch.slot(0)).unwrap();
    let path = scratch.slot(1);
    let all = fs::read(&path).unwrap();
    // Head, head tag, content, tag, mark; at the end an empty chunk and the last mark.
    let fragment = 10 + 16 + 45 * CANARY.len() + 16 + 73;
    let end = 10 + 16 + 16 + 73;
    let whole = usize::try_from(entry_of(&path).bytes).unwrap();
    let first = whole - 5 * fragment - end;
    let edges = (0..=5).flat_map(|n| [first + n * fragment - 1, first + n * fragment]);
    let lengths: BTreeSet<usize> = (0..whole).step_by(97).chain(edges).chain([whole]).collect();
    for length in lengths {
        let behind = [
            &[0; 300][..],
            &[b'K'; 300],
            &all[first..first + 300],
            // The earlier segment, as it lay there: whole records, marks and an end.
            &earlier[length..],
            &earlier[first..],
        ];
        for (kind, behind) in behind.into_iter().enumerate() {
            scratch.lose_index();
            let mut torn = [&all[..length], behind].concat();
            torn.resize(usize::try_from(SLOT_BYTES).unwrap(), 0x33);
            fs::write(&path, &torn).unwrap();
            // A byte behind the cut may be the right one by chance.
            let is_there = |bytes: usize| torn[..bytes] == all[..bytes];
            let expect = (1..=5).rev().find(|n| is_there(first + n * fragment));
            let expect = expect.unwrap_or(0);
            let expect_bytes = match is_there(whole) {
                true => whole,
                false => first + expect * fragment,
            };
            let (spool, _) = scratch.open(16);
            // With less than its name on the disk it is still the earlier one.
            let kept = spool.ring().kept.get(&segment(1)).cloned();
            let kept = kept.filter(|kept| kept.standing == Standing::Waiting);
            let seconds = kept.map_or(0, |kept| kept.entry.duration_us as usize / 2_000_000);
            assert_eq!(seconds, expect, "{length} {kind}");
            if expect > 0 {
                assert_eq!(bytes_of(&spool, 1), all[..expect_bytes], "{length} {kind}");
                // Now a walk by heads ends there too.
                assert_eq!(
                    entry_of(&path).bytes,
                    expect_bytes as u64,
                    "{length} {kind}"
                );
            }
            spool.close();
        }
    }
}

/// What walking over a slot by its heads tells.
fn entry_of(path: &Path) -> check::Found {
    let file = File::open(path).unwrap();
    let begun = check::begun(&file).unwrap().unwrap();
    check::walk(&file, &begun).unwrap().unwrap()
}

/// A short segment in the slot of a long one of the same shape: what is left of the long one is
/// whole, well-formed, signed by this box, and not its own.
#[test]
fn a_whole_earlier_segment_behind_the_last_mark_is_never_taken_for_its_own() {
    for (fragments, end) in [(1, false), (2, false), (3, true), (5, false)] {
        let scratch = Scratch::new("stale");
        let (spool, _) = scratch.open(1);
        record(&spool, 1, true).unwrap();
        spool.forget(segment(1));
        let short = Plan {
            fragments,
            end,
            ..WHOLE
        };
        write(&spool, &header(2), short, &device()).unwrap();
        let (entry, bytes) = (entries(&spool), bytes_of(&spool, 2));
        spool.close();
        drop(spool);
        scratch.lose_index();
        let (again, _) = scratch.open(1);
        assert_eq!(entries(&again), entry);
        assert_eq!(bytes_of(&again, 2), bytes);
        assert_eq!(entry_of(&scratch.slot(0)).bytes, bytes.len() as u64);
    }
}

/// Nothing of a segment that was begun and not gone on with: what lies behind it is not its own.
#[test]
fn a_segment_without_a_fragment_is_none() {
    let scratch = Scratch::new("begun");
    let (spool, _) = scratch.open(1);
    record(&spool, 1, true).unwrap();
    spool.forget(segment(1));
    let begun = Plan {
        fragments: 0,
        end: false,
        ..WHOLE
    };
    let writer = write(&spool, &header(2), begun, &device()).unwrap();
    std::mem::forget(writer);
    spool.close();
    let (again, _) = scratch.open(1);
    assert!(waiting(&again).is_empty() && again.ring().kept.is_empty());
    record(&again, 3, true).unwrap();
    bytes_of(&again, 3);
}

#[test]
fn a_segment_larger_than_its_slot_is_refused_and_what_was_before_stays() {
    let scratch = Scratch::new("large");
    let (spool, _) = scratch.open(4);
    let large = Plan {
        fragments: 9,
        bytes: 1_050,
        ..WHOLE
    };
    let refused = write(&spool, &header(1), large, &device()).err().unwrap();
    assert_eq!(refused.source.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(entries(&spool)[0].duration_us, 12_000_000);
    bytes_of(&spool, 1);
    record(&spool, 2, true).unwrap();
    assert_eq!(waiting(&spool), [1, 2], "the slot is not in doubt");
}

/// A segment that fills its slot to the last byte has nothing behind it.
#[test]
fn a_slot_can_be_full_to_its_last_byte() {
    let scratch = Scratch::new("brim");
    let (spool, _) = scratch.open(4);
    let one = Plan {
        fragments: 1,
        end: false,
        ..WHOLE
    };
    write(&spool, &header(1), one, &device()).unwrap();
    let spare = SLOT_BYTES - bytes_of(&spool, 1).len() as u64;
    let brim = Plan {
        bytes: one.bytes + usize::try_from(spare).unwrap(),
        ..one
    };
    write(&spool, &header(2), brim, &device()).unwrap();
    assert_eq!(bytes_of(&spool, 2).len() as u64, SLOT_BYTES);
    let over = Plan {
        bytes: brim.bytes + 1,
        ..brim
    };
    assert!(write(&spool, &header(3), over, &device()).is_err());
    spool.close();
    drop(spool);
    scratch.lose_index();
    let (again, _) = scratch.open(4);
    assert_eq!(bytes_of(&again, 2).len() as u64, SLOT_BYTES);
    assert_eq!(waiting(&again), [1, 2]);
}

/// Rebuilding walks over what was closed and reads only what may be torn.
#[test]
fn a_rebuilt_entry_is_proved_when_it_is_handed_over() {
    let scratch = Scratch::new("proved");
    let (spool, mut gaps) = scratch.open(16);
    (1..=8).for_each(|number| record(&spool, number, true).unwrap());
    let known = entries(&spool);
    spool.close();
    drop(spool);
    scratch.lose_index();
    // The disk has garbled the third fragment of one that nobody reads at start.
    let mut bytes = fs::read(scratch.slot(1)).unwrap();
    let at = usize::try_from(known[1].bytes).unwrap() - 115 - 2 * 1150 - 400;
    bytes[at] ^= 1;
    fs::write(scratch.slot(1), bytes).unwrap();
    let (again, mut told) = scratch.open(16);
    let rebuilt = entries(&again);
    let hash = |number| again.ring().kept[&segment(number)].entry.sha256;
    let proved: Vec<bool> = (1..=8).map(|number| hash(number).is_some()).collect();
    assert_eq!(
        proved,
        [false, false, false, false, false, false, true, true]
    );
    for (entry, known) in rebuilt.iter().zip(&known) {
        assert_eq!(
            (entry.bytes, entry.duration_us),
            (known.bytes, known.duration_us)
        );
    }
    assert_eq!(
        again.tail(&cam0()).map(|tail| tail.ended_us),
        Some(START_US + 90_000_000)
    );
    for number in [1, 3, 4, 5, 6, 7, 8] {
        bytes_of(&again, number);
    }
    assert!(told.try_recv().is_err());
    assert!(bytes_of(&again, 2).len() < usize::try_from(known[1].bytes).unwrap());
    let gap = told.try_recv().unwrap();
    let end_us = START_US + 20_000_000 + 10_000_000;
    assert_eq!((gap.to_us, gap.reason), (end_us, GapReason::Disk));
    assert!(gap.from_us < end_us && gap.from_us > START_US + 20_000_000);
    assert!(gaps.try_recv().is_err());
}

#[test]
fn a_garbled_missing_or_hanging_index_is_rebuilt_from_the_slots() {
    let scratch = Scratch::new("garbled");
    let (spool, _) = scratch.open(16);
    (1..=2).for_each(|number| record(&spool, number, true).unwrap());
    let entries_before = entries(&spool);
    let tail = spool.tail(&cam0());
    spool.close();
    drop(spool);
    let index = scratch.0.join(INDEX);
    for damage in ["gone", "conf", "db", "half", "file", "hangs"] {
        match damage {
            "gone" => fs::remove_dir_all(&index).unwrap(),
            "conf" => fs::write(index.join("conf"), b"garbage").unwrap(),
            "db" => {
                let db = fs::read(index.join("db")).unwrap();
                let mixed = db.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>();
                fs::write(index.join("db"), mixed).unwrap();
            }
            // What a kill leaves while sled opens.
            "half" => fs::write(index.join("snap.00000000000007FF.generating"), b"").unwrap(),
            "file" => {
                fs::remove_dir_all(&index).unwrap();
                fs::write(&index, b"in the way").unwrap();
            }
            // Who reads it waits for a writer that never comes.
            _ => {
                fs::remove_file(index.join("conf")).unwrap();
                let made = Command::new("mkfifo").arg(index.join("conf")).status();
                assert!(made.unwrap().success());
            }
        }
        let begin = std::time::Instant::now();
        let (again, _) = scratch.open(16);
        assert!(begin.elapsed().as_secs() < 60, "{damage}");
        assert_eq!(entries(&again), entries_before, "{damage}");
        assert_eq!(again.tail(&cam0()), tail, "{damage}");
        again.close();
        drop(again);
        // And the next start has an index again.
        let (next, _) = scratch.open(16);
        assert_eq!(entries(&next), entries_before, "{damage}");
        assert!(index.join("db").is_file(), "{damage}");
        next.close();
    }
}

/// sled takes a snapshot that was being made for its newest one and refuses for ever.
#[test]
fn a_half_made_snapshot_costs_the_index_nothing() {
    let scratch = Scratch::new("half");
    let (spool, _) = scratch.open(16);
    record(&spool, 1, true).unwrap();
    spool.close();
    drop(spool);
    let half = scratch
        .0
        .join(INDEX)
        .join("snap.00000000000007FF.generating");
    fs::write(&half, b"").unwrap();
    let (_index, known) = Index::open(&scratch.0.join(INDEX));
    assert_eq!(known.segments.len(), 1);
    assert!(!half.exists());
}

#[test]
fn a_full_spool_gives_up_the_oldest_and_says_so() {
    let scratch = Scratch::new("full");
    let (spool, mut gaps) = scratch.open(7);
    for number in 1..=20 {
        record(&spool, number, true).unwrap();
        assert!(scratch.files().len() <= 7);
    }
    assert_eq!(waiting(&spool), [14, 15, 16, 17, 18, 19, 20]);
    assert_eq!(spool.signals().borrow().evicted_unsent, 13);
    for number in 1..=13 {
        let gap = gaps.try_recv().unwrap();
        let start_us = START_US + number * 10_000_000;
        assert_eq!((gap.from_us, gap.to_us), (start_us, start_us + 10_000_000));
        assert_eq!(gap.reason, GapReason::Evicted);
    }
    assert!(gaps.try_recv().is_err());
}

/// K14: what is given up is told while it is still there, so that a power cut in between loses
/// neither the footage nor the word that it is gone.
#[test]
fn a_gap_is_told_before_its_footage_is_gone() {
    struct Looking(PathBuf, Arc<Mutex<Vec<bool>>>);
    impl Tell for Looking {
        fn tell(&self, gap: Gap) {
            let here = |path: PathBuf| look_into(&path, &device().verifying_key()).unwrap();
            let slots = (0..2).filter_map(|number| here(slot::path(&self.0, number)));
            let there = slots
                .map(|(header, _)| header.start_us)
                .any(|at| at == gap.from_us);
            self.1.lock().unwrap().push(there);
        }
    }
    let scratch = Scratch::new("told-first");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looking = Looking(scratch.0.clone(), seen.clone());
    let spool = Spool::open(&scratch.0, limits(2), &device().verifying_key(), looking).unwrap();
    (1..=4).for_each(|number| record(&spool, number, true).unwrap());
    assert_eq!(*seen.lock().unwrap(), [true, true]);
    let held: Vec<_> = spool
        .held()
        .iter()
        .map(|one| (one.from_ms, one.to_ms))
        .collect();
    let from_ms = START_US / 1000 + 30_000;
    assert_eq!(held, [(from_ms, from_ms + 20_000)]);
}

/// DESIGN §4.2: uploaded first, then what the hub refuses, then the oldest; what is sent last.
#[test]
fn eviction_follows_its_order() {
    let scratch = Scratch::new("order");
    let (spool, mut gaps) = scratch.open(4);
    (1..=4).for_each(|number| record(&spool, number, true).unwrap());
    spool.forget(segment(4));
    spool.quarantine(segment(3), "no such classroom");
    let mut reader = spool.read(segment(1)).unwrap().unwrap();
    let mut gone = Vec::new();
    for number in 5..=8 {
        record(&spool, number, true).unwrap();
        gone.extend(
            gaps.try_recv()
                .map(|gap| (gap.from_us - START_US) / 10_000_000),
        );
    }
    assert_eq!(gone, [3, 2, 5], "4 was free");
    let mut bytes = vec![0; 100];
    reader.read_exact(&mut bytes).unwrap();
    (9..=11).for_each(|number| record(&spool, number, true).unwrap());
    let kept = waiting(&spool);
    assert_eq!(kept, [1, 9, 10, 11], "what is being read goes last");
    drop(reader);
    let mut reader = spool.read(segment(9)).unwrap().unwrap();
    let held: Vec<Reader> = [1, 10, 11]
        .map(|n| spool.read(segment(n)).unwrap().unwrap())
        .into();
    record(&spool, 12, true).unwrap();
    assert_eq!(
        waiting(&spool),
        [9, 10, 11, 12],
        "recording waits for nobody"
    );
    drop(held);
    reader.read_exact(&mut bytes).unwrap();
    (13..=16).for_each(|number| record(&spool, number, true).unwrap());
    spool.quarantine(segment(9), "so that it goes");
    record(&spool, 17, true).unwrap();
    assert!(reader.read(&mut bytes).is_err(), "no byte of its successor");
}

#[test]
fn what_the_hub_refuses_is_put_aside_and_survives_a_restart() {
    let scratch = Scratch::new("quarantine");
    let (spool, _) = scratch.open(16);
    record(&spool, 1, true).unwrap();
    spool.quarantine(segment(1), "no such classroom");
    assert!(waiting(&spool).is_empty());
    spool.close();
    drop(spool);
    let (again, _) = scratch.open(16);
    assert!(waiting(&again).is_empty());
    assert_eq!(again.ring().kept[&segment(1)].standing, Standing::Refused);
    again.close();
    drop(again);
    // Without the index it is offered, and refused, once more.
    scratch.lose_index();
    let (again, _) = scratch.open(16);
    assert_eq!(waiting(&again), [1]);
}

/// P9: before the time is known a box says 1970; what it records then is kept like the rest.
#[test]
fn a_clock_at_1970_costs_nothing() {
    let scratch = Scratch::new("1970");
    let (spool, _) = scratch.open(16);
    record(&spool, 1, true).unwrap();
    for number in [2, 3] {
        let old = Header {
            start_us: i64::try_from(number).unwrap() * 1_000_000,
            boot: Uuid::from_u128(4),
            mono_ms: u64::try_from(number).unwrap() * 1000,
            ..header(number)
        };
        let plan = Plan {
            end: number == 2,
            ..WHOLE
        };
        write(&spool, &old, plan, &device()).unwrap();
    }
    let known = entries(&spool);
    spool.close();
    drop(spool);
    scratch.lose_index();
    let (again, _) = scratch.open(16);
    let rebuilt = entries(&again);
    assert_eq!(rebuilt.len(), 3);
    for (rebuilt, known) in rebuilt.iter().zip(&known) {
        assert_eq!(
            (rebuilt.bytes, rebuilt.start_us),
            (known.bytes, known.start_us)
        );
    }
    (1..=3).for_each(|number| drop(bytes_of(&again, number)));
    record(&again, 4, true).unwrap();
    assert_eq!(waiting(&again), [1, 2, 3, 4]);
}

/// Walked over at start, read when it is its turn: nothing of it is sent, and no gap is told.
#[test]
fn footage_of_another_box_is_found_at_the_latest_when_it_is_read() {
    let scratch = Scratch::new("foreign-late");
    let (spool, _) = scratch.open(8);
    let stranger = SigningKey::from_bytes(&[9; 32]);
    write(&spool, &header(1), WHOLE, &stranger).unwrap();
    (2..=6).for_each(|number| record(&spool, number, true).unwrap());
    spool.close();
    drop(spool);
    scratch.lose_index();
    let (again, mut gaps) = scratch.open(8);
    assert!(again.read(segment(1)).unwrap().is_none());
    again.lost(segment(1));
    assert_eq!(waiting(&again), [2, 3, 4, 5, 6]);
    assert!(gaps.try_recv().is_err());
}

/// The disk of another box, or of this one before it was enrolled anew.
#[test]
fn footage_of_another_box_is_told_kept_aside_and_given_up_first() {
    let scratch = Scratch::new("foreign");
    let (spool, _) = scratch.open(3);
    let stranger = SigningKey::from_bytes(&[9; 32]);
    write(&spool, &header(1), WHOLE, &stranger).unwrap();
    record(&spool, 2, true).unwrap();
    spool.close();
    drop(spool);
    scratch.lose_index();
    let before = fs::read(scratch.slot(0)).unwrap();
    let (again, mut gaps) = scratch.open(3);
    assert_eq!(waiting(&again), [2]);
    assert_eq!(again.ring().kept[&segment(1)].standing, Standing::Foreign);
    record(&again, 3, true).unwrap();
    assert_eq!(
        fs::read(scratch.slot(0)).unwrap(),
        before,
        "there is room elsewhere"
    );
    record(&again, 4, true).unwrap();
    assert_eq!(waiting(&again), [2, 3, 4]);
    assert!(gaps.try_recv().is_err(), "not a gap of this box");
    assert_eq!(again.signals().borrow().evicted_unsent, 0);
}

#[test]
fn garbage_in_the_directory_is_no_footage_and_in_nobodys_way() {
    let scratch = Scratch::new("garbage");
    let (spool, _) = scratch.open(8);
    record(&spool, 1, true).unwrap();
    spool.close();
    drop(spool);
    let slot_bytes = usize::try_from(SLOT_BYTES).unwrap();
    let noise: Vec<u8> = (0..slot_bytes).map(|n| (n * 7919 % 251) as u8).collect();
    fs::write(scratch.slot(3), &noise).unwrap();
    fs::write(scratch.slot(4), [b"XKS1\x01\x00\xff", &noise[7..]].concat()).unwrap();
    fs::write(scratch.slot(5), b"XKS1").unwrap();
    fs::write(scratch.0.join("notes.txt"), b"mine").unwrap();
    fs::create_dir(scratch.0.join("00006.slot")).unwrap();
    scratch.lose_index();
    let (again, _) = scratch.open(8);
    assert_eq!(waiting(&again), [1]);
    for number in 2..=6 {
        record(&again, number, true).unwrap();
    }
    assert_eq!(waiting(&again), [1, 2, 3, 4, 5, 6]);
    (1..=6).for_each(|number| drop(bytes_of(&again, number)));
    assert_eq!(fs::read(scratch.0.join("notes.txt")).unwrap(), b"mine");
}

/// From before there were slots: a file for each segment, in the folder of its camera.
#[test]
fn segments_of_the_old_layout_are_taken_over() {
    let scratch = Scratch::new("old");
    let (spool, _) = scratch.open(8);
    (1..=3).for_each(|number| record(&spool, number, number != 3).unwrap());
    let all: Vec<Vec<u8>> = (1..=3).map(|number| bytes_of(&spool, number)).collect();
    let tail = spool.tail(&cam0());
    spool.close();
    drop(spool);
    scratch.lose_index();
    (0..3).for_each(|number| fs::remove_file(scratch.slot(number)).unwrap());
    let old = |dir: &str, number: u128| {
        fs::create_dir_all(scratch.0.join(dir)).unwrap();
        let name = segment(number).to_string();
        scratch.0.join(dir).join(name).with_extension("xks")
    };
    fs::write(old("cam0", 1), &all[0]).unwrap();
    fs::write(old("_quarantine", 2), &all[1]).unwrap();
    // The power went while it was written.
    fs::write(old("cam0", 3), [&all[2], &b"C\0torn"[..]].concat()).unwrap();
    let (again, _) = scratch.open(8);
    assert_eq!(waiting(&again), [1, 3]);
    assert_eq!(again.ring().kept[&segment(2)].standing, Standing::Refused);
    assert_eq!(again.tail(&cam0()), tail);
    assert_eq!(bytes_of(&again, 1), all[0]);
    assert_eq!(bytes_of(&again, 3), all[2]);
    again.forget(segment(1));
    assert!(!old("cam0", 1).exists() && old("cam0", 3).exists());
    record(&again, 4, true).unwrap();
    again.close();
    drop(again);
    let (again, _) = scratch.open(8);
    assert_eq!(waiting(&again), [3, 4]);
}

/// Somebody has set another `slot_mib` or a smaller `mib_max`.
#[test]
fn slots_of_another_size_are_emptied_and_then_removed() {
    let scratch = Scratch::new("size");
    let (spool, _) = scratch.open(8);
    (1..=4).for_each(|number| record(&spool, number, true).unwrap());
    spool.forget(segment(4));
    spool.close();
    drop(spool);
    let (gaps, device) = (mpsc::channel(64).0, device().verifying_key());
    let larger = Limits {
        slot_bytes: 2 * SLOT_BYTES,
        ..limits(16)
    };
    let spool = Spool::open(&scratch.0, larger, &device, gaps).unwrap();
    assert_eq!(waiting(&spool), [1, 2, 3]);
    assert!(!scratch.slot(3).exists(), "it held nothing");
    record(&spool, 5, true).unwrap();
    (1..=3).for_each(|number| drop(bytes_of(&spool, number)));
    bytes_of(&spool, 5);
    (1..=3).for_each(|number| spool.forget(segment(number)));
    let sizes = scratch
        .files()
        .into_iter()
        .map(|path| fs::metadata(path).unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [2 * SLOT_BYTES]);
    spool.close();
    drop(spool);
    let (fewer, _) = scratch.open(1);
    assert_eq!(waiting(&fewer), [5]);
}

const SHORT: Plan = Plan {
    fragments: 1,
    ..WHOLE
};

/// A camera that comes and goes while the hub is away (X53): many short segments.
#[test]
fn short_segments_push_nothing_out_before_their_slots_are_cut_to_size() {
    let scratch = Scratch::new("short");
    let (spool, mut gaps) = scratch.open(8);
    record(&spool, 1, true).unwrap();
    let short = |number| write(&spool, &header(number), SHORT, &device()).map(drop);
    (2..=12).for_each(|number| short(number).unwrap());
    assert!(gaps.try_recv().is_err(), "nothing was given up");
    let all: Vec<u128> = (1..=12).collect();
    assert_eq!(waiting(&spool), all);
    let used = |scratch: &Scratch| -> u64 {
        let sizes = scratch.files().into_iter();
        sizes.map(|path| fs::metadata(path).unwrap().len()).sum()
    };
    assert!(
        used(&scratch) <= 8 * SLOT_BYTES,
        "no more is taken than may be"
    );
    (13..=20).for_each(|number| short(number).unwrap());
    let lost = gaps.try_recv().unwrap();
    assert_eq!(lost.from_us, header(1).start_us, "then the oldest is");
    let kept = waiting(&spool);
    let before: Vec<Vec<u8>> = kept.iter().map(|one| bytes_of(&spool, *one)).collect();
    for index_is_lost in [false, true] {
        spool.close();
        if index_is_lost {
            scratch.lose_index();
        }
        let (spool, _) = scratch.open(8);
        assert_eq!(waiting(&spool), kept);
        let after = kept.iter().map(|one| bytes_of(&spool, *one));
        assert!(after.eq(before.iter().cloned()));
        spool.close();
    }
    kept.iter().for_each(|one| spool.forget(segment(*one)));
    assert!(used(&scratch) <= 8 * SLOT_BYTES);
    assert!(waiting(&spool).is_empty());
}

#[test]
fn what_the_hub_refused_is_known_as_such_when_its_slot_was_cut() {
    let scratch = Scratch::new("short-refused");
    let (spool, _) = scratch.open(2);
    let short = |number| write(&spool, &header(number), SHORT, &device()).map(drop);
    (1..=3).for_each(|number| short(number).unwrap());
    assert_eq!(fs::metadata(scratch.slot(0)).unwrap().len(), SLOT_BYTES / 2);
    spool.quarantine(segment(1), "of a room that is not ours");
    spool.close();
    drop(spool);
    let (spool, _) = scratch.open(2);
    assert_eq!(waiting(&spool), [2, 3]);
}

#[test]
fn a_slot_that_somebody_removes_is_a_gap_and_made_anew() {
    let scratch = Scratch::new("removed");
    let (spool, mut gaps) = scratch.open(2);
    (1..=2).for_each(|number| record(&spool, number, true).unwrap());
    fs::remove_file(scratch.slot(0)).unwrap();
    assert!(spool.read(segment(1)).unwrap().is_none());
    spool.lost(segment(1));
    assert_eq!(gaps.try_recv().unwrap().reason, GapReason::Disk);
    record(&spool, 3, true).unwrap();
    assert_eq!(waiting(&spool), [2, 3]);
    bytes_of(&spool, 3);
}

/// Writes segments until it is killed, telling each durable fragment on standard output.
#[test]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("XUNKE_SPOOL_KILL") else {
        return;
    };
    let (gaps, key) = (mpsc::channel(1).0, device().verifying_key());
    let spool = Spool::open(Path::new(&dir), limits(1 << 14), &key, gaps).unwrap();
    for number in 1.. {
        record(&spool, number, true).unwrap();
        println!("durable {number}");
    }
}

/// X51: after a crash everything that was acknowledged is there, and nothing else.
#[test]
fn nothing_acknowledged_is_lost_when_the_agent_is_killed() {
    use std::io::{BufRead, BufReader};
    let scratch = Scratch::new("kill");
    for round in 0..5 {
        scratch
            .files()
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap());
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
        let (spool, _) = scratch.open(1 << 14);
        let kept = waiting(&spool);
        assert!(
            (1..=durable).all(|number| kept.contains(&number)),
            "{durable} {kept:?}"
        );
        for number in kept {
            bytes_of(&spool, number);
        }
        spool.close();
    }
}
