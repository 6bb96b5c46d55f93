//! Queries of day keys: public halves, sealed private halves, and the bundles given to boxes.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// One day's pair; the private half is sealed.
#[derive(Debug, Clone, FromRow)]
pub struct DayKeyRow {
    /// Days since the epoch in Asia/Shanghai.
    pub epoch: i64,
    /// The public half, hex.
    pub public: String,
    /// The private half under the master key, hex; empty once it is destroyed.
    pub sealed: String,
}

/// The key of one recording for one decision that keeps it.
#[derive(Debug, Clone, FromRow)]
pub struct RecordKeyRow {
    /// UUID.
    pub id: String,
    /// Under the master key, hex.
    pub sealed: String,
}

/// A segment key under a record key.
#[derive(Debug, Clone, FromRow)]
pub struct SegmentKeyRow {
    /// The record key.
    pub key_id: String,
    /// The record key under the master key, hex.
    pub key_sealed: String,
    /// The segment key under the record key, hex.
    pub sealed: String,
}

/// An export of day keys for two holders.
#[derive(Debug, Clone, FromRow)]
pub struct ExportRow {
    /// UUID.
    pub id: String,
    /// When.
    pub made_ms: i64,
    /// Of the file, hex.
    pub sha256: String,
    /// Fingerprints of the two holders, separated by a space.
    pub holders: String,
    /// The first day in it.
    pub first_epoch: i64,
    /// The last day in it.
    pub last_epoch: i64,
}

/// A bundle that boxes were given.
#[derive(Debug, Clone, FromRow)]
pub struct BundleRow {
    /// Never falls.
    pub version: i64,
    /// Its first day.
    pub first_epoch: i64,
    /// Its last day.
    pub last_epoch: i64,
}

/// Keeps pairs, all or none. A day that has one keeps it: recordings may be sealed to it already.
///
/// # Errors
/// When the database fails.
pub async fn add(db: &Db, rows: &[DayKeyRow]) -> Result<(), Error> {
    let mut writing = db.begin().await?;
    for row in rows {
        sqlx::query(
            "INSERT INTO day_keys (epoch, public, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (epoch) DO NOTHING",
        )
        .bind(row.epoch)
        .bind(&row.public)
        .bind(&row.sealed)
        .execute(&mut *writing)
        .await
        .map_err(failed("keeping a day key"))?;
    }
    Db::commit(writing).await
}

/// The pairs of `first..=last`, ascending.
///
/// # Errors
/// When the database fails.
pub async fn between(db: &Db, first: i64, last: i64) -> Result<Vec<DayKeyRow>, Error> {
    sqlx::query_as(
        "SELECT epoch, public, sealed FROM day_keys WHERE epoch >= $1 AND epoch <= $2
         ORDER BY epoch",
    )
    .bind(first)
    .bind(last)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading day keys"))
}

/// One day's pair.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, epoch: i64) -> Result<Option<DayKeyRow>, Error> {
    sqlx::query_as("SELECT epoch, public, sealed FROM day_keys WHERE epoch = $1")
        .bind(epoch)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a day key"))
}

/// Days before `epoch` whose private half is still there, ascending.
///
/// # Errors
/// When the database fails.
pub async fn before(db: &Db, epoch: i64) -> Result<Vec<DayKeyRow>, Error> {
    sqlx::query_as(
        "SELECT epoch, public, sealed FROM day_keys WHERE epoch < $1 AND sealed <> ''
         ORDER BY epoch",
    )
    .bind(epoch)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading old day keys"))
}

/// Destroys the private half of a day. SQLite overwrites it (`secure_delete`).
///
/// # Errors
/// When the database fails.
pub async fn destroy(writing: &mut Writing, epoch: i64, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE day_keys SET sealed = '', destroyed_ms = $2 WHERE epoch = $1")
        .bind(epoch)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("destroying a day key"))
}

/// The record key of a recording for one decision.
///
/// # Errors
/// When the database fails.
pub async fn record_key(
    db: &Db,
    recording_id: &str,
    keeper: &str,
) -> Result<Option<RecordKeyRow>, Error> {
    sqlx::query_as("SELECT id, sealed FROM record_keys WHERE recording_id = $1 AND keeper = $2")
        .bind(recording_id)
        .bind(keeper)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a record key"))
}

