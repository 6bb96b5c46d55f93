//! The own account, changed as it should and as it should not.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::access::passkey::tests::{Authenticator, client_data};
use crate::access::session::Session;
use crate::access::sign_in::{Answer, Typed};
use crate::config::Config;
use crate::demo::Account;
use crate::demo::tests::college;
use crate::notice::Notices;
use xunke_policy::{Refusal, preset};

const NOW: i64 = 1_795_300_000_000;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STEP_MS: i64 = 30_000;
const NEW: &str = "Xk7#wide-Lake";

struct Fixture {
    db: Db,
    trail: Arc<Trail>,
    sessions: Sessions,
    desk: Desk,
    accounts: Accounts,
    teacher: Account,
    factor: Vec<u8>,
}

async fn fixture() -> Fixture {
    let (db, sealing, mut seeded) = college(1).await;
    let place = seeded
        .accounts
        .iter()
        .position(|one| one.label == "teacher");
    let teacher = seeded.accounts.remove(place.unwrap());
    let credential = people::credential(&db, &teacher.login)
        .await
        .unwrap()
        .unwrap();
    let factor = sealing.unseal(&credential.totp_sealed, &credential.person_id);
    let config = Arc::new(Config::default());
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let (t, s) = (trail.clone(), sessions.clone());
    let desk = Desk::new(db.clone(), t, s.clone(), config, sealing.clone());
    let school = Arc::new(preset::parse(preset::POLYTECHNIC).unwrap());
    let rooms = (desk.clone(), s);
    Fixture {
        accounts: Accounts::new((db.clone(), trail.clone()), rooms, sealing, school),
        factor: factor.unwrap().to_vec(),
        db,
        trail,
        sessions,
        desk,
        teacher,
    }
}

impl Fixture {
    async fn session(&self) -> Session {
        let token = self
            .sessions
            .begin(self.teacher.id, HERE, NOW)
            .await
            .unwrap();
        self.sessions.find(&token, NOW).await.unwrap().unwrap()
    }

    /// Password and the code of the `n`th step from now.
    fn again(&self, n: i64) -> Again {
        let code = second_factor::code(&self.factor, NOW + n * STEP_MS);
        (self.teacher.password.clone(), code)
    }

    async fn signs_in(&self, password: &str, code: &str, now_ms: i64) -> bool {
        let typed = Typed {
            login: self.teacher.login.clone(),
            password: Zeroizing::new(password.into()),
            code: code.into(),
        };
        self.desk.sign_in(typed, HERE, now_ms).await.is_ok()
    }

    async fn last_line(&self) -> (String, String, String) {
        let line = self.trail.before(i64::MAX, 1).await.unwrap().remove(0);
        (line.action, line.outcome, line.detail)
    }

    async fn lines(&self) -> i64 {
        self.trail.head().await.unwrap().seq
    }
}

fn by(session: &Session, now_ms: i64) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms,
    }
}

fn new(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.into())
}

/// R29, R30, R27: a change ends every session but the one it gives, and the old password is gone.
#[tokio::test]
async fn a_password_is_changed_by_its_owner() {
    let f = fixture().await;
    let session = f.session().await;
    let change = f
        .accounts
        .change_password(by(&session, NOW), f.again(0), new(NEW));
    let token = change.await.unwrap();
    let line = ("change_password".into(), "done".into(), String::new());
    assert_eq!(f.last_line().await, line);
    let ended = f.sessions.recheck(&session, NOW).await.unwrap();
    assert_eq!(ended.err(), Some(Refusal::SESSION_ENDED));
    let fresh = f.sessions.find(&token, NOW).await.unwrap().unwrap();
    assert_eq!(fresh.person.password_changed_ms, NOW);
    let later = NOW + STEP_MS;
    let (old, code) = f.again(1);
    assert!(!f.signs_in(&old, &code, later).await);
    assert!(f.signs_in(NEW, &code, later).await);
}

