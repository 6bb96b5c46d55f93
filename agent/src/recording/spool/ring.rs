//! Which slot holds what, which is next, and what is given up when none is left. Pure.

use super::index::{Entry, Tail};
use super::slot;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::recording::Stretch;

/// Files are cut to whole blocks of the file system.
const BLOCK_BYTES: u64 = 4096;
/// A file counts as this part of a slot at least: a start opens each of them.
const FILE_PARTS: u64 = 16;
/// After so many slots in which the disk has failed it is the disk, not the slots: giving up
/// footage would not help.
const DOUBTFUL_MAX: usize = 3;

/// Less between two segments is a joint.
const JOINT_MS: i64 = 1_500;

/// Where a segment lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a slot.
    Slot(u32),
    /// In a file that is removed when the segment goes: from before there were slots, a slot of
    /// another size, or one that was cut to the size of its segment.
    File {
        /// The file.
        path: PathBuf,
        /// Space that it takes.
        bytes: u64,
    },
}

impl Place {
    /// The number of the slot, also of one of another size.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Slot(number) => Some(*number),
            Self::File { path, .. } => path.file_name()?.to_str().and_then(slot::number),
        }
    }
}

/// Why a segment is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The hub does not have it.
    Waiting,
    /// The hub refuses it for good: people must look at it.
    Refused,
    /// This box has not signed it.
    Foreign,
}

/// A segment that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What is known of it.
    pub entry: Entry,
    /// Where it lies.
    pub place: Place,
    /// Why it is kept.
    pub standing: Standing,
}

/// What to do for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Write into this one.
    Take(u32),
    /// Make this one.
    Make(u32),
    /// Cut the slots of short segments to size ([`Ring::tighten`]), and ask again.
    Tighten,
    /// Give up a segment, and ask again.
    Evict,
    /// There is none.
    Full,
}

/// All slots and what is kept in them.
#[derive(Debug, Default)]
pub struct Ring {
    /// Size of a slot.
    pub slot_bytes: u64,
    /// Most that slots and files may take together.
    pub bytes_max: u64,
    /// By name, which is by time.
    pub kept: BTreeMap<SegmentId, Kept>,
    /// Where each camera's recording ended.
    pub tails: HashMap<SourceName, Tail>,
    /// Segments given up although the hub did not have them.
    pub evicted_unsent: u64,
    /// Slots whose files exist, whatever they hold.
    pub there: BTreeSet<u32>,
    /// Slots that hold nothing of use.
    pub free: BTreeSet<u32>,
    /// Free slots in which the disk has failed, the longest ago first.
    pub doubtful: VecDeque<u32>,
    /// Numbers of slots of another size: they are files of their own.
    pub odd: BTreeSet<u32>,
    /// Slots in which the disk has failed, and that hold a segment.
    failed: BTreeSet<u32>,
    /// A slot in doubt that is tried because there are so many.
    trial: Option<u32>,
    /// Making a slot has failed: there will be no more.
    grown: bool,
    /// Segments that somebody reads.
    held: HashMap<SegmentId, u32>,
}

impl Ring {
    /// No slots yet.
    pub fn new(slot_bytes: u64, bytes_max: u64) -> Self {
        Self {
            slot_bytes,
            bytes_max,
            ..Self::default()
        }
    }

    /// Which slot is next. The slot is no longer free then. `room`: a new one leaves enough of the
    /// disk free.
    pub fn next(&mut self, room: bool) -> Next {
        if let Some(number) = self.free.pop_first() {
            return Next::Take(number);
        }
        let more = !self.grown && self.there.len() < self.slots_max();
        if more && room {
            return Next::Make(self.number());
        }
        if !self.grown && !self.loose().is_empty() {
            return Next::Tighten;
        }
        let worth_it = self.doubtful.len() < DOUBTFUL_MAX;
        if worth_it && self.victim().is_some() {
            return Next::Evict;
        }
        if let Some(number) = self.doubtful.pop_front() {
            self.trial = Some(number).filter(|_| !worth_it);
            return Next::Take(number);
        }
        match more {
            // Nothing can be given up for it: recording comes first.
            true => Next::Make(self.number()),
            false => Next::Full,
        }
    }

    /// What lies in files leaves less for slots.
    fn slots_max(&self) -> usize {
        let in_files = |kept: &Kept| match kept.place {
            Place::Slot(_) => 0,
            Place::File { bytes, .. } => bytes.max(self.slot_bytes / FILE_PARTS),
        };
        let files: u64 = self.kept.values().map(in_files).sum();
        let slots = self.bytes_max.saturating_sub(files) / self.slot_bytes.max(1);
        usize::try_from(slots).unwrap_or(usize::MAX).max(1)
    }

