//! Queries of views: who watched what, from when to when (R60).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// One permitted view.
#[derive(Debug, Clone, FromRow)]
pub struct ViewRow {
    /// UUID.
    pub id: String,
    /// Who.
    pub person_id: String,
    /// Which room.
    pub classroom_id: String,
    /// `live` or `playback`.
    pub kind: String,
    /// Which recording, for playback.
    pub recording_id: Option<String>,
    /// The line of the trail that permitted it.
    pub trail_seq: i64,
    /// From.
    pub opened_ms: i64,
    /// When it was last known to be watched, noted now and then.
    pub seen_ms: Option<i64>,
    /// To; `None` while it lasts.
    pub closed_ms: Option<i64>,
}

/// Notes that a view has begun, as part of the line that permits it.
///
/// # Errors
/// When the database fails.
pub async fn open(writing: &mut Writing, view: &ViewRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO views (id, person_id, classroom_id, kind, recording_id, trail_seq, opened_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&view.id)
    .bind(&view.person_id)
    .bind(&view.classroom_id)
    .bind(&view.kind)
    .bind(&view.recording_id)
    .bind(view.trail_seq)
    .bind(view.opened_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a view"))
}

/// Notes until when views were watched, as pairs of id and moment, in one transaction. A view that
/// has ended keeps its end.
///
/// # Errors
/// When the database fails; then nothing was noted.
pub async fn note_seen(db: &Db, seen: &[(String, i64)]) -> Result<(), Error> {
    let mut writing = db.begin().await?;
    for (id, at_ms) in seen {
        sqlx::query("UPDATE views SET seen_ms = $2 WHERE id = $1 AND closed_ms IS NULL")
            .bind(id)
            .bind(at_ms)
            .execute(&mut *writing)
            .await
            .map_err(failed("noting that a view goes on"))?;
    }
    Db::commit(writing).await
}

/// Notes that a view has ended, as part of the line that says so; the first end counts. It never
/// ends before it began, not even by a clock that was set back.
///
/// # Errors
/// When the database fails.
pub async fn close(writing: &mut Writing, id: &str, to_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE views SET closed_ms = CASE WHEN opened_ms > $2 THEN opened_ms ELSE $2 END
         WHERE id = $1 AND closed_ms IS NULL",
    )
    .bind(id)
    .bind(to_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting the end of a view"))
}

/// One view.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<ViewRow>, Error> {
    sqlx::query_as("SELECT * FROM views WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a view"))
}

/// The latest view of a person in a room since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn latest(
    db: &Db,
    person_id: &str,
    classroom_id: &str,
    since_ms: i64,
) -> Result<Option<ViewRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM views WHERE person_id = $1 AND classroom_id = $2 AND opened_ms >= $3
         ORDER BY opened_ms DESC LIMIT 1",
    )
    .bind(person_id)
    .bind(classroom_id)
    .bind(since_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the latest view"))
}

/// How many views were opened since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, since_ms: i64) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM views WHERE opened_ms >= $1")
        .bind(since_ms)
        .fetch_one(db.read())
        .await
        .map_err(failed("counting views"))
}

/// Up to `limit` views that have not ended, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_ones(db: &Db, limit: i64) -> Result<Vec<ViewRow>, Error> {
    sqlx::query_as("SELECT * FROM views WHERE closed_ms IS NULL ORDER BY opened_ms, id LIMIT $1")
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the views that have not ended"))
}

/// A lesson somebody watched, live or as a recording (K2).
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct WatchedRow {
    /// The view.
    pub view_id: String,
    /// `live` or `playback`.
    pub kind: String,
    /// Who watched, by the name of that time.
    pub person: String,
    /// Why, as it stands in the trail.
    pub purpose: String,
    /// From.
    pub opened_ms: i64,
    /// To; `None` while it lasts.
    pub closed_ms: Option<i64>,
    /// The course.
    pub course: String,
    /// The room's name.
    pub room: String,
    /// Begin of the lesson.
    pub start_ms: i64,
    /// End of the lesson.
    pub end_ms: i64,
}

