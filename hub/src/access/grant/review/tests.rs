//! Reviews: every permission has its decision before one is signed, and nobody decides the own.

use xunke_policy::Refusal;

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::trail::{full, room_again, tamper};

const NOW: i64 = 1_795_300_000_000;
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl Stage {
    fn reviewed(&self) -> Grants {
        let institution = self.gate.institution().clone();
        Grants::new(self.db.clone(), self.trail.clone(), institution)
    }

    async fn term_review(&self, now_ms: i64) -> Review {
        let review = self.reviewed().review(Uuid::nil(), now_ms).await;
        review.unwrap().unwrap()
    }

    /// Keeps everything but what is the reader's own. Gives how many.
    async fn keeps_the_rest(&self, by_: &Session) -> usize {
        let review = self.reviewed().review(by_.person.id, NOW).await;
        let lines = review.unwrap().unwrap().lines;
        let open = lines
            .iter()
            .filter(|line| line.stand == Stand::Open && !line.own);
        let mut kept = 0;
        for line in open {
            let grant = line.row.id.parse().unwrap();
            self.reviewed().keep(by(by_), grant).await.unwrap();
            kept += 1;
        }
        kept
    }
}

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// R26: kept, taken back or over; counted, signed once, and each step a line.
#[tokio::test]
async fn a_term_is_reviewed_line_by_line_and_signed() {
    let f = stage(NOW).await;
    let security = f.session("security_administrator", NOW).await;
    let before = f.term_review(NOW).await;
    let held = before.lines.len();
    assert!(held >= 4 && before.count(Stand::Open) == held);
    let early = f.reviewed().sign_review(by(&security)).await;
    assert_eq!(refused(early), Refusal::REVIEW_OPEN);
    let first: Uuid = before.lines[0].row.id.parse().unwrap();
    let revoked = f.reviewed().revoke(by(&security), first, "不再巡课").await;
    revoked.unwrap();
    let kept = f.keeps_the_rest(&security).await;
    let affairs = f.session("academic_affairs", NOW).await;
    let others = f.keeps_the_rest(&affairs).await;
    assert_eq!(1 + kept + others, held);
    let number = f.reviewed().sign_review(by(&security)).await.unwrap();
    assert_eq!(number, "FH-00001");
    let signed = f.term_review(NOW).await.signed.unwrap();
    assert_eq!((signed.revoked, signed.ended), (1, 0));
    assert_eq!(usize::try_from(signed.kept).unwrap(), kept + others);
    let again = f.reviewed().sign_review(by(&security)).await;
    assert!(matches!(again, Err(Error::Conflict(..))));
    let line = &f.lines().await[0];
    assert_eq!((&*line.action, &*line.outcome), ("sign_review", "done"));
    assert!(line.object.starts_with("FH-00001 "), "{}", line.object);
    assert!(line.detail.ends_with("revoked 1, ended 0"));
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R26: by those who could take it back, about others, and once.
#[tokio::test]
async fn nobody_keeps_the_own_permission() {
    let f = stage(NOW).await;
    let security = f.session("security_administrator", NOW).await;
    let review = f.term_review(NOW).await;
    let grant = |at: usize| -> Uuid { review.lines[at].row.id.parse().unwrap() };
    let teacher = f.session("teacher", NOW).await;
    let stranger = f.reviewed().keep(by(&teacher), grant(0)).await;
    assert_eq!(refused(stranger), Refusal::OPENING_BY_OTHERS);
    let own = "UPDATE grants SET person_id = (SELECT person_id FROM person_roles
        WHERE role = 'security_administrator')";
    tamper(&f.db, own).await;
    let own = f.reviewed().keep(by(&security), grant(0)).await;
    assert_eq!(refused(own), Refusal::REVIEW_OWN);
    let lines = f.reviewed().review(security.person.id, NOW).await;
    assert!(lines.unwrap().unwrap().lines.iter().all(|line| line.own));
    let affairs = f.session("academic_affairs", NOW).await;
    let signs = f.reviewed().sign_review(by(&affairs)).await;
    assert_eq!(refused(signs), Refusal::OPENING_BY_OTHERS);
    f.reviewed().keep(by(&affairs), grant(0)).await.unwrap();
    let twice = f.reviewed().keep(by(&affairs), grant(0)).await;
    assert!(matches!(twice, Err(Error::Conflict(..))));
    let nobody = f.reviewed().keep(by(&affairs), Uuid::now_v7()).await;
    assert!(matches!(nobody, Err(Error::NotFound)));
    let noted = f.lines().await;
    let no = noted.iter().filter(|line| line.outcome == "refused");
    assert_eq!(no.count(), 3);
}

