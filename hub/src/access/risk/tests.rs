//! Risks: found once, going on, judged by somebody else, and found in a long trail.

use std::time::Instant;

use super::*;
use crate::access::audit::{Outcome, Who};
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::trail::tamper;
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;

/// 2026-11-22 12:26 in Asia/Shanghai.
const NOW: i64 = 1_795_321_600_000;
const MINUTE_MS: i64 = 60_000;

impl Stage {
    fn risks(&self) -> Risks {
        let school = self.gate.institution().clone();
        Risks::new(
            self.db.clone(),
            self.trail.clone(),
            Notices::default(),
            school,
        )
    }

    /// Lines of a supervisor: refused attempts, one a minute.
    async fn refused(&self, count: i64, from_ms: i64) {
        let who = self
            .session("school_supervisor", NOW)
            .await
            .person
            .who(HERE);
        for n in 0..count {
            let entry = entry(who.clone(), "view_live", Outcome::Refused);
            let at_ms = from_ms + n * MINUTE_MS;
            self.trail.append(entry, at_ms).await.unwrap();
        }
    }

    /// What is listed: rule, name, state and number of lines.
    async fn listed(&self, risks: &Risks, now_ms: i64) -> Vec<(String, String, String, i64)> {
        risks.look(now_ms).await.unwrap();
        let all = risks.list().await.unwrap().into_iter();
        all.map(|(row, _)| (row.risk, row.person, row.state, row.lines))
            .collect()
    }
}

fn entry(who: Who, action: &'static str, outcome: Outcome) -> Entry {
    Entry {
        who,
        action,
        object: String::new(),
        purpose: String::new(),
        outcome,
        article: "",
        detail: String::new(),
    }
}

fn risk(word: &str, state: &str, lines: i64) -> (String, String, String, i64) {
    (word.into(), "王建国".into(), state.into(), lines)
}

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

/// R117: once, with its lines; what goes on adds to it, also after a restart; after somebody has
/// looked it is a new one.
#[tokio::test]
async fn what_stands_out_is_found_once() {
    let f = stage(NOW).await;
    let risks = f.risks();
    f.refused(10, NOW).await;
    assert_eq!(f.listed(&risks, NOW).await, []);
    f.refused(1, NOW + 10 * MINUTE_MS).await;
    let expected = [risk("refusals", "open", 11)];
    assert_eq!(f.listed(&risks, NOW).await, expected);
    assert_eq!(f.listed(&risks, NOW).await, expected, "nothing is new");
    let restarted = f.risks();
    assert_eq!(f.listed(&restarted, NOW).await, expected, "told already");
    f.refused(1, NOW + 11 * MINUTE_MS).await;
    assert_eq!(
        f.listed(&restarted, NOW).await,
        [risk("refusals", "open", 12)]
    );
    let listed = restarted.list().await.unwrap();
    assert_eq!(listed[0].1[..2], [12, 11], "the latest lines first");
    let auditor = f.session("audit_administrator", NOW).await;
    let id = listed[0].0.id.parse().unwrap();
    let (judgement, note) = (Judgement::LookedAt, "本人误点，已提醒");
    restarted
        .judge(by(&auditor), id, judgement, note)
        .await
        .unwrap();
    f.refused(1, NOW + 12 * MINUTE_MS).await;
    let two = [
        risk("refusals", "open", 1),
        risk("refusals", "looked_at", 12),
    ];
    assert_eq!(f.listed(&restarted, NOW).await, two);
}

/// R117: a view at night is found through the gate's own line, with whose lesson it was.
#[tokio::test]
async fn a_view_at_an_odd_hour_is_found() {
    let midnight = NOW - 12 * 60 * MINUTE_MS;
    let f = stage(midnight).await;
    let session = f.session("school_supervisor", midnight).await;
    let (room, gate) = (f.rooms[0].clone(), &f.gate);
    let opened = gate.open_live(&session, room, &Purpose::Plan, HERE, midnight);
    opened.await.unwrap();
    let listed = f.listed(&f.risks(), midnight).await;
    assert_eq!(listed, [risk("odd_hours", "open", 1)]);
    let rows = rows::lines(&f.db, 0, i64::MAX, 10).await.unwrap();
    assert!(
        rows[0].teacher_id.is_some(),
        "the demonstration has lessons at night"
    );
}

/// R117, R28: a sign-in from a new address, but not the very first one.
#[tokio::test]
async fn a_new_address_is_found() {
    let f = stage(NOW).await;
    let person = f.session("school_supervisor", NOW).await.person;
    let elsewhere: IpAddr = "10.9.9.9".parse().unwrap();
    let later = NOW + 60 * MINUTE_MS;
    for (address, at_ms) in [
        (HERE, NOW),
        (elsewhere, later),
        (elsewhere, later + 60 * MINUTE_MS),
    ] {
        f.sessions.begin(person.id, address, at_ms).await.unwrap();
        let line = entry(person.who(address), "sign_in", Outcome::Done);
        f.trail.append(line, at_ms).await.unwrap();
    }
    let listed = f.listed(&f.risks(), NOW).await;
    assert_eq!(listed, [risk("new_address", "open", 1)]);
}

