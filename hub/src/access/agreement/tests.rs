//! Signing as it should and as it should not; what is kept, and what comes after.

use std::net::{IpAddr, Ipv4Addr};

use super::register::Paper;
use super::text::Wording;
use super::*;
use crate::access::gate::tests::stage::school;
use crate::access::person;
use crate::access::second_factor;
use crate::access::session::{Session, Sessions};
use crate::config::Config;
use crate::demo::tests::college;
use crate::demo::{Account, Seeded};
use crate::notice::Notices;
use crate::store::people::{self, GrantRow};
use crate::store::trail::Line;

const NOW: i64 = 1_795_300_000_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const UNSIGNED: &str = "school_supervisor_unsigned";
const NUMBER: &str = "11010519491231002X";
const SCAN: &[u8] = b"%PDF-1.7 scan %%EOF";

struct Fixture {
    agreements: Agreements,
    trail: Arc<Trail>,
    sessions: Sessions,
    sealing: SealingKey,
    seeded: Seeded,
    db: Db,
}

async fn fixture() -> Fixture {
    with(Config::default()).await
}

async fn with(config: Config) -> Fixture {
    let (db, sealing, seeded) = college(1).await;
    let config = Arc::new(config);
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let (t, s, c) = (trail.clone(), sessions.clone(), config.clone());
    let desk = Desk::new(db.clone(), t, s, c, sealing.clone());
    let tools = Tools {
        desk,
        sealing: sealing.clone(),
        institution: Arc::new(school()),
    };
    let agreements = Agreements::new(db.clone(), trail.clone(), tools, &config.agreement);
    agreements.begin_with_the_official_text(NOW).await.unwrap();
    Fixture {
        agreements,
        trail,
        sessions,
        sealing,
        seeded,
        db,
    }
}

impl Fixture {
    fn account(&self, label: &str) -> &Account {
        let mut accounts = self.seeded.accounts.iter();
        accounts.find(|account| account.label == label).unwrap()
    }

    async fn session(&self, label: &str, now_ms: i64) -> Session {
        let id = self.account(label).id;
        let token = self.sessions.begin(id, HERE, now_ms).await.unwrap();
        self.sessions.find(&token, now_ms).await.unwrap().unwrap()
    }

    /// All that is right, at `now_ms`, for a reading that began then.
    async fn right(&self, label: &str, reading: Uuid, now_ms: i64) -> Signing {
        let account = self.account(label);
        let credential = people::credential(&self.db, &account.login).await;
        let credential = credential.unwrap().unwrap();
        let factor = self
            .sealing
            .unseal(&credential.totp_sealed, &credential.person_id)
            .unwrap();
        Signing {
            reading,
            sha256: self.agreements.text(now_ms).await.unwrap().sha256,
            to_the_end: true,
            accepted: true,
            typed_name: account.name.into(),
            identity_number: Zeroizing::new(NUMBER.into()),
            password: account.password.clone(),
            code: second_factor::code(&factor, now_ms),
        }
    }

    /// Reads for a minute from `from_ms`, then signs after what `change` made of it.
    async fn signs(
        &self,
        label: &str,
        from_ms: i64,
        change: impl FnOnce(&mut Signing),
    ) -> Result<String, Error> {
        let session = self.session(label, from_ms).await;
        let reading = self.agreements.begin_reading(by(&session, from_ms)).await?;
        let now_ms = from_ms + MINUTE_MS;
        let mut signing = self.right(label, reading, now_ms).await;
        change(&mut signing);
        self.agreements.sign(by(&session, now_ms), signing).await
    }

    async fn state(&self, label: &str, now_ms: i64) -> Agreement {
        let found = person::find(&self.db, self.account(label).id, now_ms).await;
        found.unwrap().unwrap().agreement
    }

    async fn own(&self, label: &str) -> Vec<ListedRow> {
        self.agreements.own(self.account(label).id).await.unwrap()
    }

