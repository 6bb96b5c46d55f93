-- What is kept longer than the calendar, whose keys, and what was destroyed (R119–R122, K1, K11).
-- Portable like 0001.

-- 精品课程 (R120): in force once 教务处 has approved it and the teacher has consented.
CREATE TABLE premium (
    id           TEXT PRIMARY KEY,
    -- such as JP-00001
    number       TEXT NOT NULL UNIQUE,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    teacher_id   TEXT NOT NULL REFERENCES persons (id),
    reason       TEXT NOT NULL,
    nominated_by TEXT NOT NULL REFERENCES persons (id),
    nominated_ms BIGINT NOT NULL,
    approved_by  TEXT REFERENCES persons (id),
    approved_ms  BIGINT,
    consented_ms BIGINT,
    -- refused, withdrawn, removed, lapsed
    ended        TEXT,
    ended_by     TEXT REFERENCES persons (id),
    ended_ms     BIGINT,
    ended_why    TEXT
);
CREATE UNIQUE INDEX premium_lasting ON premium (recording_id) WHERE ended_ms IS NULL;

-- 保全 (R122): whatever a room recorded in a time, for a case that has a number.
CREATE TABLE holds (
    id           TEXT PRIMARY KEY,
    -- such as BQ-00001
    number       TEXT NOT NULL UNIQUE,
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    from_ms      BIGINT NOT NULL,
    until_ms     BIGINT NOT NULL,
    -- 文号 of a decision, or number of an interference
    case_number  TEXT NOT NULL,
    reason       TEXT NOT NULL,
    begun_by     TEXT NOT NULL REFERENCES persons (id),
    begun_ms     BIGINT NOT NULL,
    -- NULL: it ended with its case
    ended_by     TEXT REFERENCES persons (id),
    ended_ms     BIGINT,
    ended_why    TEXT
);
CREATE INDEX holds_of_room ON holds (classroom_id, until_ms);

-- The key of one recording for one decision that keeps it; gone when the decision ends.
CREATE TABLE record_keys (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    -- id in premium or holds
    keeper       TEXT NOT NULL,
    -- sealed with the master key for this id alone
    sealed       TEXT NOT NULL,
    UNIQUE (recording_id, keeper)
);

-- Segment keys sealed once more, with a record key.
CREATE TABLE record_segment_keys (
    key_id     TEXT NOT NULL REFERENCES record_keys (id),
    segment_id TEXT NOT NULL,
    sealed     TEXT NOT NULL,
    PRIMARY KEY (key_id, segment_id)
);
CREATE INDEX record_segment_keys_of_segment ON record_segment_keys (segment_id);

-- 销毁 (K11): begun together with the end of the key, signed when files and rows are gone.
CREATE TABLE destructions (
    id            TEXT PRIMARY KEY,
    -- such as XH-00001
    number        TEXT NOT NULL UNIQUE,
    -- days since the epoch, Asia/Shanghai
    day           BIGINT NOT NULL,
    -- of the public half of the key that died, hex; empty when only recordings ended
    public_sha256 TEXT NOT NULL,
    -- what was destroyed, a fact a line
    facts         TEXT NOT NULL,
    begun_ms      BIGINT NOT NULL,
    done_ms       BIGINT,
    -- what is signed, and the signature, base64
    text          TEXT,
    signature     TEXT
);
CREATE INDEX destructions_by_day ON destructions (day);
CREATE TABLE destruction_recordings (
    destruction_id TEXT NOT NULL REFERENCES destructions (id),
    recording_id   TEXT NOT NULL REFERENCES recordings (id),
    PRIMARY KEY (destruction_id, recording_id)
);

-- What stays of a destroyed recording: counts of each source.
CREATE TABLE destroyed_shares (
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    source       TEXT NOT NULL,
    segments     BIGINT NOT NULL,
    duration_us  BIGINT NOT NULL,
    first_us     BIGINT NOT NULL,
    last_us      BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    PRIMARY KEY (recording_id, source)
);

-- Day keys that were exported for two holders, so that a certificate can name the copies.
CREATE TABLE key_exports (
    id          TEXT PRIMARY KEY,
    made_ms     BIGINT NOT NULL,
    -- of the file, hex
    sha256      TEXT NOT NULL,
    -- fingerprints of the two holders, separated by a space
    holders     TEXT NOT NULL,
    first_epoch BIGINT NOT NULL,
    last_epoch  BIGINT NOT NULL
);

-- How many minutes of lessons somebody opened on a day (K1).
CREATE TABLE key_use (
    person_id TEXT NOT NULL REFERENCES persons (id),
    day       BIGINT NOT NULL,
    minutes   BIGINT NOT NULL,
    PRIMARY KEY (person_id, day)
);

-- A destroyed day keeps its public half; the private half is empty.
ALTER TABLE day_keys ADD COLUMN destroyed_ms BIGINT;
