//! The logs of all classes as one queue in the order of `seq`.

use super::delivered::Delivered;
use super::log::{Log, Place};
use super::record::Record;
use super::{Class, Error};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;
use xunke_protocol::envelope::Envelope;
use xunke_protocol::id::MessageId;

/// Most bytes on disk, per class.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For [`Class::Record`].
    pub record_bytes_max: u64,
    /// For [`Class::Note`].
    pub note_bytes_max: u64,
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
    waiting: BTreeMap<u64, (Class, Place)>,
    seq_next: u64,
}

/// Events given up unsent: `up/ev/lost`.
struct Lost {
    class: Class,
    from: u64,
    to: u64,
    count: usize,
}

impl Queue {
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, Error> {
        let open = |class: Class, bytes_max| Log::open(directory.join(class.as_str()), bytes_max);
        let record = open(Class::Record, limits.record_bytes_max)?;
        let note = open(Class::Note, limits.note_bytes_max)?;
        let (delivered, known) = Delivered::open(&directory.join("delivered.sled"));
        let seq_next = record.seq_next.max(note.seq_next);
        let mut waiting = BTreeMap::new();
        for (class, records) in [(Class::Record, record.records), (Class::Note, note.records)] {
            let unknown = records.into_iter().filter(|(seq, _)| !known.contains(seq));
            waiting.extend(unknown.map(|(seq, place)| (seq, (class, place))));
        }
        let mut queue = Self {
            logs: [(Class::Record, record.log), (Class::Note, note.log)],
            delivered,
            waiting,
            seq_next,
        };
        queue.sweep();
        Ok(queue)
    }

    fn sweep(&mut self) {
        for (class, log) in &mut self.logs {
            let places = self.waiting.values().filter(|(of, _)| of == class);
            log.sweep(&places.map(|(_, place)| place.file).collect());
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
        for lost in self.make_room() {
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
        let places = self.log(class).append(&records)?;
        self.seq_next += places.len() as u64;
        let places = places.into_iter().map(|(seq, place)| (seq, (class, place)));
        self.waiting.extend(places);
        Ok(())
    }

    fn make_room(&mut self) -> Vec<Lost> {
        let mut all = Vec::new();
        for class in Class::ALL {
            while let Some(oldest) = self.log(class).over_limit() {
                let of_file = |(of, place): &(Class, Place)| *of == class && place.file == oldest;
                let gone = self.waiting.iter().filter(|(_, waits)| of_file(waits));
                let gone: Vec<u64> = gone.map(|(&seq, _)| seq).collect();
                for seq in &gone {
                    self.waiting.remove(seq);
                }
                self.log(class).remove(oldest);
                if let (Some(&from), Some(&to)) = (gone.first(), gone.last()) {
                    let count = gone.len();
                    tracing::warn!(
                        class = class.as_str(),
                        count,
                        "the outbox is full; gave up the oldest"
                    );
                    all.push(Lost {
                        class,
                        from,
                        to,
                        count,
                    });
                }
            }
        }
        all
    }

    /// The first record that waits after `seq`.
    pub fn after(&mut self, seq: u64) -> Option<Record> {
        loop {
            let (&next, &(class, place)) = self.waiting.range(seq + 1..).next()?;
            let record = self.log(class).read(place);
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
        let Some((class, place)) = self.waiting.remove(&seq) else {
            return;
        };
        self.delivered.done(seq);
        let file = place.file;
        let needed = |(of, place): &(Class, Place)| *of == class && place.file == file;
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
    /// Told by the box and at the time of the event that found no room.
    fn report(&self, like: Envelope) -> Envelope {
        Envelope {
            id: MessageId(Uuid::now_v7()),
            kind: "lost".to_owned(),
            data: json!({
                "class": self.class.as_str(), "from": self.from, "to": self.to, "n": self.count,
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
