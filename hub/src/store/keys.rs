//! Queries of day keys: public halves, sealed private halves, and the bundles given to boxes.

use sqlx::FromRow;

use super::{Db, Error, failed};

/// One day's pair; the private half is sealed.
#[derive(Debug, Clone, FromRow)]
pub struct DayKeyRow {
    /// Days since the epoch in Asia/Shanghai.
    pub epoch: i64,
    /// The public half, hex.
    pub public: String,
    /// The private half under the master key, hex.
    pub sealed: String,
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
    sqlx::query_as("SELECT * FROM day_keys WHERE epoch >= $1 AND epoch <= $2 ORDER BY epoch")
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
    sqlx::query_as("SELECT * FROM day_keys WHERE epoch = $1")
        .bind(epoch)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a day key"))
}

/// Any pair, to see whether the master key is the one they were sealed with.
///
/// # Errors
/// When the database fails.
pub async fn any(db: &Db) -> Result<Option<DayKeyRow>, Error> {
    sqlx::query_as("SELECT * FROM day_keys ORDER BY epoch DESC LIMIT 1")
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
