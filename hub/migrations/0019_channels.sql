-- Channels: where messages about faults leave the hub, what waits to leave, and what became of it.
-- Portable like 0001: TEXT and BIGINT only.

CREATE TABLE channels (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    -- smtp, webhook, wecom, dingtalk, feishu, sms
    kind             TEXT NOT NULL,
    -- 1: takes messages
    enabled          BIGINT NOT NULL,
    -- warning, minor, major, critical: takes these and worse
    severity_min     TEXT NOT NULL,
    -- zh, en
    language         TEXT NOT NULL,
    -- hours after which a channel without a success is itself a fault
    period_hours     BIGINT NOT NULL,
    -- JSON; nothing secret
    settings         TEXT NOT NULL,
    -- sealed with a key derived from the master key, for this id alone; hex
    secrets          TEXT NOT NULL,
    -- what may be shown of them: host and last four characters, last four characters
    address_hint     TEXT NOT NULL,
    secret_hint      TEXT NOT NULL,
    created_ms       BIGINT NOT NULL,
    changed_ms       BIGINT NOT NULL,
    -- the last day with its dead-man message, days since the epoch in Asia/Shanghai
    dead_man_day     BIGINT NOT NULL,
    succeeded_ms     BIGINT,
    -- NULL: the last try succeeded
    failing_since_ms BIGINT,
    -- tries in a row that failed
    failures         BIGINT NOT NULL,
    -- left alone until then
    rest_until_ms    BIGINT NOT NULL,
    -- why the last try failed
    trouble          TEXT NOT NULL
);

-- The outbox: a row is written in the transaction of what it tells about. Its id is the idempotency
-- key of every try.
CREATE TABLE deliveries (
    id         TEXT PRIMARY KEY,
    -- no reference: the log outlives its channel
    channel_id TEXT NOT NULL,
    about      TEXT NOT NULL,
    number     TEXT NOT NULL,
    -- JSON; numbers, codes, names of rooms, times
    message    TEXT NOT NULL,
    queued_ms  BIGINT NOT NULL,
    -- waiting, delivered, refused, expired, merged, withdrawn
    state      TEXT NOT NULL,
    ended_ms   BIGINT,
    -- why it was not delivered, or the delivery it was merged into
    detail     TEXT NOT NULL
);
CREATE INDEX deliveries_waiting ON deliveries (state, channel_id, queued_ms);
CREATE INDEX deliveries_of_channel ON deliveries (channel_id, queued_ms);

-- Every try, noted before it begins: limits hold over a restart.
CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id),
    channel_id  TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,
    -- NULL: under way, or the hub was killed
    outcome     TEXT,
    detail      TEXT NOT NULL,
    PRIMARY KEY (delivery_id, at_ms)
);
CREATE INDEX attempts_of_channel ON delivery_attempts (channel_id, at_ms);
