//! The form field by field, and who reads it.

use uuid::Uuid;

use super::*;

const OWN: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const LESSON: LessonTime = LessonTime {
    start_ms: 1_000_000,
    end_ms: 8_000_000,
};
const NOW: i64 = 4_000_000;

/// A form with nothing wrong but its missing class.
const WHOLE: Form<'_> = Form {
    class_groups: &[],
    teacher: "李明",
    course: "数据库技术",
    time_from_ms: 1_000_000,
    time_to_ms: 4_000_000,
    due_count: 40,
    present_count: 38,
    teacher_presence: "A",
    interaction: "B",
    conditions: "A",
    abnormal_note: "",
    grade: "C",
    attendance_note: "",
};

fn check_at(now_ms: i64, change: impl Fn(&mut Form<'_>)) -> Option<&'static str> {
    let groups = ["软件2301".to_owned(), "软件2302".to_owned()];
    let mut form = Form {
        class_groups: &groups,
        ..WHOLE
    };
    change(&mut form);
    check(&form, LESSON, now_ms).err().map(|error| error.field)
}

fn check_with(change: impl Fn(&mut Form<'_>)) -> Option<&'static str> {
    check_at(NOW, change)
}

#[test]
fn a_whole_form_is_accepted() {
    assert_eq!(check_with(|_| ()), None);
}

/// R75, R76, R78.
#[test]
fn words_must_be_there() {
    assert_eq!(
        check_with(|form| form.class_groups = &[]),
        Some("class_groups")
    );
    assert_eq!(check_with(|form| form.teacher = " "), Some("teacher"));
    assert_eq!(check_with(|form| form.course = ""), Some("course"));
}

/// R77.
#[test]
fn times_lie_within_the_lesson_and_the_past() {
    assert_eq!(
        check_with(|form| form.time_from_ms = 999_999),
        Some("time_from")
    );
    assert_eq!(
        check_with(|form| form.time_from_ms = 8_000_000),
        Some("time_from")
    );
    assert_eq!(
        check_with(|form| form.time_to_ms = 1_000_000),
        Some("time_to")
    );
    assert_eq!(
        check_with(|form| form.time_to_ms = 8_000_001),
        Some("time_to")
    );
    assert_eq!(
        check_with(|form| form.time_to_ms = NOW + 60_001),
        Some("time_to")
    );
    assert_eq!(check_with(|form| form.time_to_ms = NOW + 60_000), None);
    let to_the_end = |form: &mut Form<'_>| form.time_to_ms = 8_000_000;
    assert_eq!(check_at(8_000_000, to_the_end), None);
}

/// R75, R76, R78: as long as a name can be, and not one character more.
#[test]
fn words_have_a_length() {
    let with = |teacher: &str, course: &str, groups: &[String]| {
        let form = Form {
            class_groups: groups,
            teacher,
            course,
            ..WHOLE
        };
        check(&form, LESSON, NOW).err().map(|error| error.field)
    };
    let (most, over) = ("课".repeat(100), "课".repeat(101));
    let groups = |count| vec![most.clone(); count];
    assert_eq!(with(&most, &most, &groups(20)), None);
    assert_eq!(with(&over, &most, &groups(1)), Some("teacher"));
    assert_eq!(with(&most, &over, &groups(1)), Some("course"));
    assert_eq!(with(&most, &most, &groups(21)), Some("class_groups"));
    for wrong in [over.as_str(), " "] {
        let mixed = ["软件2301".to_owned(), wrong.to_owned()];
        assert_eq!(with(&most, &most, &mixed), Some("class_groups"));
    }
}

/// R79.
#[test]
fn more_present_than_due_needs_a_reason() {
    assert_eq!(
        check_with(|form| form.present_count = -1),
        Some("present_count")
    );
    assert_eq!(check_with(|form| form.due_count = 2001), Some("due_count"));
    assert_eq!(
        check_with(|form| form.present_count = 41),
        Some("attendance_note")
    );
    let explained = |form: &mut Form<'_>| {
        form.present_count = 41;
        form.attendance_note = "旁听一人";
    };
    assert_eq!(check_with(explained), None);
    let counts = |due_count, present_count| {
        check_with(|form| {
            form.due_count = due_count;
            form.present_count = present_count;
        })
    };
    assert_eq!(counts(0, 0), None);
    assert_eq!(counts(40, 40), None);
    assert_eq!(counts(2000, 2000), None);
    assert_eq!(counts(-1, 0), Some("due_count"));
    assert_eq!(counts(2000, 2001), Some("present_count"));
}

/// R80–R84: every letter of the paper, and each abnormal one with its note.
#[test]
fn every_letter_of_the_paper_is_accepted() {
    for letter in ["A", "B", "C", "D", "E", "F", "G"] {
        assert_eq!(check_with(|form| form.grade = letter), None, "{letter}");
    }
    for letter in ["A", "B", "C"] {
        assert_eq!(check_with(|form| form.interaction = letter), None);
    }
    let absent = |form: &mut Form<'_>| form.teacher_presence = "B";
    assert_eq!(check_with(absent), Some("abnormal_note"));
}

/// R83: a note has an end.
#[test]
fn notes_have_a_length() {
    let with = |abnormal: usize, attendance: usize| {
        let (abnormal, attendance) = ("注".repeat(abnormal), "注".repeat(attendance));
        let groups = ["软件2301".to_owned()];
        let form = Form {
            class_groups: &groups,
            abnormal_note: &abnormal,
            attendance_note: &attendance,
            ..WHOLE
        };
        check(&form, LESSON, NOW).err().map(|error| error.field)
    };
    assert_eq!(with(2000, 2000), None);
    assert_eq!(with(2001, 0), Some("abnormal_note"));
    assert_eq!(with(0, 2001), Some("attendance_note"));
}

/// R80–R84.
#[test]
fn each_choice_is_one_letter_of_the_official_form() {
    assert_eq!(
        check_with(|form| form.teacher_presence = ""),
        Some("teacher_presence")
    );
    assert_eq!(
        check_with(|form| form.interaction = "D"),
        Some("interaction")
    );
    assert_eq!(check_with(|form| form.conditions = "C"), Some("conditions"));
    assert_eq!(check_with(|form| form.grade = "H"), Some("grade"));
    assert_eq!(
        check_with(|form| form.conditions = "B"),
        Some("abnormal_note")
    );
    let noted = |form: &mut Form<'_>| {
        form.conditions = "B";
        form.abnormal_note = "投影不亮";
    };
    assert_eq!(check_with(noted), None);
}

/// R89, R4, R5, R8.
#[test]
fn who_reads_what() {
    let about = About {
        author: 1,
        unit: OWN,
        teacher: Some(7),
    };
    let reads = |person: u32, role: Role, unit: Option<UnitId>, agreement: Agreement| {
        readable(
            &Reader {
                person,
                roles: vec![role],
                unit,
                agreement,
                now_ms: NOW,
            },
            &about,
        )
    };
    let signed = Agreement::Signed { since_ms: 0 };
    let whole = Some(Extent::Whole);
    assert_eq!(reads(1, Role::SchoolSupervisor, None, signed), whole);
    assert_eq!(reads(2, Role::SchoolSupervisor, None, signed), whole);
    assert_eq!(
        reads(2, Role::SchoolSupervisor, None, Agreement::Unsigned),
        None
    );
    assert_eq!(
        reads(3, Role::AcademicAffairs, None, Agreement::Unsigned),
        whole
    );
    assert_eq!(reads(4, Role::UnitLeader, Some(OWN), signed), whole);
    assert_eq!(reads(4, Role::UnitLeader, Some(OTHER), signed), None);
    assert_eq!(reads(5, Role::UnitSupervisor, Some(OWN), signed), whole);
    assert_eq!(reads(5, Role::UnitSupervisor, Some(OTHER), signed), None);
    assert_eq!(reads(6, Role::Technician, Some(OWN), signed), None);
    assert_eq!(
        reads(7, Role::Teacher, Some(OWN), Agreement::Unsigned),
        Some(Extent::Feedback)
    );
    assert_eq!(reads(8, Role::Teacher, Some(OWN), signed), None);
    assert_eq!(reads(1, Role::UnitSupervisor, Some(OTHER), signed), whole);
    for role in [Role::UnitSupervisor, Role::UnitLeader] {
        assert_eq!(reads(4, role, Some(OWN), Agreement::Unsigned), None);
    }
    assert_eq!(reads(7, Role::UnitLeader, Some(OTHER), signed), None);
}

/// R8, R89, X5: an administrator reads nothing, whatever else the account is.
#[test]
fn no_administrator_reads_records() {
    let about = About {
        author: 1,
        unit: OWN,
        teacher: Some(1),
    };
    for (role, name) in Role::NAMES
        .iter()
        .filter(|(role, _)| role.is_administrator())
    {
        let reader = Reader {
            person: 1,
            roles: vec![Role::SchoolSupervisor, Role::Teacher, *role],
            unit: Some(OWN),
            agreement: Agreement::Signed { since_ms: 0 },
            now_ms: NOW,
        };
        assert_eq!(readable(&reader, &about), None, "{name}");
    }
}
