//! The truth table as a text for people who do not program: `tests/golden/truth.txt`.
//! `UPDATE_GOLDEN=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/truth.txt");
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

type Named<T> = (&'static str, T);

const LEVELS: [Named<Option<u8>>; 5] = [
    ("一级 level 1", Some(1)),
    ("二级 level 2", Some(2)),
    ("三级 level 3", Some(3)),
    ("制度中没有的级别 unknown level", Some(9)),
    ("未开通 no grant", None),
];
const AGREEMENTS: [Named<Agreement>; 5] = [
    ("已签 signed", Agreement::Signed { since_ms: 0 }),
    ("旧版，宽限期内 old, in grace", old(NOW + 1)),
    ("旧版，宽限已过 old, grace over", old(NOW)),
    ("已终止 ended", Agreement::Ended),
    ("未签 unsigned", Agreement::Unsigned),
];
const STANDINGS: [Named<Standing>; 4] = [
    ("在岗 in office", Standing::Active),
    ("暂停 suspended", Standing::Suspended { until_ms: None }),
    ("永久取消 cancelled", Standing::Cancelled),
    ("离职或调岗 left", Standing::Left),
];
const PASSWORDS: [Named<i64>; 2] = [
    ("密码有效 password valid", NOW),
    ("密码过期 password expired", NOW - 90 * DAY_MS),
];
const NETWORKS: [Named<Network>; 3] = [
    ("校内加密网络 campus, encrypted", Network::Campus),
    ("校外 off campus", Network::Outside),
    ("未加密 not encrypted", Network::Plain),
];

const fn old(grace_until_ms: i64) -> Agreement {
    Agreement::Superseded {
        since_ms: 0,
        grace_until_ms,
    }
}

/// Columns of part one: action × same unit × purpose × age of the recording.
fn views() -> Vec<(String, Action<'static>)> {
    let mut columns = vec![];
    let units = [("本单位 own unit", OWN), ("其他单位 other unit", OTHER)];
    let purposes = [
        ("有事由 purpose", &Purpose::Plan),
        ("无事由 none", &Purpose::Missing),
    ];
    let ages = [("保存期内 kept", NOW + 1), ("已过保存期 past", NOW)];
    for (unit, owner) in units {
        for (why, purpose) in purposes {
            let place = Place::of(owner);
            let name = format!("实时 live · {unit} · {why}");
            columns.push((name, Action::ViewLive { place, purpose }));
        }
    }
    for (unit, owner) in units {
        for (why, purpose) in purposes {
            for (age, kept_until_ms) in ages {
                let name = format!("回放 playback · {unit} · {why} · {age}");
                let action = Action::Playback {
                    place: Place::of(owner),
                    kept_until_ms,
                    purpose,
                };
                columns.push((name, action));
            }
        }
    }
    for (unit, owner) in units {
        let place = Place::of(owner);
        let name = format!("填写记录表 file a record · {unit}");
        columns.push((name, Action::FileRecord { place }));
    }
    columns.push(("修改密码 change password".into(), Action::ChangePassword));
    columns
}

/// Columns of part two: what is no class content.
fn offices() -> Vec<(String, Action<'static>)> {
    let columns = [
        ("递交权限申请 file applications", Action::FileApplications),
        ("开通权限 open permissions", Action::OpenPermissions),
        ("权限台账 ledger", Action::ReadLedger),
        ("申请附件 papers", Action::ReadPapers),
        ("违规处理 sanctions", Action::FileSanctions),
        ("精品提名 propose premium", Action::ProposePremium),
        ("录像保存 keep recordings", Action::KeepRecordings),
        ("课表 keep the timetable", Action::KeepTimetable),
        ("账号管理 accounts", Action::ManageAccounts),
        ("设备与故障 devices", Action::SeeDevices),
        ("录像完整率 completeness", Action::SeeCompleteness),
        ("读审计 read the trail", Action::ReadTrail),
        ("检查审计 inspect the trail", Action::InspectTrail),
        ("巡课记录 records", Action::ReadRecords),
        ("签协议 sign", Action::SignAgreement),
        ("教室列表 rooms", Action::SeeRooms),
        ("录像列表 recordings", Action::SeeRecordings),
    ];
    columns
        .map(|(name, action)| (name.to_owned(), action))
        .to_vec()
}

/// Columns of part three: a class that is special.
fn special(tie: Tie, minors: bool) -> Vec<(String, Action<'static>)> {
    let place = |owner| Place {
        tie,
        minors,
        ..Place::of(owner)
    };
    let columns = [
        ("实时·本单位 live, own unit", live(place(OWN))),
        ("实时·其他单位 live, other unit", live(place(OTHER))),
        ("回放·本单位 playback, own unit", play(place(OWN))),
        (
            "填写记录表·本单位 record, own unit",
            Action::FileRecord { place: place(OWN) },
        ),
    ];
    columns
        .map(|(name, action)| (name.to_owned(), action))
        .to_vec()
}

/// One row: who or what, and the answer to each column.
struct Row {
    who: String,
    answers: Vec<Result<(), Refusal>>,
}

impl Row {
    fn new(who: String, facts: &Facts<'_>, columns: &[(String, Action<'_>)]) -> Self {
        let answers = columns.iter().map(|(_, action)| decide(facts, *action));
        Self {
            who,
            answers: answers.collect(),
        }
    }

    /// Cells, who, and the article of each letter in the row.
    fn line(&self, key: &BTreeMap<&str, char>) -> String {
        let letter = |answer: &Result<(), Refusal>| answer.map_or_else(|r| key[r.code], |()| '+');
        let cells: Vec<_> = self.answers.iter().map(|a| letter(a).to_string()).collect();
        let refusals = self.answers.iter().filter_map(|answer| answer.err());
        let articles: BTreeSet<_> = refusals
            .map(|refusal| format!("{} {}", key[refusal.code], refusal.article))
            .collect();
        let articles: Vec<_> = articles.into_iter().collect();
        format!(
            "  {}  {}  {}\n",
            cells.join(" "),
            self.who,
            articles.join("，")
        )
        .replace("  \n", "\n")
    }
}