    async fn publishes(&self, days_ahead: i64) -> Result<String, Error> {
        let affairs = self.session("academic_affairs", NOW).await;
        let wording = Wording {
            text: xunke_policy::agreement::TEXT.replace("第一条", "第一条（2026 年修订）"),
            in_force_ms: NOW + days_ahead * DAY_MS,
            grace_days: 7,
            representative: "周文".into(),
            seal_note: String::new(),
        };
        self.agreements.publish(by(&affairs, NOW), wording).await
    }

    async fn scan(&self) -> Uuid {
        let affairs = self.session("academic_affairs", NOW).await;
        let kept = self.agreements.keep_scan(by(&affairs, NOW), SCAN).await;
        kept.unwrap().0
    }

    async fn lines(&self) -> Vec<Line> {
        self.trail.before(i64::MAX, 100).await.unwrap()
    }

    async fn done(&self) -> Vec<String> {
        let lines = self.lines().await.into_iter();
        let done = lines.filter(|line| line.outcome == "done");
        done.map(|line| line.action).collect()
    }
}

fn by(session: &Session, now_ms: i64) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms,
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn field<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Field(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

/// R35, R37, R38, R39: read, signed, in force from that moment, both originals kept and sealed.
#[tokio::test]
async fn a_signature_is_kept_with_both_originals() {
    let f = fixture().await;
    assert_eq!(f.state(UNSIGNED, NOW).await, Agreement::Unsigned);
    let number = f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
    let since_ms = NOW + MINUTE_MS;
    let state = f.state(UNSIGNED, since_ms).await;
    assert_eq!(state, Agreement::Signed { since_ms });
    let row = f.own(UNSIGNED).await.remove(0).agreement;
    assert_eq!((row.number, row.text_version), (number, "1".into()));
    assert_eq!(row.typed_name.as_deref(), Some("赵德明"));
    assert_eq!(row.reading_seconds, Some(60));
    let text = f.agreements.text(NOW).await.unwrap();
    assert_eq!(row.text_sha256, Some(text.sha256));
    let session = f.session(UNSIGNED, since_ms).await;
    let id = row.id.parse().unwrap();
    let own = f
        .agreements
        .hand_out(by(&session, since_ms), id, Party::Person);
    let own = own.await.unwrap();
    assert!(own.bytes.starts_with(b"%PDF-"));
    let kept = f.agreements.originals(&row.id).await.unwrap();
    let hash = hex(&Sha256::digest(&own.bytes));
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|one| one.sha256 == hash));
    let line = f.lines().await.into_iter();
    let line = line
        .into_iter()
        .find(|line| line.action == "sign_agreement");
    assert!(line.unwrap().detail.contains(&hash));
    let sealed = originals::sealed(&f.db, &kept[0].id)
        .await
        .unwrap()
        .unwrap();
    // "%PDF" in base64.
    assert!(!sealed.starts_with("JVBER"));
    assert!(f.trail.verify().await.unwrap().is_ok());
    let again = f.signs(UNSIGNED, since_ms, |_| {}).await;
    assert!(matches!(again, Err(Error::SignedAlready)), "{again:?}");
}

/// R37: the hub measures the time itself; what was opened by another, long ago, or is another text
/// counts as nothing.
#[tokio::test]
async fn nobody_signs_what_was_not_open_long_enough() {
    let f = fixture().await;
    let session = f.session(UNSIGNED, NOW).await;
    let reading = f.agreements.begin_reading(by(&session, NOW)).await.unwrap();
    for later_ms in [0, MINUTE_MS - 1, READING_MS_MAX] {
        let now_ms = NOW + later_ms;
        let signing = f.right(UNSIGNED, reading, now_ms).await;
        let answer = f.agreements.sign(by(&session, now_ms), signing).await;
        assert_eq!(refused(answer), Refusal::AGREEMENT_UNREAD, "{later_ms}");
    }
    let unread = [
        f.signs(UNSIGNED, NOW, |s| s.to_the_end = false).await,
        f.signs(UNSIGNED, NOW, |s| s.accepted = false).await,
        f.signs(UNSIGNED, NOW, |s| s.reading = Uuid::now_v7()).await,
        f.signs(UNSIGNED, NOW, |s| s.sha256 = "00".repeat(32)).await,
    ];
    for answer in unread {
        assert_eq!(refused(answer), Refusal::AGREEMENT_UNREAD);
    }
    assert_eq!(f.state(UNSIGNED, NOW).await, Agreement::Unsigned);
    let no = f.lines().await;
    let no = no.iter().filter(|line| line.detail == "agreement_unread");
    assert_eq!(no.count(), 7, "each refusal is a line");
}

