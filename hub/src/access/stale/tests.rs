//! Stale accounts: who is reported, who is disabled, and who stays.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::people;
use crate::store::trail::tamper;
use xunke_policy::Refusal;

const NOW: i64 = 1_795_300_000_000;
const LATER: i64 = NOW + 200 * DAY_MS;

impl Stage {
    fn stale(&self) -> StaleAccounts {
        let rules = config::Session::default();
        StaleAccounts::new(self.db.clone(), self.trail.clone(), &rules)
    }
}

impl StaleAccounts {
    /// As a hub does that has run since the day before.
    async fn disable_after_a_day(&self, now_ms: i64) {
        self.disable_unused(now_ms - DAY_MS).await.unwrap();
        self.disable_unused(now_ms).await.unwrap();
    }
}

fn as_(session: &Session, now_ms: i64) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms,
    }
}

async fn reported(stale: &StaleAccounts, now_ms: i64) -> Vec<String> {
    let unused = stale.report(now_ms).await.unwrap();
    unused.into_iter().map(|one| one.row.staff_number).collect()
}

/// X4: neither a day too early nor somebody who signs in; the days are counted from the last use.
#[tokio::test]
async fn whoever_has_not_signed_in_for_long_is_reported() {
    let f = stage(NOW).await;
    let stale = f.stale();
    let teacher = f.session("teacher", NOW + DAY_MS).await.person;
    let days = i64::from(stale.report_days);
    let end_ms = NOW + days * DAY_MS;
    assert_eq!(reported(&stale, end_ms - 1).await, Vec::<String>::new());
    let all = reported(&stale, end_ms).await;
    assert!(
        all.len() > 5 && !all.contains(&teacher.staff_number),
        "{all:?}"
    );
    let unused = stale.report(end_ms + DAY_MS).await.unwrap();
    let own = unused
        .iter()
        .find(|one| one.row.staff_number == teacher.staff_number);
    let own = own.unwrap();
    assert_eq!(
        (own.days, own.row.last_sign_in_ms),
        (days, Some(NOW + DAY_MS))
    );
    assert_eq!(unused[0].days, days + 1);
    tamper(&f.db, "DELETE FROM credentials").await;
    assert_eq!(reported(&stale, end_ms).await, Vec::<String>::new());
}

/// X4: a disabled account has nothing left to sign in with, its sessions are over, and its line
/// says who, why and for how long; it is not disabled twice.
#[tokio::test]
async fn a_disabled_account_is_signed_in_to_no_more() {
    let f = stage(NOW).await;
    let stale = f.stale();
    let teacher = f.session("teacher", NOW).await;
    let technician = f.session("technician", LATER).await;
    let by = as_(&technician, LATER);
    let id = teacher.person.id;
    stale.disable(by, id, "学期内未使用").await.unwrap();
    let login = &teacher.person.staff_number;
    assert!(people::credential(&f.db, login).await.unwrap().is_none());
    let ended = f.sessions.recheck(&teacher, NOW).await.unwrap();
    assert_eq!(ended.unwrap_err(), Refusal::SESSION_ENDED);
    let line = f.lines().await.remove(0);
    assert_eq!((&*line.action, &*line.outcome), ("disable_account", "done"));
    assert_eq!(
        (&*line.purpose, &*line.detail),
        ("学期内未使用", "unused, 200 days")
    );
    assert_eq!(line.staff_number, technician.person.staff_number);
    let again = stale.disable(by, id, "学期内未使用").await;
    assert!(matches!(again, Err(Error::Conflict(..))), "{again:?}");
}

/// X4: who has signed in meanwhile stays, so does whoever asks; a reason is needed.
#[tokio::test]
async fn an_account_in_use_is_not_disabled() {
    let f = stage(NOW).await;
    let stale = f.stale();
    let technician = f.session("technician", NOW).await;
    let by = as_(&technician, LATER);
    let own = stale.disable(by, technician.person.id, "不再使用").await;
    assert!(matches!(own, Err(Error::Field(_))), "{own:?}");
    let teacher = f.session("teacher", LATER).await.person.id;
    let used = stale.disable(by, teacher, "不再使用").await;
    assert!(matches!(used, Err(Error::Conflict(..))), "{used:?}");
    let why = stale.disable(by, teacher, " ").await;
    assert!(matches!(why, Err(Error::Field(_))), "{why:?}");
}

