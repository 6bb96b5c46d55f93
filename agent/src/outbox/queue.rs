//! The logs of all classes as one queue in the order of `seq`.

use super::delivered::Delivered;
use super::log::{Kept, Log};
use super::record::Record;
use super::{Class, Error};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;
use xunke_protocol::envelope::Envelope;
use xunke_protocol::id::MessageId;

/// By the trusted clock, how often it is looked for what is too old.
const LOOK_MS: i64 = 60_000;

/// How much may wait, per class.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For [`Class::Record`].
    pub record: Limit,
    /// For [`Class::Note`].
    pub note: Limit,
}

/// How much of one class may wait.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Most bytes on disk.
    pub bytes_max: u64,
    /// What happened longer ago is given up, milliseconds. Only what was stamped by a trusted clock
    /// is old, and only a trusted clock finds it so.
    pub age_ms_max: i64,
}

impl Limits {
    fn of(&self, class: Class) -> Limit {
        match class {
            Class::Record => self.record,
            Class::Note => self.note,
        }
    }
}

/// An event in its envelope, which has no number yet.
pub(super) struct Draft {
    pub class: Class,
    pub envelope: Envelope,
}

/// All that waits, and where it is.
pub(super) struct Queue {
    logs: [(Class, Log); 2],
    delivered: Delivered,
    waiting: BTreeMap<u64, (Class, Kept)>,
    seq_next: u64,
    limits: Limits,
    /// When it was last looked for what is too old.
    looked_ms: i64,
}

/// Events given up unsent: `up/ev/lost`.
struct Lost {
    class: Class,
    from: u64,
    to: u64,
    count: usize,
    /// `room` or `age`.
    why: &'static str,
}

impl Queue {
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, Error> {
        let open = |class: Class| {
            let bytes_max = limits.of(class).bytes_max;
            Log::open(directory.join(class.as_str()), bytes_max)
        };
        let (record, note) = (open(Class::Record)?, open(Class::Note)?);
        let (delivered, known) = Delivered::open(&directory.join("delivered.sled"));
        let seq_next = record.seq_next.max(note.seq_next);
        let mut waiting = BTreeMap::new();
        for (class, records) in [(Class::Record, record.records), (Class::Note, note.records)] {
            let unknown = records
                .into_iter()
                .filter(|kept| !known.contains(&kept.seq));
            waiting.extend(unknown.map(|kept| (kept.seq, (class, kept))));
        }
        let mut queue = Self {
            logs: [(Class::Record, record.log), (Class::Note, note.log)],
            delivered,
            waiting,
            seq_next,
            limits,
            looked_ms: 0,
        };
        queue.sweep();
        Ok(queue)
    }

    fn sweep(&mut self) {
        for (class, log) in &mut self.logs {
            let places = self.waiting.values().filter(|(of, _)| of == class);
            log.sweep(&places.map(|(_, kept)| kept.place.file).collect());
        }
    }

    /// Makes events durable with one sync per class, then tells about those that had to go.
    pub fn append(&mut self, drafts: Vec<Draft>) -> Result<(), Error> {
        let Some(last) = drafts.last().map(|draft| draft.envelope.clone()) else {
            return Ok(());
        };
        for class in Class::ALL {
            let of_class = drafts.iter().filter(|draft| draft.class == class);
            let envelopes: Vec<_> = of_class.map(|draft| draft.envelope.clone()).collect();
            self.write(class, envelopes)?;
        }
        let mut lost = self.make_room();
        if last.sync && (last.ts - self.looked_ms).abs() >= LOOK_MS {
            self.looked_ms = last.ts;
            lost.extend(self.give_up_old(last.ts));
        }
        for lost in lost {
            let report = lost.report(last.clone());
            self.write(Class::Record, vec![report])?;
        }
        Ok(())
    }