struct Section {
    title: String,
    rows: Vec<Row>,
}

/// Part one: level × agreement × account × password × network, each a row.
fn viewing_sections() -> Vec<Section> {
    let columns = views();
    let mut sections = vec![];
    for (standing_name, standing) in STANDINGS {
        for (password_name, password_changed_ms) in PASSWORDS {
            for (network_name, network) in NETWORKS {
                let mut rows = vec![];
                for (level_name, level) in LEVELS {
                    for (agreement_name, agreement) in AGREEMENTS {
                        let facts = Facts {
                            standing,
                            agreement,
                            password_changed_ms,
                            network,
                            ..person(Role::UnitSupervisor, level)
                        };
                        let who = format!("{level_name} | {agreement_name}");
                        rows.push(Row::new(who, &facts, &columns));
                    }
                }
                let title = format!("{standing_name} · {password_name} · {network_name}");
                sections.push(Section { title, rows });
            }
        }
    }
    sections
}

fn title(role: Role) -> &'static str {
    match role {
        Role::SchoolSupervisor => "校级教学督导",
        Role::UnitSupervisor => "二级教学督导",
        Role::Technician => "系统管理员（技术人员）",
        Role::SecurityAdministrator => "安全管理员",
        Role::AuditAdministrator => "审计管理员",
        Role::AcademicAffairs => "教务处",
        Role::UnitLeader => "二级单位负责人",
        Role::Teacher => "任课教师",
    }
}

fn office_section() -> Section {
    let mut rows = vec![];
    let roles = Role::NAMES.map(|(role, name)| (format!("{} {name}", title(role)), Some(role)));
    let nobody = ("无角色 no role".to_owned(), None);
    for (name, role) in roles.into_iter().chain([nobody]) {
        for (agreement_name, agreement) in [AGREEMENTS[0], AGREEMENTS[4]] {
            let facts = Facts {
                roles: role.into_iter().collect(),
                agreement,
                ..person(Role::Teacher, None)
            };
            let who = format!("{name} | {agreement_name}");
            rows.push(Row::new(who, &facts, &offices()));
        }
    }
    let title = "在岗 · 密码有效 · 校内加密网络 · 未开通查看权限 no viewing grant".into();
    Section { title, rows }
}

