//! Signing in as it should and as it should not.

use std::net::Ipv4Addr;

use super::*;
use crate::demo::Account;
use crate::demo::tests::college;
use crate::notice::Notices;

const NOW: i64 = 1_795_300_000_000;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Fixture {
    desk: Desk,
    trail: Arc<Trail>,
    sessions: Sessions,
    db: Db,
    supervisor: Account,
    factor: Vec<u8>,
}

async fn fixture() -> Fixture {
    let (db, sealing, mut seeded) = college(1).await;
    let supervisor = seeded.accounts.remove(0);
    let credential = people::credential(&db, &supervisor.login)
        .await
        .unwrap()
        .unwrap();
    let factor = sealing
        .unseal(&credential.totp_sealed, &credential.person_id)
        .unwrap();
    let mut config = Config::default();
    config.demo.enabled = true;
    let config = Arc::new(config);
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let desk = Desk::new(db.clone(), trail.clone(), sessions.clone(), config, sealing);
    Fixture {
        desk,
        trail,
        sessions,
        db,
        supervisor,
        factor: factor.to_vec(),
    }
}

impl Fixture {
    fn typed(&self, now_ms: i64) -> Typed {
        Typed {
            login: self.supervisor.login.clone(),
            password: self.supervisor.password.clone(),
            code: second_factor::code(&self.factor, now_ms),
        }
    }

    async fn last_line(&self) -> (String, String, String) {
        let line = self.trail.before(i64::MAX, 1).await.unwrap().remove(0);
        (line.outcome, line.staff_number, line.detail)
    }
}

/// R27, R32: a session, one line, one person.
#[tokio::test]
async fn the_right_words_begin_a_session_and_a_line() {
    let f = fixture().await;
    let token = f.desk.sign_in(f.typed(NOW), HERE, NOW).await.unwrap();
    let session = f.sessions.find(&token, NOW).await.unwrap().unwrap();
    assert_eq!(session.person.name, "王建国");
    assert_eq!(
        f.last_line().await,
        ("done".into(), "D1001".into(), "password".into())
    );
}

/// X1: each code is good once, also within its window.
#[tokio::test]
async fn a_code_is_good_once() {
    let f = fixture().await;
    f.desk.sign_in(f.typed(NOW), HERE, NOW).await.unwrap();
    let again = f.desk.sign_in(f.typed(NOW), HERE, NOW + 1000).await;
    assert!(matches!(again, Err(Error::Wrong)));
    let earlier = f
        .desk
        .sign_in(f.typed(NOW - 30_000), HERE, NOW + 1000)
        .await;
    assert!(matches!(earlier, Err(Error::Wrong)));
    assert!(
        f.desk
            .sign_in(f.typed(NOW + 30_000), HERE, NOW + 30_000)
            .await
            .is_ok()
    );
}

/// Which of the three is wrong is not said; what was typed is not kept.
#[tokio::test]
async fn anything_wrong_is_wrong_and_leaves_a_line() {
    let f = fixture().await;
    let wrong_password = Typed {
        password: Zeroizing::new("Xk7#wide-Lake".into()),
        ..f.typed(NOW)
    };
    let wrong_code = Typed {
        code: "000000".into(),
        ..f.typed(NOW)
    };
    for typed in [wrong_password, wrong_code] {
        assert!(matches!(
            f.desk.sign_in(typed, HERE, NOW).await,
            Err(Error::Wrong)
        ));
        assert_eq!(
            f.last_line().await,
            ("failed".into(), "D1001".into(), "wrong".into())
        );
    }
    let stranger = Typed {
        login: "my-password!".into(),
        ..f.typed(NOW)
    };
    assert!(matches!(
        f.desk.sign_in(stranger, HERE, NOW).await,
        Err(Error::Wrong)
    ));
    assert_eq!(
        f.last_line().await,
        ("failed".into(), String::new(), "wrong".into())
    );
}

/// X2: five, then wait – also with the right words – and one line for it.
#[tokio::test]
async fn guessing_has_to_wait() {
    let f = fixture().await;
    for _ in 0..5 {
        let typed = Typed {
            code: "000000".into(),
            ..f.typed(NOW)
        };
        assert!(matches!(
            f.desk.sign_in(typed, HERE, NOW).await,
            Err(Error::Wrong)
        ));
    }
    for _ in 0..2 {
        let waits = f.desk.sign_in(f.typed(NOW), HERE, NOW).await;
        assert!(matches!(waits, Err(Error::Wait(1800))));
    }
    assert_eq!(f.trail.head().await.unwrap().seq, 6);
    assert_eq!(
        f.last_line().await,
        ("refused".into(), String::new(), "locked".into())
    );
}

