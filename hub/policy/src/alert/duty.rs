//! Duty: who is told first, and who next when nobody takes it.
//!
//! Steps name a duty, never a person; the roster says who has that duty when.

use crate::patrol::FieldError;

/// Most steps.
pub const STEPS_MAX: usize = 5;
/// Longest delay of a step, minutes: a day.
pub const AFTER_MINUTES_MAX: i64 = 24 * 60;
/// Longest name of a duty, characters.
pub const TITLE_CHARACTERS_MAX: usize = 30;
/// Longest shift: a term and its holidays.
pub const SHIFT_MS_MAX: i64 = 200 * 24 * 60 * 60 * 1000;

/// One step of the escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of the duty, such as `值班技术人员`.
    pub title: String,
    /// So long after the first word, minutes; 0 for the first step.
    pub after_minutes: i64,
}

/// Somebody has a duty from–until (exclusive), milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift<P> {
    /// The step, counted from 0.
    pub step: usize,
    /// Who.
    pub person: P,
    /// From.
    pub from_ms: i64,
    /// Until.
    pub until_ms: i64,
}

/// Who has the duty of a step now. Nobody on the roster means all of `everyone`: a hole in the
/// roster never keeps a word back.
#[must_use]
pub fn on_duty<P: Clone + Ord>(
    shifts: &[Shift<P>],
    everyone: &[P],
    step: usize,
    now_ms: i64,
) -> Vec<P> {
    let has = |shift: &&Shift<P>| {
        shift.step == step
            && (shift.from_ms..shift.until_ms).contains(&now_ms)
            && everyone.contains(&shift.person)
    };
    let mut people: Vec<P> = shifts
        .iter()
        .filter(has)
        .map(|s| s.person.clone())
        .collect();
    if people.is_empty() {
        people = everyone.to_vec();
    }
    people.sort();
    people.dedup();
    people
}

/// The step after `step`, once its time has come; `first_ms` is when waiting for somebody began.
#[must_use]
pub fn next_step(steps: &[Step], step: usize, first_ms: i64, now_ms: i64) -> Option<usize> {
    let next = steps.get(step + 1)?;
    let due_ms = first_ms.saturating_add(next.after_minutes.saturating_mul(60_000));
    (now_ms >= due_ms).then_some(step + 1)
}

/// Whether these may be the steps: the first at once, each later one later.
///
/// # Errors
/// The field.
pub fn valid(steps: &[Step]) -> Result<(), FieldError> {
    if !(1..=STEPS_MAX).contains(&steps.len()) {
        return Err(FieldError {
            field: "steps",
            zh: "请设置 1 至 5 级。",
            en: "Give one to five steps.",
        });
    }
    let named = |step: &Step| {
        let length = step.title.trim().chars().count();
        (1..=TITLE_CHARACTERS_MAX).contains(&length) && !step.title.contains(char::is_control)
    };
    if !steps.iter().all(named) {
        return Err(FieldError {
            field: "title",
            zh: "请填写每级的职责名称（1 至 30 字）。",
            en: "Name each duty in 1 to 30 characters.",
        });
    }
    let rises = steps
        .windows(2)
        .all(|two| two[0].after_minutes < two[1].after_minutes);
    let last = steps.last().map_or(0, |step| step.after_minutes);
    if steps[0].after_minutes != 0 || !rises || last > AFTER_MINUTES_MAX {
        return Err(FieldError {
            field: "after_minutes",
            zh: "第一级为 0 分钟，其后逐级增加，不超过 1440 分钟。",
            en: "The first is 0 minutes, each later one more, 1440 at most.",
        });
    }
    Ok(())
}

/// Whether somebody may have a duty from–until.
///
/// # Errors
/// The field.
pub fn valid_shift<P>(shift: &Shift<P>, steps: usize, now_ms: i64) -> Result<(), FieldError> {
    if shift.step >= steps {
        return Err(FieldError {
            field: "step",
            zh: "没有这一级。",
            en: "There is no such step.",
        });
    }
    let long_ms = shift.until_ms.saturating_sub(shift.from_ms);
    if shift.until_ms <= now_ms || !(1..=SHIFT_MS_MAX).contains(&long_ms) {
        return Err(FieldError {
            field: "until",
            zh: "结束时间须晚于开始和现在，且不超过 200 天。",
            en: "It ends after it begins and after now, 200 days later at most.",
        });
    }
    Ok(())
}
