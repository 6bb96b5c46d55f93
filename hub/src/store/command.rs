//! Queries of commands to boxes.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A command with names.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CommandRow {
    /// UUID.
    pub id: String,
    /// The box.
    pub device_id: String,
    /// The order's word.
    pub kind: String,
    /// The order, JSON.
    pub body: String,
    /// Why.
    pub reason: String,
    /// Who gave it; `None` for the hub itself.
    pub asked_by: Option<String>,
    /// Their name.
    pub asker: Option<String>,
    /// When.
    pub asked_ms: i64,
    /// Name of who agreed or declined.
    pub judge: Option<String>,
    /// When.
    pub judged_ms: Option<i64>,
    /// `waiting`, `queued`, `sent`, `running` or an end.
    pub state: String,
    /// What went wrong; empty for nothing.
    pub code: String,
    /// JSON; empty for none.
    pub result: String,
    /// A box does not begin after that.
    pub expires_ms: i64,
    /// The hub waits no longer than that.
    pub ends_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Part of which check-up; empty for none.
    pub checkup_id: String,
}

/// A new command.
#[derive(Debug, Clone)]
pub struct NewCommand<'a> {
    /// UUID.
    pub id: &'a str,
    /// The box.
    pub device_id: &'a str,
    /// The order's word.
    pub kind: &'a str,
    /// The order, JSON.
    pub body: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who gives it.
    pub asked_by: Option<&'a str>,
    /// `waiting` or `queued`.
    pub state: &'a str,
    /// A box does not begin after that.
    pub expires_ms: i64,
    /// The hub waits no longer than that.
    pub ends_ms: i64,
    /// Part of which check-up; empty for none.
    pub checkup_id: &'a str,
}

/// How a command goes on or ended.
#[derive(Debug, Clone)]
pub struct Word<'a> {
    /// The command's state now.
    pub state: &'a str,
    /// What went wrong; empty for nothing.
    pub code: &'a str,
    /// JSON; empty for none.
    pub result: &'a str,
    /// When it ended; `None` while it runs.
    pub ended_ms: Option<i64>,
}

const LISTED: &str = "SELECT c.id, c.device_id, c.kind, c.body, c.reason, c.asked_by,
    a.name AS asker, c.asked_ms, j.name AS judge, c.judged_ms, c.state, c.code, c.result,
    c.expires_ms, c.ends_ms, c.ended_ms, c.checkup_id FROM commands c
    LEFT JOIN persons a ON a.id = c.asked_by LEFT JOIN persons j ON j.id = c.judged_by";

/// Commands of a box, newest first, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn of_device(db: &Db, device_id: &str, limit: i64) -> Result<Vec<CommandRow>, Error> {
    let order = "WHERE c.device_id = $1 ORDER BY c.asked_ms DESC, c.id DESC LIMIT $2";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {order}")))
        .bind(device_id)
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the commands of a box"))
}

/// Commands that wait for a second person, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &Db, now_ms: i64) -> Result<Vec<CommandRow>, Error> {
    let waiting = "WHERE c.state = 'waiting' AND c.ends_ms >= $1 ORDER BY c.asked_ms, c.id";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {waiting}")))
        .bind(now_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the commands that wait for consent"))
}

/// One command.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<CommandRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} WHERE c.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a command"))
}

/// Commands of a check-up.
///
/// # Errors
/// When the database fails.
pub async fn of_checkup(db: &Db, checkup_id: &str) -> Result<Vec<CommandRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{LISTED} WHERE c.checkup_id = $1 ORDER BY c.device_id, c.asked_ms"
    )))
    .bind(checkup_id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the commands of a check-up"))
}

/// What a box is still to be told, or may still tell of: commands without an end, and those since
/// `since_ms` that ended because it did not answer. The oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_of(db: &Db, device_id: &str, since_ms: i64) -> Result<Vec<CommandRow>, Error> {
    let open = "WHERE c.device_id = $1 AND (c.state IN ('queued', 'sent', 'running')
        OR (c.state = 'expired' AND c.code = 'no_answer' AND c.asked_ms >= $2))
        ORDER BY c.asked_ms, c.id";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {open}")))
        .bind(device_id)
        .bind(since_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the open commands of a box"))
}