    fn number(&mut self) -> u32 {
        let used = |number: &u32| self.there.contains(number) || self.odd.contains(number);
        let number = (0..).find(|number| !used(number)).unwrap_or(u32::MAX);
        self.there.insert(number);
        number
    }

    /// Segments that fill half of their slots or less, the oldest first: as many as make room for
    /// one more slot when these are cut to size. None when all of them would not.
    fn loose(&self) -> Vec<(SegmentId, u64)> {
        let mut found = Vec::new();
        let mut gained = 0;
        for (segment, kept) in &self.kept {
            let bytes = kept.entry.bytes.next_multiple_of(BLOCK_BYTES);
            let in_slot = matches!(kept.place, Place::Slot(_));
            let proven = kept.standing != Standing::Foreign && !self.held.contains_key(segment);
            if !in_slot || !proven || bytes > self.slot_bytes / 2 {
                continue;
            }
            found.push((*segment, bytes));
            gained += self.slot_bytes - bytes.max(self.slot_bytes / FILE_PARTS);
            if gained >= self.slot_bytes {
                return found;
            }
        }
        Vec::new()
    }

    /// Makes files of the slots of short segments, so that many short ones do not push out what
    /// is older. Returns the files and the sizes to cut them to. Their numbers are not used again
    /// by this process: whoever cuts a file cuts no other segment.
    pub fn tighten(&mut self, path: impl Fn(u32) -> PathBuf) -> Vec<(SegmentId, PathBuf, u64)> {
        let mut cut = Vec::new();
        for (segment, bytes) in self.loose() {
            let Some(kept) = self.kept.get_mut(&segment) else {
                continue;
            };
            if let Place::Slot(number) = kept.place {
                self.there.remove(&number);
                self.failed.remove(&number);
                self.odd.insert(number);
                let path = path(number);
                cut.push((segment, path.clone(), bytes));
                kept.place = Place::File { path, bytes };
            }
        }
        cut
    }

    /// The file of a segment could not be cut to size: it is a slot as before, and no more are cut.
    pub fn loosen(&mut self, segment: SegmentId) {
        self.grown = true;
        let kept = self.kept.get_mut(&segment);
        if let Some(kept) = kept
            && let Some(number) = kept.place.number()
        {
            kept.place = Place::Slot(number);
            self.odd.remove(&number);
            self.there.insert(number);
        }
    }

    /// A slot is free again, or in doubt when the disk has failed in it. True when there are more
    /// slots than may be: then its file must go, and [`Self::unmake`] follow.
    pub fn release(&mut self, number: u32) -> bool {
        if self.there.len() > self.slots_max() {
            return true;
        }
        if self.failed.remove(&number) {
            self.doubtful.push_back(number);
        } else {
            self.free.insert(number);
        }
        false
    }

    /// The disk has failed in a slot: as long as there are others it is not used again.
    pub fn doubt(&mut self, number: u32) {
        self.failed.insert(number);
    }

    /// A segment was begun in a slot. If the disk was in doubt, it works again.
    pub fn begun(&mut self, number: u32) {
        if self.trial.take() == Some(number) {
            self.free.extend(self.doubtful.drain(..));
        }
    }

    /// The file of a slot is not there.
    pub fn unmake(&mut self, number: u32) {
        self.failed.remove(&number);
        self.there.remove(&number);
    }

    /// The disk fails where new slots would lie: the ring stays as large as it is.
    pub fn stop_growing(&mut self) {
        self.grown = true;
    }

    /// What is given up next: what the hub does not want, then the oldest; what is being read goes
    /// last.
    pub fn victim(&self) -> Option<SegmentId> {
        let first = |wanted: &dyn Fn(SegmentId, &Kept) -> bool| {
            let mut kept = self.kept.iter();
            let found = kept.find(|(segment, kept)| wanted(**segment, kept));
            found.map(|(segment, _)| *segment)
        };
        let aside = |_, kept: &Kept| kept.standing != Standing::Waiting;
        let unread = |segment, _: &Kept| !self.held.contains_key(&segment);
        first(&aside)
            .or_else(|| first(&unread))
            .or_else(|| first(&|_, _| true))
    }

