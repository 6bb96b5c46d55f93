-- Where the trail stood at the end of each day, Asia/Shanghai, signed by the hub (K6).
-- Portable like 0001; keys and signatures are base64.

CREATE TABLE trail_days (
    -- days since the epoch in Asia/Shanghai
    day         BIGINT PRIMARY KEY,
    seq         BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    signed_ms   BIGINT NOT NULL,
    -- the public half of the key that signed
    signing_key TEXT NOT NULL,
    signature   TEXT NOT NULL
);