/// R37, R115, X1: a signature asks for password and code once more; wrong words are a line and
/// count, and the session goes on.
#[tokio::test]
async fn a_signature_asks_once_more() {
    let f = fixture().await;
    let token = f.desk.sign_in(f.typed(NOW), HERE, NOW).await.unwrap();
    let session = f.sessions.find(&token, NOW).await.unwrap().unwrap();
    let later = NOW + 30_000;
    let confirm = |password: &str, code: String| {
        let typed = (Zeroizing::new(password.to_owned()), code);
        f.desk.confirm(&session, typed, HERE, later)
    };
    let (password, code) = (
        f.supervisor.password.clone(),
        second_factor::code(&f.factor, later),
    );
    for (password, code) in [
        ("Xk7#wide-Lake", code.clone()),
        (password.as_str(), "000000".into()),
    ] {
        assert!(matches!(confirm(password, code).await, Err(Error::Wrong)));
        let line = f.trail.before(i64::MAX, 1).await.unwrap().remove(0);
        assert_eq!(
            (line.action.as_str(), line.outcome.as_str()),
            ("confirm_identity", "failed")
        );
    }
    let long = "x".repeat(rules::BYTES_MAX + 1);
    assert!(matches!(
        confirm(&long, code.clone()).await,
        Err(Error::Wrong)
    ));
    confirm(&password, code.clone()).await.unwrap();
    let again = confirm(&password, code).await;
    assert!(matches!(again, Err(Error::Wrong)), "a code is good once");
    assert!(f.sessions.find(&token, later).await.unwrap().is_some());
    for _ in 0..4 {
        drop(confirm("Xk7#wide-Lake", String::new()).await);
    }
    let waits = confirm(&password, String::new()).await;
    assert!(matches!(waits, Err(Error::Wait(1800))));
}

/// R27: one active session per person; 30 minutes idle, 12 hours in any case.
#[tokio::test]
async fn sessions_end_by_takeover_idleness_and_age() {
    let f = fixture().await;
    let minute = 60_000;
    let person = f.supervisor.id;
    let first = f.sessions.begin(person, HERE, NOW).await.unwrap();
    let second = f.sessions.begin(person, HERE, NOW).await.unwrap();
    assert!(f.sessions.find(&first, NOW).await.unwrap().is_none());
    assert!(
        f.sessions
            .find(&second, NOW + 29 * minute)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        f.sessions
            .find(&second, NOW + 58 * minute)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        f.sessions
            .find(&second, NOW + 88 * minute)
            .await
            .unwrap()
            .is_none()
    );
    let third = f.sessions.begin(person, HERE, NOW).await.unwrap();
    for n in 1..=36 {
        let at = NOW + n * 20 * minute;
        assert_eq!(
            f.sessions.find(&third, at).await.unwrap().is_some(),
            n < 36,
            "{n}"
        );
    }
}

#[tokio::test]
async fn a_link_is_good_once_on_this_machine_only() {
    let f = fixture().await;
    let link = f.supervisor.link_token.clone();
    let elsewhere = "10.0.0.5".parse().unwrap();
    let refused = f.desk.sign_in_by_link(&link, elsewhere, NOW).await;
    assert!(matches!(refused, Err(Error::Wrong)));
    assert!(f.desk.sign_in_by_link(&link, HERE, NOW).await.is_ok());
    assert!(matches!(
        f.desk.sign_in_by_link(&link, HERE, NOW).await,
        Err(Error::Wrong)
    ));
}

/// R23: who has left has no further session.
#[tokio::test]
async fn who_has_left_cannot_sign_in() {
    let f = fixture().await;
    people::set_standing(&f.db, &f.supervisor.id.to_string(), "left").await;
    let refused = f.desk.sign_in(f.typed(NOW), HERE, NOW).await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal == Refusal::LEFT));
}

/// X9: no line, no session.
#[tokio::test]
async fn no_trail_no_session() {
    let f = fixture().await;
    store::trail::tamper(&f.db, "DROP TABLE trail").await;
    assert!(matches!(
        f.desk.sign_in(f.typed(NOW), HERE, NOW).await,
        Err(Error::Trail(_))
    ));
    let login = &f.supervisor.login;
    assert!(
        !links::known_address(&f.db, login, &HERE.to_string())
            .await
            .unwrap()
    );
}