/// R35: another name, a wrong password or code sign nothing, and a wrong name costs no code.
#[tokio::test]
async fn nobody_signs_with_another_name_or_a_wrong_code() {
    let f = fixture().await;
    let name = f.signs(UNSIGNED, NOW, |s| s.typed_name = "赵明德".into());
    assert_eq!(refused(name.await), Refusal::AGREEMENT_SIGNATURE);
    let number = f.signs(UNSIGNED, NOW, |s| {
        s.identity_number = Zeroizing::new("1".repeat(18))
    });
    assert_eq!(field(number.await), "identity_number");
    let code = f.signs(UNSIGNED, NOW, |s| s.code = "000000".into()).await;
    assert!(matches!(code, Err(Error::Confirm(sign_in::Error::Wrong))));
    assert!(f.own(UNSIGNED).await.is_empty());
    f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
}

/// R38: without a font there are no originals, so nothing is signed and no code is used up.
#[tokio::test]
async fn nothing_is_signed_without_its_originals() {
    let mut config = Config::default();
    config.agreement.font_file = "/nowhere/font.ttc".into();
    let f = with(config).await;
    let ready = f.agreements.can_make_originals().await;
    assert!(ready.unwrap_err().to_string().contains("/nowhere/font.ttc"));
    let answer = f.signs(UNSIGNED, NOW, |_| {}).await;
    assert!(matches!(
        answer,
        Err(Error::Pdf(pdf::Error::Missing { .. }))
    ));
    assert!(f.own(UNSIGNED).await.is_empty());
}

/// R40: a new text, its days of grace, the end of them, and the new signature.
#[tokio::test]
async fn a_new_text_is_signed_again_within_its_grace() {
    let f = fixture().await;
    f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
    let since_ms = NOW + MINUTE_MS;
    assert_eq!(f.publishes(-1).await.map_err(|_| ()), Err(()));
    assert_eq!(f.publishes(2).await.unwrap(), "2");
    assert_eq!(field(f.publishes(2).await), "text", "the same twice");
    assert_eq!(field(f.publishes(1).await), "in_force");
    let before = NOW + 2 * DAY_MS - 1;
    assert_eq!(
        f.state(UNSIGNED, before).await,
        Agreement::Signed { since_ms }
    );
    let grace_until_ms = NOW + 9 * DAY_MS;
    let superseded = Agreement::Superseded {
        since_ms,
        grace_until_ms,
    };
    assert_eq!(f.state(UNSIGNED, NOW + 2 * DAY_MS).await, superseded);
    let late = xunke_policy::agreement::in_force(superseded, grace_until_ms);
    assert_eq!(late, Err(Refusal::AGREEMENT_SUPERSEDED));
    f.signs(UNSIGNED, grace_until_ms, |_| {}).await.unwrap();
    let since_ms = grace_until_ms + MINUTE_MS;
    assert_eq!(
        f.state(UNSIGNED, since_ms).await,
        Agreement::Signed { since_ms }
    );
    let own = f.own(UNSIGNED).await;
    assert_eq!(own.len(), 2, "R39: the old one stays");
    let replaced = own[1].agreement.replaced_by.as_ref();
    assert_eq!(replaced, Some(&own[0].agreement.id));
    assert_eq!(own[0].agreement.representative, "周文");
}

