-- Campus, people, sessions, the trail and patrol records.
-- Portable between SQLite and PostgreSQL: only TEXT, BIGINT and BLOB-free columns here; times are
-- milliseconds since the epoch, days are days since the epoch in Asia/Shanghai; ids are UUID text.

CREATE TABLE units (
    id          TEXT PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE
);

CREATE TABLE buildings (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE
);

CREATE TABLE classrooms (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    building_id TEXT NOT NULL REFERENCES buildings (id),
    unit_id     TEXT NOT NULL REFERENCES units (id)
);

CREATE TABLE classroom_sources (
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    name         TEXT NOT NULL,
    title        TEXT NOT NULL,
    PRIMARY KEY (classroom_id, name)
);

CREATE TABLE persons (
    id                 TEXT PRIMARY KEY,
    staff_number       TEXT NOT NULL UNIQUE,
    name               TEXT NOT NULL,
    unit_id            TEXT REFERENCES units (id),
    -- active, suspended, cancelled, left
    standing           TEXT NOT NULL,
    suspended_until_ms BIGINT
);

CREATE TABLE person_roles (
    person_id TEXT NOT NULL REFERENCES persons (id),
    role      TEXT NOT NULL,
    PRIMARY KEY (person_id, role)
);

CREATE TABLE credentials (
    person_id           TEXT PRIMARY KEY REFERENCES persons (id),
    password_hash       TEXT NOT NULL,
    password_changed_ms BIGINT NOT NULL,
    -- sealed with the key of the access room, base64
    totp_sealed         TEXT NOT NULL,
    -- last accepted time step: a code is good once
    totp_step           BIGINT NOT NULL
);

CREATE TABLE agreements (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES persons (id),
    number       TEXT NOT NULL UNIQUE,
    text_version TEXT NOT NULL,
    signed_ms    BIGINT NOT NULL,
    ended_ms     BIGINT
);

CREATE TABLE grants (
    id          TEXT PRIMARY KEY,
    person_id   TEXT NOT NULL REFERENCES persons (id),
    -- 1, 2, 3
    level       BIGINT NOT NULL,
    unit_id     TEXT REFERENCES units (id),
    application TEXT NOT NULL,
    opened_by   TEXT NOT NULL REFERENCES persons (id),
    from_ms     BIGINT NOT NULL,
    until_ms    BIGINT
);
CREATE INDEX grants_of_person ON grants (person_id);

CREATE TABLE sessions (
    -- SHA-256 of the token, hex; the token itself is nowhere
    token_hash TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL REFERENCES persons (id),
    address    TEXT NOT NULL,
    begun_ms   BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL,
    ended_ms   BIGINT
);
CREATE INDEX sessions_of_person ON sessions (person_id, ended_ms);

CREATE TABLE sign_in_links (
    token_hash TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL REFERENCES persons (id),
    used_ms    BIGINT
);

CREATE TABLE trail (
    seq          BIGINT PRIMARY KEY,
    at_ms        BIGINT NOT NULL,
    person_id    TEXT,
    person       TEXT NOT NULL,
    staff_number TEXT NOT NULL,
    address      TEXT NOT NULL,
    action       TEXT NOT NULL,
    object       TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    -- permitted, refused, done, failed
    outcome      TEXT NOT NULL,
    article      TEXT NOT NULL,
    detail       TEXT NOT NULL,
    -- SHA-256 over the previous hash and every field above, hex
    hash         TEXT NOT NULL
);
CREATE INDEX trail_by_time ON trail (at_ms);

-- One row: where the trail ends, so that a cut tail shows.
CREATE TABLE trail_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- One row per permitted view: who watched what, from when to when (R60).
CREATE TABLE views (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES persons (id),
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    -- live, playback
    kind         TEXT NOT NULL,
    recording_id TEXT,
    trail_seq    BIGINT NOT NULL,
    opened_ms    BIGINT NOT NULL,
    closed_ms    BIGINT
);
CREATE INDEX views_of_person ON views (person_id, opened_ms);
CREATE INDEX views_by_time ON views (opened_ms);

CREATE TABLE terms (
    id          TEXT PRIMARY KEY,
    school_year TEXT NOT NULL,
    number      BIGINT NOT NULL,
    -- the Monday of week 1, set by the school, never guessed
    week_one    BIGINT NOT NULL,
    weeks       BIGINT NOT NULL,
    UNIQUE (school_year, number)
);

CREATE TABLE periods (
    number       BIGINT PRIMARY KEY,
    start_minute BIGINT NOT NULL,
    end_minute   BIGINT NOT NULL
);

CREATE TABLE lessons (
    id           TEXT PRIMARY KEY,
    term_id      TEXT NOT NULL REFERENCES terms (id),
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    unit_id      TEXT NOT NULL REFERENCES units (id),
    teacher_id   TEXT REFERENCES persons (id),
    teacher      TEXT NOT NULL,
    course       TEXT NOT NULL,
    -- class groups, separated by newlines
    class_groups TEXT NOT NULL,
    day          BIGINT NOT NULL,
    period_from  BIGINT NOT NULL,
    period_to    BIGINT NOT NULL,
    start_ms     BIGINT NOT NULL,
    end_ms       BIGINT NOT NULL,
    due_count    BIGINT NOT NULL
);
CREATE INDEX lessons_in_room ON lessons (classroom_id, start_ms);
CREATE INDEX lessons_by_time ON lessons (start_ms);

CREATE TABLE records (
    id               TEXT NOT NULL,
    version          BIGINT NOT NULL,
    author_id        TEXT NOT NULL REFERENCES persons (id),
    classroom_id     TEXT NOT NULL REFERENCES classrooms (id),
    -- the unit that owned the room when the record was filed
    unit_id          TEXT NOT NULL REFERENCES units (id),
    lesson_id        TEXT NOT NULL REFERENCES lessons (id),
    teacher_id       TEXT REFERENCES persons (id),
    -- the view it rests on; NULL means: filed without having watched
    view_id          TEXT REFERENCES views (id),
    submitted_ms     BIGINT NOT NULL,
    college          TEXT NOT NULL,
    school_year      TEXT NOT NULL,
    term             BIGINT NOT NULL,
    week             BIGINT NOT NULL,
    weekday          BIGINT NOT NULL,
    period           TEXT NOT NULL,
    class_groups     TEXT NOT NULL,
    teacher          TEXT NOT NULL,
    course           TEXT NOT NULL,
    time_from_ms     BIGINT NOT NULL,
    time_to_ms       BIGINT NOT NULL,
    due_count        BIGINT NOT NULL,
    present_count    BIGINT NOT NULL,
    attendance_note  TEXT NOT NULL,
    teacher_presence TEXT NOT NULL,
    interaction      TEXT NOT NULL,
    conditions       TEXT NOT NULL,
    abnormal_note    TEXT NOT NULL,
    grade            TEXT NOT NULL,
    PRIMARY KEY (id, version),
    UNIQUE (author_id, lesson_id, version)
);
CREATE INDEX records_by_time ON records (submitted_ms);
