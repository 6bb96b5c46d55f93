//! The roster: who makes whom what, and what ends with a post.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::departure as departures;
use crate::store::trail::tamper;
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;

const NOW: i64 = 1_795_300_000_000;

impl Stage {
    pub(crate) fn roster(&self) -> Roster {
        let institution = self.gate.institution().clone();
        Roster::new(self.db.clone(), self.trail.clone(), institution)
    }

    async fn appoints(&self, by: &str, whom: &Person, post: Post) -> Result<(), Error> {
        let session = self.session(by, NOW).await;
        self.roster().appoint(as_(&session), whom.id, post).await
    }
}

fn as_(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn post(person: &Person, roles: &[Role]) -> Post {
    Post {
        roles: roles.to_vec(),
        unit: person.unit.as_ref().map(|unit| unit.id),
        basis: "教务〔2026〕12号".into(),
    }
}

fn refused(answer: Result<(), Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// R16, R33, X5: the security administrator makes a unit leader; the system administrator may not,
/// and both answers are lines.
#[tokio::test]
async fn roles_that_decide_are_the_security_administrators_to_give() {
    let f = stage(NOW).await;
    let teacher = f.session("teacher", NOW).await.person;
    let leader = post(&teacher, &[Role::Teacher, Role::UnitLeader]);
    let answer = f.appoints("technician", &teacher, leader.clone()).await;
    assert_eq!(refused(answer), Refusal::APPOINTMENT_BY_OTHERS);
    let answer = f
        .appoints("academic_affairs", &teacher, leader.clone())
        .await;
    assert_eq!(refused(answer), Refusal::NOT_YOUR_ROLE);
    let before = f.session("teacher", NOW).await;
    let answer = f.appoints("security_administrator", &teacher, leader).await;
    answer.unwrap();
    let ended = f.sessions.recheck(&before, NOW).await.unwrap();
    assert_eq!(ended.unwrap_err(), Refusal::SESSION_ENDED);
    let now = f.roster().person(teacher.id, NOW).await.unwrap().unwrap();
    assert_eq!(now.roles, [Role::Teacher, Role::UnitLeader]);
    let lines = f.lines().await;
    assert_eq!((&*lines[0].action, &*lines[0].outcome), ("appoint", "done"));
    assert_eq!(lines[0].purpose, "教务〔2026〕12号");
    assert!(
        lines[0]
            .detail
            .starts_with("roles; teacher → unit_leader teacher"),
        "{}",
        lines[0].detail
    );
    assert_eq!(lines[1].detail, "not_your_role");
    assert_eq!(lines[2].detail, "appointment_by_others");
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// X5: the last of a post stays, whoever asks, until there is another.
#[tokio::test]
async fn the_last_audit_administrator_stays() {
    let f = stage(NOW).await;
    let audit = f.session("audit_administrator", NOW).await.person;
    let answer = f
        .appoints("security_administrator", &audit, post(&audit, &[]))
        .await;
    assert_eq!(refused(answer), Refusal::ADMINISTRATORS_THREE);
    assert_eq!(f.lines().await[0].outcome, "refused");
    let teacher = f.session("teacher", NOW).await.person;
    let second = post(&teacher, &[Role::AuditAdministrator]);
    f.appoints("security_administrator", &teacher, second)
        .await
        .unwrap();
    f.appoints("security_administrator", &audit, post(&audit, &[]))
        .await
        .unwrap();
    let supervisor = f.session("school_supervisor", NOW).await.person;
    let watching = post(&supervisor, &[Role::SchoolSupervisor, Role::Technician]);
    let answer = f
        .appoints("security_administrator", &supervisor, watching)
        .await;
    assert_eq!(refused(answer), Refusal::ADMINISTRATOR_VIEWING);
}

/// R23: another unit is a transfer: the grant is gone, the picture dark, the list open.
#[tokio::test]
async fn another_unit_takes_the_permission_back() {
    let f = stage(NOW).await;
    let session = f.session("unit_supervisor", NOW).await;
    let room = f.rooms[0].clone();
    let permit = f
        .gate
        .open_live(&session, room, &Purpose::Plan, HERE, NOW)
        .await
        .unwrap();
    let supervisor = &session.person;
    let moved = Post {
        unit: Some(f.rooms[1].unit.id),
        ..post(supervisor, &supervisor.roles)
    };
    f.appoints("technician", supervisor, moved).await.unwrap();
    let now = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(now, Err(Refusal::SESSION_ENDED));
    let person = f
        .roster()
        .person(supervisor.id, NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lasting(&person, NOW), None);
    let open = departures::all(&f.db).await.unwrap();
    assert_eq!(
        (&*open[0].number, &*open[0].kind),
        ("YJ-00001", "transferred")
    );
    assert_eq!(open[0].closed_ms, None);
}

/// R25: everybody's standing follows from what is in force, to the millisecond.
#[tokio::test]
async fn a_suspension_begins_and_ends_by_itself() {
    let f = stage(NOW).await;
    let sql = format!(
        "INSERT INTO sanctions (id, number, about_id, measure, from_ms, until_ms, basis, facts,
         evidence, filed_by, filed_ms, state) SELECT 'x', '1', id, 'suspension', {}, {}, '', '',
         '', id, 0, 'in_force' FROM persons WHERE staff_number = 'D2001'",
        NOW + 10,
        NOW + 20
    );
    tamper(&f.db, sql.leak()).await;
    let word = async |at_ms| {
        let everybody = f.roster().everybody(at_ms).await.unwrap();
        let mut found = everybody.iter();
        let found = found.find(|member| member.row.staff_number == "D2001");
        found.unwrap().standing_word(at_ms)
    };
    assert_eq!(word(NOW + 9).await, "active");
    assert_eq!(word(NOW + 10).await, "suspended");
    assert_eq!(word(NOW + 19).await, "suspended");
    assert_eq!(word(NOW + 20).await, "active");
}

/// What cannot be done is said by its field, and changes nothing.
#[tokio::test]
async fn an_appointment_needs_a_paper_and_a_unit_that_exists() {
    let f = stage(NOW).await;
    let teacher = f.session("teacher", NOW).await.person;
    let field = async |post: Post| match f.appoints("technician", &teacher, post).await {
        Err(Error::Field(field)) => field.field,
        other => panic!("{other:?}"),
    };
    let good = post(&teacher, &[Role::Teacher]);
    let blank = Post {
        basis: " ".into(),
        ..good.clone()
    };
    assert_eq!(field(blank).await, "basis");
    let nowhere = Post {
        unit: Some(UnitId(Uuid::nil())),
        ..good.clone()
    };
    assert_eq!(field(nowhere).await, "unit");
    tamper(
        &f.db,
        "UPDATE persons SET standing = 'left' WHERE staff_number LIKE 'T%'",
    )
    .await;
    assert_eq!(field(good).await, "person");
    assert_eq!(f.lines().await.len(), 0);
}
