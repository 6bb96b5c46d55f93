//! Start codes issued, used, abused; and the first start.

use std::net::Ipv4Addr;

use super::*;
use crate::access::grant::By;
use crate::access::session::{Session, Sessions};
use crate::access::sign_in::Typed;
use crate::access::start_code::{Issued, StartCodes};
use crate::config::Config;
use crate::demo::tests::college;
use crate::demo::{Account, Seeded};
use crate::notice::Notices;
use crate::store;
use xunke_policy::{Refusal, preset};

const NOW: i64 = 1_795_300_000_000;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const HOUR_MS: i64 = 60 * 60 * 1000;
const PASSWORD: &str = "Xk7#wide-Lake";

struct Fixture {
    db: Db,
    trail: Arc<Trail>,
    sessions: Sessions,
    desk: Desk,
    codes: StartCodes,
    starts: Starts,
    accounts: Vec<Account>,
}

fn put_together(db: Db, sealing: SealingKey, accounts: Vec<Account>) -> Fixture {
    let config = Arc::new(Config::default());
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let (t, s) = (trail.clone(), sessions.clone());
    let desk = Desk::new(db.clone(), t, s, config, sealing.clone());
    let school = Arc::new(preset::parse(preset::POLYTECHNIC).unwrap());
    let (t, d) = (trail.clone(), desk.clone());
    Fixture {
        codes: StartCodes::new(db.clone(), trail.clone(), 72),
        starts: Starts::new(db.clone(), t, d, sealing, school),
        db,
        trail,
        sessions,
        desk,
        accounts,
    }
}

async fn fixture() -> Fixture {
    let (db, sealing, Seeded { accounts, .. }) = college(1).await;
    put_together(db, sealing, accounts)
}

async fn empty() -> Fixture {
    let dir = std::env::temp_dir().join(Uuid::now_v7().to_string());
    let sealing = SealingKey::open(&dir).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    put_together(Db::in_memory().await, sealing, Vec::new())
}

impl Fixture {
    fn account(&self, label: &str) -> &Account {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| account.label == label).unwrap()
    }

    async fn session(&self, label: &str, now_ms: i64) -> Session {
        let person = self.account(label).id;
        let token = self.sessions.begin(person, HERE, now_ms).await.unwrap();
        self.sessions.find(&token, now_ms).await.unwrap().unwrap()
    }

    async fn issue(&self, by: &str, to: &str) -> Result<Issued, Error> {
        let session = self.session(by, NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        self.codes.issue(by, self.account(to).id).await
    }

    /// The code for somebody whom the system administrator may open alone.
    async fn code(&self) -> Zeroizing<String> {
        match self.issue("technician", "teacher").await.unwrap() {
            Issued::Code { code, .. } => code,
            Issued::Waiting { .. } => panic!("waits"),
        }
    }

    async fn chosen(&self, code: &str, password: &str, now_ms: i64) -> Chosen {
        let begun = self.starts.begin(code, HERE, now_ms).await.unwrap();
        Chosen {
            code: code.into(),
            password: Zeroizing::new(password.into()),
            totp: second_factor::code(&begun.factor, now_ms),
            administrator: None,
        }
    }

    async fn last_line(&self) -> (String, String, String) {
        let line = self.trail.before(i64::MAX, 1).await.unwrap().remove(0);
        (line.action, line.outcome, line.staff_number)
    }

    fn typed(&self, label: &str, password: &str, code: String) -> Typed {
        Typed {
            login: self.account(label).login.clone(),
            password: Zeroizing::new(password.into()),
            code,
        }
    }
}

fn is_wrong(answer: &Result<impl Sized, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(sign_in::Error::Wrong)))
}

fn refusal(answer: Result<impl Sized, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

fn field(answer: Result<impl Sized, Error>) -> &'static str {
    match answer {
        Err(Error::Field(error)) => error.field,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("taken"),
    }
}

