//! 附件1: the patrol record form, what it must hold (R73–R85) and who may read it (R89).

use crate::agreement::{self, Agreement};
use crate::level::{Role, UnitId};

/// Most characters of a free text.
pub const TEXT_CHARACTERS_MAX: usize = 2000;
/// Most people in a room; a larger number is a slip of the keyboard.
pub const PEOPLE_MAX: i64 = 2000;
/// How far the clock of the person who fills in the form may be ahead.
const CLOCK_SLACK_MS: i64 = 60_000;

/// A or B: “A 正常 B 异常”.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// A 正常.
    Normal,
    /// B 异常.
    Abnormal,
}

/// The form as somebody filled it in.
#[derive(Debug, Clone)]
pub struct Form<'a> {
    /// 班级; one or more (合班, R75).
    pub class_groups: &'a [String],
    /// 任课教师 (R76).
    pub teacher: &'a str,
    /// 课程名称 (R78).
    pub course: &'a str,
    /// 时间, from and to, milliseconds since the epoch (R77).
    pub time_from_ms: i64,
    /// See `time_from_ms`.
    pub time_to_ms: i64,
    /// 应到 (R79).
    pub due_count: i64,
    /// 实到 (R79).
    pub present_count: i64,
    /// 教师到课情况 (R80).
    pub teacher_presence: &'a str,
    /// 课堂互动情况 (R81).
    pub interaction: &'a str,
    /// 教学条件 (R82).
    pub conditions: &'a str,
    /// 异常说明 (R83).
    pub abnormal_note: &'a str,
    /// 综合评价 (R84).
    pub grade: &'a str,
    /// Why more are present than due: 旁听、合班 (R79).
    pub attendance_note: &'a str,
}

/// The lesson the form is about, milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct LessonTime {
    /// Begin.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
}

/// A field that cannot stay as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldError {
    /// The field of the form.
    pub field: &'static str,
    /// What to do, in Chinese.
    pub zh: &'static str,
    /// What to do, in English.
    pub en: &'static str,
}

const fn wrong(field: &'static str, zh: &'static str, en: &'static str) -> FieldError {
    FieldError { field, zh, en }
}

/// Checks a form in the order of the paper; the first field that is wrong is named.
///
/// # Errors
/// The field and what to do about it.
pub fn check(form: &Form<'_>, lesson: LessonTime, now_ms: i64) -> Result<(), FieldError> {
    words(form)?;
    times(form, lesson, now_ms)?;
    attendance(form)?;
    choices(form)
}

/// R75, R76, R78: “班级”, “任课教师”, “课程名称” are never empty.
fn words(form: &Form<'_>) -> Result<(), FieldError> {
    let blank = |text: &str| text.trim().is_empty() || text.chars().count() > 100;
    let groups = form.class_groups;
    if groups.is_empty() || groups.len() > 20 || groups.iter().any(|group| blank(group)) {
        return Err(wrong("class_groups", "请填写班级。", "Give the class."));
    }
    if blank(form.teacher) {
        return Err(wrong("teacher", "请填写任课教师。", "Give the teacher."));
    }
    if blank(form.course) {
        return Err(wrong("course", "请填写课程名称。", "Give the course."));
    }
    Ok(())
}

/// R77: “时间” lies within the lesson and not in the future.
fn times(form: &Form<'_>, lesson: LessonTime, now_ms: i64) -> Result<(), FieldError> {
    let (from_ms, to_ms) = (form.time_from_ms, form.time_to_ms);
    if from_ms < lesson.start_ms || from_ms >= lesson.end_ms {
        return Err(wrong(
            "time_from",
            "开始时间不在本次课的时间之内。",
            "The beginning is outside the lesson.",
        ));
    }
    if to_ms <= from_ms || to_ms > lesson.end_ms {
        return Err(wrong(
            "time_to",
            "结束时间须晚于开始时间，且不晚于下课时间。",
            "The end must be after the beginning and not after the lesson.",
        ));
    }
    if to_ms > now_ms + CLOCK_SLACK_MS {
        return Err(wrong(
            "time_to",
            "结束时间还没有到。",
            "The end is still in the future.",
        ));
    }
    Ok(())
}

