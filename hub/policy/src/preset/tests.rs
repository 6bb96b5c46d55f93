//! Presets: the two that come with the program, and what a wrong one is told.

use super::*;
use crate::institution::{InspectionRules, ReviewRules, RiskLimits};
use crate::level::Reach;
use crate::regulation;

fn embedded() -> [Institution; 2] {
    [POLYTECHNIC, INSTITUTE_OF_EDUCATION].map(|text| parse(text).unwrap())
}

/// R1–R5, R10–R12: departments and duties of both regulations, word for word.
#[test]
fn both_presets_load_and_quote_their_regulation() {
    for institution in embedded() {
        let duties = institution.departments.iter().flat_map(|department| {
            let duties = department.duties.iter();
            duties.map(|duty| (&duty.article, &duty.quote))
        });
        let levels = institution.levels.iter();
        let levels = levels.map(|level| (&level.article, &level.quote));
        for (article, quote) in duties.chain(levels) {
            let words = regulation::article(article).unwrap_or_default();
            assert!(words.contains(quote.as_str()), "{article}: {quote}");
        }
    }
}

/// R1, R2, R6–R8, R16: the same functions lie with different departments.
#[test]
fn each_institution_has_its_own_departments() {
    let [polytechnic, institute] = embedded();
    let names = |institution: &Institution| -> Vec<_> {
        let departments = institution.departments.iter();
        departments
            .map(|department| department.name.clone())
            .collect()
    };
    assert_eq!(
        names(&polytechnic),
        [
            "教务处",
            "信息中心",
            "教学督导组",
            "二级教学单位",
            "任课教师"
        ]
    );
    assert_eq!(
        names(&institute)[1..3],
        ["教师网络研修中心", "互联网信息办公室"]
    );
    assert!(polytechnic.allows(&[Role::UnitSupervisor], Function::FileRecords));
    assert!(!institute.allows(&[Role::UnitSupervisor], Function::FileRecords));
    assert!(polytechnic.allows(&[Role::AcademicAffairs], Function::FileApplications));
    assert!(!polytechnic.allows(&[Role::AcademicAffairs], Function::OpenPermissions));
    assert!(!polytechnic.allows(&[], Function::FileRecords));
    let reach = |number| polytechnic.level(number).map(|level| level.reach);
    assert_eq!(reach(1), Some(Reach::EveryRoom));
    assert_eq!(reach(2), Some(Reach::OwnUnit));
    assert_eq!(reach(3), Some(Reach::NoContent));
    assert_eq!((reach(0), reach(4)), (None, None));
}

/// Both start with the same defaults, and each default is written in its file.
#[test]
fn defaults_are_those_of_the_program() {
    for institution in embedded() {
        assert_eq!(
            institution.rules.password,
            crate::password::Rules::default()
        );
        assert_eq!(
            institution.rules.agreement,
            crate::agreement::Rules::default()
        );
        assert_eq!(institution.rules.inspection, InspectionRules::default());
        assert_eq!(institution.rules.risk, RiskLimits::default());
        assert_eq!(institution.rules.review, ReviewRules::default());
        assert_eq!(institution.rules.recording_months, 6);
        assert!(!institution.rules.course_scope);
    }
}

fn refused(from: &str, to: &str) -> Error {
    assert!(POLYTECHNIC.contains(from), "{from}");
    parse(&POLYTECHNIC.replacen(from, to, 1)).unwrap_err()
}

