//! Stale accounts (X4): who has not signed in for long, and the end of such an account.
//!
//! CES1-07 “应及时删除或停用多余的、过期的账户”. A disabled account has nothing left to sign in with; its owner
//! starts it anew with a start code, which somebody must issue.

use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;
use xunke_policy::appointment;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;

use super::audit::{Entry, Trail, Who};
use super::grant::{By, Error, answered, reasoned};
use super::workbook::{self, Cell, Column, Sheet};
use crate::campus::calendar::{self, DAY_MS};
use crate::config;
use crate::store::stale::{self as rows, HolderRow, UnusedRow};
use crate::store::{Db, session};

const COLUMNS: [Column; 6] = [
    ("工号", 14),
    ("姓名", 14),
    ("教学单位", 24),
    ("角色代码", 36),
    ("最后登录", 20),
    ("未使用天数", 12),
];

/// An account that nobody uses.
#[derive(Debug, Clone)]
pub struct Unused {
    /// As stored.
    pub row: UnusedRow,
    /// What the owner is.
    pub roles: Vec<Role>,
    /// Days without a use.
    pub days: i64,
    /// Whether one of the three posts of administrators would be left without anybody (X5): then
    /// it stays.
    pub is_last: bool,
}

/// Accounts that nobody uses.
#[derive(Debug)]
pub struct StaleAccounts {
    db: Db,
    trail: Arc<Trail>,
    /// Days after which one is reported.
    pub report_days: u32,
    /// Days after which one is disabled; `None`: never by itself.
    pub disable_days: Option<u32>,
    /// The last day that was looked at.
    looked: Mutex<Option<i64>>,
}

