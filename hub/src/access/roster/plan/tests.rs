//! Plans: who comes, changes, moves, leaves; and what no list may do.

use super::*;
use crate::access::roster::staff_list;
use crate::sheet;

const HEAD: &str = "工号,姓名,教学单位,角色,状态\n";

fn unit(code: &str, name: &str) -> UnitRow {
    UnitRow {
        id: format!("id of {code}"),
        code: code.into(),
        name: name.into(),
    }
}

fn known(staff_number: &str, unit: Option<&str>, roles: &[Role]) -> Known {
    Known {
        row: KnownRow {
            id: format!("id of {staff_number}"),
            staff_number: staff_number.into(),
            name: "李明".into(),
            unit_id: unit.map(|code| format!("id of {code}")),
            standing: "active".into(),
            grants: 0,
        },
        roles: roles.to_vec(),
    }
}

fn gone(staff_number: &str) -> Known {
    let mut known = known(staff_number, None, &[Role::Teacher]);
    known.row.standing = "left".into();
    known
}

fn compare(lines: &str, people: Vec<Known>, whole: bool) -> Plan {
    let lines = sheet::read(format!("{HEAD}{lines}").as_bytes()).unwrap();
    let (wanted, problems) = staff_list::read(&lines);
    let list = List {
        file_hash: [0; 32],
        whole,
        wanted,
        problems,
    };
    let units = vec![unit("JD", "机电工程学院"), unit("XX", "信息工程学院")];
    let snapshot = Snapshot { people, units };
    plan(&list, &snapshot, Uuid::nil())
}

fn only(lines: &str, before: Known) -> Step {
    let mut plan = compare(lines, vec![before], false);
    assert_eq!(plan.problems, []);
    assert_eq!(plan.steps.len(), 1);
    plan.steps.remove(0)
}

fn problem(lines: &str, people: Vec<Known>) -> &'static str {
    let plan = compare(lines, people, false);
    assert_eq!(plan.steps.len(), 0);
    plan.problems[0].zh
}

/// R23, R33: each kind of change, told apart.
#[test]
fn changes_are_told_apart() {
    let teacher = || known("T1", Some("XX"), &[Role::Teacher]);
    let supervisor = || {
        let mut one = known("T1", Some("XX"), &[Role::UnitSupervisor, Role::Teacher]);
        one.row.grants = 1;
        one
    };
    assert_eq!(only("T2,王芳,XX,任课教师,\n", teacher()).kind, Kind::Add);
    let renamed = only("T1,李朋,信息工程学院,任课教师,\n", teacher());
    assert_eq!(
        (renamed.kind, renamed.name_before.as_deref()),
        (Kind::Change, Some("李明"))
    );
    let promoted = only("T1,李明,XX,任课教师、校级督导,\n", teacher());
    assert_eq!(promoted.kind, Kind::Change);
    let moved = only("T1,李明,机电工程学院,二级督导、任课教师,\n", supervisor());
    assert_eq!((moved.kind, moved.hands_back), (Kind::Transfer, true));
    let relieved = only("T1,李明,XX,任课教师,\n", supervisor());
    assert_eq!((relieved.kind, relieved.hands_back), (Kind::Transfer, true));
    let left = only("T1,李明,XX,任课教师,离职\n", supervisor());
    assert_eq!((left.kind, left.hands_back), (Kind::Leave, true));
    assert_eq!(
        only("T1,李明,XX,任课教师,\n", gone("T1")).kind,
        Kind::Return
    );
    for same in ["T1,李明,XX,任课教师,\n", "T1,李明,XX,,在岗\n"] {
        let plan = compare(same, vec![teacher()], false);
        assert_eq!((plan.steps.len(), plan.unchanged), (0, 1));
    }
    let plan = compare("T1,李明,XX,任课教师,离职\n", vec![gone("T1")], false);
    assert_eq!(
        (plan.steps.len(), plan.unchanged),
        (0, 1),
        "left once already"
    );
}

/// R16: a list neither gives nor takes a role that decides, and moves nobody who has one.
#[test]
fn a_list_does_not_touch_who_decides() {
    let leader = || known("U1", Some("XX"), &[Role::UnitLeader, Role::Teacher]);
    let same = compare("U1,李明,XX,任课教师,\n", vec![leader()], false);
    assert_eq!((same.unchanged, same.problems.len()), (1, 0));
    let renamed = only("U1,李朋,XX,任课教师,\n", leader());
    assert_eq!(renamed.roles.1, [Role::UnitLeader, Role::Teacher]);
    for line in [
        "U1,李明,JD,任课教师,\n",
        "U1,李明,XX,任课教师,离职\n",
        "U1,李明,XX,二级督导,\n",
    ] {
        assert_eq!(problem(line, vec![leader()]), DECIDES.0, "{line}");
    }
    let mut own = known("T1", Some("XX"), &[Role::Teacher]);
    own.row.id = Uuid::nil().to_string();
    assert_eq!(problem("T1,李明,JD,任课教师,\n", vec![own]), OWN.0);
}

/// What a line lacks only shows against the people and units there are.
#[test]
fn units_and_roles_must_be_known() {
    let none = Vec::new;
    assert_eq!(
        problem("T1,李明,艺术学院,任课教师,\n", none()),
        UNKNOWN_UNIT.0
    );
    assert_eq!(problem("T1,李明,,二级督导,\n", none()), NEEDS_UNIT.0);
    assert_eq!(problem("T1,李明,XX,,\n", none()), NEEDS_ROLE.0);
    assert_eq!(
        problem("T1,李明,XX,任课教师,离职\n", none()),
        NOBODY_LEAVES.0
    );
}

/// R23: who is missing in the whole staff is offered, never taken for gone; who decides is not.
#[test]
fn the_missing_are_offered_only_for_the_whole_staff() {
    let people = || {
        vec![
            known("T1", None, &[Role::Teacher]),
            known("T2", None, &[Role::Teacher]),
            known("A1", None, &[Role::AcademicAffairs]),
            gone("T3"),
        ]
    };
    let some = compare("T1,李明,,任课教师,\n", people(), false);
    assert_eq!((some.missing.len(), some.steps.len()), (0, 0));
    let whole = compare("T1,李明,,任课教师,\n", people(), true);
    let missing: Vec<_> = whole
        .missing
        .iter()
        .map(|one| &*one.row.staff_number)
        .collect();
    assert_eq!((missing, whole.steps.len()), (vec!["T2"], 0));
}

/// A confirmation is for one file and one state of the people: whatever differs has another name.
#[test]
fn the_hash_names_file_and_people() {
    let people = || vec![known("T1", None, &[Role::Teacher])];
    let line = "T2,王芳,XX,任课教师,\n";
    let first = compare(line, people(), false).hash;
    assert_eq!(first, compare(line, people(), false).hash);
    assert_ne!(first, compare(line, people(), true).hash);
    let mut renamed = people();
    renamed[0].row.name = "李朋".into();
    assert_ne!(first, compare(line, renamed, false).hash);
    let mut granted = people();
    granted[0].row.grants = 1;
    assert_ne!(first, compare(line, granted, false).hash);
    assert_ne!(first, compare(line, Vec::new(), false).hash);
}