/// The line in the file and the field, for each kind of mistake.
#[test]
fn a_mistake_is_named_with_its_line_and_field() {
    let line_of = |text: &str| {
        let found = POLYTECHNIC.lines().position(|line| line == text);
        found.unwrap() + 1
    };
    let check = |from: &str, to: &str, line: usize, field: &str| {
        let error = refused(from, to);
        assert_eq!((error.line, error.field.as_str()), (line, field), "{error}");
        assert!(
            error.zh.ends_with('。') && error.en.ends_with('.'),
            "{error}"
        );
    };
    check(
        "number = 1",
        "number = \"一\"",
        line_of("number = 1"),
        "number",
    );
    check("number = 1", "number = 0", line_of("number = 1"), "number");
    check(
        "number = 1",
        "number = 300",
        line_of("number = 1"),
        "number",
    );
    check("number = 2", "number = 1", line_of("number = 2"), "number");
    let reach = line_of("reach = \"own_unit\"");
    check("\"own_unit\"", "\"campus\"", reach, "reach");
    let code = line_of("code = \"xxzx\"");
    check("\"xxzx\"", "\"jwc\"", code, "code");
    check("\"xxzx\"", "\" \"", code, "code");
    let name = line_of("name = \"信息中心\"");
    check(
        "name = \"信息中心\"\n",
        "title = \"信息中心\"\n",
        name,
        "title",
    );
    let table = line_of("holder = \"技术人员\"") - 3;
    check("holder = \"技术人员\"\n", "", table, "holder");
    let by = line_of("by = [\"audit_administrator\"]");
    check("\"audit_administrator\"", "\"auditor\"", by, "by");
    let interprets = line_of("article = \"第十四条\"");
    let to = "functions = [\"see_devices\"]\n\n[[department]]\ncode = \"xxzx\"";
    check("[[department]]\ncode = \"xxzx\"", to, interprets, "by");
    check(
        "code = \"bgy\"",
        "code = \"bgy",
        line_of("code = \"bgy\""),
        "code",
    );
}

/// A rule of nothing, or of for ever, is no rule.
#[test]
fn rules_lie_within_limits() {
    let set = |field: &str, from: u32, to: u32| {
        let (is, becomes) = (format!("{field} = {from}"), format!("{field} = {to}"));
        assert!(POLYTECHNIC.contains(&is));
        parse(&POLYTECHNIC.replacen(&is, &becomes, 1)).map(drop)
    };
    for (field, from, least, most) in [
        ("characters_min", 10, 8, 64),
        ("history_kept", 5, 0, 24),
        ("days_max", 90, 15, 366),
        ("warning_days", 14, 0, 89),
        ("grace_days", 14, 0, 366),
        ("reading_seconds_min", 60, 0, 3600),
        ("recording_months", 6, 1, 6),
        ("recording_outside_days", 30, 30, 180),
        ("every_days", 30, 1, 366),
        ("day_from_minute", 420, 0, 1319),
        ("day_until_minute", 1320, 421, 1440),
        ("views_a_day_max", 60, 1, 1000),
        ("teacher_a_week_max", 5, 1, 1000),
        ("refused_an_hour_max", 10, 1, 1000),
        ("places_minutes", 10, 0, 1440),
    ] {
        assert_eq!(set(field, from, least), Ok(()), "{field}");
        assert_eq!(set(field, from, most), Ok(()), "{field}");
        let error = set(field, from, most + 1).unwrap_err();
        let line = POLYTECHNIC.lines().nth(error.line - 1).unwrap();
        assert_eq!(error.field, field);
        assert_eq!(line, format!("{field} = {from}"));
    }
    for (field, from, to) in [
        ("characters_min", 10, 7),
        ("days_max", 90, 0),
        ("recording_months", 6, 0),
        ("recording_outside_days", 30, 29),
        ("every_days", 30, 0),
        ("views_a_day_max", 60, 0),
        ("teacher_a_week_max", 5, 0),
        ("refused_an_hour_max", 10, 0),
        ("due_week", 4, 0),
    ] {
        assert_eq!(set(field, from, to).unwrap_err().field, field);
    }
    assert_eq!(set("days_max", 90, 14).unwrap_err().field, "warning_days");
}

/// A school's file from before these rules has their defaults.
#[test]
fn rules_that_came_later_may_be_left_out() {
    let begins = POLYTECHNIC.find("[rules.inspection]").unwrap();
    let ends = POLYTECHNIC.find("[[level]]").unwrap();
    let without = [&POLYTECHNIC[..begins], &POLYTECHNIC[ends..]].concat();
    assert_eq!(parse(&without), parse(POLYTECHNIC));
}

