//! The account between what a recorder has told the world and what is there after a cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xunke_protocol::id::SegmentId;

/// What a recorder tells the world, one line each, in the order in which it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "it", rename_all = "snake_case")]
pub enum Said {
    /// It hands the spool this piece; room may be made for it.
    Hands {
        /// Of which segment.
        segment: SegmentId,
        /// With it, so many.
        pieces: u64,
        /// Media covered with it, microseconds.
        until_us: u32,
    },
    /// The spool has said that the piece is durable.
    Durable {
        /// Of which segment.
        segment: SegmentId,
        /// So many.
        pieces: u64,
        /// Media covered, microseconds.
        until_us: u32,
    },
    /// The hub has signed for it, so the spool is told to forget it.
    Forgets {
        /// Which.
        segment: SegmentId,
    },
    /// The spool has given it up to make room.
    GaveUp {
        /// Which.
        segment: SegmentId,
    },
    /// It hands the outbox this event.
    Tells {
        /// Which.
        event: Uuid,
    },
    /// The outbox has said that the event is durable.
    Kept {
        /// Which.
        event: Uuid,
    },
    /// The hub has the event, so the outbox is told that it may go.
    Delivered {
        /// Which.
        event: Uuid,
    },
}

impl Said {
    /// As a line.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("invariant: plain fields become JSON")
    }

    /// From a line; others may speak too.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Whether a line promises something.
    #[must_use]
    pub fn promises(line: &str) -> bool {
        matches!(
            Self::read(line),
            Some(Self::Durable { .. } | Self::Kept { .. })
        )
    }

    /// Whether a line promises a fragment.
    #[must_use]
    pub fn promises_a_fragment(line: &str) -> bool {
        matches!(Self::read(line), Some(Self::Durable { .. }))
    }
}

/// What is there of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which segment.
    pub segment: SegmentId,
    /// How many pieces open.
    pub pieces: u64,
    /// Media covered, microseconds.
    pub until_us: u32,
}

/// What the next start has found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// All that waits for its receipt.
    pub segments: Vec<Piece>,
    /// All events that wait for the hub.
    pub events: Vec<Uuid>,
    /// What is not as it was recorded, or does not go on.
    pub wrong: Vec<String>,
    /// How long opening took.
    pub opened_ms: u64,
}

/// What must be there after a cut, and what may be.
#[derive(Debug, Clone, Default)]
pub struct Account {
    durable: BTreeMap<SegmentId, (u64, u32)>,
    handed: BTreeMap<SegmentId, (u64, u32)>,
    /// Need not be there any more.
    gone: BTreeSet<SegmentId>,
    events: Events,
}

/// The same of events.
#[derive(Debug, Clone, Default)]
struct Events {
    told: BTreeSet<Uuid>,
    kept: BTreeSet<Uuid>,
    delivered: BTreeSet<Uuid>,
}

/// What a comparison has shown.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What is wrong, one sentence each.
    pub wrong: Vec<String>,
    /// Pieces that must be there.
    pub owed: u64,
    /// Of them, those that are not.
    pub lost: u64,
    /// Most media of one segment that was handed over and is not there, microseconds.
    pub tail_us: u32,
    /// Segments that are there although the hub has signed for them.
    pub again: u64,
    /// Events that must be there.
    pub events_owed: u64,
    /// Of them, those that are not.
    pub events_lost: u64,
}

