//! A plan: what a timetable would change against the lessons there are, from tomorrow on.
//!
//! What has been held stays as it was, with everything that hangs on it. A lesson that only moves
//! keeps its id.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::conflict::{self, Conflict};
use super::course::Course;
use super::expand::{Placed, School};
use crate::access::secret::hex;
use crate::campus::calendar;
use crate::sheet::{Problem, Said};
use crate::store::campus::LessonRow;

/// Three times the term of a large college.
pub const LESSONS_MAX: usize = 200_000;

/// What was read out of a file.
#[derive(Debug)]
pub struct List {
    /// SHA-256 of the file.
    pub file_hash: [u8; 32],
    /// Whether it is the whole term, so that a lesson it does not name is no more.
    pub whole: bool,
    /// Its lines.
    pub courses: Vec<Course>,
    /// What is wrong with others.
    pub problems: Vec<Problem>,
}

/// The term as of one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The school around it.
    pub school: School,
    /// Its lessons after `today`.
    pub lessons: Vec<LessonRow>,
    /// The last day that stays as it is.
    pub today: i64,
}

/// What becomes of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Is new.
    Add,
    /// Has another room, teacher, time or class.
    Change,
    /// Is no more.
    Remove,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Remove => "remove",
        }
    }
}

/// One lesson that changes.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line; 0 where none names it.
    pub line: usize,
    /// As it is.
    pub before: Option<LessonRow>,
    /// As it will be.
    pub after: Option<LessonRow>,
}

impl Step {
    /// What becomes of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (&self.before, &self.after) {
            (None, _) => Kind::Add,
            (Some(_), Some(_)) => Kind::Change,
            (Some(_), None) => Kind::Remove,
        }
    }
}

/// The same change on several days.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its first lesson.
    pub step: Step,
    /// On how many days.
    pub days: usize,
    /// The first and the last.
    pub span: (i64, i64),
}

/// What a timetable would change.
#[derive(Debug)]
pub struct Plan {
    /// By time.
    pub steps: Vec<Step>,
    /// How many lessons stay as they are.
    pub unchanged: usize,
    /// How many of the file are over, or today's.
    pub past: usize,
    /// What meets in the timetable as it would be.
    pub conflicts: Vec<Conflict>,
    /// What is wrong; while there is anything, nothing is written.
    pub problems: Vec<Problem>,
    /// What is odd and stops nothing.
    pub notices: Vec<Problem>,
    /// Names exactly this file and this term.
    pub hash: String,
}

/// How many lessons of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// New.
    pub added: usize,
    /// Other rooms, teachers, times or classes.
    pub changed: usize,
    /// No more.
    pub removed: usize,
}

impl Plan {
    /// How many steps of each kind there are.
    #[must_use]
    pub fn counts(&self) -> Taken {
        let count = |kind| self.steps.iter().filter(|step| step.kind() == kind).count();
        Taken {
            added: count(Kind::Add),
            changed: count(Kind::Change),
            removed: count(Kind::Remove),
        }
    }

    /// The steps as people think of them: one for all the weeks of a lesson.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        let mut all: BTreeMap<_, Series> = BTreeMap::new();
        for step in &self.steps {
            let shape = |row: &Option<LessonRow>| {
                let row = row.as_ref()?;
                let weekday = calendar::weekday(row.day);
                let when = (weekday, row.period_from, row.period_to);
                Some((
                    when,
                    row.classroom_id.clone(),
                    row.course.clone(),
                    row.teacher.clone(),
                ))
            };
            let day = step
                .after
                .as_ref()
                .or(step.before.as_ref())
                .map_or(0, |row| row.day);
            let key = (
                step.line,
                step.kind(),
                shape(&step.before),
                shape(&step.after),
            );
            let series = all.entry(key).or_insert_with(|| Series {
                step: step.clone(),
                days: 0,
                span: (day, day),
            });
            series.days += 1;
            series.span = (series.span.0.min(day), series.span.1.max(day));
        }
        all.into_values().collect()
    }
}

/// Compares a timetable with the lessons there are.
#[must_use]
pub fn plan(list: &List, snapshot: &Snapshot) -> Plan {
    let (mut problems, mut notices) = (list.problems.clone(), Vec::new());
    let names = snapshot.school.names();
    let mut placed = Vec::new();
    for course in &list.courses {
        if placed.len() > LESSONS_MAX {
            problems.push(Problem::new(course.line, "周次", "", TOO_MANY));
            break;
        }
        match names.lessons(course, &mut notices) {
            Ok(lessons) => placed.extend(lessons),
            Err(found) => problems.extend(found),
        }
    }
    problems.sort_by_key(|problem| problem.line);
    let named = placed.len();
    placed.retain(|lesson| lesson.row.day > snapshot.today);
    let past = named - placed.len();
    let mut wanted = merged(placed);
    let matches = matched(&wanted, &snapshot.lessons);
    let (mut steps, mut unchanged) = (Vec::new(), 0);
    for (lesson, before) in wanted.iter_mut().zip(&matches) {
        let before = before.map(|at| &snapshot.lessons[at]);
        identify(&mut lesson.row, before);
        if before.is_some_and(|before| same(before, &lesson.row)) {
            unchanged += 1;
            continue;
        }
        steps.push(Step {
            line: lesson.line,
            before: before.cloned(),
            after: Some(lesson.row.clone()),
        });
    }
    let rest = unmatched(&matches, &snapshot.lessons);
    if list.whole {
        steps.extend(rest.into_iter().map(|before| Step {
            line: 0,
            before: Some(before),
            after: None,
        }));
    } else {
        unchanged += rest.len();
        wanted.extend(rest.into_iter().map(|row| Placed { line: 0, row }));
    }
    Plan {
        steps,
        unchanged,
        past,
        conflicts: conflict::find(&wanted),
        problems,
        notices,
        hash: fingerprint(list, snapshot),
    }
}

