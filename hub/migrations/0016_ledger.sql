-- The ledger of recordings (K14): which sources each room has had, and what each day amounts to.
-- Portable like 0001: TEXT and BIGINT only.

-- From when to when a room had a source; NULL: it still has it.
CREATE TABLE recording_sources (
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    source       TEXT NOT NULL,
    from_ms      BIGINT NOT NULL,
    until_ms     BIGINT,
    PRIMARY KEY (classroom_id, source, from_ms)
);

-- Whatever has recorded so far is a source since then.
INSERT INTO recording_sources (classroom_id, source, from_ms)
    SELECT r.classroom_id, s.source, MIN(s.start_us) / 1000
    FROM recordings r JOIN segments s ON s.recording_id = r.id
    GROUP BY r.classroom_id, s.source;

-- What the box's clock showed when it wrote its newest report: with its error, and the clock that
-- nobody sets, the hub knows when what it sealed by a wrong clock was.
ALTER TABLE device_status ADD COLUMN report_ts_ms BIGINT;

-- What each day amounts to, milliseconds of scheduled time; source '-' where no source is known.
CREATE TABLE ledger_days (
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    source       TEXT NOT NULL,
    -- days since the epoch, Asia/Shanghai
    day          BIGINT NOT NULL,
    -- when this was reckoned
    made_ms      BIGINT NOT NULL,
    -- scheduled, and over
    due_ms       BIGINT NOT NULL,
    stored_ms    BIGINT NOT NULL,
    -- in the box, on its way
    waiting_ms   BIGINT NOT NULL,
    destroyed_ms BIGINT NOT NULL,
    power_ms     BIGINT NOT NULL,
    camera_ms    BIGINT NOT NULL,
    network_ms   BIGINT NOT NULL,
    disk_ms      BIGINT NOT NULL,
    policy_ms    BIGINT NOT NULL,
    evicted_ms   BIGINT NOT NULL,
    unexplained_ms BIGINT NOT NULL,
    PRIMARY KEY (classroom_id, source, day)
);
CREATE INDEX ledger_days_by_day ON ledger_days (day);