/// X4, X5: the last administrator of a kind stays, by hand and by itself; the no is a line.
#[tokio::test]
async fn the_last_administrator_of_a_kind_stays() {
    let f = stage(NOW).await;
    let stale = f.stale();
    let security = f.session("security_administrator", NOW).await.person;
    let technician = f.session("technician", LATER).await;
    let answer = stale
        .disable(as_(&technician, LATER), security.id, "长期未用")
        .await;
    let Err(Error::Refused(refusal)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(refusal, Refusal::ADMINISTRATORS_THREE);
    assert_eq!(f.lines().await[0].outcome, "refused");
    stale.disable_after_a_day(LATER).await;
    let left = rows::holders(&f.db).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|row| &*row.role).collect();
    left.sort_unstable();
    let three = [
        "audit_administrator",
        "security_administrator",
        "technician",
    ];
    assert_eq!(left, three, "all others are disabled");
    let unused = stale.report(LATER).await.unwrap();
    assert_eq!(unused.len(), 2, "{unused:?}");
    assert!(unused.iter().all(|one| one.is_last));
}

/// X4: by itself not a day too early, with a line of the hub's own, and never where it is off.
#[tokio::test]
async fn an_account_is_disabled_by_itself_after_its_days() {
    let f = stage(NOW).await;
    let mut stale = f.stale();
    let end_ms = NOW + i64::from(stale.disable_days.unwrap()) * DAY_MS;
    let before = f.lines().await.len();
    stale.disable_after_a_day(end_ms - DAY_MS).await;
    assert_eq!(f.lines().await.len(), before);
    stale.disable_days = None;
    stale.disable_after_a_day(end_ms).await;
    assert_eq!(f.lines().await.len(), before);
    stale.disable_days = config::Session::default().disable_days.into();
    stale.disable_after_a_day(end_ms).await;
    let lines = f.lines().await;
    assert!(lines.len() > before + 5);
    assert_eq!(
        (&*lines[0].action, lines[0].person_id.as_deref()),
        ("disable_account", None)
    );
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// X4: a start, or a clock that jumps, disables nobody on that day; the day after does.
#[tokio::test]
async fn a_clock_that_jumps_disables_nobody_at_once() {
    let f = stage(NOW).await;
    let stale = f.stale();
    let all = rows::holders(&f.db).await.unwrap().len();
    for now_ms in [
        LATER,
        LATER + 1,
        LATER + 3 * DAY_MS,
        LATER,
        LATER + 900 * DAY_MS,
    ] {
        stale.disable_unused(now_ms).await.unwrap();
        assert_eq!(rows::holders(&f.db).await.unwrap().len(), all, "{now_ms}");
    }
    stale.disable_unused(LATER + 901 * DAY_MS).await.unwrap();
    assert!(rows::holders(&f.db).await.unwrap().len() < all);
}

/// X4: the workbook holds the report, and taking it is a line.
#[tokio::test]
async fn the_report_is_exported_with_a_line() {
    use calamine::{Data, Reader, Xlsx};
    let f = stage(NOW).await;
    let stale = f.stale();
    let technician = f.session("technician", LATER).await;
    let bytes = stale.workbook(as_(&technician, LATER)).await.unwrap();
    let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("长期未用账号").unwrap();
    let unused = stale.report(LATER).await.unwrap();
    assert_eq!(range.height(), 1 + unused.len());
    let first = Data::String(unused[0].row.staff_number.clone());
    assert_eq!(range.get_value((1, 0)), Some(&first));
    let line = f.lines().await.remove(0);
    assert_eq!(line.action, "export_stale_accounts");
    assert_eq!(line.detail, unused.len().to_string());
}