/// Every record key, for an export.
///
/// # Errors
/// When the database fails.
pub async fn record_keys(db: &Db) -> Result<Vec<RecordKeyRow>, Error> {
    sqlx::query_as("SELECT id, sealed FROM record_keys ORDER BY id")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading record keys"))
}

/// Segments of a recording that have no key from a decision yet.
///
/// # Errors
/// When the database fails.
pub async fn without_key(
    db: &Db,
    recording_id: &str,
    keeper: &str,
) -> Result<Vec<SegmentPlaceRow>, Error> {
    sqlx::query_as(
        "SELECT s.id, s.epoch, s.start_us FROM segments s WHERE s.recording_id = $1
         AND NOT EXISTS (SELECT 1 FROM record_segment_keys w JOIN record_keys k ON k.id = w.key_id
           WHERE w.segment_id = s.id AND k.keeper = $2) ORDER BY s.start_us, s.id",
    )
    .bind(recording_id)
    .bind(keeper)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading segments that are to be kept"))
}

/// Where a segment lies.
#[derive(Debug, Clone, FromRow)]
pub struct SegmentPlaceRow {
    /// UUID.
    pub id: String,
    /// Day of the key it is sealed to.
    pub epoch: i64,
    /// First frame, microseconds since the epoch.
    pub start_us: i64,
}

/// Keeps a segment key under a record key, which is noted with the first of them: both or none.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    db: &Db,
    (recording_id, keeper): (&str, &str),
    key: &RecordKeyRow,
    (segment_id, sealed): (&str, &str),
) -> Result<(), Error> {
    let doing = "keeping a segment key";
    let mut writing = db.begin().await?;
    sqlx::query(
        "INSERT INTO record_keys (id, recording_id, keeper, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (recording_id, keeper) DO NOTHING",
    )
    .bind(&key.id)
    .bind(recording_id)
    .bind(keeper)
    .bind(&key.sealed)
    .execute(&mut *writing)
    .await
    .map_err(failed(doing))?;
    sqlx::query(
        "INSERT INTO record_segment_keys (key_id, segment_id, sealed) VALUES ($1, $2, $3)
         ON CONFLICT (key_id, segment_id) DO NOTHING",
    )
    .bind(&key.id)
    .bind(segment_id)
    .bind(sealed)
    .execute(&mut *writing)
    .await
    .map_err(failed(doing))?;
    Db::commit(writing).await
}

/// A key of a segment from whatever decision keeps its recording.
///
/// # Errors
/// When the database fails.
pub async fn segment_key(db: &Db, segment_id: &str) -> Result<Option<SegmentKeyRow>, Error> {
    sqlx::query_as(
        "SELECT k.id AS key_id, k.sealed AS key_sealed, w.sealed FROM record_segment_keys w
         JOIN record_keys k ON k.id = w.key_id WHERE w.segment_id = $1 ORDER BY k.id LIMIT 1",
    )
    .bind(segment_id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the kept key of a segment"))
}

/// Forgets the record key that a decision had for its recordings: the decision has ended.
///
/// # Errors
/// When the database fails.
pub async fn forget_keeper(writing: &mut Writing, keeper: &str) -> Result<(), Error> {
    forget(writing, "keeper", keeper).await
}

/// Forgets every record key of a recording.
///
/// # Errors
/// When the database fails.
pub async fn forget_recording(writing: &mut Writing, recording_id: &str) -> Result<(), Error> {
    forget(writing, "recording_id", recording_id).await
}

async fn forget(writing: &mut Writing, column: &str, value: &str) -> Result<(), Error> {
    let segments = format!(
        "DELETE FROM record_segment_keys WHERE key_id IN
         (SELECT id FROM record_keys WHERE {column} = $1)"
    );
    let keys = format!("DELETE FROM record_keys WHERE {column} = $1");
    for query in [segments, keys] {
        sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(value)
            .execute(&mut **writing)
            .await
            .map_err(failed("forgetting record keys"))?;
    }
    Ok(())
}

/// Puts keys back, all or none; days that are given up lose theirs, and those to come are forgotten
/// so that new ones are made. Says how many record keys were known.
///
/// # Errors
/// When the database fails.
pub async fn restore(
    db: &Db,
    (days, given_up): (&[DayKeyRow], &[i64]),
    records: &[(String, String)],
) -> Result<usize, Error> {
    let failed = || failed("restoring keys");
    let mut writing = db.begin().await?;
    for row in days {
        sqlx::query(
            "INSERT INTO day_keys (epoch, public, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (epoch) DO UPDATE SET public = excluded.public, sealed = excluded.sealed",
        )
        .bind(row.epoch)
        .bind(&row.public)
        .bind(&row.sealed)
        .execute(&mut *writing)
        .await
        .map_err(failed())?;
    }
    for epoch in given_up {
        sqlx::query("DELETE FROM day_keys WHERE epoch = $1")
            .bind(epoch)
            .execute(&mut *writing)
            .await
            .map_err(failed())?;
    }
    let mut known = 0;
    for (id, sealed) in records {
        let done = sqlx::query("UPDATE record_keys SET sealed = $2 WHERE id = $1")
            .bind(id)
            .bind(sealed)
            .execute(&mut *writing)
            .await
            .map_err(failed())?;
        known += usize::from(done.rows_affected() > 0);
    }
    Db::commit(writing).await?;
    Ok(known)
}

/// Exports that hold the key of a day, by time.
///
/// # Errors
/// When the database fails.
pub async fn exports_of(db: &Db, epoch: i64) -> Result<Vec<ExportRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM key_exports WHERE first_epoch <= $1 AND last_epoch >= $1 ORDER BY made_ms",
    )
    .bind(epoch)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading exports of keys"))
}

