-- Finding recordings (R67), and time marks in them (K4, R70).
-- Portable like 0001: TEXT and BIGINT only; bytes are lower-case hex.

CREATE INDEX recordings_of_lesson ON recordings (lesson_id);
CREATE INDEX lessons_of_teacher ON lessons (teacher, start_ms);
CREATE INDEX lessons_of_course ON lessons (course, start_ms);
-- What a list says of a recording, without reading the rows of its segments.
CREATE INDEX segments_in_sum ON segments (recording_id, source, start_us, duration_us);

-- 时间标记: a stretch of a recording, and what somebody saw there. It outlives the recording.
CREATE TABLE marks (
    id            TEXT PRIMARY KEY,
    -- such as BJ-00001
    number        TEXT NOT NULL UNIQUE,
    recording_id  TEXT NOT NULL REFERENCES recordings (id),
    from_ms       BIGINT NOT NULL,
    to_ms         BIGINT NOT NULL,
    note          TEXT NOT NULL,
    author_id     TEXT NOT NULL REFERENCES persons (id),
    made_ms       BIGINT NOT NULL,
    -- what the hub signed, with its signature (docs/PROTOCOL.md)
    document      TEXT NOT NULL,
    -- NULL: it stands
    withdrawn_ms  BIGINT,
    withdrawn_why TEXT
);
CREATE INDEX marks_of_recording ON marks (recording_id, from_ms);
CREATE INDEX marks_of_author ON marks (author_id, made_ms);