/// R29: weak, own and earlier passwords are refused; a weak one costs no one-time code.
#[tokio::test]
async fn a_new_password_is_strong_and_new() {
    let f = fixture().await;
    let session = f.session().await;
    let change = async |n: i64, password: &str| {
        let at = by(&session, NOW + n * STEP_MS);
        let changed = f.accounts.change_password(at, f.again(n), new(password));
        match changed.await {
            Err(Error::Refused(refusal)) => refusal,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("taken"),
        }
    };
    let before = f.lines().await;
    assert_eq!(change(0, "Xk7#wide").await, Refusal::PASSWORD_LENGTH);
    assert_eq!(change(0, "xk7#wide-lake").await, Refusal::PASSWORD_KINDS);
    let personal = format!("Xk7#wide-{}", f.teacher.login);
    assert_eq!(change(0, &personal).await, Refusal::PASSWORD_PERSONAL);
    assert_eq!(f.lines().await, before);
    let same = f.teacher.password.clone();
    assert_eq!(change(0, &same).await, Refusal::PASSWORD_REUSED);
    let kept = f.accounts.rules().history_kept;
    let at = |n: usize| NOW + i64::try_from(n).unwrap() * STEP_MS;
    let mut current = same.clone();
    for n in 1..=kept {
        let next = format!("Xk{n}#wide-Lake");
        let session = f.session().await;
        let code = second_factor::code(&f.factor, at(n));
        let changed = f
            .accounts
            .change_password(by(&session, at(n)), (current, code), new(&next));
        changed.await.unwrap();
        current = new(&next);
    }
    let session = f.session().await;
    let last = kept + 1;
    let code = second_factor::code(&f.factor, at(last));
    let again = (current.clone(), code);
    let first = f
        .accounts
        .change_password(by(&session, at(last)), again, new("Xk1#wide-Lake"));
    assert!(matches!(
        first.await,
        Err(Error::Refused(Refusal::PASSWORD_REUSED))
    ));
    let code = second_factor::code(&f.factor, at(last + 1));
    let sixth = f
        .accounts
        .change_password(by(&session, at(last + 1)), (current, code), same);
    sixth.await.unwrap();
}

/// X2: an open browser changes nothing, and guessing there has to wait too.
#[tokio::test]
async fn an_open_browser_changes_nothing() {
    let f = fixture().await;
    let session = f.session().await;
    for n in 0..6 {
        let again = (new("Xk7#wrong-Lake"), f.again(0).1);
        let refused = f
            .accounts
            .change_password(by(&session, NOW), again, new(NEW))
            .await;
        match refused {
            Err(Error::SignIn(sign_in::Error::Wrong)) => assert!(n < 5),
            Err(Error::SignIn(sign_in::Error::Wait(_))) => assert_eq!(n, 5),
            _ => panic!("changed"),
        }
    }
    assert!(
        f.sessions.recheck(&session, NOW).await.unwrap().is_ok(),
        "the session goes on"
    );
}

/// X1: the new authenticator counts once a code of it was given, and the old one no longer.
#[tokio::test]
async fn an_authenticator_is_changed_in_two_steps() {
    let f = fixture().await;
    let session = f.session().await;
    let factor = f
        .accounts
        .begin_authenticator(by(&session, NOW), f.again(0))
        .await
        .unwrap();
    let end = async |code: &str, now_ms| {
        f.accounts
            .end_authenticator(by(&session, now_ms), code)
            .await
    };
    assert!(matches!(end("000000", NOW).await, Err(Error::Field(_))));
    let old = f.again(0).1;
    assert!(matches!(end(&old, NOW).await, Err(Error::Field(_))));
    let late = NOW + CHANGE_MS;
    assert!(matches!(
        end(&second_factor::code(&factor, late), late).await,
        Err(Error::Field(_))
    ));
    let token = end(&second_factor::code(&factor, NOW), NOW).await.unwrap();
    assert!(f.sessions.find(&token, NOW).await.unwrap().is_some());
    assert_eq!(f.last_line().await.0, "change_authenticator");
    let (password, code) = f.again(1);
    let later = NOW + STEP_MS;
    assert!(!f.signs_in(&password, &code, later).await);
    let used = second_factor::code(&factor, NOW);
    assert!(
        !f.signs_in(&password, &used, NOW).await,
        "the confirming code is used up"
    );
    assert!(
        f.signs_in(&password, &second_factor::code(&factor, later), later)
            .await
    );
    assert!(matches!(
        end(&second_factor::code(&factor, NOW), NOW).await,
        Err(Error::Field(_))
    ));
}

/// X1: ten recovery codes, each good once, new ones in place of the old, nobody else's.
#[tokio::test]
async fn recovery_codes_are_good_once() {
    let f = fixture().await;
    let session = f.session().await;
    let at = by(&session, NOW);
    assert_eq!(f.accounts.recovery_codes_left(at).await.unwrap(), 0);
    let old = f
        .accounts
        .renew_recovery_codes(at, f.again(0))
        .await
        .unwrap();
    assert_eq!(f.last_line().await.0, "renew_recovery_codes");
    let password = f.teacher.password.clone();
    let later = by(&session, NOW + STEP_MS);
    let codes = f
        .accounts
        .renew_recovery_codes(later, f.again(1))
        .await
        .unwrap();
    assert_eq!(codes.len(), recovery::CODES);
    assert!(!f.signs_in(&password, &old[0], NOW).await);
    assert!(!f.signs_in("Xk7#wrong-Lake", &codes[0], NOW).await);
    let typed = codes[0].to_lowercase().replace('-', " ");
    assert!(f.signs_in(&password, &typed, NOW).await);
    let line = ("sign_in".into(), "done".into(), "recovery_code".into());
    assert_eq!(f.last_line().await, line);
    assert!(!f.signs_in(&password, &codes[0], NOW).await);
    assert_eq!(f.accounts.recovery_codes_left(at).await.unwrap(), 9);
    let other = recovery::use_up(&f.db, "somebody else", &codes[1], NOW).await;
    assert!(!other.unwrap());
}

