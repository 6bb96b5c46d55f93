//! 学习网第十六条 “保存时间分类确定”: how long a recording is kept, by class, and who decides.
//!
//! | class | kept | class given by | ends |
//! | --- | --- | --- | --- |
//! | 一般课堂教学 | six calendar months | the timetable | by the calendar |
//! | 课外 | 30 days | the timetable | by the calendar |
//! | 精品课程 | while in the library | nominated; 教务处 approves, the teacher consents | by decision |
//! | 保全 | while its case lasts | 教务处, by the number of a case | with the case |
//!
//! Whatever ends a class, nobody deletes by hand: the hub destroys in the night that follows.

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

use crate::level::Role;
use crate::purpose::Purpose;
use crate::refusal::Refusal;

/// “不少于三十日”: no class is kept for less (X23, Q12).
pub const DAYS_MIN: u32 = 30;

/// Of which class a recording is (R121). There is no recording without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// “一般课堂教学”.
    Ordinary,
    /// 课外: made outside lessons, by order.
    Outside,
    /// “被制作为精品课程的教学”.
    Premium,
    /// Evidence in a case that has a number.
    Held,
}

/// How long a class is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Calendar months, to the end of the day.
    Months(u32),
    /// Days, to the end of the day.
    Days(u32),
    /// “纳入学院优质数字化课程资源保存”: as long as it is part of them.
    Library,
    /// As long as its case lasts.
    Case,
}

/// What the school has decided about periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Of ordinary lessons.
    pub months: u32,
    /// Outside lessons.
    pub outside_days: u32,
}

/// One row of the table of R121.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How long.
    pub period: Period,
    /// Who gives the class, all of them together, and who may end it; nobody: the timetable.
    pub decided_by: &'static [Role],
    /// Its name, in Chinese.
    pub name: &'static str,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ordinary, Self::Outside, Self::Premium, Self::Held];

    /// The row of the table.
    #[must_use]
    pub const fn rule(self, terms: Terms) -> Rule {
        const LIBRARY: &[Role] = &[Role::AcademicAffairs, Role::Teacher];
        const CASES: &[Role] = &[Role::AcademicAffairs];
        let (period, decided_by, name) = match self {
            Self::Ordinary => (Period::Months(terms.months), &[] as &[Role], "一般课堂教学"),
            Self::Outside => (Period::Days(terms.outside_days), &[] as &[Role], "课外录像"),
            Self::Premium => (Period::Library, LIBRARY, "精品课程"),
            Self::Held => (Period::Case, CASES, "保全"),
        };
        Rule {
            period,
            decided_by,
            name,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Outside => "outside",
            Self::Premium => "premium",
            Self::Held => "held",
        }
    }
}

/// What a recording is kept for, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Whether it was made in a lesson.
    pub in_lesson: bool,
    /// Whether it is a premium course.
    pub premium: bool,
    /// Whether a case holds it.
    pub held: bool,
}

impl Kept {
    /// Its class: the one that keeps it longest.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self { premium: true, .. } => Class::Premium,
            Self { held: true, .. } => Class::Held,
            Self { in_lesson, .. } => Self::class_of(in_lesson),
        }
    }

    const fn class_of(in_lesson: bool) -> Class {
        if in_lesson {
            Class::Ordinary
        } else {
            Class::Outside
        }
    }

    /// Until when the calendar alone keeps it (exclusive), milliseconds since the epoch.
    #[must_use]
    pub fn by_calendar_ms(self, recorded_ms: i64, terms: Terms) -> i64 {
        match Self::class_of(self.in_lesson).rule(terms).period {
            Period::Days(days) => kept_days_ms(recorded_ms, days.max(DAYS_MIN)),
            _ => day_kept_until_ms(recorded_ms, terms),
        }
    }

    /// From when on it is destroyed; `None` while somebody's decision keeps it (R122).
    #[must_use]
    pub fn destroyed_from_ms(self, recorded_ms: i64, terms: Terms) -> Option<i64> {
        match self.class() {
            Class::Premium | Class::Held => None,
            Class::Ordinary | Class::Outside => Some(self.by_calendar_ms(recorded_ms, terms)),
        }
    }

    /// Until when it may be watched for `purpose` (exclusive). A hold keeps evidence and opens
    /// nothing: past the calendar it is watched to settle the issue and for nothing else (R122).
    #[must_use]
    pub fn watched_until_ms(self, recorded_ms: i64, terms: Terms, purpose: &Purpose) -> i64 {
        match (self.class(), purpose) {
            (Class::Premium, _) | (Class::Held, Purpose::Issue) => i64::MAX,
            _ => self.by_calendar_ms(recorded_ms, terms),
        }
    }
}

/// Until when the key of a day lives (exclusive): as long as the calendar keeps anything of that
/// day.
#[must_use]
pub fn day_kept_until_ms(recorded_ms: i64, terms: Terms) -> i64 {
    let lessons = kept_until_ms(recorded_ms, terms.months);
    lessons.max(kept_days_ms(recorded_ms, terms.outside_days.max(DAYS_MIN)))
}

/// Who nominates a lesson for the library.
#[derive(Debug, Clone)]
pub struct Nominator {
    /// What they are.
    pub roles: Vec<Role>,
    /// Whether it is their own lesson.
    pub own_lesson: bool,
    /// Whether it is a lesson or a room of their unit.
    pub own_unit: bool,
}