/// One lesson for several classes stands in the file once for each of them (合班).
fn merged(placed: Vec<Placed>) -> Vec<Placed> {
    let mut at: HashMap<_, usize> = HashMap::new();
    let mut lessons: Vec<Placed> = Vec::new();
    for lesson in placed {
        let row = &lesson.row;
        let when = (row.day, row.period_from, row.period_to);
        let what = (row.course.clone(), row.teacher.clone());
        let index = *at
            .entry((row.classroom_id.clone(), when, what))
            .or_insert(lessons.len());
        match lessons.get_mut(index) {
            Some(first) => join(&mut first.row, lesson.row),
            None => lessons.push(lesson),
        }
    }
    lessons
}

/// Whoever is in both is counted once.
fn join(first: &mut LessonRow, other: LessonRow) {
    if first.teaching_class != other.teaching_class {
        first.due_count += other.due_count;
    }
    for group in other.class_groups.lines() {
        if !first.class_groups.lines().any(|known| known == group) {
            if !first.class_groups.is_empty() {
                first.class_groups.push('\n');
            }
            first.class_groups.push_str(group);
        }
    }
}

/// For each lesson that is wanted, the one that it is: the same class at the same time, in the same
/// room if there is a choice.
fn matched(wanted: &[Placed], there: &[LessonRow]) -> Vec<Option<usize>> {
    let mut index: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, row) in there.iter().enumerate() {
        index.entry(identity(row)).or_default().push(at);
    }
    let mut matches = vec![None; wanted.len()];
    for same_room in [true, false] {
        for (lesson, found) in wanted.iter().zip(&mut matches) {
            if found.is_some() {
                continue;
            }
            let Some(free) = index.get_mut(&identity(&lesson.row)) else {
                continue;
            };
            let room = &lesson.row.classroom_id;
            let fits = |at: &usize| !same_room || there[*at].classroom_id == *room;
            if let Some(at) = free.iter().position(fits) {
                *found = Some(free.remove(at));
            }
        }
    }
    matches
}

fn identity(row: &LessonRow) -> (&str, i64, i64) {
    let class = match row.teaching_class.as_str() {
        "" => row.course.as_str(),
        class => class,
    };
    (class, row.day, row.period_from)
}

fn unmatched(matches: &[Option<usize>], there: &[LessonRow]) -> Vec<LessonRow> {
    let mut left = vec![true; there.len()];
    for at in matches.iter().flatten() {
        left[*at] = false;
    }
    let rows = there.iter().zip(left);
    rows.filter(|(_, left)| *left)
        .map(|(row, _)| row.clone())
        .collect()
}

/// What the file does not speak of stays.
fn identify(row: &mut LessonRow, before: Option<&LessonRow>) {
    match before {
        Some(before) => {
            row.id.clone_from(&before.id);
            row.minors = before.minors;
            if row.class_groups.is_empty() {
                row.class_groups.clone_from(&before.class_groups);
            }
            if row.due_count == 0 {
                row.due_count = before.due_count;
            }
        }
        None => row.id = Uuid::now_v7().to_string(),
    }
}

fn same(one: &LessonRow, other: &LessonRow) -> bool {
    line(one) == line(other)
}

fn line(row: &LessonRow) -> String {
    let teacher = row.teacher_id.as_deref().unwrap_or("");
    let LessonRow {
        id,
        classroom_id,
        unit_id,
        teacher: name,
        course,
        class_groups,
        day,
        period_from,
        period_to,
        start_ms,
        end_ms,
        due_count,
        course_code,
        teaching_class,
        ..
    } = row;
    format!(
        "{id}\0{classroom_id}\0{unit_id}\0{teacher}\0{name}\0{course}\0{class_groups}\0{day}\0\
         {period_from}\0{period_to}\0{start_ms}\0{end_ms}\0{due_count}\0{course_code}\0\
         {teaching_class}\0"
    )
}

/// The file, how it is meant, and everything it is compared with: what a confirmation refers to.
fn fingerprint(list: &List, snapshot: &Snapshot) -> String {
    let mut hash = Sha256::new();
    hash.update(b"xunke timetable 1\n");
    hash.update(list.file_hash);
    hash.update([u8::from(list.whole)]);
    let school = &snapshot.school;
    hash.update(format!("{}\0{}\n", school.term.id, snapshot.today));
    for row in &snapshot.lessons {
        hash.update(line(row));
    }
    for period in &school.periods {
        let (from, to) = (period.start_minute, period.end_minute);
        hash.update(format!("{}\0{from}\0{to}\n", period.number));
    }
    for room in &school.rooms {
        hash.update(format!(
            "{}\0{}\0{}\0{}\n",
            room.id, room.name, room.building, room.unit_id
        ));
    }
    for unit in &school.units {
        hash.update(format!("{}\0{}\0{}\n", unit.id, unit.code, unit.name));
    }
    for one in &school.teachers {
        hash.update(format!("{}\0{}\0{}\n", one.id, one.staff_number, one.name));
    }
    hex(&hash.finalize())
}

const TOO_MANY: Said = (
    "到这一行为止已超过 20 万次课，请检查文件，或分成几个文件。",
    "Up to this line there are more than 200,000 lessons; check the file, or split it.",
);
