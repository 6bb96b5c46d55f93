//! Disks that fail: what a failed flush has touched is never acknowledged, and recording goes on or
//! resumes (P4, P5, X58).

use super::*;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The flush after so many is refused, and what it was for is gone from the device.
    Flush(u32),
    /// The write after so many ends in the middle.
    Write(u32),
    /// Every write and flush from now on.
    Always,
    /// No file can be cut.
    Cut,
    /// No file can grow.
    Full,
    ReadOnly,
}

struct Faulty {
    fault: Mutex<Fault>,
    free_bytes: AtomicU64,
    written: Mutex<(u64, usize)>,
}

impl Faulty {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            fault: Mutex::new(Fault::None),
            free_bytes: AtomicU64::new(u64::MAX / 4),
            written: Mutex::default(),
        })
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Whether it is this call's turn to fail.
    fn counts(left: &mut u32) -> bool {
        let now = *left == 0;
        *left = left.wrapping_sub(1);
        now
    }
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

impl Disk for Faulty {
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let fails = match &mut *self.fault.lock().unwrap() {
            Fault::Full => {
                let end = at + bytes.len() as u64;
                match file.metadata().unwrap().len() < end {
                    true => return Err(io::ErrorKind::StorageFull.into()),
                    false => false,
                }
            }
            Fault::ReadOnly => return Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::Write(left) => Self::counts(left),
            Fault::Always => true,
            Fault::None | Fault::Flush(_) | Fault::Cut => false,
        };
        if fails {
            RealDisk.write_at(file, &bytes[..bytes.len() / 2], at)?;
            return Err(eio());
        }
        *self.written.lock().unwrap() = (at, bytes.len());
        RealDisk.write_at(file, bytes, at)
    }

    fn cut(&self, file: &File, bytes: u64) -> io::Result<()> {
        match &mut *self.fault.lock().unwrap() {
            Fault::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::Always | Fault::Cut => Err(eio()),
            _ => RealDisk.cut(file, bytes),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let fails = match &mut *self.fault.lock().unwrap() {
            Fault::Flush(left) => Self::counts(left),
            Fault::Always => true,
            _ => false,
        };
        if fails {
            let (at, length) = *self.written.lock().unwrap();
            RealDisk.write_at(file, &vec![0xee; length], at)?;
            return Err(eio());
        }
        RealDisk.sync(file)
    }

    fn free_bytes(&self, _: &Path) -> u64 {
        self.free_bytes.load(Ordering::Relaxed)
    }
}

/// P4: the n-th flush or write fails. What was acknowledged before is there, what was not is not,
/// and the next segment goes into another slot and is whole.
#[test]
fn what_a_failed_flush_has_touched_is_never_acknowledged() {
    // What lay in the slot is struck out; five fragments, the first of them with what the segment
    // begins with; and the end, which has no flush of its own.
    let flushes = (0..6).map(|turn| (turn, Fault::Flush(turn)));
    let writes = (0..7).map(|turn| (turn, Fault::Write(turn)));
    for (turn, fault) in flushes.chain(writes) {
        let scratch = Scratch::new("eio");
        let disk = Faulty::new();
        let (spool, mut gaps) = scratch.open_on(disk.clone(), 8);
        record(&spool, 1, true).unwrap();
        spool.forget(segment(1));
        disk.set(fault);
        let told = record(&spool, 2, true);
        // Of what is not begun nothing was promised: another slot takes it.
        let fails = turn > 1;
        let acknowledged = if fails { turn - 1 } else { 5 };
        assert_eq!(told.is_err(), fails, "{fault:?}");
        let durations: Vec<u32> = entries(&spool).iter().map(|e| e.duration_us).collect();
        let expect: Vec<u32> = (acknowledged > 0)
            .then_some(acknowledged * 2_000_000)
            .into_iter()
            .collect();
        assert_eq!(durations, expect, "{fault:?}");
        record(&spool, 3, true).unwrap();
        let (kept, bytes) = (entries(&spool), bytes_of(&spool, 3));
        assert!(gaps.try_recv().is_err(), "nothing was given up");
        spool.close();
        drop(spool);
        for index in [true, false] {
            if !index {
                scratch.lose_index();
            }
            let (again, _) = scratch.open(8);
            assert_eq!(entries(&again), kept, "{fault:?} {index}");
            assert_eq!(bytes_of(&again, 3), bytes);
            if acknowledged > 0 {
                bytes_of(&again, 2);
            }
            again.close();
        }
    }
}

#[test]
fn a_segment_takes_nothing_more_after_a_failure() {
    let scratch = Scratch::new("closed-by-failure");
    let disk = Faulty::new();
    let (spool, _) = scratch.open_on(disk.clone(), 8);
    let open = Plan {
        fragments: 2,
        end: false,
        ..WHOLE
    };
    let writer = write(&spool, &header(1), open, &device()).unwrap();
    let mut writer = writer.unwrap();
    disk.set(Fault::Flush(0));
    assert!(writer.append(b"Cgone", 6_000_000, [1; 32]).is_err());
    // The kernel says yes to the next flush whatever has become of the last.
    assert!(writer.append(b"Cgone", 8_000_000, [2; 32]).is_err());
    assert!(writer.end(b"Egone", [3; 32]).is_err());
    assert_eq!(entries(&spool)[0].duration_us, 4_000_000);
    bytes_of(&spool, 1);
}

