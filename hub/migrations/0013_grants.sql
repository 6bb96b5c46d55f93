-- The review of each term, signed; papers of applications; evidence of interference; recordings of
-- classes with minors. Portable like 0001.

-- 学期复核 (R26): one for each term, once every grant in force had its decision.
CREATE TABLE term_reviews (
    id          TEXT PRIMARY KEY,
    -- such as FH-00001
    number      TEXT NOT NULL UNIQUE,
    term_id     TEXT NOT NULL UNIQUE REFERENCES terms (id),
    reviewer_id TEXT NOT NULL REFERENCES persons (id),
    -- how many grants were kept, taken back, and over by themselves
    kept        BIGINT NOT NULL,
    revoked     BIGINT NOT NULL,
    ended       BIGINT NOT NULL,
    signed_ms   BIGINT NOT NULL
);

-- 未成年人 (X29): a recording keeps what its room was when it began.
ALTER TABLE recordings ADD COLUMN minors BIGINT NOT NULL DEFAULT 0;

-- 附件 (R17): several for one application, sealed like the originals of agreements.
DROP TABLE application_papers;
CREATE TABLE application_papers (
    id             TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES applications (id),
    -- as the file was called
    name           TEXT NOT NULL,
    -- application/pdf, image/jpeg, image/png
    media_type     TEXT NOT NULL,
    bytes          BIGINT NOT NULL,
    -- of the opened bytes, hex
    sha256         TEXT NOT NULL,
    sealed         TEXT NOT NULL,
    stored_by      TEXT NOT NULL REFERENCES persons (id),
    stored_ms      BIGINT NOT NULL
);
CREATE INDEX application_papers_of_application ON application_papers (application_id);

-- 教师干扰 (R105): where and when, what the boxes had told of it by then, and what was withdrawn.
ALTER TABLE interferences ADD COLUMN classroom_id TEXT REFERENCES classrooms (id);
ALTER TABLE interferences ADD COLUMN from_ms BIGINT;
ALTER TABLE interferences ADD COLUMN until_ms BIGINT;
-- one a line
ALTER TABLE interferences ADD COLUMN faults TEXT NOT NULL DEFAULT '';
ALTER TABLE interferences ADD COLUMN withdrawn_by TEXT REFERENCES persons (id);
ALTER TABLE interferences ADD COLUMN withdrawn_ms BIGINT;
ALTER TABLE interferences ADD COLUMN withdrawn_why TEXT;

-- Why classes with minors are asked for as well (X29).
ALTER TABLE applications ADD COLUMN minors_reason TEXT NOT NULL DEFAULT '';
