//! Queries of history: the numbers of boxes over time, in steps of two lengths.

use xunke_policy::history::{KEPT, Rollup, begin_ms};

use super::{Db, Error, Writing, failed};

/// A box's numbers over a fine step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Device id.
    pub device_id: String,
    /// Its beginning.
    pub from_ms: i64,
    /// The numbers.
    pub rollup: Rollup,
}

/// Adds numbers to the steps that they belong to, one of each length.
///
/// # Errors
/// When the database fails.
pub async fn roll_up(writing: &mut Writing, row: &StepRow) -> Result<(), Error> {
    for (step_ms, _) in KEPT {
        let from_ms = begin_ms(step_ms, row.from_ms);
        let known: Option<(String,)> = sqlx::query_as(
            "SELECT numbers FROM health_history
             WHERE device_id = $1 AND step_ms = $2 AND from_ms = $3",
        )
        .bind(&row.device_id)
        .bind(step_ms)
        .bind(from_ms)
        .fetch_optional(&mut **writing)
        .await
        .map_err(failed("reading the numbers of a step"))?;
        let mut rollup = known.map_or_else(Rollup::default, |(text,)| Rollup::read(&text));
        rollup.merge(&row.rollup);
        sqlx::query(
            "INSERT INTO health_history (device_id, step_ms, from_ms, numbers)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (device_id, step_ms, from_ms) DO UPDATE SET numbers = excluded.numbers",
        )
        .bind(&row.device_id)
        .bind(step_ms)
        .bind(from_ms)
        .bind(rollup.text())
        .execute(&mut **writing)
        .await
        .map_err(failed("keeping the numbers of a step"))?;
    }
    Ok(())
}

/// The steps of a length of one box since a moment, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn steps(
    db: &Db,
    device_id: &str,
    step_ms: i64,
    from_ms: i64,
) -> Result<Vec<(i64, Rollup)>, Error> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT from_ms, numbers FROM health_history
         WHERE device_id = $1 AND step_ms = $2 AND from_ms >= $3 ORDER BY from_ms",
    )
    .bind(device_id)
    .bind(step_ms)
    .bind(from_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading a box's numbers over time"))?;
    let step = |(from_ms, text): (i64, String)| (from_ms, Rollup::read(&text));
    Ok(rows.into_iter().map(step).collect())
}

/// Deletes what lies too far back, `steps_max` steps of each length at most, so that nobody waits
/// for it after a long stop of the hub.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Db, now_ms: i64, steps_max: i64) -> Result<(), Error> {
    for (step_ms, kept_ms) in KEPT {
        let (oldest_ms,): (Option<i64>,) =
            sqlx::query_as("SELECT MIN(from_ms) FROM health_history WHERE step_ms = $1")
                .bind(step_ms)
                .fetch_one(db.read())
                .await
                .map_err(failed("looking for numbers that are too old"))?;
        let before_ms = now_ms - kept_ms;
        let Some(oldest_ms) = oldest_ms.filter(|oldest_ms| *oldest_ms < before_ms) else {
            continue;
        };
        sqlx::query("DELETE FROM health_history WHERE step_ms = $1 AND from_ms < $2")
            .bind(step_ms)
            .bind(before_ms.min(oldest_ms.saturating_add(steps_max * step_ms)))
            .execute(db.write())
            .await
            .map_err(failed("deleting numbers that are too old"))?;
    }
    Ok(())
}