    /// Segments that wait for a receipt, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = (SegmentId, &Kept)> {
        let waits = |kept: &Kept| kept.standing == Standing::Waiting;
        let waiting = self.kept.iter().filter(move |(_, kept)| waits(kept));
        waiting.map(|(segment, kept)| (*segment, kept))
    }

    /// Takes a segment out that waits; its slot stays taken until it is released.
    pub fn take_waiting(&mut self, segment: SegmentId) -> Option<Kept> {
        let waits = |kept: &&Kept| kept.standing == Standing::Waiting;
        self.kept.get(&segment).filter(waits)?;
        self.kept.remove(&segment)
    }

    /// Space that a segment takes.
    pub fn space(&self, kept: &Kept) -> u64 {
        match kept.place {
            Place::Slot(_) => self.slot_bytes,
            Place::File { bytes, .. } => bytes,
        }
    }

    /// Somebody reads a segment.
    pub fn hold(&mut self, segment: SegmentId) {
        *self.held.entry(segment).or_default() += 1;
    }

    /// Somebody no longer reads it.
    pub fn let_go(&mut self, segment: SegmentId) {
        if let Some(holds) = self.held.get_mut(&segment) {
            *holds -= 1;
            if *holds == 0 {
                self.held.remove(&segment);
            }
        }
    }
}