/// X1, X3, R23: a code closes what was there, opens once, and is worth nothing afterwards.
#[tokio::test]
async fn a_start_code_sets_up_an_account_once() {
    let f = fixture().await;
    let before = f.session("teacher", NOW).await;
    let code = f.code().await;
    let ended = f.sessions.recheck(&before, NOW).await.unwrap();
    assert_eq!(ended.err(), Some(Refusal::SESSION_ENDED));
    let teacher = f.account("teacher");
    let login = people_credential(&f.db, &teacher.login).await;
    assert!(login.is_none(), "what was there before is void");
    let chosen = f.chosen(&code, PASSWORD, NOW).await;
    let totp = chosen.totp.clone();
    let codes = f.starts.finish(chosen, HERE, NOW).await.unwrap();
    assert_eq!(codes.len(), recovery::CODES);
    let line = (
        "use_start_code".into(),
        "done".into(),
        teacher.login.clone(),
    );
    assert_eq!(f.last_line().await, line);
    assert!(is_wrong(&f.starts.begin(&code, HERE, NOW).await));
    let again = f.typed("teacher", PASSWORD, totp);
    assert!(
        f.desk.sign_in(again, HERE, NOW).await.is_err(),
        "a code is good once"
    );
    let signed_in = f.typed("teacher", PASSWORD, codes[0].to_string());
    assert!(f.desk.sign_in(signed_in, HERE, NOW).await.is_ok());
}

async fn people_credential(db: &Db, login: &str) -> Option<store::people::CredentialRow> {
    store::people::credential(db, login).await.unwrap()
}

/// R29: the rules of passwords hold at the start too, and what was lost does not come back.
#[tokio::test]
async fn a_start_keeps_the_rules_of_passwords() {
    let f = fixture().await;
    let old = f.account("teacher").password.clone();
    let code = f.code().await;
    for (password, expect) in [
        ("short-7X", Refusal::PASSWORD_LENGTH),
        ("no-digit-No-digit", Refusal::PASSWORD_KINDS),
        (old.as_str(), Refusal::PASSWORD_REUSED),
    ] {
        let chosen = f.chosen(&code, password, NOW).await;
        assert_eq!(refusal(f.starts.finish(chosen, HERE, NOW).await), expect);
    }
    let mut chosen = f.chosen(&code, PASSWORD, NOW).await;
    chosen.totp = "000000".into();
    assert_eq!(field(f.starts.finish(chosen, HERE, NOW).await), "totp");
    let chosen = f.chosen(&code, PASSWORD, NOW).await;
    f.starts.finish(chosen, HERE, NOW).await.unwrap();
}

/// X3: a code ends by time and by a newer one.
#[tokio::test]
async fn old_codes_are_void() {
    let f = fixture().await;
    let first = f.code().await;
    let second = f.code().await;
    assert!(is_wrong(&f.starts.begin(&first, HERE, NOW).await));
    let last_ms = NOW + 72 * HOUR_MS - 1;
    assert!(f.starts.begin(&second, HERE, last_ms).await.is_ok());
    assert!(is_wrong(&f.starts.begin(&second, HERE, last_ms + 1).await));
}

/// X2: whoever guesses codes waits; others start undisturbed.
#[tokio::test]
async fn guessing_codes_has_to_wait() {
    let f = fixture().await;
    let code = f.code().await;
    let stranger = "10.0.0.9".parse().unwrap();
    for _ in 0..5 {
        assert!(is_wrong(&f.starts.begin("AAAA-BBBB", stranger, NOW).await));
        let line = ("use_start_code".into(), "failed".into(), String::new());
        assert_eq!(f.last_line().await, line);
    }
    let waits = f.starts.begin(&code, stranger, NOW).await;
    assert!(matches!(
        waits,
        Err(Error::SignIn(sign_in::Error::Wait(1800)))
    ));
    assert!(f.starts.begin(&code, HERE, NOW).await.is_ok());
}

