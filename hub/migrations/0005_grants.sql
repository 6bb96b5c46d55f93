-- Applications for permissions (R17), what became of them (R18), and who took a grant back (R23).

CREATE TABLE applications (
    id             TEXT PRIMARY KEY,
    -- such as SQ-00001; what grants.application names
    number         TEXT NOT NULL UNIQUE,
    applicant_id   TEXT NOT NULL REFERENCES persons (id),
    beneficiary_id TEXT NOT NULL REFERENCES persons (id),
    level          BIGINT NOT NULL,
    unit_id        TEXT REFERENCES units (id),
    reason         TEXT NOT NULL,
    from_ms        BIGINT NOT NULL,
    until_ms       BIGINT NOT NULL,
    filed_ms       BIGINT NOT NULL,
    -- filed, opened, refused; whether an opened one still lasts is in its grant
    state          TEXT NOT NULL,
    decided_by     TEXT REFERENCES persons (id),
    decided_ms     BIGINT,
    -- why it was refused
    answer         TEXT
);
CREATE INDEX applications_by_time ON applications (filed_ms);

ALTER TABLE grants ADD COLUMN revoked_ms BIGINT;
ALTER TABLE grants ADD COLUMN revoked_by TEXT REFERENCES persons (id);
ALTER TABLE grants ADD COLUMN revoked_why TEXT;
CREATE INDEX grants_of_application ON grants (application);
