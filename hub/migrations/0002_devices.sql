-- Boxes: their enrolment, their presence and newest report, their events, their faults.

CREATE TABLE devices (
    id                   TEXT PRIMARY KEY,
    classroom_id         TEXT NOT NULL REFERENCES classrooms (id),
    -- pending, enrolled, retired
    state                TEXT NOT NULL,
    -- of the one certificate in force, hexadecimal
    serial               TEXT,
    certificate_until_ms BIGINT,
    created_ms           BIGINT NOT NULL,
    enrolled_ms          BIGINT
);
CREATE INDEX devices_in_room ON devices (classroom_id);

-- Every key that has signed this box's recordings: what was sealed before a new enrolment and
-- uploaded after it is still genuine.
CREATE TABLE device_keys (
    signing_key TEXT PRIMARY KEY,
    device_id   TEXT NOT NULL REFERENCES devices (id),
    since_ms    BIGINT NOT NULL
);
CREATE INDEX device_keys_of_device ON device_keys (device_id, since_ms);

CREATE TABLE enrolment_codes (
    -- SHA-256 of the secret, hexadecimal; the secret itself is nowhere
    secret_sha256 TEXT PRIMARY KEY,
    device_id     TEXT NOT NULL REFERENCES devices (id),
    expires_ms    BIGINT NOT NULL,
    used_ms       BIGINT
);

-- The latest of each box.
CREATE TABLE device_status (
    device_id    TEXT PRIMARY KEY REFERENCES devices (id),
    -- online, lost, offline, unknown
    state        TEXT NOT NULL,
    since_ms     BIGINT NOT NULL,
    boot         TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    agent        TEXT NOT NULL,
    -- the newest report: a health document in JSON, and where it stands in the box's own order
    report       TEXT,
    report_boot  TEXT,
    report_mono_ms BIGINT,
    reported_ms  BIGINT
);

-- What happened on boxes, as they told it; the id removes duplicates.
CREATE TABLE device_events (
    id          TEXT PRIMARY KEY,
    device_id   TEXT NOT NULL REFERENCES devices (id),
    kind        TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    at_ms       BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    data        TEXT NOT NULL
);
CREATE INDEX device_events_by_kind ON device_events (device_id, kind, at_ms);

CREATE TABLE faults (
    id         TEXT PRIMARY KEY,
    device_id  TEXT NOT NULL REFERENCES devices (id),
    -- a source name, or box
    component  TEXT NOT NULL,
    code       TEXT NOT NULL,
    severity   TEXT NOT NULL,
    opened_ms  BIGINT NOT NULL,
    cleared_ms BIGINT,
    -- numbers, in JSON
    evidence   TEXT NOT NULL
);
CREATE INDEX faults_open ON faults (cleared_ms, opened_ms);
