-- The institution in force, what the configuration was, inspections of the trail and its risks.
-- Portable like 0001.

-- What was loaded at first start, and every change that was applied on purpose; the last is in force.
CREATE TABLE institutions (
    -- counted from 1
    version    BIGINT PRIMARY KEY,
    -- polytechnic, institute, or the file
    source     TEXT NOT NULL,
    text       TEXT NOT NULL,
    -- of the text, hex
    sha256     TEXT NOT NULL,
    applied_ms BIGINT NOT NULL
);

-- The configuration of the last start, by key: hashes only, so that a change shows (R116).
CREATE TABLE configuration (
    name   TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL
);

-- How the trail is asked (R118).
CREATE INDEX trail_by_staff_number ON trail (staff_number, seq);
CREATE INDEX trail_by_action ON trail (action, seq);
CREATE INDEX trail_by_outcome ON trail (outcome, seq);
CREATE INDEX trail_by_object ON trail (object, seq);
CREATE INDEX views_by_line ON views (trail_seq);

-- An inspection of the trail of a period, signed (R115). Never changed.
CREATE TABLE inspections (
    id           TEXT PRIMARY KEY,
    -- such as JC-00001
    number       TEXT NOT NULL UNIQUE,
    inspector_id TEXT NOT NULL REFERENCES persons (id),
    -- whose lines; empty: everybody's but the inspector's own
    person_id    TEXT REFERENCES persons (id),
    from_ms      BIGINT NOT NULL,
    until_ms     BIGINT NOT NULL,
    -- what the trail held of the period when it was inspected
    lines        BIGINT NOT NULL,
    refused      BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    views        BIGINT NOT NULL,
    people       BIGINT NOT NULL,
    -- the inspector's own lines, which this inspection does not cover
    own_lines    BIGINT NOT NULL,
    -- hints of the period, and how many of them nobody has looked at
    risks        BIGINT NOT NULL,
    risks_open   BIGINT NOT NULL,
    -- 1: every line of the trail followed from the one before
    whole        BIGINT NOT NULL,
    head_seq     BIGINT NOT NULL,
    head_hash    TEXT NOT NULL,
    findings     TEXT NOT NULL,
    measures     TEXT NOT NULL,
    signed_ms    BIGINT NOT NULL
);
CREATE INDEX inspections_by_period ON inspections (until_ms);

-- What in the trail somebody should look at: a hint, never a verdict (R114, R117).
CREATE TABLE risks (
    id         TEXT PRIMARY KEY,
    -- odd_hours, bulk, one_teacher, two_places, refusals, new_address
    risk       TEXT NOT NULL,
    person_id  TEXT NOT NULL,
    -- whose lessons; empty where it is not about one teacher
    teacher_id TEXT NOT NULL,
    first_ms   BIGINT NOT NULL,
    last_ms    BIGINT NOT NULL,
    -- open, looked_at, false_alarm
    state      TEXT NOT NULL,
    note       TEXT NOT NULL,
    decided_by TEXT REFERENCES persons (id),
    decided_ms BIGINT
);
CREATE INDEX risks_by_time ON risks (last_ms);
CREATE INDEX risks_of_person ON risks (person_id, risk, last_ms);

-- The evidence of a risk: numbers of lines.
CREATE TABLE risk_lines (
    risk_id TEXT NOT NULL REFERENCES risks (id),
    seq     BIGINT NOT NULL,
    PRIMARY KEY (risk_id, seq)
);

-- How far the trail was looked at for risks; one row.
CREATE TABLE risk_mark (
    id  BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL
);
