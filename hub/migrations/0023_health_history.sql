-- Numbers of boxes over time, rolled up to steps of five minutes and of an hour; what is older than
-- hub/policy/src/history.rs keeps is deleted. Portable like 0001: TEXT and BIGINT only.
CREATE TABLE health_history (
    device_id TEXT NOT NULL REFERENCES devices (id),
    -- length of the step
    step_ms   BIGINT NOT NULL,
    -- its beginning
    from_ms   BIGINT NOT NULL,
    -- count, sum and worst of each number
    numbers   TEXT NOT NULL,
    PRIMARY KEY (device_id, step_ms, from_ms)
);
CREATE INDEX health_history_by_age ON health_history (step_ms, from_ms);
