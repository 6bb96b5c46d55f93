//! Queries of risks: lines of the trail with what bears on them, and what stood out.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A line of the trail as the watch over it needs it.
#[derive(Debug, Clone, FromRow)]
pub struct WatchedLine {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at_ms: i64,
    /// Who.
    pub person_id: Option<String>,
    /// From where.
    pub address: String,
    /// What.
    pub action: String,
    /// How it went.
    pub outcome: String,
    /// Of a view: whose lesson it was.
    pub teacher_id: Option<String>,
    /// 1 for a sign-in from an address the person had never come from, having come from others.
    pub new_address: i64,
}

/// Lines after `seq` up to `until`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn lines(db: &Db, seq: i64, until: i64, limit: i64) -> Result<Vec<WatchedLine>, Error> {
    sqlx::query_as(
        "SELECT t.seq, t.at_ms, t.person_id, t.address, t.action, t.outcome,
         (SELECT CASE v.kind
            WHEN 'live' THEN (SELECT l.teacher_id FROM lessons l
              WHERE l.classroom_id = v.classroom_id AND l.start_ms <= v.opened_ms
              AND l.end_ms > v.opened_ms ORDER BY l.start_ms DESC LIMIT 1)
            ELSE (SELECT l.teacher_id FROM recordings r JOIN lessons l ON l.id = r.lesson_id
              WHERE r.id = v.recording_id) END
          FROM views v WHERE v.trail_seq = t.seq) AS teacher_id,
         CAST(CASE WHEN t.action = 'sign_in' AND t.outcome = 'done'
           AND EXISTS (SELECT 1 FROM sessions s WHERE s.person_id = t.person_id
             AND s.begun_ms < t.at_ms)
           AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.person_id = t.person_id
             AND s.begun_ms < t.at_ms AND s.address = t.address)
           THEN 1 ELSE 0 END AS BIGINT) AS new_address
         FROM trail t WHERE t.seq > $1 AND t.seq <= $2 ORDER BY t.seq LIMIT $3",
    )
    .bind(seq)
    .bind(until)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("watching the trail"))
}

/// The number before the first line since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn before(db: &Db, since_ms: i64) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COALESCE(MIN(seq), 1) - 1 FROM trail WHERE at_ms >= $1")
        .bind(since_ms)
        .fetch_one(db.read())
        .await
        .map_err(failed("watching the trail"))
}

/// How far the trail was looked at.
///
/// # Errors
/// When the database fails.
pub async fn mark(db: &Db) -> Result<i64, Error> {
    let mark: Result<Option<i64>, _> = sqlx::query_scalar("SELECT seq FROM risk_mark WHERE id = 1")
        .fetch_optional(db.read())
        .await;
    mark.map(Option::unwrap_or_default)
        .map_err(failed("reading how far the trail was looked at"))
}

/// Notes how far the trail was looked at.
///
/// # Errors
/// When the database fails.
pub async fn set_mark(writing: &mut Writing, seq: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO risk_mark (id, seq) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
    )
    .bind(seq)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting how far the trail was looked at"))
}

/// What stood out, before it is kept.
#[derive(Debug, Clone)]
pub struct NewRisk<'a> {
    /// The word, such as `odd_hours`.
    pub risk: &'a str,
    /// About whom.
    pub person_id: &'a str,
    /// Whose lessons; empty where it is not about one teacher.
    pub teacher_id: &'a str,
    /// When the last of its lines was written.
    pub at_ms: i64,
    /// Something of the kind since then that nobody has judged yet goes on.
    pub since_ms: i64,
    /// Its lines.
    pub lines: &'a [i64],
}