/// Commands that end now because nobody agreed, no box was there, or none answered.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &Db, now_ms: i64) -> Result<Vec<CommandRow>, Error> {
    let overdue = "WHERE (c.state = 'queued' AND c.expires_ms < $1)
        OR (c.state IN ('waiting', 'sent', 'running') AND c.ends_ms < $1)";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {overdue}")))
        .bind(now_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading overdue commands"))
}

/// Adds a command; `false` when the box has one of `kinds` under way already, which that would be
/// beside. One that waits for a second person is in the way of another such one alone.
///
/// # Errors
/// When the database fails.
pub async fn add(
    writing: &mut Writing,
    new: &NewCommand<'_>,
    kinds: &[&str],
    now_ms: i64,
) -> Result<bool, Error> {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let waits = match new.state {
        "waiting" => "'waiting', ",
        _ => "",
    };
    let beside = match kinds.is_empty() {
        true => String::new(),
        false => format!(
            " AND NOT EXISTS (SELECT 1 FROM commands WHERE device_id = $2
               AND state IN ({waits}'queued', 'sent', 'running') AND kind IN ({}))",
            kinds.join(", ")
        ),
    };
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO commands (id, device_id, kind, body, reason, asked_by, asked_ms, state, code,
         result, expires_ms, ends_ms, checkup_id)
         SELECT $1, id, $3, $4, $5, $6, $7, $8, '', '', $9, $10, $11 FROM devices
         WHERE id = $2{beside}"
    )))
    .bind(new.id)
    .bind(new.device_id)
    .bind(new.kind)
    .bind(new.body)
    .bind(new.reason)
    .bind(new.asked_by)
    .bind(now_ms)
    .bind(new.state)
    .bind(new.expires_ms)
    .bind(new.ends_ms)
    .bind(new.checkup_id)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("keeping a command"))
}

/// A second person has agreed or declined; `false` when nobody is waited for any more.
///
/// # Errors
/// When the database fails.
pub async fn judge(
    writing: &mut Writing,
    id: &str,
    (by, state): (&str, &str),
    (expires_ms, ends_ms): (i64, i64),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE commands SET judged_by = $2, judged_ms = $3, state = $4, expires_ms = $5,
         ends_ms = $6, ended_ms = CASE WHEN $4 = 'declined' THEN $3 ELSE NULL END
         WHERE id = $1 AND state = 'waiting'",
    )
    .bind(id)
    .bind(by)
    .bind(now_ms)
    .bind(state)
    .bind(expires_ms)
    .bind(ends_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("judging a command"))
}

/// A command went out.
///
/// # Errors
/// When the database fails.
pub async fn sent(db: &Db, id: &str) -> Result<(), Error> {
    sqlx::query("UPDATE commands SET state = 'sent' WHERE id = $1 AND state = 'queued'")
        .bind(id)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("noting that a command was sent"))
}

/// What its box says of a command; `false` when that is no news, or no command of this box. An end
/// may come after the hub has given up waiting for it.
///
/// # Errors
/// When the database fails.
pub async fn heard(db: &Db, (device_id, id): (&str, &str), word: &Word<'_>) -> Result<bool, Error> {
    let from = match word.ended_ms {
        Some(_) => {
            "(state IN ('queued', 'sent', 'running') OR
                     (state = 'expired' AND code = 'no_answer'))"
        }
        None => "state IN ('queued', 'sent')",
    };
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE commands SET state = $3, code = $4, result = $5, ended_ms = $6
         WHERE id = $1 AND device_id = $2 AND {from}"
    )))
    .bind(id)
    .bind(device_id)
    .bind(word.state)
    .bind(word.code)
    .bind(word.result)
    .bind(word.ended_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("noting the answer to a command"))
}

/// A command ends without its box's word; `false` when it has ended meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn expire(db: &Db, id: &str, from: &str, code: &str, now_ms: i64) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE commands SET state = 'expired', code = $3, ended_ms = $4
         WHERE id = $1 AND state = $2",
    )
    .bind(id)
    .bind(from)
    .bind(code)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("ending a command"))
}

/// Forgets commands that ended before then.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Db, before_ms: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM commands WHERE ended_ms < $1")
        .bind(before_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("forgetting old commands"))
}
