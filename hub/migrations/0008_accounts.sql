-- Accounts: passwords that may not come back (R29), one-time start codes (X3), recovery codes and
-- passkeys (X1). Portable like 0001; of every code there is only its SHA-256, hexadecimal.

CREATE TABLE past_passwords (
    person_id     TEXT NOT NULL REFERENCES persons (id),
    -- in PHC form
    password_hash TEXT NOT NULL,
    replaced_ms   BIGINT NOT NULL,
    PRIMARY KEY (person_id, password_hash)
);

CREATE TABLE start_codes (
    code_hash   TEXT PRIMARY KEY,
    -- NULL: the first start, for the three administrators
    person_id   TEXT REFERENCES persons (id),
    -- the second factor that is being set up, sealed; NULL until somebody has come with the code
    totp_sealed TEXT,
    issued_ms   BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    used_ms     BIGINT,
    -- replaced by a newer one
    void_ms     BIGINT
);
CREATE INDEX start_codes_of_person ON start_codes (person_id);

-- Where two officers must agree to a start code: what one of them has asked for.
CREATE TABLE start_requests (
    person_id  TEXT NOT NULL REFERENCES persons (id),
    officer_id TEXT NOT NULL REFERENCES persons (id),
    asked_ms   BIGINT NOT NULL,
    PRIMARY KEY (person_id, officer_id)
);

CREATE TABLE recovery_codes (
    code_hash TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES persons (id),
    made_ms   BIGINT NOT NULL,
    used_ms   BIGINT
);
CREATE INDEX recovery_codes_of_person ON recovery_codes (person_id, used_ms);

-- The new second factor of somebody who changes the authenticator, until a code of it is given.
CREATE TABLE authenticator_changes (
    person_id   TEXT PRIMARY KEY REFERENCES persons (id),
    totp_sealed TEXT NOT NULL,
    begun_ms    BIGINT NOT NULL
);

CREATE TABLE passkeys (
    id            TEXT PRIMARY KEY,
    person_id     TEXT NOT NULL REFERENCES persons (id),
    -- what the authenticator calls it, base64url
    credential_id TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    -- -7 ES256, -8 Ed25519, -257 RS256 (COSE)
    algorithm     BIGINT NOT NULL,
    -- SubjectPublicKeyInfo, base64
    public_key    TEXT NOT NULL,
    -- as the authenticator last counted; one that falls back is a copy
    counter       BIGINT NOT NULL,
    made_ms       BIGINT NOT NULL,
    used_ms       BIGINT
);
CREATE INDEX passkeys_of_person ON passkeys (person_id);

-- A person's own sign-ins, for the page of the account (R28).
CREATE INDEX trail_of_person ON trail (person_id, seq);
