-- When each room is recorded, as its box was told, and what boxes sign for as missing.
-- Portable like 0001: TEXT and BIGINT only; bytes are lower-case hex.

-- lessons or continuous
ALTER TABLE classrooms ADD COLUMN capture TEXT NOT NULL DEFAULT 'lessons';

-- The document in force of each room.
CREATE TABLE timetables (
    classroom_id TEXT PRIMARY KEY REFERENCES classrooms (id),
    version      BIGINT NOT NULL,
    made_ms      BIGINT NOT NULL,
    -- the days it speaks about
    from_ms      BIGINT NOT NULL,
    until_ms     BIGINT NOT NULL,
    mode         TEXT NOT NULL,
    -- from-to, apart by spaces
    windows      TEXT NOT NULL
);

-- What was in force before, from when to when: a later change does not rewrite what was owed.
CREATE TABLE timetables_past (
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    version      BIGINT NOT NULL,
    from_ms      BIGINT NOT NULL,
    to_ms        BIGINT NOT NULL,
    mode         TEXT NOT NULL,
    windows      TEXT NOT NULL,
    PRIMARY KEY (classroom_id, version)
);
CREATE INDEX timetables_past_by_time ON timetables_past (classroom_id, from_ms);

-- "Record until then", beside the lessons.
CREATE TABLE recording_orders (
    id           TEXT PRIMARY KEY,
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    from_ms      BIGINT NOT NULL,
    to_ms        BIGINT NOT NULL,
    ordered_by   TEXT NOT NULL REFERENCES persons (id),
    reason       TEXT NOT NULL
);
CREATE INDEX recording_orders_by_time ON recording_orders (classroom_id, to_ms);

-- The box's signature over a gap; empty from an agent that does not sign.
ALTER TABLE gaps ADD COLUMN device_id TEXT NOT NULL DEFAULT '';
ALTER TABLE gaps ADD COLUMN signature TEXT NOT NULL DEFAULT '';
