//! Terms and their teaching weeks (R74), and the periods of a day.

use uuid::Uuid;

use super::lesson::Lesson;
use super::{Error, calendar, id};
use crate::store::{Db, campus};

/// A term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its id.
    pub id: Uuid,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// 1, 2 or 3.
    pub number: i64,
    /// The Monday of week 1, days since the epoch in Asia/Shanghai.
    pub week_one: i64,
    /// How many weeks it has.
    pub weeks: i64,
}

impl Term {
    /// As timetables name it, such as `2026-2027-1`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}-{}", self.school_year, self.number)
    }

    /// Its first day, and the day after its last.
    #[must_use]
    pub fn days(&self) -> (i64, i64) {
        (self.week_one, self.week_one + 7 * self.weeks)
    }

    /// The first day of a week, and the day after its last.
    #[must_use]
    pub fn week(&self, number: i64) -> (i64, i64) {
        let monday = self.week_one + 7 * (number - 1);
        (monday, monday + 7)
    }

    /// The term of a day, if it lies in one.
    #[must_use]
    pub fn at(terms: &[Self], day: i64) -> Option<&Self> {
        terms.iter().find(|term| {
            let (from, to) = term.days();
            (from..to).contains(&day)
        })
    }
}

/// A period (节) of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its number.
    pub number: i64,
    /// Begin, minutes after midnight.
    pub start_minute: i64,
    /// End.
    pub end_minute: i64,
}

impl Period {
    /// Whether a lesson holds this period.
    #[must_use]
    pub fn is_in(&self, lesson: &Lesson) -> bool {
        (lesson.period_from..=lesson.period_to).contains(&self.number)
    }

    /// From when to when it is on a day, milliseconds since the epoch.
    #[must_use]
    pub fn on(&self, day: i64) -> (i64, i64) {
        let moment = |minute| calendar::moment(day, minute);
        (moment(self.start_minute), moment(self.end_minute))
    }
}

/// Every term, the latest first.
///
/// # Errors
/// When the store fails.
pub async fn all(db: &Db) -> Result<Vec<Term>, Error> {
    let rows = campus::terms(db).await?;
    rows.into_iter().map(Term::try_from).collect()
}

/// The periods of the day, by number.
///
/// # Errors
/// When the store fails.
pub async fn periods(db: &Db) -> Result<Vec<Period>, Error> {
    let rows = campus::periods(db).await?.into_iter();
    let periods = rows.map(|row| Period {
        number: row.number,
        start_minute: row.start_minute,
        end_minute: row.end_minute,
    });
    Ok(periods.collect())
}

impl TryFrom<campus::TermRow> for Term {
    type Error = Error;

    fn try_from(row: campus::TermRow) -> Result<Self, Error> {
        Ok(Self {
            id: id("a term", &row.id)?,
            school_year: row.school_year,
            number: row.number,
            week_one: row.week_one,
            weeks: row.weeks,
        })
    }
}