/// Notes an export.
///
/// # Errors
/// When the database fails.
pub async fn note_export(writing: &mut Writing, row: &ExportRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO key_exports (id, made_ms, sha256, holders, first_epoch, last_epoch)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(row.made_ms)
    .bind(&row.sha256)
    .bind(&row.holders)
    .bind(row.first_epoch)
    .bind(row.last_epoch)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting an export of keys"))
}

/// How many minutes of lessons somebody opened on a day.
///
/// # Errors
/// When the database fails.
pub async fn minutes(db: &Db, person_id: &str, day: i64) -> Result<i64, Error> {
    let found = sqlx::query_scalar("SELECT minutes FROM key_use WHERE person_id = $1 AND day = $2")
        .bind(person_id)
        .bind(day)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading how much somebody opened"))?;
    Ok(found.unwrap_or(0))
}

/// Notes more of them; everybody's days before are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn add_minutes(db: &Db, person_id: &str, day: i64, minutes: i64) -> Result<(), Error> {
    let doing = "noting how much somebody opened";
    sqlx::query("DELETE FROM key_use WHERE day < $1")
        .bind(day)
        .execute(db.write())
        .await
        .map_err(failed(doing))?;
    sqlx::query(
        "INSERT INTO key_use (person_id, day, minutes) VALUES ($1, $2, $3)
         ON CONFLICT (person_id, day) DO UPDATE SET minutes = key_use.minutes + excluded.minutes",
    )
    .bind(person_id)
    .bind(day)
    .bind(minutes)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed(doing))
}

/// Any pair, to see whether the master key is the one they were sealed with.
///
/// # Errors
/// When the database fails.
pub async fn any(db: &Db) -> Result<Option<DayKeyRow>, Error> {
    let newest = "SELECT epoch, public, sealed FROM day_keys WHERE sealed <> ''
        ORDER BY epoch DESC LIMIT 1";
    sqlx::query_as(newest)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a day key"))
}

/// The newest bundle.
///
/// # Errors
/// When the database fails.
pub async fn bundle(db: &Db) -> Result<Option<BundleRow>, Error> {
    sqlx::query_as("SELECT * FROM epoch_bundles ORDER BY version DESC LIMIT 1")
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the newest bundle of day keys"))
}

/// Notes that a bundle is given out.
///
/// # Errors
/// When the version was given out already, or the database fails.
pub async fn publish(db: &Db, row: &BundleRow) -> Result<(), Error> {
    sqlx::query("INSERT INTO epoch_bundles (version, first_epoch, last_epoch) VALUES ($1, $2, $3)")
        .bind(row.version)
        .bind(row.first_epoch)
        .bind(row.last_epoch)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("noting a bundle of day keys"))
}