/// R79: “应到 人；实到 人”.
fn attendance(form: &Form<'_>) -> Result<(), FieldError> {
    if !(0..=PEOPLE_MAX).contains(&form.due_count) {
        return Err(wrong(
            "due_count",
            "应到人数不对。",
            "The number due is not possible.",
        ));
    }
    if !(0..=PEOPLE_MAX).contains(&form.present_count) {
        return Err(wrong(
            "present_count",
            "实到人数不对。",
            "The number present is not possible.",
        ));
    }
    if form.present_count > form.due_count && form.attendance_note.trim().is_empty() {
        return Err(wrong(
            "attendance_note",
            "实到多于应到，请说明原因（如旁听、合班）。",
            "More are present than due: say why (guests, merged classes).",
        ));
    }
    Ok(())
}

/// R80–R84: one choice each; an abnormal one needs its note.
fn choices(form: &Form<'_>) -> Result<(), FieldError> {
    let presence = condition(form.teacher_presence).ok_or(wrong(
        "teacher_presence",
        "请选择教师到课情况：A 正常、B 异常。",
        "Choose the teacher's presence: A or B.",
    ))?;
    if !["A", "B", "C"].contains(&form.interaction) {
        return Err(wrong(
            "interaction",
            "请选择课堂互动情况：A 经常、B 偶尔、C 无。",
            "Choose the interaction: A, B or C.",
        ));
    }
    let conditions = condition(form.conditions).ok_or(wrong(
        "conditions",
        "请选择教学条件：A 正常、B 异常。",
        "Choose the teaching conditions: A or B.",
    ))?;
    let abnormal = [presence, conditions].contains(&Condition::Abnormal);
    if abnormal && form.abnormal_note.trim().is_empty() {
        return Err(wrong(
            "abnormal_note",
            "选择了“异常”，请填写异常说明。",
            "Something is abnormal: describe it.",
        ));
    }
    if !["A", "B", "C", "D", "E", "F", "G"].contains(&form.grade) {
        return Err(wrong(
            "grade",
            "请选择综合评价：A 优、B 优-、C 良+、D 良、E 良-、F 中、G 差。",
            "Choose the overall grade: A to G.",
        ));
    }
    let long = |text: &str| text.chars().count() > TEXT_CHARACTERS_MAX;
    if long(form.abnormal_note) {
        return Err(wrong(
            "abnormal_note",
            "异常说明太长。",
            "The note is too long.",
        ));
    }
    if long(form.attendance_note) {
        return Err(wrong(
            "attendance_note",
            "说明太长。",
            "The note is too long.",
        ));
    }
    Ok(())
}

fn condition(letter: &str) -> Option<Condition> {
    match letter {
        "A" => Some(Condition::Normal),
        "B" => Some(Condition::Abnormal),
        _ => None,
    }
}

/// Who wants to read.
#[derive(Debug, Clone)]
pub struct Reader<P> {
    /// The person.
    pub person: P,
    /// What the person is.
    pub roles: Vec<Role>,
    /// The unit the person belongs to.
    pub unit: Option<UnitId>,
    /// The confidentiality agreement.
    pub agreement: Agreement,
    /// The moment of reading, milliseconds since the epoch.
    pub now_ms: i64,
}

/// Whom a record is about and from.
#[derive(Debug, Clone, Copy)]
pub struct About<P> {
    /// Who filed it.
    pub author: P,
    /// The unit that owned the room then.
    pub unit: UnitId,
    /// Whose lesson it was.
    pub teacher: Option<P>,
}

/// How much of a record somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The teacher's own feedback: all but who wrote it.
    Feedback,
}

/// “所有课堂及巡课数据（视频、图片、记录等）须严格保密” (第三条第3项, R89): the author, the school's
/// supervisors and Academic Affairs, the unit's own leader and supervisors; a teacher the feedback
/// on the own lesson; a technician nothing. `None` is answered as if the record did not exist.
#[must_use]
pub fn readable<P: PartialEq>(reader: &Reader<P>, about: &About<P>) -> Option<Extent> {
    let is = |role| reader.roles.contains(&role);
    if is(Role::Technician) || is(Role::SecurityAdministrator) || is(Role::AuditAdministrator) {
        return None;
    }
    if is(Role::AcademicAffairs) {
        return Some(Extent::Whole);
    }
    let signed = agreement::in_force(reader.agreement, reader.now_ms).is_ok();
    let own_unit = reader.unit == Some(about.unit);
    let whole = is(Role::SchoolSupervisor)
        || (is(Role::UnitSupervisor) && (own_unit || reader.person == about.author))
        || (is(Role::UnitLeader) && own_unit);
    if signed && whole {
        return Some(Extent::Whole);
    }
    let own_lesson = about.teacher.as_ref() == Some(&reader.person);
    (is(Role::Teacher) && own_lesson).then_some(Extent::Feedback)
}

#[cfg(test)]
mod tests;