/// A slot where the disk has failed is left alone while there are others.
#[test]
fn a_bad_place_is_not_used_again() {
    let scratch = Scratch::new("bad-place");
    let disk = Faulty::new();
    let (spool, _) = scratch.open_on(disk.clone(), 4);
    record(&spool, 1, true).unwrap();
    // Seven flushes for the second: one for the slot, one for what lay there, five for fragments.
    // Three for the third, with its first fragment.
    disk.set(Fault::Flush(10));
    record(&spool, 2, true).unwrap();
    assert!(record(&spool, 3, true).is_err());
    // Its only fragment was sent.
    spool.forget(segment(3));
    let bad = fs::read(scratch.slot(2)).unwrap();
    (1..=2).for_each(|number| spool.forget(segment(number)));
    for number in 4..12 {
        record(&spool, number, true).unwrap();
        spool.forget(segment(number));
    }
    let now = fs::read(scratch.slot(2)).unwrap();
    assert!(now == bad, "it was written again");
}

/// A disk that takes nothing must not cost what it still holds: it can be read, and sent.
#[test]
fn a_disk_that_refuses_everything_costs_little_of_what_it_holds() {
    let scratch = Scratch::new("refuses");
    let disk = Faulty::new();
    let (spool, mut gaps) = scratch.open_on(disk.clone(), 10);
    (1..=10).for_each(|number| record(&spool, number, true).unwrap());
    disk.set(Fault::Always);
    for number in 11..40 {
        assert!(record(&spool, number, true).is_err());
    }
    assert_eq!(waiting(&spool), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(std::iter::from_fn(|| gaps.try_recv().ok()).count(), 3);
    (4..=10).for_each(|number| drop(bytes_of(&spool, number)));
    disk.set(Fault::None);
    for number in 40..44 {
        record(&spool, number, true).unwrap();
        bytes_of(&spool, number);
    }
    let kept = waiting(&spool);
    assert_eq!((kept.len(), kept.last()), (10, Some(&43)));
}

#[test]
fn a_disk_that_is_read_only_costs_nothing_and_is_used_again_when_it_is_not() {
    let scratch = Scratch::new("read-only");
    let disk = Faulty::new();
    let (spool, mut gaps) = scratch.open_on(disk.clone(), 4);
    (1..=3).for_each(|number| record(&spool, number, true).unwrap());
    spool.forget(segment(1));
    disk.set(Fault::ReadOnly);
    for number in 4..9 {
        let refused = record(&spool, number, true).unwrap_err();
        assert_eq!(refused.source.kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    assert_eq!(waiting(&spool), [2, 3]);
    bytes_of(&spool, 2);
    // The hub has it; that cannot be written down, and is harmless.
    spool.forget(segment(2));
    spool.close();
    drop(spool);
    // A start on such a disk.
    let (spool, _) = scratch.open_on(disk.clone(), 4);
    assert!(record(&spool, 9, true).is_err());
    bytes_of(&spool, 3);
    disk.set(Fault::None);
    record(&spool, 10, true).unwrap();
    assert!(waiting(&spool).ends_with(&[3, 10]));
    assert!(gaps.try_recv().is_err());
}

/// X58, P5: no room for another slot. The oldest go, each with its gap, and recording goes on in
/// the slots that are there.
#[test]
fn a_full_disk_costs_the_oldest_and_recording_goes_on() {
    let scratch = Scratch::new("disk-full");
    let disk = Faulty::new();
    let (spool, mut gaps) = scratch.open_on(disk.clone(), 100);
    disk.set(Fault::Full);
    let refused = record(&spool, 1, true).unwrap_err();
    assert_eq!(refused.source.kind(), io::ErrorKind::StorageFull);
    assert!(scratch.files().is_empty(), "nothing half is left");
    disk.set(Fault::None);
    (2..=4).for_each(|number| record(&spool, number, true).unwrap());
    disk.set(Fault::Full);
    for number in 5..=10 {
        record(&spool, number, true).unwrap();
    }
    assert_eq!(waiting(&spool), [8, 9, 10]);
    let lost = std::iter::from_fn(|| gaps.try_recv().ok());
    let lost: Vec<i64> = lost
        .map(|gap| (gap.from_us - START_US) / 10_000_000)
        .collect();
    assert_eq!(lost, [2, 3, 4, 5, 6, 7]);
    disk.set(Fault::None);
    record(&spool, 11, true).unwrap();
    assert_eq!(waiting(&spool), [8, 9, 10, 11]);
}

/// X58: what must stay free stays free, and what is there already is used.
#[test]
fn a_new_slot_leaves_the_disk_what_must_stay_free() {
    let scratch = Scratch::new("min-free");
    let disk = Faulty::new();
    let (gaps, device) = (mpsc::channel(64).0, device().verifying_key());
    let limits = Limits {
        free_bytes_min: 1_000_000,
        ..limits(100)
    };
    let spool = Spool::open_on(disk.clone(), &scratch.0, limits, &device, gaps).unwrap();
    (1..=3).for_each(|number| record(&spool, number, true).unwrap());
    disk.free_bytes
        .store(1_000_000 + SLOT_BYTES - 1, Ordering::Relaxed);
    record(&spool, 4, true).unwrap();
    assert_eq!((scratch.files().len(), waiting(&spool)), (3, vec![2, 3, 4]));
    disk.free_bytes
        .store(1_000_000 + SLOT_BYTES, Ordering::Relaxed);
    record(&spool, 5, true).unwrap();
    assert_eq!(
        (scratch.files().len(), waiting(&spool)),
        (4, vec![2, 3, 4, 5])
    );
}

/// Fills its disk many times over, and tells what it was refused.
#[test]
fn child_on_a_small_disk() {
    let Some(dir) = std::env::var_os("XUNKE_SPOOL_SMALL") else {
        return;
    };
    let (gaps, mut told) = mpsc::channel(1024);
    let key = device().verifying_key();
    let spool = Spool::open(Path::new(&dir), limits(1 << 14), &key, gaps).unwrap();
    for number in 1..=600 {
        record(&spool, number, true).unwrap();
    }
    let kept = waiting(&spool);
    kept.iter()
        .for_each(|number| drop(bytes_of(&spool, *number)));
    let lost = std::iter::from_fn(|| told.try_recv().ok()).count();
    spool.close();
    println!("kept {} lost {lost} newest {:?}", kept.len(), kept.last());
}

/// The same with a real file system of 2 MiB that says so itself.
#[test]
fn a_small_file_system_never_stops_the_recording() {
    let scratch = Scratch::new("small");
    let script = r#"mount -t tmpfs -o size=2m none "$1" && shift && exec "$@""#;
    let mut ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]].into_iter();
    let works = |way: &&[&str]| {
        let mut unshare = Command::new("unshare");
        unshare
            .args(*way)
            .args(["--", "mount", "-t", "tmpfs", "none"])
            .arg(&scratch.0);
        let status = unshare.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let Some(way) = ways.find(works) else {
        eprintln!("not tested: this machine lets nobody make a small disk");
        return;
    };
    let output = Command::new("unshare")
        .args(way)
        .args(["--", "sh", "-c", script, "sh"])
        .arg(&scratch.0)
        .arg(std::env::current_exe().unwrap())
        .args([
            "recording::spool::tests::disks::child_on_a_small_disk",
            "--exact",
            "--nocapture",
        ])
        .env("XUNKE_SPOOL_SMALL", &scratch.0)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let found = said.lines().find_map(|line| line.strip_prefix("kept "));
    let words: Vec<&str> = found
        .unwrap_or_else(|| panic!("{output:?}"))
        .split(' ')
        .collect();
    let (kept, lost): (usize, usize) = (words[0].parse().unwrap(), words[2].parse().unwrap());
    assert!((100..=256).contains(&kept) && kept + lost == 600, "{said}");
    assert!(said.contains("newest Some(600)"), "{said}");
}

#[test]
fn a_disk_that_cuts_nothing_costs_the_oldest_and_no_more() {
    let scratch = Scratch::new("uncut");
    let disk = Faulty::new();
    let (spool, _) = scratch.open_on(disk.clone(), 2);
    let short = |number| write(&spool, &header(number), SHORT, &device()).map(drop);
    (1..=2).for_each(|number| short(number).unwrap());
    disk.set(Fault::Cut);
    (3..=4).for_each(|number| short(number).unwrap());
    assert_eq!(waiting(&spool), [3, 4]);
    let slots = [0, 1].map(|slot| fs::metadata(scratch.slot(slot)).unwrap().len());
    assert_eq!(slots, [SLOT_BYTES; 2]);
}

/// Power fails in the middle of the first write into a slot that was used before, and of what was
/// written the first sector is missing: with the old head before new footage, what the hub has
/// signed for would be told as lost. So the old head goes first, and durably.
#[test]
fn what_was_forgotten_does_not_come_back_as_lost() {
    let scratch = Scratch::new("torn-begin");
    let disk = Faulty::new();
    let (spool, _) = scratch.open_on(disk.clone(), 8);
    record(&spool, 1, true).unwrap();
    spool.forget(segment(1));
    disk.set(Fault::Flush(9));
    *disk.written.lock().unwrap() = (0, 0);
    let begun = Plan {
        fragments: 0,
        end: false,
        ..WHOLE
    };
    drop(write(&spool, &header(2), begun, &device()).unwrap());
    assert_eq!(*disk.written.lock().unwrap(), (0, 16));
    assert!(matches!(*disk.fault.lock().unwrap(), Fault::Flush(8)));
}