impl Account {
    /// Takes in what was said before a cut, and what was said after it about the act that the cut
    /// interrupted: what the spool gave up in it may be gone already.
    pub fn hear<'a>(
        &mut self,
        before: impl Iterator<Item = &'a str>,
        after: impl Iterator<Item = &'a str>,
    ) {
        for said in before.filter_map(Said::read) {
            match said {
                Said::Hands {
                    segment,
                    pieces,
                    until_us,
                } => drop(self.handed.insert(segment, (pieces, until_us))),
                Said::Durable {
                    segment,
                    pieces,
                    until_us,
                } => drop(self.durable.insert(segment, (pieces, until_us))),
                Said::Forgets { segment } | Said::GaveUp { segment } => {
                    self.gone.insert(segment);
                }
                Said::Tells { event } => drop(self.events.told.insert(event)),
                Said::Kept { event } => drop(self.events.kept.insert(event)),
                Said::Delivered { event } => drop(self.events.delivered.insert(event)),
            }
        }
        for said in after.filter_map(Said::read) {
            match said {
                Said::GaveUp { segment } => drop(self.gone.insert(segment)),
                Said::Durable { .. } => {}
                _ => return,
            }
        }
    }

    /// Compares with what is there.
    #[must_use]
    pub fn compare(&self, found: &Found) -> Verdict {
        let mut verdict = Verdict {
            wrong: found.wrong.clone(),
            ..Verdict::default()
        };
        let mut there: BTreeMap<SegmentId, Piece> = BTreeMap::new();
        for piece in &found.segments {
            let segment = piece.segment;
            if there.insert(segment, *piece).is_some() {
                verdict
                    .wrong
                    .push(format!("segment {segment} is there twice"));
            }
            match self.handed.get(&segment) {
                None => verdict
                    .wrong
                    .push(format!("segment {segment} was never recorded")),
                Some((pieces, _)) if piece.pieces > *pieces => {
                    verdict
                        .wrong
                        .push(format!("segment {segment} has more than was recorded"));
                }
                Some(_) => {}
            }
            verdict.again += u64::from(self.gone.contains(&segment));
        }
        let owed = |segment: &&SegmentId| !self.gone.contains(segment);
        for segment in self.durable.keys().filter(owed) {
            self.miss(*segment, there.get(segment), &mut verdict);
        }
        for segment in self.handed.keys().filter(owed) {
            let until_us = there.get(segment).map_or(0, |piece| piece.until_us);
            let handed_us = self.handed[segment].1;
            verdict.tail_us = verdict.tail_us.max(handed_us.saturating_sub(until_us));
        }
        self.events.compare(&found.events, &mut verdict);
        verdict
    }

    fn miss(&self, segment: SegmentId, there: Option<&Piece>, verdict: &mut Verdict) {
        let (pieces, until_us) = self.durable[&segment];
        verdict.owed += pieces;
        let found = there.map_or(0, |piece| piece.pieces);
        if found < pieces {
            verdict.lost += pieces - found;
            verdict.wrong.push(format!(
                "segment {segment}: {pieces} pieces were durable, {found} are there"
            ));
        } else if there.is_some_and(|piece| piece.until_us < until_us) {
            verdict
                .wrong
                .push(format!("segment {segment} has grown shorter"));
        }
    }
}

