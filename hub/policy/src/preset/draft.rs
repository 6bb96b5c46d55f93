//! A preset as written, before it is checked.

use std::collections::HashSet;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::institution::{self, Function, Rules};
use crate::level::{self, Reach, Role};
use crate::retention;

/// What to do, in Chinese and English.
pub type Said = (String, String);

/// What is wrong with a draft, and where.
pub struct Wrong {
    /// The bytes it is about; `None` for a field whose name stands only once in a file.
    pub span: Option<Range<usize>>,
    /// The field.
    pub field: &'static str,
    /// What to do.
    pub said: Said,
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    code: Spanned<String>,
    name: Spanned<String>,
    regulation: Spanned<String>,
    rules: Rules,
    level: Vec<Level>,
    department: Vec<Department>,
    #[serde(default)]
    unit: Vec<Unit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    number: Spanned<u8>,
    name: Spanned<String>,
    holder: Spanned<String>,
    reach: Reach,
    article: Spanned<String>,
    quote: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Department {
    code: Spanned<String>,
    name: Spanned<String>,
    #[serde(default)]
    duty: Vec<Duty>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duty {
    article: Spanned<String>,
    quote: Spanned<String>,
    #[serde(default)]
    functions: Vec<Function>,
    #[serde(default)]
    by: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    code: Spanned<String>,
    name: Spanned<String>,
}

impl Institution {
    /// The institution, if nothing is wrong with it.
    pub fn checked(self) -> Result<institution::Institution, Wrong> {
        let mut numbers = HashSet::new();
        let levels = self.level.into_iter().map(|level| {
            once(&mut numbers, &level.number, "number")?;
            level.checked()
        });
        let mut codes = HashSet::new();
        let departments = self.department.into_iter().map(|department| {
            once(&mut codes, &department.code, "code")?;
            department.checked()
        });
        let mut units = HashSet::new();
        let unit = self.unit.into_iter().map(|unit| {
            once(&mut units, &unit.code, "code")?;
            Ok(institution::Unit {
                code: text(unit.code, "code")?,
                name: text(unit.name, "name")?,
            })
        });
        Ok(institution::Institution {
            levels: levels.collect::<Result<_, _>>()?,
            departments: departments.collect::<Result<_, _>>()?,
            units: unit.collect::<Result<_, _>>()?,
            rules: rules(self.rules)?,
            code: text(self.code, "code")?,
            name: text(self.name, "name")?,
            regulation: text(self.regulation, "regulation")?,
        })
    }
}

impl Level {
    fn checked(self) -> Result<level::Level, Wrong> {
        if *self.number.get_ref() == 0 {
            let said = ("级别从 1 开始。", "Levels count from 1.");
            return Err(wrong(&self.number, "number", said));
        }
        Ok(level::Level {
            number: self.number.into_inner(),
            name: text(self.name, "name")?,
            holder: text(self.holder, "holder")?,
            reach: self.reach,
            article: text(self.article, "article")?,
            quote: text(self.quote, "quote")?,
        })
    }
}

impl Department {
    fn checked(self) -> Result<institution::Department, Wrong> {
        let duties = self.duty.into_iter().map(Duty::checked);
        Ok(institution::Department {
            duties: duties.collect::<Result<_, _>>()?,
            code: text(self.code, "code")?,
            name: text(self.name, "name")?,
        })
    }
}

impl Duty {
    fn checked(self) -> Result<institution::Duty, Wrong> {
        if self.functions.is_empty() != self.by.is_empty() {
            let said = (
                "functions 与 by 须同时填写或同时不填。",
                "Give both functions and by, or neither.",
            );
            return Err(wrong(&self.article, "by", said));
        }
        Ok(institution::Duty {
            by: self.by.iter().map(role).collect::<Result<_, _>>()?,
            article: text(self.article, "article")?,
            quote: text(self.quote, "quote")?,
            functions: self.functions,
        })
    }
}

/// The role of that name; a name nobody knows is an error, not a role (R20).
fn role(name: &Spanned<String>) -> Result<Role, Wrong> {
    Role::named(name.get_ref()).ok_or_else(|| {
        let said = ("没有这个角色。", "There is no such role.");
        wrong(name, "by", said)
    })
}

/// A password of no days would lock everybody out, one of no characters let anybody in.
fn rules(rules: Rules) -> Result<Rules, Wrong> {
    let (password, agreement, risk) = (&rules.password, &rules.agreement, &rules.risk);
    let limits = [
        (
            "characters_min",
            (8..=64).contains(&password.characters_min),
        ),
        ("history_kept", password.history_kept <= 24),
        ("days_max", (1..=366).contains(&password.days_max)),
        ("warning_days", password.warning_days < password.days_max),
        ("grace_days", agreement.grace_days <= 366),
        ("reading_seconds_min", agreement.reading_seconds_min <= 3600),
        (
            "recording_months",
            (1..=6).contains(&rules.recording_months),
        ),
        (
            "recording_outside_days",
            (retention::DAYS_MIN..=180).contains(&rules.recording_outside_days),
        ),
        (
            "every_days",
            (1..=366).contains(&rules.inspection.every_days),
        ),
        (
            "day_from_minute",
            risk.day_from_minute < risk.day_until_minute,
        ),
        ("day_until_minute", risk.day_until_minute <= 24 * 60),
        (
            "views_a_day_max",
            (1..=1000).contains(&risk.views_a_day_max),
        ),
        (
            "teacher_a_week_max",
            (1..=1000).contains(&risk.teacher_a_week_max),
        ),
        (
            "refused_an_hour_max",
            (1..=1000).contains(&risk.refused_an_hour_max),
        ),
        ("places_minutes", risk.places_minutes <= 24 * 60),
        ("due_week", (1..=26).contains(&rules.review.due_week)),
        (
            "live_minutes_after_lesson",
            rules
                .live_minutes_after_lesson
                .is_none_or(|minutes| minutes <= 120),
        ),
    ];
    if let Some((field, _)) = limits.iter().find(|(_, within)| !within) {
        return Err(Wrong {
            span: None,
            field,
            said: (
                "超出允许的范围。".into(),
                "Outside the range that is allowed.".into(),
            ),
        });
    }
    Ok(rules)
}

fn text(field: Spanned<String>, name: &'static str) -> Result<String, Wrong> {
    let length = field.get_ref().trim().chars().count();
    if !(1..=500).contains(&length) {
        let said = ("须为 1 至 500 字。", "1 to 500 characters are needed.");
        return Err(wrong(&field, name, said));
    }
    Ok(field.into_inner())
}

fn once<T: Clone + Eq + std::hash::Hash>(
    seen: &mut HashSet<T>,
    field: &Spanned<T>,
    name: &'static str,
) -> Result<(), Wrong> {
    if seen.insert(field.get_ref().clone()) {
        Ok(())
    } else {
        let said = ("重复。", "It is there twice.");
        Err(wrong(field, name, said))
    }
}

fn wrong<T>(field: &Spanned<T>, name: &'static str, (zh, en): (&str, &str)) -> Wrong {
    Wrong {
        span: Some(field.span()),
        field: name,
        said: (zh.into(), en.into()),
    }
}
