//! Lists: every problem by line and column.

use super::*;
use crate::sheet;

fn list(text: &str) -> (Vec<Wanted>, Vec<Problem>) {
    read(&sheet::read(text.as_bytes()).unwrap())
}

fn problems(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let found = list(text).1.into_iter();
    found.map(|one| (one.line, one.column, one.zh)).collect()
}

/// R27, R33: the template itself is a good list.
#[test]
fn the_template_is_a_list() {
    let (wanted, problems) = list(TEMPLATE);
    assert_eq!(problems, []);
    let both = vec![Role::UnitSupervisor, Role::Teacher];
    assert_eq!(wanted[1].roles, Some(both));
    assert_eq!(wanted[1].unit.as_deref(), Some("信息工程学院"));
    assert_eq!((wanted[1].left, wanted[2].left), (false, true));
}

/// Columns in any order, in English, with stars; a missing one is named.
#[test]
fn columns_go_by_their_names() {
    let (wanted, _) = list("Roles,Unit,*姓名,staff_number\nteacher,XX,李明,T1\n");
    assert_eq!((&*wanted[0].staff_number, &*wanted[0].name), ("T1", "李明"));
    assert_eq!(
        problems("工号,姓名\nT1,李明\n"),
        [(1, "教学单位", NO_COLUMN.0), (1, "角色", NO_COLUMN.0)]
    );
    assert_eq!(problems("\n"), [(1, "工号", EMPTY_FILE.0)]);
}

/// Every problem of every line, where it is and why.
#[test]
fn each_line_says_what_is_wrong_with_it() {
    let file = "工号,姓名,教学单位,角色,状态\n\
        T1,李明,,任课教师,\n\
        T1,王芳,,任课教师,\n\
        ,韩雪,,任课教师,\n\
        T 2,郭涛,,任课教师,\n\
        T3,,,安全管理员,\n\
        T4,=cmd(),,任课教师,\n\
        T5,罗斌,,任课教师,休假\n\
        T6,梁艳,,校长、任课教师,\n";
    let expected = [
        (3, "工号", TWICE.0),
        (4, "工号", BLANK.0),
        (5, "工号", BAD_STAFF_NUMBER.0),
        (6, "姓名", BLANK.0),
        (6, "角色", BAD_ROLE.0),
        (7, "姓名", BAD_NAME.0),
        (8, "状态", BAD_STANDING.0),
        (9, "角色", BAD_ROLE.0),
    ];
    assert_eq!(problems(file), expected);
    let (wanted, found) = list(file);
    assert_eq!(wanted.len(), 1);
    assert_eq!(found[4].found, "安全管理员");
}

/// Nothing longer than it may be.
#[test]
fn long_names_and_numbers_are_refused() {
    let file = format!(
        "工号,姓名,教学单位,角色\n{},李明,,任课教师\nT2,{},,任课教师\n",
        "T".repeat(33),
        "明".repeat(41)
    );
    let expected = [(2, "工号", BAD_STAFF_NUMBER.0), (3, "姓名", BAD_NAME.0)];
    assert_eq!(problems(&file), expected);
}
