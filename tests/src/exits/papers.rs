//! Writes with a whole form, about somebody of the other unit: not only the role is asked about,
//! but the thing.
//!
//! What would go through is about bystanders; the rest is refused for what the thing is.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;
use xunke_policy::access::Action;
use xunke_policy::application::{self, Application, Beneficiary, Officer, State, Step, Terms};
use xunke_policy::appointment::{self, Appointment};
use xunke_policy::departure::{self, Item, Outcome};
use xunke_policy::level::Role;
use xunke_policy::sanction::{self, Decision, Measure, Standing};
use xunke_policy::{Refusal, administrators, agreement};

use super::canary::NOTHING;
use super::rows::{Answer, Ask, Case, Row, Seen, Want, row};
use super::world::{BYSTANDER, World};
use crate::clock::now_ms;

/// Others, who are given up for good.
const LEAVING: &str = "T6003";
const CANCELLED: &str = "T6005";

const SELF_FILED: &str = "00000000-0000-7000-8000-0000000000a1";
const ANSWERED: &str = "00000000-0000-7000-8000-0000000000a2";
const OVER: &str = "00000000-0000-7000-8000-0000000000b1";
const DEPARTURE: &str = "00000000-0000-7000-8000-0000000000c1";
const ITEM: &str = "00000000-0000-7000-8000-0000000000c2";
const CONTESTED: &str = "00000000-0000-7000-8000-0000000000d1";
const FOR_GOOD: &str = "00000000-0000-7000-8000-0000000000d2";
const WAITING: &str = "00000000-0000-7000-8000-0000000000d3";

const REASON: &str = "本学期巡课";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Puts every paper into the store as the offices would have.
pub fn file(world: &World) -> Result<()> {
    let (bystander, security) = (world.bystander, world.security);
    let (affairs, cancelled) = (world.id_of("A4001")?, world.id_of(CANCELLED)?);
    let (unit, now) = (world.units[1].0, now_ms());
    let until = now + DAY_MS;
    world.campus.hub.sql(&format!(
        "INSERT INTO applications (id, number, applicant_id, beneficiary_id, level, unit_id,
         reason, from_ms, until_ms, filed_ms, state) VALUES
         ('{SELF_FILED}', 'SQ-90001', '{security}', '{bystander}', 2, '{unit}', '{REASON}', {now},
          {until}, {now}, 'filed'),
         ('{ANSWERED}', 'SQ-90002', '{affairs}', '{bystander}', 2, '{unit}', '{REASON}', {now},
          {until}, {now}, 'refused');
         INSERT INTO grants (id, person_id, level, unit_id, application, opened_by, from_ms,
         until_ms) VALUES
         ('{OVER}', '{bystander}', 2, '{unit}', 'SQ-90002', '{security}', 1, 2);
         INSERT INTO departures (id, number, person_id, kind, reason, opened_by, opened_ms) VALUES
         ('{DEPARTURE}', 'YJ-90001', '{bystander}', 'closing', '{REASON}', '{affairs}', {now});
         INSERT INTO handover_items (id, departure_id, what, added_by, added_ms) VALUES
         ('{ITEM}', '{DEPARTURE}', '听课笔记', '{affairs}', {now});
         INSERT INTO sanctions (id, number, about_id, measure, basis, facts, evidence, filed_by,
         filed_ms, state, objection, objected_ms) VALUES
         ('{CONTESTED}', 'CF-90001', '{bystander}', 'warning', '第十三条', '外借', '1',
          '{affairs}', {now}, 'filed', '并未外借', {now}),
         ('{FOR_GOOD}', 'CF-90002', '{cancelled}', 'cancellation', '第十三条', '外借', '1',
          '{affairs}', {now}, 'in_force', NULL, NULL),
         ('{WAITING}', 'CF-90003', '{bystander}', 'warning', '第十三条', '外借', '1',
          '{affairs}', {now}, 'filed', NULL, NULL)"
    ))?;
    Ok(())
}

/// The id in the path.
pub fn about(id: &'static str, world: &World) -> String {
    match id {
        "" => world.bystander.to_string(),
        id => id.to_owned(),
    }
}

