//! The decision, case by case and as one readable table.

use uuid::Uuid;

use super::*;

const OWN: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const NOW: i64 = 1_800_000_000_000;

fn person(role: Role, level: Option<Level>) -> Facts {
    Facts {
        roles: vec![role],
        standing: Standing::Active,
        agreement: Agreement::Signed { since_ms: 0 },
        grant: level.map(|level| Grant {
            level,
            from_ms: 0,
            until_ms: None,
        }),
        password_changed_ms: NOW,
        password_days_max: 90,
        on_campus: true,
        now_ms: NOW,
    }
}

fn school() -> Facts {
    person(Role::SchoolSupervisor, Some(Level::One))
}

fn view(unit: UnitId) -> Action<'static> {
    Action::ViewLive {
        unit,
        purpose: &Purpose::Plan,
    }
}

/// Everybody of the demo college, as a row of the table.
fn people() -> Vec<(&'static str, Facts)> {
    vec![
        ("school supervisor", school()),
        (
            "unit supervisor",
            person(Role::UnitSupervisor, Some(Level::Two(OWN))),
        ),
        (
            "unsigned supervisor",
            Facts {
                agreement: Agreement::Unsigned,
                ..school()
            },
        ),
        ("suspended supervisor", {
            Facts {
                standing: Standing::Suspended { until_ms: None },
                ..school()
            }
        }),
        (
            "cancelled supervisor",
            Facts {
                standing: Standing::Cancelled,
                ..school()
            },
        ),
        (
            "departed supervisor",
            Facts {
                standing: Standing::Left,
                ..school()
            },
        ),
        (
            "off campus",
            Facts {
                on_campus: false,
                ..school()
            },
        ),
        (
            "old password",
            Facts {
                password_changed_ms: 0,
                ..school()
            },
        ),
        (
            "no grant",
            Facts {
                grant: None,
                ..school()
            },
        ),
        ("technician", person(Role::Technician, Some(Level::Three))),
        (
            "technician with level 1",
            person(Role::Technician, Some(Level::One)),
        ),
        (
            "security administrator",
            person(Role::SecurityAdministrator, None),
        ),
        (
            "audit administrator",
            person(Role::AuditAdministrator, None),
        ),
        ("academic affairs", person(Role::AcademicAffairs, None)),
        ("unit leader", person(Role::UnitLeader, None)),
        ("teacher", person(Role::Teacher, None)),
        (
            "nobody in particular",
            Facts {
                roles: vec![],
                ..person(Role::Teacher, None)
            },
        ),
    ]
}

const ACTIONS: [(&str, Action<'static>); 9] = [
    ("rooms", Action::SeeRooms),
    (
        "live own",
        Action::ViewLive {
            unit: OWN,
            purpose: &Purpose::Plan,
        },
    ),
    (
        "live other",
        Action::ViewLive {
            unit: OTHER,
            purpose: &Purpose::Plan,
        },
    ),
    (
        "play own",
        Action::Playback {
            unit: OWN,
            purpose: &Purpose::Issue,
        },
    ),
    (
        "play other",
        Action::Playback {
            unit: OTHER,
            purpose: &Purpose::Issue,
        },
    ),
    ("file own", Action::FileRecord { unit: OWN }),
    ("records", Action::ReadRecords),
    ("devices", Action::SeeDevices),
    ("trail", Action::ReadTrail),
];

/// R4–R8, R19–R22, R25, R30, R31, R57, R58, R89, X5: who may do what, word for word.
#[test]
fn the_table() {
    let mut table = String::new();
    for (name, facts) in people() {
        for (what, action) in ACTIONS {
            let answer = match decide(&facts, action) {
                Ok(()) => "yes".to_owned(),
                Err(refusal) => format!("{} {}", refusal.article, refusal.code),
            };
            table.push_str(&format!("{name} | {what} | {answer}\n"));
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/table.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &table).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap();
    for (line, (is, should)) in table.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, should, "line {} of {golden}", line + 1);
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}

/// R43: every view states its purpose; “other” says which.
#[test]
fn a_view_without_a_purpose_is_refused() {
    let with = |purpose: &Purpose| decide(&school(), Action::ViewLive { unit: OWN, purpose });
    assert_eq!(with(&Purpose::Reinspection), Ok(()));
    assert_eq!(with(&Purpose::Other("评估".into())), Ok(()));
    assert_eq!(with(&Purpose::Missing), Err(Refusal::PURPOSE_MISSING));
    assert_eq!(
        with(&Purpose::Other(" 评 ".into())),
        Err(Refusal::PURPOSE_MISSING)
    );
}

/// R25: a suspension with an end ends; R18: a grant is inert before and after its time.
#[test]
fn time_is_part_of_the_decision() {
    let suspended = |until_ms| Facts {
        standing: Standing::Suspended {
            until_ms: Some(until_ms),
        },
        ..school()
    };
    assert_eq!(decide(&suspended(NOW), view(OWN)), Ok(()));
    assert_eq!(
        decide(&suspended(NOW + 1), view(OWN)),
        Err(Refusal::SUSPENDED)
    );
    let granted = |from_ms, until_ms| Facts {
        grant: Some(Grant {
            level: Level::One,
            from_ms,
            until_ms,
        }),
        ..school()
    };
    assert_eq!(decide(&granted(NOW, Some(NOW + 1)), view(OWN)), Ok(()));
    assert_eq!(
        decide(&granted(NOW + 1, None), view(OWN)),
        Err(Refusal::NO_GRANT)
    );
    assert_eq!(
        decide(&granted(0, Some(NOW)), view(OWN)),
        Err(Refusal::NO_GRANT)
    );
}

/// R20: over every combination, content is allowed exactly when all conditions hold.
#[test]
fn content_is_allowed_only_when_everything_holds() {
    let mut allowed = 0;
    for bits in 0_u32..32 {
        let bit = |n: u32| bits & (1 << n) != 0;
        for level in [Level::One, Level::Two(OWN), Level::Three] {
            for unit in [OWN, OTHER] {
                let facts = Facts {
                    standing: if bit(0) {
                        Standing::Active
                    } else {
                        Standing::Left
                    },
                    agreement: if bit(1) {
                        school().agreement
                    } else {
                        Agreement::Ended
                    },
                    on_campus: bit(2),
                    password_changed_ms: if bit(3) { NOW } else { 0 },
                    ..person(Role::UnitSupervisor, bit(4).then_some(level))
                };
                let may = decide(&facts, view(unit)).is_ok();
                let reaches = match level {
                    Level::One => true,
                    Level::Two(_) => unit == OWN,
                    Level::Three => false,
                };
                assert_eq!(may, bits == 31 && reaches, "{facts:?} {unit:?}");
                allowed += u32::from(may);
            }
        }
    }
    assert_eq!(allowed, 3);
}
