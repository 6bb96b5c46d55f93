-- Boxes that nobody knows and that ask to be let in, for an hour each (docs/decisions/0038).

CREATE TABLE asking_boxes (
    -- what the shown code is called by, hexadecimal; the code itself is nowhere
    name         TEXT PRIMARY KEY,
    csr_pem      TEXT NOT NULL,
    -- Ed25519 public key, hexadecimal
    signing_key  TEXT NOT NULL,
    -- the box's proof of the code over what it asks for, hexadecimal
    proof        TEXT NOT NULL,
    address      TEXT NOT NULL,
    since_ms     BIGINT NOT NULL,
    seen_ms      BIGINT NOT NULL,
    -- once somebody has typed the code: what the box is told, and the hub's proof over it
    answer       TEXT,
    answer_proof TEXT
);
CREATE INDEX asking_boxes_since ON asking_boxes (since_ms);