/// The whole form.
pub fn form(entrance: &str, world: &World) -> Value {
    let unit = world.units[1].0;
    match entrance.rsplit('/').next().unwrap_or_default() {
        "post" => json!({ "roles": ["teacher"], "unit": unit, "basis": "教务〔2026〕91号" }),
        "applications" => json!({
            "person": world.bystander,
            "level": 2,
            "unit": unit,
            "reason": REASON,
            "from": now_ms(),
            "until": now_ms() + DAY_MS,
        }),
        "departures" => json!({
            "staff_number": LEAVING,
            "kind": "transferred",
            "reason": "调入机关",
        }),
        "items" => json!({ "what": "听课笔记" }),
        "settlement" => json!({ "receiver": BYSTANDER, "outcome": "handed_over" }),
        "sanctions" => json!({
            "number": "教务〔2026〕90号",
            "staff_number": BYSTANDER,
            "measure": "warning",
            "basis": "管理办法第十三条第1项",
            "facts": "将账号借给他人。",
            "evidence": [1],
        }),
        _ => json!({ "reason": REASON }),
    }
}

/// The rows.
pub fn all() -> Vec<Row> {
    let mut all = permissions();
    all.extend(departures());
    all.extend(sanctions());
    all
}

fn paper(entrance: &'static str, id: &'static str, answer: Answer) -> Row {
    row(entrance, Ask::Paper(id), answer)
}

fn permissions() -> Vec<Row> {
    use Action::{FileApplications, OpenPermissions, ReadLedger, SeePeople};
    vec![
        paper("POST /api/people/{id}/start-code", "", whoever(start_code)),
        paper("POST /api/people/{id}/post", "", and(SeePeople, appoint)),
        paper(
            "POST /api/applications",
            "",
            and(FileApplications, file_application),
        ),
        paper(
            "POST /api/applications/{id}/opening",
            SELF_FILED,
            and(OpenPermissions, open_application),
        ),
        paper(
            "POST /api/applications/{id}/refusal",
            ANSWERED,
            and(OpenPermissions, |_| step(State::Refused, Step::Refuse)),
        ),
        paper(
            "POST /api/grants/{id}/revocation",
            OVER,
            and(ReadLedger, |case| {
                may_revoke(case)?;
                step(State::Expired, Step::Revoke)
            }),
        ),
    ]
}

fn departures() -> Vec<Row> {
    use Action::ReadLedger;
    vec![
        paper("POST /api/departures", "", and(ReadLedger, may_revoke)),
        paper(
            "POST /api/departures/{id}/items",
            DEPARTURE,
            unseen(|case| may_revoke(case).is_ok()),
        ),
        paper(
            "POST /api/handovers/{id}/settlement",
            ITEM,
            and(ReadLedger, |case| close(case, true)),
        ),
        paper(
            "POST /api/departures/{id}/closing",
            DEPARTURE,
            and(ReadLedger, |case| close(case, false)),
        ),
    ]
}

fn sanctions() -> Vec<Row> {
    use Action::{FileSanctions, OpenPermissions};
    vec![
        paper(
            "POST /api/sanctions",
            "",
            and(FileSanctions, |case| decide(case, false)),
        ),
        paper(
            "POST /api/sanctions/{id}/objection",
            CONTESTED,
            unseen(|_| false),
        ),
        paper(
            "POST /api/sanctions/{id}/answer",
            WAITING,
            and(FileSanctions, |_| Ok(())),
        ),
        paper(
            "POST /api/sanctions/{id}/withdrawal",
            WAITING,
            and(FileSanctions, |_| Ok(())),
        ),
        paper(
            "POST /api/sanctions/{id}/decision",
            CONTESTED,
            and(OpenPermissions, |case| decide(case, true)),
        ),
        paper(
            "POST /api/sanctions/{id}/lifting",
            FOR_GOOD,
            and(OpenPermissions, |_| Err(Refusal::CANCELLED)),
        ),
    ]
}

