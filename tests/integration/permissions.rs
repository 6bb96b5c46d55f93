//! The whole truth table of who may do what, printed so that people who do not program can read
//! it, and compared with `golden/permissions.txt`. `UPDATE_GOLDEN=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use uuid::Uuid;
use xunke_policy::access::{Action, Facts, Grant, Place, decide};
use xunke_policy::agreement::Agreement;
use xunke_policy::institution::Institution;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::network::Network;
use xunke_policy::preset;
use xunke_policy::purpose::Purpose;
use xunke_policy::refusal::Refusal;
use xunke_policy::sanction::Standing;

const OWN: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const NOW_MS: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 86_400_000;

const AGREEMENTS: [(&str, Agreement); 3] = [
    ("已签 signed", Agreement::Signed { since_ms: 0 }),
    ("未签 unsigned", Agreement::Unsigned),
    ("已终止 ended", Agreement::Ended),
];

const LEVELS: [(&str, Option<u8>); 4] = [
    ("一级 1", Some(1)),
    ("二级 2", Some(2)),
    ("三级 3", Some(3)),
    ("无 none", None),
];

static SCHOOL: LazyLock<Institution> =
    LazyLock::new(|| preset::parse(preset::POLYTECHNIC).expect("a good preset"));

type Change = fn(&mut Facts<'static>);

/// What may be wrong with an account or the way it comes, and what that changes.
fn circumstances() -> Vec<(&'static str, Change)> {
    vec![
        ("在岗，校内网络 in office, on campus", |_| {}),
        ("校外网络 off campus", |facts| {
            facts.network = Network::Outside;
        }),
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
    static OTHER_PURPOSE: LazyLock<Purpose> = LazyLock::new(|| Purpose::Other("抽查".into()));
    static NO_REASON: LazyLock<Purpose> = LazyLock::new(|| Purpose::Other(" 查 ".into()));
    let live = |unit, purpose| Action::ViewLive {
        place: Place::of(unit),
        purpose,
    };
    let play = |unit, purpose| Action::Playback {
        place: Place::of(unit),
        kept_until_ms: NOW_MS + 1,
        purpose,
    };
    let file = |unit| Action::FileRecord {
        place: Place::of(unit),
    };
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
        ("填表·本单位 file own unit", file(OWN)),
        ("填表·其他单位 file other unit", file(OTHER)),
        ("记录列表 records", Action::ReadRecords),
        ("设备 devices", Action::SeeDevices),
        ("审计 trail", Action::ReadTrail),
    ]
}

fn facts(role: Role, level: Option<u8>, agreement: Agreement) -> Facts<'static> {
    Facts {
        institution: &SCHOOL,
        roles: vec![role],
        standing: Standing::Active,
        agreement,
        grant: level.map(|level| Grant {
            level,
            unit: (level == 2).then_some(OWN),
            minors: false,
            from_ms: 0,
            until_ms: None,
        }),
        password_changed_ms: NOW_MS,
        network: Network::Campus,
        now_ms: NOW_MS,
    }
}

/// One letter for each action: `+` is yes, anything else a refusal of the key.
fn row(facts: &Facts<'_>, key: &BTreeMap<&str, char>) -> String {
    actions()
        .into_iter()
        .map(|(_, action)| match decide(facts, action) {
            Ok(()) => " +".to_owned(),
            Err(refusal) => format!(" {}", key[refusal.code]),
        })
        .collect()
}

fn table() -> String {
    let used = refusals_used();
    let key: BTreeMap<_, _> = used.iter().map(|r| r.code).zip('A'..='Z').collect();
    let mut text = "权限真值表 · who may do what\n\n列 columns\n".to_owned();
    for (number, (name, _)) in actions().iter().enumerate() {
        text += &format!("  {:2}  {name}\n", number + 1);
    }
    text += "\n格 cells\n  +  允许 yes\n";
    for refusal in used {
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

/// The refusals that the table knows, in the order of the policy.
fn refusals_used() -> Vec<&'static Refusal> {
    let mut codes = BTreeSet::new();
    for (_, change) in circumstances() {
        for facts in everybody() {
            let mut facts = facts.1;
            change(&mut facts);
            let answers = actions()
                .into_iter()
                .map(|(_, action)| decide(&facts, action));
            codes.extend(answers.filter_map(|answer| answer.err().map(|refusal| refusal.code)));
        }
    }
    let all = Refusal::ALL.iter();
    all.filter(|refusal| codes.contains(refusal.code)).collect()
}

/// Every role with every level and agreement.
fn everybody() -> Vec<(String, Facts<'static>)> {
    let mut people = vec![];
    for (role, name) in Role::NAMES {
        for (level_name, level) in LEVELS {
            for (agreement_name, agreement) in AGREEMENTS {
                let who = format!("{name} | {level_name} | {agreement_name}");
                people.push((who, facts(role, level, agreement)));
            }
        }
    }
    people
}

/// Rows of one circumstance; a single one when role, level and agreement change nothing.
fn section(change: Change, key: &BTreeMap<&str, char>) -> String {
    let mut rows = vec![];
    for (who, mut facts) in everybody() {
        change(&mut facts);
        rows.push((who, row(&facts, key)));
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
