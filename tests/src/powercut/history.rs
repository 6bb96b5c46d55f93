//! All that a drive was sent, in its order, and what a power cut could have left of it.

use std::ops::Range;

use xunke_mutate::Dice;

/// A physical sector: a drive writes it whole or not at all.
pub const SECTOR_BYTES: usize = 4096;

/// One thing that happened to the drive.
#[derive(Debug, Clone)]
pub enum Event {
    /// It was sent bytes, which it may keep in its own memory.
    Write {
        /// Where they belong.
        at: usize,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// All it was sent before is durable.
    Flush,
    /// Somebody above told the world something.
    Said(String),
}

/// What becomes of the writes after the last flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// None of them survives.
    Flushed,
    /// Each survives or not.
    Subset,
    /// Each sector of each survives or not.
    Torn,
    /// All of them survive.
    Issued,
}

impl Mode {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Flushed, Self::Subset, Self::Torn, Self::Issued];
}

/// A drive's life.
#[derive(Debug, Default)]
pub struct History {
    /// What was on it before.
    pub base: Vec<u8>,
    /// What happened.
    pub events: Vec<Event>,
    /// From here on the drive says of every flush that it is done, and does nothing.
    pub lies_from: Option<usize>,
}

impl History {
    /// What is on the drive when the power fails after the first `cut` events.
    #[must_use]
    pub fn image(&self, cut: usize, mode: Mode, dice: &mut Dice) -> Vec<u8> {
        let events = &self.events[..cut];
        let truthful = self.lies_from.map_or(cut, |from| from.min(cut));
        let flushed = events[..truthful]
            .iter()
            .rposition(|event| matches!(event, Event::Flush))
            .unwrap_or(0);
        let mut image = self.base.clone();
        for (number, event) in events.iter().enumerate() {
            let Event::Write { at, bytes } = event else {
                continue;
            };
            if number < flushed || mode == Mode::Issued {
                image[*at..at + bytes.len()].copy_from_slice(bytes);
            } else if mode != Mode::Flushed {
                survive(&mut image, *at, bytes, mode, dice);
            }
        }
        image
    }

    /// Places to cut at within `range`: half of them right after somebody said what `counts`.
    pub fn cuts(
        &self,
        range: Range<usize>,
        count: usize,
        counts: impl Fn(&str) -> bool,
        dice: &mut Dice,
    ) -> Vec<usize> {
        let heard = range.clone().filter(|number| match &self.events[*number] {
            Event::Said(line) => counts(line),
            _ => false,
        });
        let heard: Vec<usize> = heard.map(|number| number + 1).collect();
        let cut = |number: usize| {
            if number.is_multiple_of(2) && !heard.is_empty() {
                return *dice.pick(&heard);
            }
            range.start + dice.below(range.len() + 1)
        };
        (0..count).map(cut).collect()
    }

    /// What was said before the cut, and after it.
    pub fn said(&self, cut: usize) -> (impl Iterator<Item = &str>, impl Iterator<Item = &str>) {
        let (before, after) = self.events.split_at(cut);
        (
            before.iter().filter_map(line),
            after.iter().filter_map(line),
        )
    }

    /// How often `needle` stands in anything that was ever written.
    #[must_use]
    pub fn hits(&self, needle: &[u8]) -> usize {
        let writes = self.events.iter().filter_map(|event| match event {
            Event::Write { bytes, .. } => Some(bytes),
            _ => None,
        });
        writes.map(|bytes| occurrences(bytes, needle)).sum()
    }

    /// How many bytes were ever written.
    #[must_use]
    pub fn written(&self) -> usize {
        let bytes = |event: &Event| match event {
            Event::Write { bytes, .. } => bytes.len(),
            _ => 0,
        };
        self.events.iter().map(bytes).sum()
    }
}

fn survive(image: &mut [u8], at: usize, bytes: &[u8], mode: Mode, dice: &mut Dice) {
    let whole = mode == Mode::Subset;
    let piece = if whole { bytes.len() } else { SECTOR_BYTES };
    for (number, part) in bytes.chunks(piece.max(1)).enumerate() {
        if dice.chance(50) {
            let from = at + number * piece;
            image[from..from + part.len()].copy_from_slice(part);
        }
    }
}

fn line(event: &Event) -> Option<&str> {
    match event {
        Event::Said(line) => Some(line),
        _ => None,
    }
}

fn occurrences(bytes: &[u8], needle: &[u8]) -> usize {
    let Some(first) = needle.first() else {
        return 0;
    };
    let mut found = 0;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        found += usize::from(rest[at..].starts_with(needle));
        rest = &rest[at + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: usize = SECTOR_BYTES;

    fn write(sector: usize, byte: u8, sectors: usize) -> Event {
        Event::Write {
            at: sector * S,
            bytes: vec![byte; sectors * S].into(),
        }
    }

    fn history() -> History {
        History {
            base: vec![0; 8 * S],
            events: vec![
                write(0, 1, 1),
                Event::Flush,
                Event::Said("first".into()),
                write(1, 2, 1),
                write(2, 3, 2),
            ],
            lies_from: None,
        }
    }

    fn sectors(image: &[u8]) -> Vec<u8> {
        image.chunks(S).map(|sector| sector[0]).collect()
    }

    #[test]
    fn what_was_flushed_stays_and_the_rest_is_left_to_chance() {
        let history = history();
        let end = history.events.len();
        let image = |mode, seed| sectors(&history.image(end, mode, &mut Dice::of(seed, 0)));
        assert_eq!(image(Mode::Flushed, 0), [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(image(Mode::Issued, 0), [1, 2, 3, 3, 0, 0, 0, 0]);
        let subsets: Vec<_> = (0..64).map(|seed| image(Mode::Subset, seed)).collect();
        assert!(subsets.contains(&vec![1, 0, 3, 3, 0, 0, 0, 0]));
        assert!(
            subsets
                .iter()
                .all(|image| image[0] == 1 && image[2] == image[3])
        );
        let torn: Vec<_> = (0..64).map(|seed| image(Mode::Torn, seed)).collect();
        assert!(torn.contains(&vec![1, 2, 0, 3, 0, 0, 0, 0]));
    }

    #[test]
    fn a_drive_that_lies_keeps_nothing() {
        let lying = History {
            lies_from: Some(0),
            ..history()
        };
        let image = lying.image(lying.events.len(), Mode::Flushed, &mut Dice::of(0, 0));
        assert_eq!(sectors(&image), [0; 8]);
    }

    #[test]
    fn a_cut_before_the_flush_may_take_all() {
        let history = history();
        let image = history.image(1, Mode::Flushed, &mut Dice::of(0, 0));
        assert_eq!(sectors(&image), [0; 8]);
    }

    #[test]
    fn half_of_the_cuts_follow_what_was_said() {
        let history = history();
        let cuts = history.cuts(0..5, 40, |line| line == "first", &mut Dice::of(3, 0));
        assert_eq!(cuts.len(), 40);
        assert!(cuts.iter().step_by(2).all(|cut| *cut == 3));
        assert!(cuts.iter().all(|cut| *cut <= 5));
        let (before, after) = history.said(3);
        assert_eq!((before.count(), after.count()), (1, 0));
    }

    #[test]
    fn a_canary_is_found_in_whatever_was_written() {
        let history = history();
        assert_eq!(history.hits(&[3; 16]), 2 * S - 15);
        assert_eq!((history.hits(&[9; 4]), history.written()), (0, 4 * S));
    }
}
