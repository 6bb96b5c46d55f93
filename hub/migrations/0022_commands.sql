-- Commands to boxes with their results, and the check-ups before the first lesson.
-- Portable like 0001: TEXT and BIGINT only.

CREATE TABLE commands (
    -- UUID; the command's id on the wire
    id          TEXT PRIMARY KEY,
    device_id   TEXT NOT NULL REFERENCES devices (id),
    -- ping, reload, reboot, renew, collect_diag, selftest, projector
    kind        TEXT NOT NULL,
    -- the whole order, JSON
    body        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    -- NULL: the hub itself, for a check-up
    asked_by    TEXT REFERENCES persons (id),
    asked_ms    BIGINT NOT NULL,
    -- who agreed or declined, where a second person was needed
    judged_by   TEXT REFERENCES persons (id),
    judged_ms   BIGINT,
    -- waiting (for a second person), queued, sent, running, done, failed, rejected, expired, declined
    state       TEXT NOT NULL,
    -- a stable word for what went wrong; empty: nothing
    code        TEXT NOT NULL,
    -- JSON of numbers, words and the end of the agent's log; empty: none
    result      TEXT NOT NULL,
    -- a box does not begin after that
    expires_ms  BIGINT NOT NULL,
    -- the hub waits no longer than that
    ends_ms     BIGINT NOT NULL,
    ended_ms    BIGINT,
    -- empty: part of no check-up
    checkup_id  TEXT NOT NULL
);
CREATE INDEX commands_of_device ON commands (device_id, asked_ms);
CREATE INDEX commands_open ON commands (state, ends_ms);
CREATE INDEX commands_of_checkup ON commands (checkup_id);

CREATE TABLE checkups (
    -- day-N for the one of a day, else a UUID
    id        TEXT PRIMARY KEY,
    -- NULL: by the clock
    begun_by  TEXT REFERENCES persons (id),
    begun_ms  BIGINT NOT NULL,
    -- NULL: under way
    ended_ms  BIGINT
);
CREATE INDEX checkups_by_time ON checkups (begun_ms);