    fn write(&mut self, class: Class, envelopes: Vec<Envelope>) -> Result<(), Error> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let records: Vec<_> = (self.seq_next..).zip(envelopes).map(number).collect();
        let kept = self.log(class).append(&records)?;
        self.seq_next += kept.len() as u64;
        let kept = kept.into_iter().map(|kept| (kept.seq, (class, kept)));
        self.waiting.extend(kept);
        Ok(())
    }

    fn make_room(&mut self) -> Vec<Lost> {
        let mut all = Vec::new();
        for class in Class::ALL {
            while let Some(oldest) = self.log(class).over_limit() {
                let gone = self.find(class, |kept| kept.place.file == oldest);
                for seq in &gone {
                    self.waiting.remove(seq);
                }
                self.log(class).remove(oldest);
                all.extend(Lost::of(class, &gone, "room"));
            }
        }
        all
    }

    fn give_up_old(&mut self, now_ms: i64) -> Vec<Lost> {
        let mut all = Vec::new();
        for class in Class::ALL {
            let from_ms = now_ms - self.limits.of(class).age_ms_max;
            let gone = self.find(class, |kept| {
                kept.at_ms.is_some_and(|at_ms| at_ms < from_ms)
            });
            for &seq in &gone {
                self.delivered(seq);
            }
            all.extend(Lost::of(class, &gone, "age"));
        }
        all
    }

    fn find(&self, class: Class, is: impl Fn(&Kept) -> bool) -> Vec<u64> {
        let found = self
            .waiting
            .values()
            .filter(|(of, kept)| *of == class && is(kept));
        found.map(|(_, kept)| kept.seq).collect()
    }

    /// The first record that waits after `seq`.
    pub fn after(&mut self, seq: u64) -> Option<Record> {
        loop {
            let (&next, &(class, kept)) = self.waiting.range(seq + 1..).next()?;
            let record = self.log(class).read(kept.place);
            if record.as_ref().is_some_and(|record| record.seq == next) {
                return record;
            }
            tracing::error!(
                seq = next,
                "a record of the outbox cannot be read back; it is lost"
            );
            self.waiting.remove(&next);
        }
    }

    /// The hub has it; a file without any other is removed.
    pub fn delivered(&mut self, seq: u64) {
        let Some((class, kept)) = self.waiting.remove(&seq) else {
            return;
        };
        self.delivered.done(seq);
        let file = kept.place.file;
        let needed = |(of, kept): &(Class, Kept)| *of == class && kept.place.file == file;
        if !self.waiting.values().any(needed) {
            self.log(class).remove(file);
            let kept = self.logs.iter().map(|(_, log)| log.first()).min();
            self.delivered.forget(0..kept.unwrap_or(0));
        }
    }

    /// Number of the newest event.
    pub fn seq_last(&self) -> u64 {
        self.seq_next - 1
    }

    fn log(&mut self, class: Class) -> &mut Log {
        let found = self.logs.iter_mut().find(|(of, _)| *of == class);
        &mut found.expect("invariant: every class has its log").1
    }
}

impl Lost {
    /// Says so in the box's own log as well; `None` when nothing is gone.
    fn of(class: Class, gone: &[u64], why: &'static str) -> Option<Self> {
        let (&from, &to) = (gone.first()?, gone.last()?);
        let count = gone.len();
        let class_name = class.as_str();
        tracing::warn!(
            class = class_name,
            count,
            why,
            "the outbox gave up the oldest"
        );
        Some(Self {
            class,
            from,
            to,
            count,
            why,
        })
    }

    /// Told by the box and at the time of the event that found no room.
    fn report(&self, like: Envelope) -> Envelope {
        Envelope {
            id: MessageId(Uuid::now_v7()),
            kind: "lost".to_owned(),
            data: json!({
                "class": self.class.as_str(), "from": self.from, "to": self.to, "n": self.count,
                "why": self.why,
            }),
            ..like
        }
    }
}

fn number((seq, envelope): (u64, Envelope)) -> Record {
    let envelope = Envelope { seq, ..envelope };
    Record {
        seq,
        payload: serde_json::to_vec(&envelope).expect("invariant: envelopes become JSON"),
        kind: envelope.kind,
    }
}
