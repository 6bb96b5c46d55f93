//! Queries of the audit trail: append and read; nothing changes or deletes a line.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// One line as stored, and as it stands in an export.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Counted from 1, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at_ms: i64,
    /// Who, if known.
    pub person_id: Option<String>,
    /// The name at that time.
    pub person: String,
    /// The staff number, or what was typed as one.
    pub staff_number: String,
    /// From where.
    pub address: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Why.
    pub purpose: String,
    /// How it went.
    pub outcome: String,
    /// The article of a refusal.
    pub article: String,
    /// Anything more.
    pub detail: String,
    /// Over the previous hash and every field above.
    pub hash: String,
}

/// Where the trail ends.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Head {
    /// The last number.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// Takes the end of the trail until the transaction ends and says where it was, `genesis` being the
/// hash of an empty trail. Nobody else can append meanwhile, not even another hub on the same
/// store: the row stays locked.
///
/// # Errors
/// When the database fails.
pub async fn hold(writing: &mut Writing, genesis: &str) -> Result<Head, Error> {
    let next: Head = sqlx::query_as(
        "INSERT INTO trail_head (id, seq, hash) VALUES (1, 1, $1)
         ON CONFLICT (id) DO UPDATE SET seq = trail_head.seq + 1 RETURNING seq, hash",
    )
    .bind(genesis)
    .fetch_one(&mut **writing)
    .await
    .map_err(failed("taking the end of the trail"))?;
    let seq = next.seq - 1;
    Ok(Head { seq, ..next })
}

/// The hash of a line; `None` when there is no such line.
///
/// # Errors
/// When the database fails.
pub async fn hash_at(writing: &mut Writing, seq: i64) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT hash FROM trail WHERE seq = $1")
        .bind(seq)
        .fetch_optional(&mut **writing)
        .await
        .map_err(failed("looking for a line of the trail"))
}

/// Adds the line after the one that [`hold`] told, as part of what the line is about.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, line: &Line) -> Result<(), Error> {
    insert(writing, line)
        .await
        .map_err(failed("appending to the trail"))?;
    sqlx::query("UPDATE trail_head SET hash = $1 WHERE id = 1")
        .bind(&line.hash)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("moving the head of the trail"))
}

async fn insert(writing: &mut Writing, line: &Line) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO trail (seq, at_ms, person_id, person, staff_number, address, action, object,
         purpose, outcome, article, detail, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(line.seq)
    .bind(line.at_ms)
    .bind(&line.person_id)
    .bind(&line.person)
    .bind(&line.staff_number)
    .bind(&line.address)
    .bind(&line.action)
    .bind(&line.object)
    .bind(&line.purpose)
    .bind(&line.outcome)
    .bind(&line.article)
    .bind(&line.detail)
    .bind(&line.hash)
    .execute(&mut **writing)
    .await
    .map(drop)
}

/// The recorded end of the trail; `None` while it is empty.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &Db) -> Result<Option<Head>, Error> {
    sqlx::query_as("SELECT seq, hash FROM trail_head WHERE id = 1")
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the head of the trail"))
}

/// Lines after `seq`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn after(db: &Db, seq: i64, limit: i64) -> Result<Vec<Line>, Error> {
    sqlx::query_as("SELECT * FROM trail WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(seq)
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the trail"))
}

/// Lines before `seq`, newest first.
///
/// # Errors
/// When the database fails.
pub async fn before(db: &Db, seq: i64, limit: i64) -> Result<Vec<Line>, Error> {
    sqlx::query_as("SELECT * FROM trail WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
        .bind(seq)
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the trail"))
}

/// Which lines somebody asks for; what is empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// 工号 or name.
    pub person: String,
    /// What was done.
    pub action: String,
    /// How it went.
    pub outcome: String,
    /// How the object begins, such as a room's name.
    pub object: String,
    /// From.
    pub from_ms: Option<i64>,
    /// Until (exclusive).
    pub until_ms: Option<i64>,
}

/// Lines before `seq` that `filter` asks for, newest first.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, filter: &Filter, seq: i64, limit: i64) -> Result<Vec<Line>, Error> {
    // A condition for each thing that is asked for, so that its index can serve.
    let texts = [
        ("(staff_number = ? OR person = ?)", &filter.person),
        ("action = ?", &filter.action),
        ("outcome = ?", &filter.outcome),
        ("SUBSTR(object, 1, LENGTH(?)) = ?", &filter.object),
    ];
    let times = [
        ("at_ms >= ?", filter.from_ms),
        ("at_ms < ?", filter.until_ms),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let times = times.into_iter().filter_map(|(sql, ms)| Some((sql, ms?)));
    let (texts, times): (Vec<_>, Vec<_>) = (texts.collect(), times.collect());
    let mut sql = "SELECT * FROM trail WHERE seq < $1".to_owned();
    let conditions = texts.iter().map(|(sql, _)| *sql);
    let conditions = conditions.chain(times.iter().map(|(sql, _)| *sql));
    for (n, condition) in conditions.enumerate() {
        let place = format!("${}", n + 3);
        sql = format!("{sql} AND {}", condition.replace('?', &place));
    }
    sql.push_str(" ORDER BY seq DESC LIMIT $2");
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    query = query.bind(seq).bind(limit);
    for (_, text) in texts {
        query = query.bind(text.clone());
    }
    for (_, ms) in times {
        query = query.bind(ms);
    }
    query
        .fetch_all(db.read())
        .await
        .map_err(failed("searching the trail"))
}