impl Events {
    fn compare(&self, found: &[Uuid], verdict: &mut Verdict) {
        let there: BTreeSet<Uuid> = found.iter().copied().collect();
        if there.len() < found.len() {
            verdict.wrong.push("an event is there twice".into());
        }
        let mut wrong = |event: &Uuid, what: &str| {
            verdict.wrong.push(format!("event {event} {what}"));
        };
        for event in there.difference(&self.told) {
            wrong(event, "never happened");
        }
        let owed: BTreeSet<Uuid> = self.kept.difference(&self.delivered).copied().collect();
        for event in owed.difference(&there) {
            wrong(event, "was durable and is not there");
        }
        verdict.events_owed += owed.len() as u64;
        verdict.events_lost += owed.difference(&there).count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> SegmentId {
        SegmentId(Uuid::from_u128(number))
    }

    fn hands(number: u128, pieces: u64) -> String {
        let until_us = u32::try_from(pieces - 1).unwrap() * 2_000_000;
        let segment = id(number);
        Said::Hands {
            segment,
            pieces,
            until_us,
        }
        .line()
    }

    fn durable(number: u128, pieces: u64) -> String {
        hands(number, pieces).replace("hands", "durable")
    }

    fn gave_up(number: u128) -> String {
        Said::GaveUp {
            segment: id(number),
        }
        .line()
    }

    fn compare(before: &[String], after: &[String], there: &[(u128, u64)]) -> Verdict {
        let mut account = Account::default();
        account.hear(
            before.iter().map(String::as_str),
            after.iter().map(String::as_str),
        );
        let piece = |(number, pieces): &(u128, u64)| Piece {
            segment: id(*number),
            pieces: *pieces,
            until_us: u32::try_from(*pieces - 1).unwrap() * 2_000_000,
        };
        account.compare(&Found {
            segments: there.iter().map(piece).collect(),
            ..Found::default()
        })
    }

    #[test]
    fn what_was_durable_must_be_there_and_the_fragment_in_flight_need_not() {
        let before = [hands(1, 2), durable(1, 2), hands(1, 3)];
        let good = compare(&before, &[], &[(1, 2)]);
        assert!(
            good.wrong.is_empty() && (good.owed, good.lost) == (2, 0),
            "{good:?}"
        );
        assert_eq!(good.tail_us, 2_000_000);
        assert_eq!(compare(&before, &[], &[(1, 3)]).tail_us, 0);
        assert_eq!(compare(&before, &[], &[(1, 1)]).lost, 1);
        assert_eq!(compare(&before, &[], &[]).lost, 2);
    }

    #[test]
    fn an_event_that_was_kept_must_be_there_until_the_hub_has_it() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let lines = [
            Said::Tells { event: one },
            Said::Kept { event: one },
            Said::Tells { event: two },
            Said::Kept { event: two },
            Said::Delivered { event: two },
            Said::Tells { event: three },
        ];
        let lines = lines.map(|said| said.line());
        let mut account = Account::default();
        account.hear(lines.iter().map(String::as_str), [].into_iter());
        let compare = |events: &[Uuid]| {
            account.compare(&Found {
                events: events.to_vec(),
                ..Found::default()
            })
        };
        for good in [&[one][..], &[one, two], &[one, three]] {
            let verdict = compare(good);
            assert!(verdict.wrong.is_empty(), "{verdict:?}");
            assert_eq!((verdict.events_owed, verdict.events_lost), (1, 0));
        }
        assert_eq!(compare(&[]).events_lost, 1);
        assert_eq!(compare(&[one, one]).wrong.len(), 1);
        assert_eq!(compare(&[one, Uuid::from_u128(4)]).wrong.len(), 1);
    }

    #[test]
    fn what_nobody_recorded_may_not_be_there() {
        let before = [hands(1, 2)];
        assert_eq!(compare(&before, &[], &[(2, 2)]).wrong.len(), 1);
        assert_eq!(compare(&before, &[], &[(1, 3)]).wrong.len(), 1);
        assert_eq!(compare(&before, &[], &[(1, 2), (1, 2)]).wrong.len(), 1);
    }

    #[test]
    fn what_was_given_up_or_forgotten_need_not_be_there() {
        let forgets = Said::Forgets { segment: id(1) }.line();
        let old = [hands(1, 2), durable(1, 2)];
        let forgotten = [&old[..], &[forgets]].concat();
        assert_eq!(compare(&forgotten, &[], &[]).lost, 0);
        assert_eq!(compare(&forgotten, &[], &[(1, 2)]).again, 1);
        // The cut came while the spool made room for segment 2.
        let making = [&old[..], &[hands(2, 1)]].concat();
        assert_eq!(compare(&making, &[gave_up(1), durable(2, 1)], &[]).lost, 0);
        assert_eq!(compare(&making, &[durable(2, 1)], &[]).lost, 2);
        // What was given up in a later act was still owed.
        let later = [durable(2, 1), hands(2, 2), gave_up(1)];
        assert_eq!(compare(&making, &later, &[]).lost, 2);
    }
}