impl StaleAccounts {
    /// Accounts in `db` under `rules`, each end a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, rules: &config::Session) -> Self {
        Self {
            db,
            trail,
            report_days: rules.stale_days,
            disable_days: (rules.disable_days > 0).then_some(rules.disable_days),
            looked: Mutex::default(),
        }
    }

    /// Who has not signed in for as long as is reported, the longest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn report(&self, now_ms: i64) -> Result<Vec<Unused>, Error> {
        let unused = rows::unused(&self.db, before(now_ms, self.report_days)).await?;
        let holders = rows::holders(&self.db).await?;
        let mut unused: Vec<_> = unused
            .into_iter()
            .map(|row| {
                let roles = roles_of(&holders, &row.id);
                Unused {
                    days: calendar::day(now_ms) - calendar::day(row.used_ms()),
                    is_last: vacates(&holders, &row.id, &roles).is_err(),
                    roles,
                    row,
                }
            })
            .collect();
        unused.sort_by_key(|one| -one.days);
        Ok(unused)
    }

    /// The report as a workbook; taking it is a line.
    ///
    /// # Errors
    /// When the store fails; then nothing goes out.
    pub async fn workbook(&self, by: By<'_>) -> Result<Vec<u8>, Export> {
        let unused = self.report(by.now_ms).await?;
        let entry = Entry {
            detail: unused.len().to_string(),
            ..by.done("export_stale_accounts")
        };
        let appended = self.trail.append(entry, by.now_ms).await;
        appended.map_err(Error::from)?;
        let sheet = Sheet {
            name: "长期未用账号",
            columns: &COLUMNS,
            lines: unused.into_iter().map(cells).collect(),
        };
        Ok(workbook::file(vec![sheet], by.now_ms)?)
    }

    /// Disables an account of the report.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn disable(&self, by: By<'_>, person: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let key = person.to_string();
        let unused = self.report(by.now_ms).await?;
        let found = unused.into_iter().find(|one| one.row.id == key);
        let found = found.ok_or(IN_USE)?;
        if person == by.session.person.id {
            return Err(Error::Field(OWN));
        }
        let entry = Entry {
            who: by.session.person.who(by.origin),
            purpose: why.to_owned(),
            ..entry(&found)
        };
        self.end(&found, entry, self.report_days, by.now_ms).await
    }

    /// Disables what has been unused for as long as the configuration says, once a day. The last
    /// administrator of a kind stays; the report says so. On the day of a start, and after a jump
    /// of the clock, nothing is disabled: whoever runs the hub has until midnight to see that its
    /// clock is wrong, or that it was away for half a year.
    ///
    /// # Errors
    /// When the store fails; try again.
    pub async fn disable_unused(&self, now_ms: i64) -> Result<(), Error> {
        let Some(days) = self.disable_days else {
            return Ok(());
        };
        let today = calendar::day(now_ms);
        let mut looked = self.looked.lock().await;
        let since = looked.map(|day| today - day);
        if !since.is_some_and(|days| (0..=1).contains(&days)) {
            *looked = Some(today);
        }
        if since != Some(1) {
            return Ok(());
        }
        for found in self.report(now_ms).await? {
            if found.days < i64::from(days) || found.is_last {
                continue;
            }
            match self.end(&found, entry(&found), days, now_ms).await {
                Ok(()) | Err(Error::Conflict(..) | Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        *looked = Some(today);
        Ok(())
    }

    /// Everything by which the owner signs in, every session, and the line are one.
    async fn end(&self, found: &Unused, entry: Entry, days: u32, now_ms: i64) -> Result<(), Error> {
        let key = &found.row.id;
        let mut still = self.trail.hold().await?;
        if !rows::is_unused(still.writing(), key, before(now_ms, days)).await? {
            return Err(IN_USE);
        }
        let holders = rows::holders_in(still.writing()).await?;
        let answer = vacates(&holders, key, &roles_of(&holders, key));
        if answer.is_err() {
            drop(still);
            return answered(&self.trail, answer, &entry, now_ms).await;
        }
        let mut pending = still.line(entry, now_ms).await?;
        rows::disable(pending.writing(), key, now_ms).await?;
        session::end_all(pending.writing(), key, now_ms).await?;
        pending.commit().await?;
        Ok(())
    }
}

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum Export {
    /// The store or the trail.
    #[error(transparent)]
    Report(#[from] Error),
    /// The file.
    #[error("cannot make the workbook")]
    Workbook(#[from] workbook::Error),
}

/// Not used since then is unused for that many days.
fn before(now_ms: i64, days: u32) -> i64 {
    now_ms - i64::from(days) * DAY_MS
}

fn roles_of(holders: &[HolderRow], person_id: &str) -> Vec<Role> {
    let own = holders.iter().filter(|row| row.person_id == person_id);
    own.filter_map(|row| Role::named(&row.role)).collect()
}

/// X5: whether the posts of the three administrators stay filled with people who can sign in.
fn vacates(
    holders: &[HolderRow],
    person_id: &str,
    roles: &[Role],
) -> Result<(), xunke_policy::Refusal> {
    let others = holders.iter().filter(|row| row.person_id != person_id);
    let others: Vec<_> = others.filter_map(|row| Role::named(&row.role)).collect();
    appointment::may_vacate(roles, &[], &others)
}

fn entry(found: &Unused) -> Entry {
    Entry {
        object: format!("{} {}", found.row.name, found.row.staff_number),
        detail: format!("unused, {} days", found.days),
        ..Entry::done(Who::default(), "disable_account")
    }
}

fn cells(found: Unused) -> Vec<Cell> {
    let roles: Vec<_> = found.roles.iter().map(|role| role.name()).collect();
    let last = found.row.last_sign_in_ms.map(calendar::date_and_time);
    let texts = [
        found.row.staff_number,
        found.row.name,
        found.row.unit.unwrap_or_default(),
        roles.join(" "),
        last.unwrap_or_else(|| "从未登录".into()),
    ];
    let mut cells: Vec<_> = texts.into_iter().map(Cell::Text).collect();
    cells.push(Cell::Number(found.days));
    cells
}

const OWN: FieldError = FieldError {
    field: "person",
    zh: "不能停用自己的账号，请由另一位管理员办理。",
    en: "Nobody disables their own account; ask another administrator.",
};
const IN_USE: Error = Error::Conflict(
    "该账号刚刚登录过或已停用，不在长期未用之列，请刷新。",
    "This account was used or disabled meanwhile; reload.",
);

#[cfg(test)]
mod tests;
