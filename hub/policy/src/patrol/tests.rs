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

fn check_with(change: impl Fn(&mut Form<'_>)) -> Option<&'static str> {
    let groups = ["软件2301".to_owned(), "软件2302".to_owned()];
    let mut form = Form {
        class_groups: &groups,
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
    change(&mut form);
    check(&form, LESSON, NOW).err().map(|error| error.field)
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
}
