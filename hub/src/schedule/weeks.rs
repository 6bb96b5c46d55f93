//! Weeks (周次): the teaching weeks of a course, as timetables write them.
//!
//! Every way of writing seen in exports of timetable systems (requirements §3.3):
//! `1-16`, `1-16周(单)`, `1-9周,12-14周`, `2、5、8`, `1-5、7-11单、12-16双`, `1-16([双周])[05-06节]双`.

use std::fmt;

/// The last week that can be named; the longest term has fewer.
pub const LAST: u8 = 40;
/// Longest text that is read.
const CHARACTERS_MAX: usize = 200;

/// Some teaching weeks of a term; never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weeks(u64);

/// Why a text names no weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// It names none, or is longer than anybody writes.
    Empty,
    /// A character that has no meaning there; counted from 1.
    At(usize),
    /// A week beyond 1 to [`LAST`], or a range that ends before it begins.
    Range,
    /// 单 and 双 of the same range.
    Parity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parity {
    Odd,
    Even,
}

/// A range while it is read.
#[derive(Debug, Default)]
struct Part {
    from: Option<u8>,
    dash: bool,
    to: Option<u8>,
    parity: Option<Parity>,
}

impl Weeks {
    /// Reads them.
    ///
    /// # Errors
    /// What is not clear.
    pub fn parse(text: &str) -> Result<Self, Unclear> {
        if text.chars().count() > CHARACTERS_MAX {
            return Err(Unclear::Empty);
        }
        let mut weeks = 0;
        let mut part = Part::default();
        let mut characters = text.chars().enumerate().peekable();
        while let Some((at, character)) = characters.next() {
            let unclear = Unclear::At(at + 1);
            match character {
                '0'..='9' => {
                    let mut number = digit(character);
                    while let Some((_, next)) = characters.next_if(|(_, c)| c.is_ascii_digit()) {
                        number = number.saturating_mul(10).saturating_add(digit(next));
                    }
                    part.number(number).ok_or(unclear)?;
                }
                '-' | '~' | '－' | '–' | '—' | '～' | '至' | '到' => {
                    part.dash().ok_or(unclear)?;
                }
                ',' | '，' | '、' | ';' | '；' => weeks |= std::mem::take(&mut part).weeks()?,
                '单' => part.parity(Parity::Odd)?,
                '双' => part.parity(Parity::Even)?,
                // Periods in brackets, which some systems write behind the weeks.
                '[' | '［' if characters.peek().is_some_and(|(_, c)| c.is_ascii_digit()) => {
                    let closed = characters.any(|(_, c)| matches!(c, ']' | '］'));
                    closed.then_some(()).ok_or(unclear)?;
                }
                '周' | '第' | '(' | ')' | '（' | '）' | '[' | ']' | '［' | '］' => {}
                blank if blank.is_whitespace() => {}
                _ => return Err(unclear),
            }
        }
        weeks |= part.weeks()?;
        (weeks != 0).then_some(Self(weeks)).ok_or(Unclear::Empty)
    }

    /// Each of them, the first first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (1..=LAST).filter(move |week| self.0 >> week & 1 == 1)
    }

    /// The last of them.
    #[must_use]
    pub fn last(self) -> u8 {
        self.iter().last().unwrap_or_default()
    }
}

fn digit(character: char) -> u8 {
    character
        .to_digit(10)
        .and_then(|digit| u8::try_from(digit).ok())
        .unwrap_or_default()
}

impl Part {
    fn number(&mut self, number: u8) -> Option<()> {
        match self {
            Self { from: None, .. } => self.from = Some(number),
            Self {
                dash: true,
                to: None,
                ..
            } => self.to = Some(number),
            _ => return None,
        }
        Some(())
    }

    fn dash(&mut self) -> Option<()> {
        let first = self.from.is_some() && !self.dash;
        self.dash = true;
        first.then_some(())
    }

    /// Said twice is said once: `([双周])…双`.
    fn parity(&mut self, parity: Parity) -> Result<(), Unclear> {
        match self.parity.replace(parity) {
            Some(other) if other != parity => Err(Unclear::Parity),
            _ => Ok(()),
        }
    }

    /// Nothing between two separators is nothing; half a range is not.
    fn weeks(self) -> Result<u64, Unclear> {
        let (from, to) = match self {
            Self {
                from: Some(from),
                to: Some(to),
                ..
            } => (from, to),
            Self {
                from: Some(from),
                dash: false,
                ..
            } => (from, from),
            Self {
                from: None,
                parity: None,
                ..
            } => return Ok(0),
            _ => return Err(Unclear::Range),
        };
        if from == 0 || from > to || to > LAST {
            return Err(Unclear::Range);
        }
        let wanted = |week: &u8| match self.parity {
            None => true,
            Some(Parity::Odd) => !week.is_multiple_of(2),
            Some(Parity::Even) => week.is_multiple_of(2),
        };
        let weeks = (from..=to).filter(wanted);
        Ok(weeks.fold(0, |weeks, week| weeks | 1 << week))
    }
}

/// Such as `1-8、10、12-16`.
impl fmt::Display for Weeks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut weeks = self.iter().peekable();
        let mut first = true;
        while let Some(from) = weeks.next() {
            let mut to = from;
            while let Some(next) = weeks.next_if_eq(&(to + 1)) {
                to = next;
            }
            if !std::mem::take(&mut first) {
                f.write_str("、")?;
            }
            match to == from {
                true => write!(f, "{from}")?,
                false => write!(f, "{from}-{to}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