/// R26: due with the end of its week; late until it is signed. What is opened afterwards is for
/// the next one, and what is over needs no decision.
#[tokio::test]
async fn a_late_review_shows_until_it_is_signed() {
    let f = stage(NOW).await;
    let review = f.term_review(NOW).await;
    let due_ms = review.due_ms;
    let week_one_ms = moment(review.term.week_one, 0);
    assert_eq!(due_ms, week_one_ms + 4 * WEEK_MS);
    assert!(!f.term_review(due_ms - 1).await.overdue);
    assert!(f.term_review(due_ms).await.overdue);
    tamper(&f.db, "UPDATE grants SET until_ms = 1795299999999").await;
    let over = f.term_review(NOW).await;
    assert_eq!(over.count(Stand::Ended), over.lines.len());
    let security = f.session("security_administrator", NOW).await;
    f.reviewed().sign_review(by(&security)).await.unwrap();
    assert!(!f.term_review(due_ms + WEEK_MS).await.overdue);
    tamper(&f.db, "UPDATE grants SET until_ms = NULL").await;
    let later = f.term_review(NOW).await;
    assert_eq!(later.count(Stand::Later), later.lines.len());
    let grant = later.lines[0].row.id.parse().unwrap();
    let affairs = f.session("academic_affairs", NOW).await;
    let kept = f.reviewed().keep(by(&affairs), grant).await;
    assert!(matches!(kept, Err(Error::Conflict(..))));
    tamper(&f.db, "DELETE FROM terms WHERE week_one < 0").await;
    let before = f.reviewed().review(Uuid::nil(), 0).await.unwrap();
    assert!(before.is_none(), "no term had begun");
}

/// R26: last use is the last view, and of whoever sees no content the last visit.
#[tokio::test]
async fn the_last_use_of_a_permission_shows() {
    let f = stage(NOW).await;
    let supervisor = f.session("school_supervisor", NOW).await;
    let technician = f.session("technician", NOW).await;
    let room = f.rooms[0].clone();
    let purpose = xunke_policy::purpose::Purpose::Plan;
    let opened = f
        .gate
        .open_live(&supervisor, room, &purpose, HERE, NOW + 5)
        .await;
    opened.unwrap();
    let review = f.term_review(NOW + 10).await;
    let used = |session: &Session| {
        let key = session.person.id.to_string();
        let line = review.lines.iter().find(|line| line.row.person_id == key);
        line.unwrap().used_ms
    };
    assert_eq!(used(&supervisor), Some(NOW + 5));
    assert_eq!(used(&technician), Some(NOW));
}

/// X9: without a line nothing is reviewed.
#[tokio::test]
async fn without_the_trail_nothing_is_reviewed() {
    let f = stage(NOW).await;
    let affairs = f.session("academic_affairs", NOW).await;
    let grant = f.term_review(NOW).await.lines[0].row.id.parse().unwrap();
    full(&f.db, "trail", "1 = 1").await;
    let kept = f.reviewed().keep(by(&affairs), grant).await;
    assert!(matches!(kept, Err(Error::Trail(_))));
    room_again(&f.db).await;
    assert_eq!(f.term_review(NOW).await.count(Stand::Kept), 0);
}