type Thing = fn(&Case<'_>) -> Result<(), Refusal>;

/// The role, and then the thing.
fn and(action: Action<'static>, thing: Thing) -> Answer {
    Box::new(move |case| {
        let may = case.subject.may(case.world, action);
        told(may.and_then(|()| thing(case)))
    })
}

/// The thing alone.
fn whoever(thing: Thing) -> Answer {
    Box::new(move |case| told(thing(case)))
}

/// What is not for somebody does not exist.
fn unseen(may: fn(&Case<'_>) -> bool) -> Answer {
    Box::new(move |case| match may(case) {
        true => told(Ok(())),
        false => (Want::Is(404), Seen::Exactly(NOTHING)),
    })
}

fn told(answer: Result<(), Refusal>) -> (Want, Seen) {
    let want = answer.map_or_else(Want::Refused, |()| Want::Passes);
    (want, Seen::Exactly(NOTHING))
}

fn asker(case: &Case<'_>) -> Uuid {
    case.subject.id.unwrap_or_default()
}

/// The bystander is no officer and holds nothing.
fn start_code(case: &Case<'_>) -> Result<(), Refusal> {
    let facts = case.subject.facts(case.world);
    administrators::start_code(&facts.roles, &[Role::Teacher], false)?;
    agreement::in_force(facts.agreement, facts.now_ms)
}

fn appoint(case: &Case<'_>) -> Result<(), Refusal> {
    let facts = case.subject.facts(case.world);
    appointment::may_appoint(
        &case.world.school,
        &Appointment {
            by: asker(case),
            by_roles: &facts.roles,
            about: case.world.bystander,
            before: &[Role::Teacher],
            after: &[Role::Teacher],
            moved: false,
            viewing_level: false,
        },
    )
}

fn wanted(case: &Case<'_>, applicant: Uuid) -> Application<'static, Uuid> {
    Application {
        applicant,
        beneficiary: case.world.bystander,
        terms: Terms {
            level: 2,
            unit: Some(case.world.units[1]),
            minors: false,
            from_ms: now_ms(),
            until_ms: now_ms() + DAY_MS,
        },
        reason: REASON,
    }
}

const TEACHER: Beneficiary<'static> = Beneficiary {
    roles: &[Role::Teacher],
    standing: Standing::Active,
};

fn file_application(case: &Case<'_>) -> Result<(), Refusal> {
    let (facts, person) = (case.subject.facts(case.world), asker(case));
    let roles = &facts.roles;
    let officer = Officer { person, roles };
    let paper = wanted(case, person);
    application::may_file(&case.world.school, officer, &paper, TEACHER, facts.now_ms)
}

/// R18: the security administrator has filed this one.
fn open_application(case: &Case<'_>) -> Result<(), Refusal> {
    step(State::Filed, Step::Open)?;
    let (facts, person) = (case.subject.facts(case.world), asker(case));
    let roles = &facts.roles;
    let officer = Officer { person, roles };
    let paper = wanted(case, case.world.security);
    let (school, terms) = (&case.world.school, paper.terms);
    application::may_open(school, officer, &paper, terms, TEACHER, facts.now_ms)
}

fn step(state: State, step: Step) -> Result<(), Refusal> {
    application::next(state, step).map(drop)
}

fn may_revoke(case: &Case<'_>) -> Result<(), Refusal> {
    let roles = case.subject.facts(case.world).roles;
    application::may_revoke(&case.world.school, &roles)
}

/// R44: what is handed over to the giver is not handed over.
fn close(case: &Case<'_>, settled: bool) -> Result<(), Refusal> {
    let giver = case.world.bystander;
    let item = Item {
        what: String::new(),
        receiver: settled.then_some(giver),
        outcome: settled.then_some(Outcome::HandedOver),
    };
    departure::may_close(&giver, &[item])
}

fn decide(case: &Case<'_>, contested: bool) -> Result<(), Refusal> {
    sanction::valid(&Decision {
        number: "CF-90001",
        basis: "第十三条",
        evidence: &["1".into()],
        decided_by: asker(case),
        about: case.world.bystander,
        measure: Measure::Warning,
        contested,
    })
}