fn special_section() -> Section {
    let ties = [
        ("与本人无关 no tie", Tie::None),
        ("本人的课 own lesson", Tie::OwnLesson),
        ("本单位负责人的课 head of own unit", Tie::OwnHead),
    ];
    let ages = [
        ("无未成年人 no minors", false, false),
        ("有未成年人，已审批 minors, approved", true, true),
        ("有未成年人，未审批 minors, not approved", true, false),
    ];
    let mut rows = vec![];
    for (level_name, level) in &LEVELS[..2] {
        for (tie_name, tie) in ties {
            for (minors_name, minors, approved) in ages {
                let mut facts = person(Role::SchoolSupervisor, *level);
                facts.grant = facts.grant.map(|grant| Grant {
                    minors: approved,
                    ..grant
                });
                let who = format!("{level_name} | {tie_name} | {minors_name}");
                rows.push(Row::new(who, &facts, &special(tie, minors)));
            }
        }
    }
    let title = "回避与未成年人 · 在岗 · 已签 standing aside, and minors".into();
    Section { title, rows }
}

fn table() -> String {
    let parts = [
        ("一、查看课堂 viewing classes", views(), viewing_sections()),
        (
            "二、各部门职能 what the offices do",
            offices(),
            vec![office_section()],
        ),
        (
            "三、特殊课堂 special classes",
            special(Tie::None, false),
            vec![special_section()],
        ),
    ];
    let rows = || {
        parts
            .iter()
            .flat_map(|(_, _, sections)| sections)
            .flat_map(|s| &s.rows)
    };
    let used: BTreeSet<_> = rows()
        .flat_map(|row| &row.answers)
        .filter_map(|answer| answer.err().map(|refusal| refusal.code))
        .collect();
    let refusals: Vec<_> = Refusal::ALL
        .iter()
        .filter(|r| used.contains(r.code))
        .collect();
    let key: BTreeMap<_, _> = refusals.iter().map(|r| r.code).zip('A'..='Z').collect();
    let answers: usize = rows().map(|row| row.answers.len()).sum();
    let yes = rows()
        .flat_map(|row| &row.answers)
        .filter(|answer| answer.is_ok())
        .count();
    let mut text = format!(
        "权限判断总表 · the whole decision, row by row\n\n\
         共 {} 行、{answers} 个判断，其中允许 {yes} 个。没有写明允许的，一律拒绝。\n\
         每行：各列的回答、什么情形、所用字母对应的条款。\n\n\
         格 cells\n  +  允许 yes\n",
        rows().count(),
    );
    for refusal in refusals {
        let Refusal {
            article,
            quote,
            zh,
            en,
            code,
        } = refusal;
        text += &format!("  {}  {zh}（{article}）“{quote}” {en}\n", key[code]);
    }
    for (title, columns, sections) in &parts {
        text += &format!("\n\n{title}\n\n列 columns\n");
        for (number, (name, _)) in columns.iter().enumerate() {
            text += &format!("  {:2}  {name}\n", number + 1);
        }
        for Section { title, rows } in sections {
            text += &format!("\n{title}\n");
            text.extend(rows.iter().map(|row| row.line(&key)));
        }
    }
    text
}

/// R1, R2, R6–R8, R17–R22, R25, R30, R31, R34, R39, R40, R43, R53, R55–R58, R67, R89, X5, X29.
#[test]
fn the_truth_table_is_the_one_academic_affairs_has_read() {
    let rows: usize = viewing_sections()
        .iter()
        .map(|section| section.rows.len())
        .sum();
    assert_eq!(rows, 600);
    let now = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for (line, (was, is)) in agreed.lines().zip(now.lines()).enumerate() {
        assert_eq!(
            is,
            was,
            "line {}: if this is meant, UPDATE_GOLDEN=1",
            line + 1
        );
    }
    assert_eq!(now.len(), agreed.len(), "if this is meant, UPDATE_GOLDEN=1");
}