/// R114, R115: a person decides, not the one it is about, and says why; that is a line.
#[tokio::test]
async fn a_person_decides_and_not_about_themselves() {
    let f = stage(NOW).await;
    let auditor = f.session("audit_administrator", NOW).await;
    for n in 0..11 {
        let line = entry(auditor.person.who(HERE), "see_rooms", Outcome::Refused);
        f.trail.append(line, NOW + n).await.unwrap();
    }
    f.refused(11, NOW).await;
    let risks = f.risks();
    risks.look(NOW).await.unwrap();
    let mut listed = risks.list().await.unwrap();
    listed.sort_by_key(|(row, _)| row.person != "孙敏");
    let [own, other] = [0, 1].map(|n| listed[n].0.id.parse().unwrap());
    let auditor = f.session("audit_administrator", NOW).await;
    let judge = async |session: &Session, id, note: &str| {
        let judged = risks.judge(by(session), id, Judgement::FalseAlarm, note);
        judged.await
    };
    let refused = judge(&auditor, own, "不是我").await;
    assert!(matches!(
        refused,
        Err(Error::Refused(Refusal::INSPECTION_OWN))
    ));
    assert_eq!(f.lines().await[0].outcome, "refused");
    let short = judge(&auditor, other, " 无 ").await;
    assert!(matches!(short, Err(Error::Field(field)) if field.field == "note"));
    judge(&auditor, other, "培训演示").await.unwrap();
    let line = f.lines().await.remove(0);
    assert_eq!(
        (
            line.action.as_str(),
            line.object.as_str(),
            line.detail.as_str()
        ),
        ("judge_risk", "王建国 D1001", "false_alarm, refusals")
    );
    assert_eq!(risks.open().await.unwrap(), 1);
    let security = f.session("security_administrator", NOW).await;
    let refused = judge(&security, other, "培训演示").await;
    assert!(matches!(refused, Err(Error::Refused(_))));
    let nobody = judge(
        &f.session("audit_administrator", NOW).await,
        Uuid::nil(),
        "没有",
    )
    .await;
    assert!(matches!(nobody, Err(Error::NotFound)));
}

/// What could not be written is found again.
#[tokio::test]
async fn a_failure_loses_no_risk() {
    let f = stage(NOW).await;
    let risks = f.risks();
    f.refused(11, NOW).await;
    tamper(&f.db, "ALTER TABLE risk_lines RENAME TO away").await;
    assert!(risks.look(NOW).await.is_err());
    tamper(&f.db, "ALTER TABLE away RENAME TO risk_lines").await;
    assert_eq!(f.listed(&risks, NOW).await, [risk("refusals", "open", 11)]);
}

/// R117, R118: 200,000 lines, looked at a page at a time and asked by every filter. Not part of
/// every run; prints what it took.
#[tokio::test]
#[ignore = "takes a minute; run by name"]
async fn a_long_trail_is_watched_and_searched() {
    let f = stage(NOW).await;
    let person = f.session("school_supervisor", NOW).await.person.id;
    let fill = format!(
        "INSERT INTO trail WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
           WHERE i < 200000)
         SELECT i, {NOW} + i * 20000, CASE i % 10 WHEN 0 THEN '{person}' ELSE 'p' || (i % 997) END,
         'name' || (i % 997), 'D' || (i % 997), '10.0.' || (i % 7) || '.' || (i % 251),
         CASE i % 3 WHEN 0 THEN 'view_live' ELSE 'see_rooms' END, '博学楼' || (i % 60), 'plan',
         CASE i % 29 WHEN 0 THEN 'refused' ELSE 'permitted' END, '', '', '' FROM n"
    );
    tamper(&f.db, Box::leak(fill.into_boxed_str())).await;
    let risks = f.risks();
    let begun = Instant::now();
    risks.look(NOW + 200_000 * 20_000).await.unwrap();
    println!("200,000 lines watched in {:?}", begun.elapsed());
    let sight = risks.sight.lock().await;
    println!("{} risks", risks.list().await.unwrap().len());
    assert_eq!(sight.as_ref().map(|sight| sight.seq), Some(200_000));
    let filter = |person: &str, action: &str, outcome: &str, object: &str| store::trail::Filter {
        person: person.into(),
        action: action.into(),
        outcome: outcome.into(),
        object: object.into(),
        from_ms: None,
        until_ms: None,
    };
    for asked in [
        filter("D5", "", "", ""),
        filter("", "view_live", "", ""),
        filter("", "", "refused", ""),
        filter("", "", "", "博学楼59"),
        filter("", "", "", "nowhere"),
        filter("D5", "view_live", "refused", "博学楼1"),
    ] {
        let begun = Instant::now();
        let found = f.trail.find(&asked, i64::MAX, 100).await.unwrap().len();
        println!("{asked:?}: {found} lines in {:?}", begun.elapsed());
    }
}
