-- Day keys, recordings and their segments.
-- Portable like 0001: TEXT and BIGINT only; bytes are lower-case hex.

CREATE TABLE day_keys (
    -- days since the epoch in Asia/Shanghai
    epoch  BIGINT PRIMARY KEY,
    public TEXT NOT NULL,
    -- the private half, sealed with the master key for this day alone
    sealed TEXT NOT NULL
);

-- What boxes were given: the version never falls, not even when the clock does.
CREATE TABLE epoch_bundles (
    version     BIGINT PRIMARY KEY,
    first_epoch BIGINT NOT NULL,
    last_epoch  BIGINT NOT NULL
);

CREATE TABLE recordings (
    id           TEXT PRIMARY KEY,
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    -- the unit that owned the room at record time: a later change does not move the recording
    unit_id      TEXT NOT NULL REFERENCES units (id),
    -- empty outside lessons; a timetable may forget a lesson, a recording stays
    lesson_id    TEXT NOT NULL,
    -- the lesson's time, or the clock hour
    start_ms     BIGINT NOT NULL,
    end_ms       BIGINT NOT NULL,
    UNIQUE (classroom_id, start_ms, lesson_id, unit_id)
);
CREATE INDEX recordings_by_time ON recordings (start_ms);

CREATE TABLE segments (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    device_id    TEXT NOT NULL,
    source       TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    start_us     BIGINT NOT NULL,
    duration_us  BIGINT NOT NULL,
    -- 1 when its end is there, 0 when it was cut off (power) and is still good
    complete     BIGINT NOT NULL,
    codecs       TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    stored_ms    BIGINT NOT NULL
);
CREATE INDEX segments_of_recording ON segments (recording_id, start_us);

-- What a box says is missing for good.
CREATE TABLE gaps (
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    source       TEXT NOT NULL,
    from_us      BIGINT NOT NULL,
    to_us        BIGINT NOT NULL,
    -- power, camera, disk
    reason       TEXT NOT NULL,
    PRIMARY KEY (classroom_id, source, from_us, to_us)
);