/// The stretches that segments cover, each camera's joined where no more than a joint lies
/// between, the oldest first.
pub fn stretches<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    let mut newest: HashMap<&SourceName, usize> = HashMap::new();
    for entry in entries.filter(|entry| entry.duration_us > 0) {
        let end_us = entry.start_us + i64::from(entry.duration_us);
        let (from_ms, to_ms) = (entry.start_us.div_euclid(1000), end_us.div_euclid(1000));
        let last = newest.get(&entry.source).and_then(|&at| all.get_mut(at));
        match last.filter(|last| (last.from_ms..=last.to_ms + JOINT_MS).contains(&from_ms)) {
            Some(last) => last.to_ms = last.to_ms.max(to_ms),
            None => {
                newest.insert(&entry.source, all.len());
                let source = entry.source.clone();
                all.push(Stretch {
                    source,
                    from_ms,
                    to_ms,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SLOT: u64 = 64 * 1024;

    #[test]
    fn segments_that_follow_each_other_are_one_stretch() {
        let entry = |source: &str, second: i64, seconds: u32| Entry {
            source: source.parse().unwrap(),
            start_us: second * 1_000_000,
            duration_us: seconds * 1_000_000,
            bytes: 9,
            sha256: None,
        };
        let entries = [
            entry("cam0", 0, 10),
            entry("cam1", 1, 10),
            entry("cam0", 11, 10),
            entry("cam0", 21, 0),
            entry("cam0", 40, 10),
            entry("cam1", 5, 2),
        ];
        let told: Vec<_> = stretches(entries.iter())
            .into_iter()
            .map(|one| (one.source.to_string(), one.from_ms / 1000, one.to_ms / 1000))
            .collect();
        let expect = [("cam0", 0, 21), ("cam1", 1, 11), ("cam0", 40, 50)];
        assert!(
            told.iter()
                .map(|one| (one.0.as_str(), one.1, one.2))
                .eq(expect),
            "{told:?}"
        );
    }

    fn id(number: u32) -> SegmentId {
        SegmentId(Uuid::from_u128(number.into()))
    }

    fn kept(number: u32, standing: Standing) -> Kept {
        let entry = Entry {
            source: "cam0".parse().unwrap(),
            start_us: 0,
            duration_us: 1,
            bytes: SLOT,
            sha256: None,
        };
        Kept {
            entry,
            place: Place::Slot(number),
            standing,
        }
    }

    /// Three slots, all of them with a segment that waits.
    fn full() -> Ring {
        let mut ring = Ring::new(SLOT, 3 * SLOT);
        for number in 0..3 {
            assert_eq!(ring.next(true), Next::Make(number));
            ring.kept
                .insert(id(number), kept(number, Standing::Waiting));
        }
        ring
    }

    fn give_up(ring: &mut Ring) -> u32 {
        assert_eq!(ring.next(true), Next::Evict);
        let victim = ring.victim().unwrap();
        let Some(Place::Slot(number)) = ring.kept.remove(&victim).map(|kept| kept.place) else {
            panic!("all lie in slots");
        };
        assert!(!ring.release(number));
        number
    }

    #[test]
    fn free_slots_first_then_new_ones_then_what_nobody_wants_then_the_oldest() {
        let mut ring = full();
        ring.kept.get_mut(&id(2)).unwrap().standing = Standing::Refused;
        ring.hold(id(0));
        let mut order = Vec::new();
        while !ring.kept.is_empty() {
            let number = give_up(&mut ring);
            assert_eq!(ring.next(true), Next::Take(number));
            order.push(number);
        }
        assert_eq!(order, [2, 1, 0]);
        assert_eq!(ring.next(true), Next::Full);
    }

    #[test]
    fn a_disk_with_too_little_room_costs_the_oldest_and_not_a_new_slot() {
        let mut ring = full();
        ring.bytes_max = 9 * SLOT;
        assert_eq!(ring.next(false), Next::Evict);
        assert_eq!(ring.next(true), Next::Make(3));
        ring.kept.clear();
        assert_eq!(
            ring.next(false),
            Next::Make(4),
            "there is nothing to give up"
        );
    }

    #[test]
    fn where_the_disk_failed_is_used_last_and_is_no_reason_to_give_everything_up() {
        let mut ring = full();
        ring.doubt(0);
        ring.kept.remove(&id(0));
        ring.release(0);
        assert_eq!(
            ring.next(true),
            Next::Evict,
            "a good slot is worth the oldest"
        );
        for number in [1, 2] {
            ring.doubt(number);
            ring.release(number);
        }
        assert_eq!(ring.next(true), Next::Take(0), "it is the disk");
        assert_eq!(ring.next(true), Next::Evict);
        ring.begun(0);
        assert_eq!(ring.next(true), Next::Take(1), "the disk works again");
    }

    #[test]
    fn files_from_before_go_first_and_leave_room_for_slots() {
        let mut ring = Ring::new(SLOT, 3 * SLOT);
        for number in 0..6 {
            let path = PathBuf::from("old");
            let place = Place::File {
                path,
                bytes: SLOT / 2,
            };
            let waits = kept(number, Standing::Waiting);
            ring.kept.insert(id(number), Kept { place, ..waits });
        }
        assert_eq!(ring.next(true), Next::Make(0), "one there must be");
        for number in 0..4 {
            assert_eq!(ring.next(true), Next::Evict);
            assert_eq!(ring.victim(), Some(id(number)));
            ring.kept.remove(&id(number));
        }
        assert_eq!(ring.next(true), Next::Make(1));
        assert_eq!(ring.next(true), Next::Evict);
    }

    #[test]
    fn a_smaller_ring_gives_its_slots_back() {
        let mut ring = full();
        ring.bytes_max = 2 * SLOT + SLOT - 1;
        assert!(ring.release(2));
        ring.unmake(2);
        assert!(!ring.release(1));
        assert_eq!(ring.next(true), Next::Take(1));
    }

    #[test]
    fn short_segments_are_cut_to_size_before_anything_is_given_up() {
        let mut ring = Ring::new(SLOT, 8 * SLOT);
        for number in 0..8 {
            assert_eq!(ring.next(true), Next::Make(number));
            let mut kept = kept(number, Standing::Waiting);
            // Every second one is short, as when a camera comes and goes.
            kept.entry.bytes = if number % 2 == 0 { 100 } else { SLOT };
            ring.kept.insert(id(number), kept);
        }
        ring.hold(id(0));
        assert_eq!(ring.next(true), Next::Tighten);
        let cut = ring.tighten(|_| "00002.slot".into());
        let expected = [2, 4].map(|number| (id(number), PathBuf::from("00002.slot"), BLOCK_BYTES));
        assert_eq!(cut, expected, "what is read is left alone");
        assert_eq!(ring.next(true), Next::Make(8), "numbers are not used again");
        assert_eq!(
            ring.next(true),
            Next::Evict,
            "one alone makes no room for a slot"
        );
        ring.stop_growing();
        ring.let_go(id(0));
        assert_eq!(ring.next(true), Next::Evict, "the ring stays as it is");
        assert_eq!(ring.kept.len(), 8);
    }

    #[test]
    fn the_shortest_files_are_no_more_than_sixteen_to_a_slot() {
        let mut ring = Ring::new(SLOT, 2 * SLOT);
        for number in 0..17 {
            let path = PathBuf::from("short");
            let place = Place::File { path, bytes: 1 };
            let waits = kept(number, Standing::Waiting);
            ring.kept.insert(id(number), Kept { place, ..waits });
        }
        ring.there.insert(0);
        assert_eq!(ring.next(true), Next::Evict);
        ring.kept.pop_first();
        assert_eq!(ring.next(true), Next::Evict, "sixteen take a whole slot");
        while ring.kept.len() > 16 {
            ring.kept.pop_first();
        }
        ring.there.clear();
        assert_eq!(ring.next(true), Next::Make(0));
    }
}