/// R39: the duty ends, secrecy goes on; the paper stays; a new permission needs a new signature.
#[tokio::test]
async fn an_ended_agreement_stays_and_is_not_signed_away() {
    let f = fixture().await;
    f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
    let affairs = f.session("academic_affairs", NOW).await;
    let id = f.own(UNSIGNED).await[0].agreement.id.parse().unwrap();
    let end = |why: &'static str| f.agreements.end(by(&affairs, NOW + DAY_MS), id, why);
    assert_eq!(field(end(" ").await), "reason");
    end("不再承担巡课职责").await.unwrap();
    assert!(matches!(end("再来一次").await, Err(Error::EndedAlready)));
    let ended = f.state(UNSIGNED, NOW + DAY_MS).await;
    assert_eq!(ended, Agreement::Ended);
    assert!(xunke_policy::agreement::may_be_deleted(ended).is_err());
    let again = f.signs(UNSIGNED, NOW + DAY_MS, |_| {}).await;
    assert_eq!(refused(again), Refusal::AGREEMENT_ENDED);
    let (person, opener) = (id_of(&f, UNSIGNED), id_of(&f, "security_administrator"));
    let grant = GrantRow {
        level: 1,
        unit_id: None,
        from_ms: NOW + 2 * DAY_MS,
        until_ms: None,
        minors: 0,
    };
    let mut writing = f.db.begin().await.unwrap();
    people::add_grant(&mut writing, &person, &grant, "SQ-9", &opener)
        .await
        .unwrap();
    Db::commit(writing).await.unwrap();
    f.signs(UNSIGNED, NOW + 2 * DAY_MS, |_| {}).await.unwrap();
    assert_eq!(f.own(UNSIGNED).await.len(), 2);
}

fn id_of(f: &Fixture, label: &str) -> String {
    f.account(label).id.to_string()
}

/// R34, R38, Q21: on paper, with the scans of both originals; everybody who takes part is listed.
#[tokio::test]
async fn a_paper_counts_with_both_scans() {
    let f = fixture().await;
    let (school_scan, person_scan) = (f.scan().await, f.scan().await);
    let affairs = f.session("academic_affairs", NOW).await;
    let paper = |school_scan, person_scan| Paper {
        person: f.account(UNSIGNED).id,
        version: "1".into(),
        signed_ms: NOW - DAY_MS,
        representative: "周文".into(),
        school_signed_ms: NOW,
        seal_note: "已盖章".into(),
        identity_number: Zeroizing::new(NUMBER.into()),
        school_scan,
        person_scan,
    };
    let enter = |paper| f.agreements.enter_paper(by(&affairs, NOW), paper);
    let one_for_both = enter(paper(school_scan, school_scan)).await;
    assert_eq!(field(one_for_both), "scan");
    let unknown = enter(paper(school_scan, Uuid::now_v7())).await;
    assert_eq!(field(unknown), "scan");
    let other = Paper {
        version: "2".into(),
        ..paper(school_scan, person_scan)
    };
    assert_eq!(field(enter(other).await), "version");
    let tomorrow = Paper {
        signed_ms: NOW + 1,
        ..paper(school_scan, person_scan)
    };
    assert_eq!(field(enter(tomorrow).await), "signed");
    enter(paper(school_scan, person_scan)).await.unwrap();
    let twice = enter(paper(school_scan, person_scan)).await;
    assert_eq!(field(twice), "scan", "a scan is of one agreement");
    let since_ms = NOW - DAY_MS;
    assert_eq!(f.state(UNSIGNED, NOW).await, Agreement::Signed { since_ms });
    let signers = f.agreements.signers(NOW).await.unwrap();
    let names: Vec<_> = signers
        .iter()
        .map(|one| one.row.staff_number.as_str())
        .collect();
    let all = [
        "D1001", "D1002", "D2001", "D2002", "J3001", "J3002", "J3003", "U5001",
    ];
    assert_eq!(names, all);
    let unsigned = signers
        .iter()
        .filter(|one| one.agreement == Agreement::Unsigned);
    assert_eq!(unsigned.count(), 0);
}

