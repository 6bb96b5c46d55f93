//! Queries of health: presence and newest report of each box, what happened, faults.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// The latest of one box.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct StatusRow {
    /// Device id.
    pub device_id: String,
    /// `online`, `lost`, `offline` or `unknown`.
    pub state: String,
    /// In this state since.
    pub since_ms: i64,
    /// UUID of the start of the box's operating system.
    pub boot: String,
    /// The connection that the state belongs to.
    pub epoch: i64,
    /// The agent's version.
    pub agent: String,
    /// The newest health document, JSON.
    pub report: Option<String>,
    /// The start it was written in.
    pub report_boot: Option<String>,
    /// When it was written, by the box's clock that never steps.
    pub report_mono_ms: Option<i64>,
    /// What the box's clock showed then.
    pub report_ts_ms: Option<i64>,
    /// When it arrived.
    pub reported_ms: Option<i64>,
}

/// A new presence.
#[derive(Debug, Clone)]
pub struct PresenceRow {
    /// Device id.
    pub device_id: String,
    /// The new state.
    pub state: &'static str,
    /// UUID.
    pub boot: String,
    /// The connection.
    pub epoch: i64,
    /// The agent's version; empty keeps what is known.
    pub agent: String,
}

/// A new report.
#[derive(Debug, Clone)]
pub struct ReportRow {
    /// Device id.
    pub device_id: String,
    /// JSON.
    pub report: String,
    /// UUID.
    pub boot: String,
    /// When it was written, by the box's clock that never steps.
    pub mono_ms: i64,
    /// The same by its wall clock, milliseconds since the epoch.
    pub ts_ms: i64,
}

/// Something that happened on a box.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EventRow {
    /// UUID of the message.
    pub id: String,
    /// Device id.
    pub device_id: String,
    /// Such as `gap`.
    pub kind: String,
    /// The box's number for it.
    pub seq: i64,
    /// The box's clock.
    pub at_ms: i64,
    /// When it arrived.
    pub received_ms: i64,
    /// The document, JSON.
    pub data: String,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FaultRow {
    /// UUID.
    pub id: String,
    /// Device id.
    pub device_id: String,
    /// A source name, or `box`.
    pub component: String,
    /// Of the catalogue.
    pub code: String,
    /// As it was when the fault was opened.
    pub severity: String,
    /// First found.
    pub opened_ms: i64,
    /// Last found, if it is over.
    pub cleared_ms: Option<i64>,
    /// Numbers, JSON.
    pub evidence: String,
}

/// How many faults are not over, of each severity that there is.
///
/// # Errors
/// When the database fails.
pub async fn open_severities(db: &Db) -> Result<Vec<(String, i64)>, Error> {
    sqlx::query_as(
        "SELECT severity, COUNT(*) FROM faults WHERE cleared_ms IS NULL
         GROUP BY severity ORDER BY severity",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("counting the open faults"))
}

/// The latest of every box that ever spoke.
///
/// # Errors
/// When the database fails.
pub async fn statuses(db: &Db) -> Result<Vec<StatusRow>, Error> {
    sqlx::query_as(
        "SELECT device_id, state, since_ms, boot, epoch, agent, report, report_boot,
         report_mono_ms, report_ts_ms, reported_ms FROM device_status ORDER BY device_id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the boxes' status"))
}

/// The latest of one box.
///
/// # Errors
/// When the database fails.
pub async fn status(db: &Db, device_id: &str) -> Result<Option<StatusRow>, Error> {
    sqlx::query_as(
        "SELECT device_id, state, since_ms, boot, epoch, agent, report, report_boot,
         report_mono_ms, report_ts_ms, reported_ms FROM device_status WHERE device_id = $1",
    )
    .bind(device_id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading a box's status"))
}

/// Notes a new presence.
///
/// # Errors
/// When the database fails.
pub async fn put_presence(
    writing: &mut Writing,
    row: &PresenceRow,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO device_status (device_id, state, since_ms, boot, epoch, agent)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (device_id) DO UPDATE SET state = excluded.state,
         since_ms = excluded.since_ms, boot = excluded.boot, epoch = excluded.epoch,
         agent = CASE excluded.agent WHEN '' THEN device_status.agent ELSE excluded.agent END",
    )
    .bind(&row.device_id)
    .bind(row.state)
    .bind(now_ms)
    .bind(&row.boot)
    .bind(row.epoch)
    .bind(&row.agent)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a box's presence"))
}

/// Notes a box's newest report.
///
/// # Errors
/// When the database fails.
pub async fn put_report(writing: &mut Writing, row: &ReportRow, now_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO device_status (device_id, state, since_ms, boot, epoch, agent,
         report, report_boot, report_mono_ms, reported_ms, report_ts_ms)
         VALUES ($1, 'unknown', $5, $3, 0, '', $2, $3, $4, $5, $6)
         ON CONFLICT (device_id) DO UPDATE SET report = excluded.report,
         report_boot = excluded.report_boot, report_mono_ms = excluded.report_mono_ms,
         reported_ms = excluded.reported_ms, report_ts_ms = excluded.report_ts_ms",
    )
    .bind(&row.device_id)
    .bind(&row.report)
    .bind(&row.boot)
    .bind(row.mono_ms)
    .bind(now_ms)
    .bind(row.ts_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a box's report"))
}

/// After a start of the hub nothing is known of boxes that were online.
///
/// # Errors
/// When the database fails.
pub async fn forget_online(db: &Db, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE device_status SET state = 'unknown', since_ms = $1 WHERE state = 'online'")
        .bind(now_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("forgetting who was online"))
}

/// Notes an event once, however often it is sent.
///
/// # Errors
/// When the database fails.
pub async fn add_event(writing: &mut Writing, row: &EventRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO device_events (id, device_id, kind, seq, at_ms, received_ms, data)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&row.id)
    .bind(&row.device_id)
    .bind(&row.kind)
    .bind(row.seq)
    .bind(row.at_ms)
    .bind(row.received_ms)
    .bind(&row.data)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting an event"))
}

/// Events of one kind of one box since a moment of the box's clock, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn events(
    db: &Db,
    device_id: &str,
    kind: &str,
    from_ms: i64,
) -> Result<Vec<EventRow>, Error> {
    sqlx::query_as(
        "SELECT id, device_id, kind, seq, at_ms, received_ms, data FROM device_events
         WHERE device_id = $1 AND kind = $2 AND at_ms >= $3 ORDER BY at_ms, seq",
    )
    .bind(device_id)
    .bind(kind)
    .bind(from_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading events"))
}

/// Opens a fault.
///
/// # Errors
/// When the database fails.
pub async fn open_fault(db: &Db, row: &FaultRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO faults (id, device_id, component, code, severity, opened_ms, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.id)
    .bind(&row.device_id)
    .bind(&row.component)
    .bind(&row.code)
    .bind(&row.severity)
    .bind(row.opened_ms)
    .bind(&row.evidence)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("opening a fault"))
}