/// “被制作为精品课程的教学” (R120): the teacher of the lesson, the head and the supervisors of the
/// unit, and the school's supervisors propose it. 教务处 decides and so does not propose.
///
/// # Errors
/// The refusal of everybody else.
pub fn may_nominate(nominator: &Nominator) -> Result<(), Refusal> {
    let proposes = nominator.roles.iter().any(|role| match role {
        Role::Teacher => nominator.own_lesson,
        Role::UnitLeader | Role::UnitSupervisor => nominator.own_unit,
        Role::SchoolSupervisor => true,
        _ => false,
    });
    if proposes {
        Ok(())
    } else {
        Err(Refusal::NOT_YOUR_ROLE)
    }
}

/// “负责审核……精品课程” (学习网第六条, R120): nobody approves what they proposed or taught.
///
/// # Errors
/// The refusal of 第三条第2项.
pub fn may_approve<P: PartialEq>(approver: &P, nominator: &P, teacher: &P) -> Result<(), Refusal> {
    if approver == nominator || approver == teacher {
        Err(Refusal::RECUSED)
    } else {
        Ok(())
    }
}

/// The teacher says yes in person, and nobody for him (R120, 个人信息保护法 第十四条).
///
/// # Errors
/// The refusal of everybody else.
pub fn may_consent<P: PartialEq>(person: &P, teacher: &P) -> Result<(), Refusal> {
    if person == teacher {
        Ok(())
    } else {
        Err(Refusal::CONSENT_BY_OTHERS)
    }
}

/// A case with a number, as far as it bears on what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Not decided, or an objection is not answered.
    Open,
    /// Decided, with effect until the moment given or without an end.
    Decided {
        /// End of its effect (exclusive), milliseconds since the epoch.
        until_ms: Option<i64>,
    },
    /// Withdrawn or lifted.
    Over,
}

impl Case {
    /// Whether the case still lasts. One that was decided without an end lasts until 教务处 ends
    /// the hold.
    #[must_use]
    pub fn lasts(self, now_ms: i64) -> bool {
        match self {
            Self::Open | Self::Decided { until_ms: None } => true,
            Self::Decided {
                until_ms: Some(until_ms),
            } => now_ms < until_ms,
            Self::Over => false,
        }
    }
}

/// A hold has the number of a case that exists and lasts (R122).
///
/// # Errors
/// The refusal of a hold without one.
pub fn may_hold(case: Option<Case>, now_ms: i64) -> Result<(), Refusal> {
    if case.is_some_and(|case| case.lasts(now_ms)) {
        Ok(())
    } else {
        Err(Refusal::HOLD_WITHOUT_CASE)
    }
}

/// “数据存储及安全防护” (第五条第2项, K1): how many minutes of lessons one person has
/// opened on one day; 0 hours are no limit.
///
/// # Errors
/// The refusal of whoever has opened that much.
pub fn within_a_day(minutes: u32, hours_max: u32) -> Result<(), Refusal> {
    if hours_max == 0 || minutes <= hours_max.saturating_mul(60) {
        Ok(())
    } else {
        Err(Refusal::OPENED_ENOUGH)
    }
}

/// “原则上一般课堂教学保存六个月”: kept to the end of the day that many months after the day of
/// recording, in Asia/Shanghai; where that month has no such day, of its last day (R119, Q12).
/// A moment outside the calendar is kept no longer than itself.
#[must_use]
pub fn kept_until_ms(recorded_ms: i64, months: u32) -> i64 {
    last_day(recorded_ms, months).map_or(recorded_ms, end_of_day_ms)
}

/// The same for days.
fn kept_days_ms(recorded_ms: i64, days: u32) -> i64 {
    let last = day_of(recorded_ms).and_then(|day| day.checked_add(Duration::days(days.into())));
    last.map_or(recorded_ms, end_of_day_ms)
}

/// “保存六个月” (R67): past its retention nobody watches a recording.
///
/// # Errors
/// The refusal of 学习网第十六条.
pub fn kept(kept_until_ms: i64, now_ms: i64) -> Result<(), Refusal> {
    if now_ms < kept_until_ms {
        Ok(())
    } else {
        Err(Refusal::RECORDING_EXPIRED)
    }
}

fn shanghai() -> UtcOffset {
    UtcOffset::from_hms(8, 0, 0).expect("invariant: UTC+8")
}

fn day_of(recorded_ms: i64) -> Option<Date> {
    let moment = OffsetDateTime::from_unix_timestamp(recorded_ms.div_euclid(1000)).ok()?;
    Some(moment.checked_to_offset(shanghai())?.date())
}

fn last_day(recorded_ms: i64, months: u32) -> Option<Date> {
    let day = day_of(recorded_ms)?;
    let month = i64::from(u8::from(day.month())) - 1 + i64::from(months);
    let year = i32::try_from(i64::from(day.year()) + month / 12).ok()?;
    let month = Month::try_from(u8::try_from(month % 12 + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, day.day().min(month.length(year))).ok()
}

fn end_of_day_ms(day: Date) -> i64 {
    let midnight = day.midnight().assume_offset(shanghai());
    let next = midnight.saturating_add(Duration::DAY);
    next.unix_timestamp().saturating_mul(1000)
}

#[cfg(test)]
mod tests;
