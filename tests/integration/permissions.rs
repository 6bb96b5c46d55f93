//! The whole truth table of who may do what, printed so that people who do not program can read
//! it, and compared with `golden/permissions.txt`. `UPDATE_GOLDEN=1` writes it anew.

use std::collections::BTreeMap;

use uuid::Uuid;
use xunke_policy::access::{Action, Facts, Grant, Purpose, Standing, decide};
use xunke_policy::agreement::Agreement;
use xunke_policy::level::{Level, Role, UnitId};
use xunke_policy::refusal::Refusal;

const OWN: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const NOW_MS: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 86_400_000;

const AGREEMENTS: [(&str, Agreement); 3] = [
    ("已签 signed", Agreement::Signed { since_ms: 0 }),
    ("未签 unsigned", Agreement::Unsigned),
    ("已终止 ended", Agreement::Ended),
];

const LEVELS: [(&str, Option<Level>); 4] = [
    ("一级 1", Some(Level::One)),
    ("二级 2", Some(Level::Two(OWN))),
    ("三级 3", Some(Level::Three)),
    ("无 none", None),
];

type Change = fn(&mut Facts);

/// What may be wrong with an account or the way it comes, and what that changes.
fn circumstances() -> Vec<(&'static str, Change)> {
    vec![
        ("在岗，校内网络 in office, on campus", |_| {}),
        ("校外网络 off campus", |facts| facts.on_campus = false),
        ("权限暂停 suspended", |facts| {
            facts.standing = Standing::Suspended { until_ms: None };
        }),
        ("暂停期满 suspension over", |facts| {
            facts.standing = Standing::Suspended {
                until_ms: Some(NOW_MS),
            };
        }),
        ("永久取消 cancelled", |facts| {
            facts.standing = Standing::Cancelled
        }),
        ("离职或调岗 left", |facts| {
            facts.standing = Standing::Left
        }),
        ("密码过期 password expired", |facts| {
            facts.password_changed_ms = NOW_MS - 91 * DAY_MS;
        }),
    ]
}

/// The columns.
fn actions() -> Vec<(&'static str, Action<'static>)> {
    static OTHER_PURPOSE: std::sync::LazyLock<Purpose> =
        std::sync::LazyLock::new(|| Purpose::Other("抽查".into()));
    static NO_REASON: std::sync::LazyLock<Purpose> =
        std::sync::LazyLock::new(|| Purpose::Other(" 查 ".into()));
    let live = |unit, purpose| Action::ViewLive { unit, purpose };
    let play = |unit, purpose| Action::Playback { unit, purpose };
    vec![
        ("实时列表 rooms", Action::SeeRooms),
        ("实时·本单位 live own unit", live(OWN, &Purpose::Plan)),
        ("实时·其他单位 live other unit", live(OTHER, &Purpose::Plan)),
        (
            "实时·复查 live, re-inspection",
            live(OWN, &Purpose::Reinspection),
        ),
        (
            "实时·其他事由 live, other reason",
            live(OWN, &OTHER_PURPOSE),
        ),
        (
            "实时·事由不足 live, reason too short",
            live(OWN, &NO_REASON),
        ),
        ("实时·无事由 live, no purpose", live(OWN, &Purpose::Missing)),
        ("录像列表 recordings", Action::SeeRecordings),
        ("回放·本单位 playback own unit", play(OWN, &Purpose::Issue)),
        (
            "回放·其他单位 playback other unit",
            play(OTHER, &Purpose::Issue),
        ),
        (
            "回放·无事由 playback, no purpose",
            play(OWN, &Purpose::Missing),
        ),
        (
            "填表·本单位 file own unit",
            Action::FileRecord { unit: OWN },
        ),
        (
            "填表·其他单位 file other unit",
            Action::FileRecord { unit: OTHER },
        ),
        ("记录列表 records", Action::ReadRecords),
        ("设备 devices", Action::SeeDevices),
        ("审计 trail", Action::ReadTrail),
    ]
}

fn facts(role: Role, level: Option<Level>, agreement: Agreement) -> Facts {
    Facts {
        roles: vec![role],
        standing: Standing::Active,
        agreement,
        grant: level.map(|level| Grant {
            level,
            from_ms: 0,
            until_ms: None,
        }),
        password_changed_ms: NOW_MS,
        password_days_max: 90,
        on_campus: true,
        now_ms: NOW_MS,
    }
}

/// One letter for each action: `+` is yes, anything else a refusal of the key.
fn row(facts: &Facts, key: &BTreeMap<&str, char>) -> String {
    actions()
        .into_iter()
        .map(|(_, action)| match decide(facts, action) {
            Ok(()) => " +".to_owned(),
            Err(refusal) => format!(" {}", key[refusal.code]),
        })
        .collect()
}

fn table() -> String {
    let key: BTreeMap<_, _> = Refusal::ALL.iter().map(|r| r.code).zip('A'..='Z').collect();
    let mut text = "权限真值表 · who may do what\n\n列 columns\n".to_owned();
    for (number, (name, _)) in actions().iter().enumerate() {
        text += &format!("  {:2}  {name}\n", number + 1);
    }
    text += "\n格 cells\n  +  允许 yes\n";
    for refusal in &Refusal::ALL {
        let letter = key[refusal.code];
        text += &format!(
            "  {letter}  {}（{}）“{}”\n",
            refusal.zh, refusal.article, refusal.quote
        );
    }
    for (circumstance, change) in circumstances() {
        text += &format!("\n{circumstance}\n");
        text += &section(change, &key);
    }
    text
}

/// Rows of one circumstance; a single one when role, level and agreement change nothing.
fn section(change: Change, key: &BTreeMap<&str, char>) -> String {
    let mut rows = vec![];
    for (role, name) in Role::NAMES {
        for (level_name, level) in LEVELS {
            for (agreement_name, agreement) in AGREEMENTS {
                let mut facts = facts(role, level, agreement);
                change(&mut facts);
                let who = format!("{name} | {level_name} | {agreement_name}");
                rows.push((who, row(&facts, key)));
            }
        }
    }
    let same = rows.iter().all(|(_, cells)| *cells == rows[0].1);
    if same {
        return format!(" {}  任何角色、级别、协议 whoever it is\n", rows[0].1);
    }
    rows.into_iter()
        .map(|(who, cells)| format!(" {cells}  {who}\n"))
        .collect()
}

/// R6, R7, R8, R18–R21, R25, R30, R31, R34, R43, R55–R58, R64, R67, R85, R89.
#[test]
fn the_truth_table_is_the_one_academic_affairs_has_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/permissions.txt");
    let now = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    for (line, (was, is)) in agreed.lines().zip(now.lines()).enumerate() {
        assert_eq!(
            is,
            was,
            "line {}: if this is meant, UPDATE_GOLDEN=1",
            line + 1
        );
    }
    assert_eq!(
        now.lines().count(),
        agreed.lines().count(),
        "if this is meant, UPDATE_GOLDEN=1"
    );
}

/// R8, R58: whatever a maintainer was granted or has signed, class content stays closed.
#[test]
fn no_maintainer_reaches_content_in_any_circumstance() {
    let maintainers = [
        Role::Technician,
        Role::SecurityAdministrator,
        Role::AuditAdministrator,
    ];
    for role in maintainers {
        for (_, level) in LEVELS {
            for (_, agreement) in AGREEMENTS {
                for (name, action) in &actions()[..13] {
                    let decision = decide(&facts(role, level, agreement), *action);
                    assert!(decision.is_err(), "{} {level:?}: {name}", role.name());
                }
            }
        }
    }
}