/// R46: sealed at rest, masked in every answer, in full for a reason and a line only.
#[tokio::test]
async fn an_identity_number_is_shown_for_a_reason_only() {
    let f = fixture().await;
    f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
    let row = f.own(UNSIGNED).await.remove(0).agreement;
    let sealed = row.identity_sealed.clone().unwrap();
    assert!(!sealed.contains(NUMBER) && !format!("{row:?}").contains(NUMBER));
    let masked = f.agreements.masked(&row).unwrap();
    assert_eq!(masked.as_deref(), Some("110***********002X"));
    let affairs = f.session("academic_affairs", NOW).await;
    let id = row.id.parse().unwrap();
    let ask = |why: &'static str| f.agreements.identity_number(by(&affairs, NOW), id, why);
    assert_eq!(field(ask("").await), "reason");
    let lines = f.lines().await.len();
    assert_eq!(ask("核对人事档案").await.unwrap().as_str(), NUMBER);
    let after = f.lines().await;
    assert_eq!(after.len(), lines + 1);
    assert_eq!(after[0].action, "read_identity_number");
    assert_eq!(after[0].purpose, "核对人事档案");
    let told: String = after.iter().map(|line| format!("{line:?}")).collect();
    assert!(!told.contains(NUMBER));
}

/// R38: the school's original is for Academic Affairs, the person's for the person too.
#[tokio::test]
async fn originals_are_handed_to_two_and_no_one_else() {
    let f = fixture().await;
    f.signs(UNSIGNED, NOW, |_| {}).await.unwrap();
    let id: Uuid = f.own(UNSIGNED).await[0].agreement.id.parse().unwrap();
    for (label, party, gets) in [
        (UNSIGNED, Party::Person, true),
        (UNSIGNED, Party::School, false),
        ("academic_affairs", Party::Person, true),
        ("academic_affairs", Party::School, true),
        ("school_supervisor", Party::Person, false),
        ("technician", Party::School, false),
    ] {
        let session = f.session(label, NOW).await;
        let answer = f.agreements.hand_out(by(&session, NOW), id, party).await;
        match answer {
            Ok(handed) => assert!(gets && handed.bytes.ends_with(b"%%EOF"), "{label}"),
            Err(Error::NotFound) => assert!(!gets, "{label}"),
            Err(other) => panic!("{label}: {other}"),
        }
    }
    let downloads = f.done().await;
    let downloads = downloads.iter().filter(|one| *one == "download_agreement");
    assert_eq!(downloads.count(), 3);
}

/// A scan that never became part of an agreement is forgotten after a day.
#[tokio::test]
async fn loose_scans_do_not_pile_up() {
    let f = fixture().await;
    let old = f.scan().await.to_string();
    let affairs = f.session("academic_affairs", NOW).await;
    let later = by(&affairs, NOW + 2 * DAY_MS);
    let (new, _) = f.agreements.keep_scan(later, SCAN).await.unwrap();
    assert!(originals::loose(&f.db, &old).await.unwrap().is_none());
    let new = originals::loose(&f.db, &new.to_string()).await.unwrap();
    assert!(new.is_some());
    let wrong = f.agreements.keep_scan(later, b"MZ").await;
    assert_eq!(field(wrong), "scan");
}

/// The official text is put in force once, by the hub itself, with a line.
#[tokio::test]
async fn the_official_text_comes_first_and_once() {
    let f = fixture().await;
    let agreements = &f.agreements;
    agreements
        .begin_with_the_official_text(NOW + DAY_MS)
        .await
        .unwrap();
    let texts = agreements.texts().await.unwrap();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].text, xunke_policy::agreement::TEXT);
    assert_eq!(f.done().await, ["publish_agreement"]);
}