/// The number of the last line with this action; 0 if there is none.
///
/// # Errors
/// When the database fails.
pub async fn last_of(db: &Db, action: &str) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM trail WHERE action = $1")
        .bind(action)
        .fetch_one(db.read())
        .await
        .map_err(failed("looking for a line of the trail"))
}

/// The newest lines in which this person did `action`.
///
/// # Errors
/// When the database fails.
pub async fn of_person(
    db: &Db,
    person_id: &str,
    action: &str,
    limit: i64,
) -> Result<Vec<Line>, Error> {
    sqlx::query_as(
        "SELECT * FROM trail WHERE person_id = $1 AND action = $2 ORDER BY seq DESC LIMIT $3",
    )
    .bind(person_id)
    .bind(action)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading somebody's lines of the trail"))
}

/// How many lines with this outcome there are since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, outcome: &str, since_ms: i64) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM trail WHERE at_ms >= $1 AND outcome = $2")
        .bind(since_ms)
        .bind(outcome)
        .fetch_one(db.read())
        .await
        .map_err(failed("counting lines of the trail"))
}

/// The signed head of a day (K6).
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DayRow {
    /// Days since the epoch, Asia/Shanghai.
    pub day: i64,
    /// The last number of that day or before.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// When it was signed, milliseconds since the epoch.
    pub signed_ms: i64,
    /// The public key that signed, base64.
    pub signing_key: String,
    /// Base64.
    pub signature: String,
}

impl DayRow {
    /// The head that was signed.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash.clone(),
        }
    }
}

/// Keeps the signed head of a day; there is one.
///
/// # Errors
/// When the database fails, or that day is signed already.
pub async fn add_day(writing: &mut Writing, row: &DayRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO trail_days (day, seq, hash, signed_ms, signing_key, signature)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(row.day)
    .bind(row.seq)
    .bind(&row.hash)
    .bind(row.signed_ms)
    .bind(&row.signing_key)
    .bind(&row.signature)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping the signed head of a day"))
}

/// Up to `limit` signed heads, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn days(db: &Db, limit: i64) -> Result<Vec<DayRow>, Error> {
    sqlx::query_as("SELECT * FROM trail_days ORDER BY day DESC LIMIT $1")
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the signed heads"))
}

/// Where the trail stood before a moment; `None` if there was no line yet.
///
/// # Errors
/// When the database fails.
pub async fn head_before(db: &Db, at_ms: i64) -> Result<Option<Head>, Error> {
    sqlx::query_as("SELECT seq, hash FROM trail WHERE at_ms < $1 ORDER BY seq DESC LIMIT 1")
        .bind(at_ms)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading where the trail stood"))
}

/// Runs a statement a regular program never would, to prove that it shows.
#[cfg(test)]
pub(crate) async fn tamper(db: &Db, statement: &'static str) {
    sqlx::raw_sql(statement).execute(db.write()).await.unwrap();
}

/// Lets no row into a table for which `when` holds, as a full disk would, on either database.
#[cfg(test)]
pub(crate) async fn full(db: &Db, table: &str, when: &str) {
    let statement = match is_server(db).await {
        false => format!(
            "CREATE TRIGGER no_room BEFORE INSERT ON {table} WHEN {when}
             BEGIN SELECT RAISE(ABORT, 'no room'); END"
        ),
        true => format!(
            "CREATE FUNCTION no_room() RETURNS trigger AS
             'BEGIN RAISE EXCEPTION ''no room''; END' LANGUAGE plpgsql;
             CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW WHEN ({when})
             EXECUTE FUNCTION no_room()"
        ),
    };
    let statement = sqlx::AssertSqlSafe(statement);
    sqlx::raw_sql(statement).execute(db.write()).await.unwrap();
}

/// There is room again.
#[cfg(test)]
pub(crate) async fn room_again(db: &Db) {
    let server = is_server(db).await;
    let statement = ["DROP TRIGGER no_room", "DROP FUNCTION no_room CASCADE"][usize::from(server)];
    tamper(db, statement).await;
}

#[cfg(test)]
async fn is_server(db: &Db) -> bool {
    let connection = db.write().acquire().await.unwrap();
    connection.backend_name() == "PostgreSQL"
}