/// Closes a fault; the first end counts.
///
/// # Errors
/// When the database fails.
pub async fn clear_fault(db: &Db, id: &str, cleared_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE faults SET cleared_ms = $2 WHERE id = $1 AND cleared_ms IS NULL")
        .bind(id)
        .bind(cleared_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("closing a fault"))
}

/// Faults, newest first: the open ones, or also those that are over, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn faults(db: &Db, open_only: bool, limit: i64) -> Result<Vec<FaultRow>, Error> {
    sqlx::query_as(
        "SELECT id, device_id, component, code, severity, opened_ms, cleared_ms, evidence
         FROM faults WHERE cleared_ms IS NULL OR $1 = 0 ORDER BY opened_ms DESC, id LIMIT $2",
    )
    .bind(i64::from(open_only))
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading faults"))
}

/// The same of one box.
///
/// # Errors
/// When the database fails.
pub async fn faults_of(
    db: &Db,
    device_id: &str,
    open_only: bool,
    limit: i64,
) -> Result<Vec<FaultRow>, Error> {
    sqlx::query_as(
        "SELECT id, device_id, component, code, severity, opened_ms, cleared_ms, evidence
         FROM faults WHERE device_id = $1 AND (cleared_ms IS NULL OR $2 = 0)
         ORDER BY opened_ms DESC, id LIMIT $3",
    )
    .bind(device_id)
    .bind(i64::from(open_only))
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading a box's faults"))
}

/// A box in use, where it stands and whether it is here.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PlacedRow {
    /// Device id.
    pub device_id: String,
    /// The room.
    pub classroom_id: String,
    /// Its name.
    pub room: String,
    /// The building's name.
    pub building: String,
    /// Not connected since then; `None` while it is, or if it never was.
    pub away_since_ms: Option<i64>,
}

/// Every box in use, by id.
///
/// # Errors
/// When the database fails.
pub async fn placed(db: &Db) -> Result<Vec<PlacedRow>, Error> {
    sqlx::query_as(
        "SELECT d.id AS device_id, d.classroom_id, c.name AS room, b.name AS building,
         CASE WHEN s.state = 'online' THEN NULL ELSE s.since_ms END AS away_since_ms
         FROM devices d JOIN classrooms c ON c.id = d.classroom_id
         JOIN buildings b ON b.id = c.building_id
         LEFT JOIN device_status s ON s.device_id = d.id
         WHERE d.state = 'enrolled' ORDER BY d.id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading where boxes stand"))
}

/// Faults that are open, or were opened since then, in no order.
///
/// # Errors
/// When the database fails.
pub async fn recent_faults(db: &Db, since_ms: i64) -> Result<Vec<FaultRow>, Error> {
    sqlx::query_as(
        "SELECT id, device_id, component, code, severity, opened_ms, cleared_ms, evidence
         FROM faults WHERE cleared_ms IS NULL OR opened_ms >= $1",
    )
    .bind(since_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading recent faults"))
}