/// R28: the owner sees every sign-in, also those that failed.
#[tokio::test]
async fn the_owner_sees_the_last_sign_ins() {
    let f = fixture().await;
    let (password, code) = f.again(0);
    assert!(!f.signs_in("Xk7#wrong-Lake", &code, NOW).await);
    assert!(f.signs_in(&password, &code, NOW).await);
    let session = f.session().await;
    let lines = f.accounts.sign_ins(by(&session, NOW)).await.unwrap();
    let outcomes: Vec<_> = lines.iter().map(|line| line.outcome.as_str()).collect();
    assert_eq!(outcomes, ["done", "failed"]);
    assert!(lines.iter().all(|line| line.address == HERE.to_string()));
}

/// X9: no line, no change.
#[tokio::test]
async fn no_trail_no_change() {
    let f = fixture().await;
    let session = f.session().await;
    trail::tamper(&f.db, "DROP TABLE trail_head").await;
    let change = f
        .accounts
        .change_password(by(&session, NOW), f.again(0), new(NEW));
    assert!(matches!(change.await, Err(Error::Trail(_))));
    let credential = people::credential(&f.db, &f.teacher.login)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(credential.password_changed_ms, NOW + 1);
    let fits = f
        .desk
        .hasher()
        .verify(new(NEW), Some(credential.password_hash));
    assert!(!fits.await);
    assert!(f.sessions.recheck(&session, NOW).await.unwrap().is_ok());
}

/// X1: a passkey is added after password and code, signs in after the password, counts on, and is
/// gone when it is taken away; a copy of it is noticed.
#[tokio::test]
async fn a_passkey_signs_in_after_the_password() {
    const ORIGIN: &str = "https://localhost:8443";
    let f = fixture().await;
    let session = f.session().await;
    let at = by(&session, NOW);
    let authenticator = Authenticator::of("localhost");
    let question = f.accounts.begin_passkey(at, f.again(0)).await.unwrap();
    let data = client_data("webauthn.create", &question.challenge, ORIGIN);
    let made = authenticator.make(data);
    f.accounts
        .end_passkey(at, "办公室电脑", &made)
        .await
        .unwrap();
    assert_eq!(f.last_line().await.0, "add_passkey");
    let again = f.accounts.end_passkey(at, "办公室电脑", &made).await;
    assert!(
        matches!(again, Err(Error::Field(_))),
        "a challenge is good once"
    );
    let ask = async |password: &str| {
        let typed = (f.teacher.login.as_str(), new(password));
        f.desk.ask_passkey(typed, HERE, NOW).await
    };
    let password = f.teacher.password.clone();
    let wrong = ask("Xk7#wrong-Lake").await;
    assert!(matches!(wrong, Err(sign_in::Error::Wrong)));
    let answer = async |counter: u32, origin: &str| {
        let question = ask(&password).await.unwrap();
        let data = client_data("webauthn.get", &question.challenge, origin);
        let answer = Answer {
            credential_id: question.keys[0].clone(),
            signed: authenticator.sign(data, authenticator.data("localhost", 1, counter)),
        };
        f.desk.sign_in_by_passkey(answer, HERE, NOW).await
    };
    let token = answer(6, ORIGIN).await.unwrap();
    assert!(f.sessions.find(&token, NOW).await.unwrap().is_some());
    let line =
        |outcome: &str, detail: &str| ("sign_in".to_owned(), outcome.to_owned(), detail.to_owned());
    assert_eq!(f.last_line().await, line("done", "passkey"));
    assert!(answer(6, ORIGIN).await.is_err());
    assert_eq!(f.last_line().await, line("failed", "passkey_copied"));
    assert!(answer(7, "https://evil.example").await.is_err());
    assert_eq!(f.last_line().await, line("failed", "passkey_wrong"));
    let passkeys = f.accounts.passkeys(at).await.unwrap();
    let id = passkeys[0].id.parse().unwrap();
    f.accounts.remove_passkey(at, id).await.unwrap();
    assert!(matches!(
        f.accounts.remove_passkey(at, id).await,
        Err(Error::NotFound)
    ));
    assert!(
        matches!(ask(&password).await, Err(sign_in::Error::Wrong)),
        "no passkey is left"
    );
}