/// X3, X5, R8: an account that sees classes takes two officers, nobody issues for themselves, and
/// the posts of administrators are the security administrator's.
#[tokio::test]
async fn no_officer_alone_opens_an_account_that_sees_classes() {
    let f = fixture().await;
    let waiting = f.issue("technician", "school_supervisor").await.unwrap();
    let with = |issued| match issued {
        Issued::Waiting { with, .. } => Some(with),
        Issued::Code { .. } => None,
    };
    assert_eq!(with(waiting), Some(Role::SecurityAdministrator));
    let supervisor = &f.account("school_supervisor").login;
    assert!(
        people_credential(&f.db, supervisor).await.is_some(),
        "nothing happened yet"
    );
    let again = f.issue("technician", "school_supervisor").await.unwrap();
    assert!(with(again).is_some(), "asking twice is still one officer");
    let agreed = f
        .issue("security_administrator", "school_supervisor")
        .await
        .unwrap();
    assert_eq!(with(agreed), None);
    assert!(people_credential(&f.db, supervisor).await.is_none());
    let own = f.issue("technician", "technician").await;
    assert_eq!(refusal(own), Refusal::START_CODE_OWN);
    let post = f.issue("technician", "audit_administrator").await;
    assert_eq!(refusal(post), Refusal::START_CODE_POST);
    let line = ("issue_start_code".into(), "refused".into());
    let last = f.last_line().await;
    assert_eq!((last.0, last.1), line);
    let nobody = f.issue("academic_affairs", "teacher").await;
    assert_eq!(refusal(nobody), Refusal::NOT_YOUR_ROLE);
}

/// X9: no line, no code, and the account stays as it is.
#[tokio::test]
async fn no_trail_no_reset() {
    let f = fixture().await;
    let session = f.session("technician", NOW).await;
    store::trail::tamper(&f.db, "DROP TABLE trail").await;
    let by = By {
        session: &session,
        origin: HERE,
        now_ms: NOW,
    };
    let teacher = f.account("teacher");
    let answer = f.codes.issue(by, teacher.id).await;
    assert!(matches!(answer, Err(Error::Trail(_))));
    assert!(people_credential(&f.db, &teacher.login).await.is_some());
}

fn administrator_as(post: Role, staff_number: &str) -> Option<Administrator> {
    Some(Administrator {
        post,
        staff_number: staff_number.into(),
        name: "管理员".into(),
    })
}

/// X3, X5: no default account; one code, three people, three posts, and then never again.
#[tokio::test]
async fn three_people_make_the_first_start() {
    let f = empty().await;
    let void = f.codes.first_start(NOW).await.unwrap().unwrap();
    let code = f.codes.first_start(NOW).await.unwrap().unwrap();
    assert!(
        is_wrong(&f.starts.begin(&void, HERE, NOW).await),
        "printed anew"
    );
    let mut secrets = Vec::new();
    for (post, number) in POSTS.into_iter().zip(["A1", "A2", "A3"]) {
        let begun = f.starts.begin(&code, HERE, NOW).await.unwrap();
        secrets.push(begun.factor.to_vec());
        let mut chosen = f.chosen(&code, PASSWORD, NOW).await;
        assert_eq!(field(f.starts.finish(chosen, HERE, NOW).await), "post");
        if number != "A1" {
            chosen = f.chosen(&code, PASSWORD, NOW).await;
            chosen.administrator = administrator_as(post, "A1");
            let twice = f.starts.finish(chosen, HERE, NOW).await;
            assert_eq!(field(twice), "staff_number", "nobody fills two posts");
            chosen = f.chosen(&code, PASSWORD, NOW).await;
            chosen.administrator = administrator_as(Role::Technician, number);
            let taken = f.starts.finish(chosen, HERE, NOW).await;
            assert_eq!(field(taken), "post", "no post is filled twice");
        }
        chosen = f.chosen(&code, PASSWORD, NOW).await;
        chosen.administrator = administrator_as(Role::SchoolSupervisor, number);
        assert_eq!(field(f.starts.finish(chosen, HERE, NOW).await), "post");
        chosen = f.chosen(&code, PASSWORD, NOW).await;
        chosen.administrator = administrator_as(post, number);
        f.starts.finish(chosen, HERE, NOW).await.unwrap();
        let line = ("first_start".into(), "done".into(), number.into());
        assert_eq!(f.last_line().await, line);
    }
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2]);
    assert!(is_wrong(&f.starts.begin(&code, HERE, NOW).await));
    assert!(f.codes.first_start(NOW).await.unwrap().is_none());
    store::trail::tamper(&f.db, "DELETE FROM person_roles").await;
    assert!(
        f.codes.first_start(NOW).await.unwrap().is_none(),
        "never again"
    );
}

/// X3: where the three are there already, no code is printed.
#[tokio::test]
async fn a_house_with_administrators_has_no_first_start() {
    let f = fixture().await;
    assert!(f.codes.first_start(NOW).await.unwrap().is_none());
}