/// Keeps what stood out: as one more line of something that goes on, or as a risk of its own.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, new: &NewRisk<'_>) -> Result<(), Error> {
    let going_on: Option<String> = sqlx::query_scalar(
        "SELECT id FROM risks WHERE person_id = $1 AND risk = $2 AND teacher_id = $3
         AND state = 'open' AND last_ms >= $4 ORDER BY last_ms DESC LIMIT 1",
    )
    .bind(new.person_id)
    .bind(new.risk)
    .bind(new.teacher_id)
    .bind(new.since_ms)
    .fetch_optional(&mut **writing)
    .await
    .map_err(failed("looking for a risk that goes on"))?;
    let id = match going_on {
        Some(id) => id,
        None => insert(writing, new).await?,
    };
    sqlx::query("UPDATE risks SET last_ms = $2 WHERE id = $1 AND last_ms < $2")
        .bind(&id)
        .bind(new.at_ms)
        .execute(&mut **writing)
        .await
        .map_err(failed("noting that a risk goes on"))?;
    for seq in new.lines {
        sqlx::query(
            "INSERT INTO risk_lines (risk_id, seq) VALUES ($1, $2)
             ON CONFLICT (risk_id, seq) DO NOTHING",
        )
        .bind(&id)
        .bind(*seq)
        .execute(&mut **writing)
        .await
        .map_err(failed("keeping the evidence of a risk"))?;
    }
    Ok(())
}

async fn insert(writing: &mut Writing, new: &NewRisk<'_>) -> Result<String, Error> {
    let id = uuid::Uuid::now_v7().to_string();
    sqlx::query(
        "INSERT INTO risks (id, risk, person_id, teacher_id, first_ms, last_ms, state, note)
         VALUES ($1, $2, $3, $4, $5, $5, 'open', '')",
    )
    .bind(&id)
    .bind(new.risk)
    .bind(new.person_id)
    .bind(new.teacher_id)
    .bind(new.at_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("keeping a risk"))?;
    Ok(id)
}

/// A risk with the names of those it is about.
#[derive(Debug, Clone, FromRow)]
pub struct RiskRow {
    /// UUID.
    pub id: String,
    /// The word, such as `odd_hours`.
    pub risk: String,
    /// About whom.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// 工号.
    pub staff_number: String,
    /// Whose lessons.
    pub teacher: Option<String>,
    /// When it began.
    pub first_ms: i64,
    /// When it was last seen.
    pub last_ms: i64,
    /// `open`, `looked_at` or `false_alarm`.
    pub state: String,
    /// What was found.
    pub note: String,
    /// Who looked.
    pub decider: Option<String>,
    /// When.
    pub decided_ms: Option<i64>,
    /// How many lines speak for it.
    pub lines: i64,
}

const LISTED: &str = "SELECT r.id, r.risk, r.person_id, COALESCE(p.name, '') AS person,
    COALESCE(p.staff_number, '') AS staff_number, t.name AS teacher, r.first_ms, r.last_ms,
    r.state, r.note, d.name AS decider, r.decided_ms,
    (SELECT COUNT(*) FROM risk_lines l WHERE l.risk_id = r.id) AS lines
    FROM risks r LEFT JOIN persons p ON p.id = r.person_id
    LEFT JOIN persons t ON t.id = r.teacher_id LEFT JOIN persons d ON d.id = r.decided_by";

/// Risks: those nobody has looked at first, then the latest.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<RiskRow>, Error> {
    let order =
        "ORDER BY CASE r.state WHEN 'open' THEN 0 ELSE 1 END, r.last_ms DESC, r.id LIMIT $1";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {order}")))
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading risks"))
}

/// One risk.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<RiskRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} WHERE r.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a risk"))
}

/// The latest lines of a risk, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn evidence(db: &Db, id: &str, limit: i64) -> Result<Vec<i64>, Error> {
    sqlx::query_scalar("SELECT seq FROM risk_lines WHERE risk_id = $1 ORDER BY seq DESC LIMIT $2")
        .bind(id)
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the evidence of a risk"))
}

/// Keeps what somebody found; false if there is no such risk.
///
/// # Errors
/// When the database fails.
pub async fn judge(
    writing: &mut Writing,
    id: &str,
    (state, note): (&str, &str),
    by: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE risks SET state = $2, note = $3, decided_by = $4, decided_ms = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(note)
    .bind(by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("judging a risk"))
}

/// How many risks there are of a period, and how many of them nobody has looked at.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, from_ms: i64, until_ms: i64) -> Result<(i64, i64), Error> {
    sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END), 0)
         AS BIGINT) FROM risks WHERE last_ms >= $1 AND last_ms < $2",
    )
    .bind(from_ms)
    .bind(until_ms)
    .fetch_one(db.read())
    .await
    .map_err(failed("counting risks"))
}