/// X5: each of the three administrators has the own console and no other's; who there is, both
/// those who keep accounts and those who appoint have to know.
#[test]
fn the_three_administrators_share_no_function() {
    use crate::institution::Function::{
        AppointOfficers, FileApplications, FileRecords, FileSanctions, InspectTrail,
        KeepRecordings, KeepTimetable, ManageAccounts, OpenPermissions, ReadLedger, ReadTrail,
        SeeDevices,
    };
    let every = [
        AppointOfficers,
        FileApplications,
        OpenPermissions,
        FileRecords,
        SeeDevices,
        ManageAccounts,
        ReadTrail,
        InspectTrail,
        ReadLedger,
        FileSanctions,
        KeepRecordings,
        KeepTimetable,
    ];
    for institution in embedded() {
        let of = |role| -> Vec<_> {
            let all = every.iter().copied();
            all.filter(|function| institution.allows(&[role], *function))
                .collect()
        };
        assert_eq!(of(Role::Technician), [SeeDevices, ManageAccounts]);
        assert_eq!(
            of(Role::SecurityAdministrator),
            [AppointOfficers, OpenPermissions, ReadLedger]
        );
        assert_eq!(of(Role::AuditAdministrator), [ReadTrail, InspectTrail]);
    }
}

/// Names have an end.
#[test]
fn a_text_has_a_length() {
    let name = |length: usize| {
        let to = format!("name = \"{}\"", "教".repeat(length));
        parse(&POLYTECHNIC.replacen("name = \"教务处\"", &to, 1))
    };
    assert_eq!(name(500).unwrap().departments[0].name.chars().count(), 500);
    assert_eq!(name(501).unwrap_err().field, "name");
    let long = format!("# {}\n{POLYTECHNIC}", "x".repeat(BYTES_MAX));
    assert_eq!(parse(&long).unwrap_err().field, "file");
    let just = BYTES_MAX - POLYTECHNIC.len() - 1;
    assert!(parse(&format!("{}\n{POLYTECHNIC}", "#".repeat(just))).is_ok());
    assert!(parse(&format!("{}\n{POLYTECHNIC}", "#".repeat(just + 1))).is_err());
}

/// X5, R18: no data can put into one hand what belongs into two.
#[test]
fn duties_that_must_stay_apart_stay_apart() {
    let both = |function: &str, role: &str| {
        let duty = format!(
            "{POLYTECHNIC}\n[[department.duty]]\narticle = \"第七条\"\nquote = \"任课教师\"\n\
             functions = [\"{function}\"]\nby = [\"{role}\"]\n"
        );
        parse(&duty).map(drop).map_err(|error| error.en)
    };
    let refused = |function, role| both(function, role).is_err();
    assert!(refused("open_permissions", "academic_affairs"));
    assert!(refused("inspect_trail", "academic_affairs"));
    assert!(refused("inspect_trail", "security_administrator"));
    assert!(refused("manage_accounts", "security_administrator"));
    assert!(refused("manage_accounts", "audit_administrator"));
    assert!(refused("read_trail", "security_administrator"));
    assert!(refused("read_trail", "technician"));
    for role in [
        "technician",
        "security_administrator",
        "audit_administrator",
    ] {
        assert!(refused("file_records", role), "{role}");
    }
    assert_eq!(both("see_devices", "audit_administrator"), Ok(()));
    assert_eq!(
        both("open_permissions", "academic_affairs").unwrap_err(),
        "The role academic_affairs must not do both FileApplications and OpenPermissions."
    );
}

/// R2, R17, R18, R115: somebody has to do it.
#[test]
fn a_function_nobody_has_is_missed() {
    for (from, to) in [
        ("[\"file_applications\", ", "["),
        ("[\"open_permissions\", ", "["),
        ("[\"manage_accounts\", ", "["),
        ("[\"read_trail\", \"inspect_trail\"]", "[\"read_trail\"]"),
    ] {
        assert!(refused(from, to).en.starts_with("No department does"));
    }
}

/// Units are read when there are some.
#[test]
fn units_are_data_too() {
    let unit = "[[unit]]\ncode = \"XX\"\nname = \"信息工程学院\"\n";
    let one = parse(&format!("{POLYTECHNIC}\n{unit}")).unwrap();
    assert_eq!(one.units[0].name, "信息工程学院");
    let twice = parse(&format!("{POLYTECHNIC}\n{unit}\n{unit}")).unwrap_err();
    let said = twice.to_string();
    assert!(said.ends_with("code: 重复。 It is there twice."), "{said}");
}
