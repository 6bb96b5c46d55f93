-- Alerts, who was told, silences, duties and work orders. Portable like 0001: TEXT and BIGINT only.

-- What an administrator is told of, from the first fault of it until it is over.
CREATE TABLE alerts (
    id                    TEXT PRIMARY KEY,
    -- such as GJ-00001, given with the first word
    number                TEXT UNIQUE,
    -- of the catalogue of faults
    code                  TEXT NOT NULL,
    -- the building's name; empty for the hub's own link
    building              TEXT NOT NULL,
    -- of FLAPPING: the code of what flaps; else empty
    flaps                 TEXT NOT NULL,
    opened_ms             BIGINT NOT NULL,
    -- how bad it is, and since when
    severity              TEXT NOT NULL,
    severity_since_ms     BIGINT NOT NULL,
    -- 1: a lesson suffers from it
    urgent                BIGINT NOT NULL,
    -- what has been said: all four, or none
    first_told_ms         BIGINT,
    last_told_ms          BIGINT,
    told_severity         TEXT,
    told_step             BIGINT,
    -- who has taken it, and until when that counts
    acknowledged_by       TEXT REFERENCES persons (id),
    acknowledged_ms       BIGINT,
    acknowledged_until_ms BIGINT,
    assigned_to           TEXT REFERENCES persons (id),
    over_ms               BIGINT
);
CREATE INDEX alerts_open ON alerts (over_ms, opened_ms);

-- With what something is, or was, wrong.
CREATE TABLE alert_parts (
    alert_id  TEXT NOT NULL REFERENCES alerts (id),
    device_id TEXT NOT NULL REFERENCES devices (id),
    -- a source name, or box
    component TEXT NOT NULL,
    joined_ms BIGINT NOT NULL,
    left_ms   BIGINT,
    PRIMARY KEY (alert_id, device_id, component)
);

-- What happened with an alert, in order.
CREATE TABLE alert_lines (
    alert_id  TEXT NOT NULL REFERENCES alerts (id),
    -- counted from 1
    seq       BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    -- raised, repeated, escalated, resolved; acknowledged, assigned, commented, ordered
    what      TEXT NOT NULL,
    -- who did it; empty where the hub did
    person_id TEXT REFERENCES persons (id),
    text      TEXT NOT NULL,
    PRIMARY KEY (alert_id, seq)
);

-- The inbox: who was told of which alert, and the last word to them.
CREATE TABLE alert_receipts (
    alert_id     TEXT NOT NULL REFERENCES alerts (id),
    person_id    TEXT NOT NULL REFERENCES persons (id),
    first_ms     BIGINT NOT NULL,
    -- raised, repeated, escalated, resolved
    last_word    TEXT NOT NULL,
    last_ms      BIGINT NOT NULL,
    -- when the last word was read; empty while it was not
    read_ms      BIGINT,
    PRIMARY KEY (alert_id, person_id)
);
CREATE INDEX alert_receipts_of_person ON alert_receipts (person_id, last_ms);

-- What nobody wants to hear of for a while; empty stands for any.
CREATE TABLE silences (
    id           TEXT PRIMARY KEY,
    code         TEXT,
    building     TEXT,
    classroom_id TEXT REFERENCES classrooms (id),
    from_ms      BIGINT NOT NULL,
    until_ms     BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    created_by   TEXT NOT NULL REFERENCES persons (id),
    created_ms   BIGINT NOT NULL,
    ended_by     TEXT REFERENCES persons (id),
    ended_ms     BIGINT
);
CREATE INDEX silences_by_time ON silences (until_ms);

-- The steps of the escalation: a duty each, never a person.
CREATE TABLE duty_steps (
    -- counted from 0
    step          BIGINT PRIMARY KEY,
    title         TEXT NOT NULL,
    after_minutes BIGINT NOT NULL
);
INSERT INTO duty_steps (step, title, after_minutes) VALUES (0, '值班技术人员', 0);
INSERT INTO duty_steps (step, title, after_minutes) VALUES (1, '信息中心负责人', 15);

-- Who has which duty when.
CREATE TABLE duty_shifts (
    id         TEXT PRIMARY KEY,
    step       BIGINT NOT NULL,
    person_id  TEXT NOT NULL REFERENCES persons (id),
    from_ms    BIGINT NOT NULL,
    until_ms   BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES persons (id),
    created_ms BIGINT NOT NULL
);
CREATE INDEX duty_shifts_by_time ON duty_shifts (until_ms);

-- Work orders to 信息中心 (R93).
CREATE TABLE work_orders (
    id           TEXT PRIMARY KEY,
    -- such as GD-00001
    number       TEXT NOT NULL UNIQUE,
    alert_id     TEXT NOT NULL REFERENCES alerts (id),
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    device_id    TEXT NOT NULL REFERENCES devices (id),
    component    TEXT NOT NULL,
    code         TEXT NOT NULL,
    note         TEXT NOT NULL,
    opened_by    TEXT NOT NULL REFERENCES persons (id),
    opened_ms    BIGINT NOT NULL,
    done_by      TEXT REFERENCES persons (id),
    done_ms      BIGINT,
    done_note    TEXT NOT NULL
);
CREATE INDEX work_orders_open ON work_orders (done_ms, opened_ms);

-- The day of the last summary, days since the epoch in Asia/Shanghai; one row.
CREATE TABLE alert_digest (
    id  BIGINT PRIMARY KEY,
    day BIGINT NOT NULL
);

-- Faults of the last half hour are looked at every second.
CREATE INDEX faults_by_time ON faults (opened_ms);