/// Who watched the lessons of a teacher that are over by `now_ms`, live while they ran or later
/// as recordings; the latest first, `limit` at most.
///
/// # Errors
/// When the database fails.
pub async fn of_teacher(
    db: &Db,
    teacher_id: &str,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<WatchedRow>, Error> {
    sqlx::query_as(
        "SELECT v.id AS view_id, v.kind, t.person, t.purpose, v.opened_ms, v.closed_ms, l.course,
         c.name AS room, l.start_ms, l.end_ms
         FROM lessons l
         JOIN views v ON v.classroom_id = l.classroom_id
         JOIN trail t ON t.seq = v.trail_seq
         JOIN classrooms c ON c.id = l.classroom_id
         WHERE l.teacher_id = $1 AND l.end_ms <= $2 AND (
           (v.kind = 'live' AND v.opened_ms < l.end_ms
            AND COALESCE(v.closed_ms, $2) > l.start_ms)
           OR (v.kind = 'playback' AND v.recording_id IN
            (SELECT r.id FROM recordings r WHERE r.lesson_id = l.id)))
         ORDER BY v.opened_ms DESC, v.id, l.start_ms DESC LIMIT $3",
    )
    .bind(teacher_id)
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading who watched a teacher's lessons"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::trail::tamper;

    /// Two teachers, T and O, one after the other in one room, and O in another room. S watches.
    const SCHOOL: &str = "
        INSERT INTO units VALUES ('u', 'XX', '信息工程学院');
        INSERT INTO buildings VALUES ('b', '博学楼');
        INSERT INTO classrooms (id, name, building_id, unit_id)
          VALUES ('r1', '博学楼101', 'b', 'u'), ('r2', '博学楼102', 'b', 'u');
        INSERT INTO persons VALUES ('T', '1', '陈老师', 'u', 'active', NULL),
          ('O', '2', '别老师', 'u', 'active', NULL), ('S', '3', '王督导', NULL, 'active', NULL);
        INSERT INTO terms VALUES ('t', '2026-2027', 1, 0, 20);
        INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher_id, teacher, course,
          class_groups, day, period_from, period_to, start_ms, end_ms, due_count) VALUES
          ('own', 't', 'r1', 'u', 'T', '陈老师', '数学', 'A', 0, 1, 2, 1000, 2000, 30),
          ('next', 't', 'r1', 'u', 'O', '别老师', '物理', 'A', 0, 3, 4, 2000, 3000, 30),
          ('elsewhere', 't', 'r2', 'u', 'O', '别老师', '化学', 'A', 0, 1, 2, 1000, 2000, 30);
        INSERT INTO recordings VALUES ('of-own', 'r1', 'u', 'own', 1000, 2000, 0),
          ('of-next', 'r1', 'u', 'next', 2000, 3000, 0);
        INSERT INTO trail VALUES
          (1, 0, 'S', '王督导', '3', '', 'view_live', '', 'plan', 'permitted', '', '', '');";

    /// A view by S: room, kind, recording, from, to.
    async fn watch(db: &Db, id: &str, (room, recording): (&str, &str), (from, to): (i64, i64)) {
        let kind = if recording.is_empty() {
            "live"
        } else {
            "playback"
        };
        let recording = Some(recording.to_owned()).filter(|text| !text.is_empty());
        let row = ViewRow {
            id: id.into(),
            person_id: "S".into(),
            classroom_id: room.into(),
            kind: kind.into(),
            recording_id: recording,
            trail_seq: 1,
            opened_ms: from,
            seen_ms: None,
            closed_ms: None,
        };
        let mut writing = db.begin().await.unwrap();
        open(&mut writing, &row).await.unwrap();
        if to > 0 {
            close(&mut writing, id, to).await.unwrap();
        }
        Db::commit(writing).await.unwrap();
    }

    async fn seen_by(db: &Db, teacher: &str, now_ms: i64) -> Vec<(String, String)> {
        let rows = of_teacher(db, teacher, now_ms, 100).await.unwrap();
        let rows = rows.into_iter();
        rows.map(|row| (row.view_id, row.course)).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(one, two): &(&str, &str)| ((*one).to_owned(), (*two).to_owned());
        all.iter().map(own).collect()
    }

    async fn school() -> Db {
        let db = Db::in_memory().await;
        tamper(&db, SCHOOL).await;
        watch(&db, "before", ("r1", ""), (500, 1000)).await;
        watch(&db, "live", ("r1", ""), (1200, 1300)).await;
        watch(&db, "across", ("r1", ""), (1900, 2100)).await;
        watch(&db, "after", ("r1", ""), (2000, 2100)).await;
        watch(&db, "other-room", ("r2", ""), (1200, 1300)).await;
        watch(&db, "replay", ("r1", "of-own"), (5000, 0)).await;
        watch(&db, "other-replay", ("r1", "of-next"), (5001, 5100)).await;
        db
    }

    /// K2: the own lessons, live and as recordings; another teacher's never.
    #[tokio::test]
    async fn another_teachers_lessons_never_appear() {
        let db = school().await;
        let own = [("replay", "数学"), ("across", "数学"), ("live", "数学")];
        assert_eq!(seen_by(&db, "T", 9000).await, pairs(&own));
        let others = [
            ("other-replay", "物理"),
            ("after", "物理"),
            ("across", "物理"),
            ("other-room", "化学"),
        ];
        assert_eq!(seen_by(&db, "O", 9000).await, pairs(&others));
        assert_eq!(seen_by(&db, "S", 9000).await, []);
    }

    /// Q19: nothing before the lesson is over, not even of what is watched already.
    #[tokio::test]
    async fn nothing_shows_before_the_lesson_is_over() {
        let db = school().await;
        assert_eq!(seen_by(&db, "T", 1999).await, []);
        assert_eq!(seen_by(&db, "T", 2000).await.len(), 3);
        let early = seen_by(&db, "O", 2999).await;
        assert_eq!(early, pairs(&[("other-room", "化学")]));
    }
}
