-- 附件2: versions of the text, readings, what was signed, and both originals (R34–R40, R46).
-- Portable like 0001: TEXT and BIGINT only; hashes are lower-case hex, sealed bytes base64.

CREATE TABLE agreement_texts (
    -- 1, 2, 3, …
    version        TEXT PRIMARY KEY,
    text           TEXT NOT NULL,
    sha256         TEXT NOT NULL,
    in_force_ms    BIGINT NOT NULL,
    -- for how long an agreement on the text before still counts (R40)
    grace_days     BIGINT NOT NULL,
    -- 负责人 and 用章说明, as printed; empty: left blank for a pen
    representative TEXT NOT NULL,
    seal_note      TEXT NOT NULL,
    published_ms   BIGINT NOT NULL,
    -- NULL: the official text, put in force by the hub at its first start
    published_by   TEXT REFERENCES persons (id)
);

-- Since when somebody has had the text open, measured here and not claimed by a page (R37).
CREATE TABLE agreement_readings (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES persons (id),
    text_version TEXT NOT NULL,
    opened_ms    BIGINT NOT NULL,
    -- when it was signed; a reading is good for one signature
    used_ms      BIGINT
);
CREATE INDEX agreement_readings_of_person ON agreement_readings (person_id);

-- electronic, paper
ALTER TABLE agreements ADD COLUMN kind TEXT NOT NULL DEFAULT 'electronic';
ALTER TABLE agreements ADD COLUMN text_sha256 TEXT;
ALTER TABLE agreements ADD COLUMN typed_name TEXT;
ALTER TABLE agreements ADD COLUMN address TEXT;
ALTER TABLE agreements ADD COLUMN reading_seconds BIGINT;
-- 身份证号, sealed with the key of the access room for this agreement alone (R46)
ALTER TABLE agreements ADD COLUMN identity_sealed TEXT;
ALTER TABLE agreements ADD COLUMN representative TEXT NOT NULL DEFAULT '';
ALTER TABLE agreements ADD COLUMN school_signed_ms BIGINT;
ALTER TABLE agreements ADD COLUMN seal_note TEXT NOT NULL DEFAULT '';
ALTER TABLE agreements ADD COLUMN filed_ms BIGINT;
-- who entered a paper
ALTER TABLE agreements ADD COLUMN filed_by TEXT REFERENCES persons (id);
ALTER TABLE agreements ADD COLUMN ended_by TEXT REFERENCES persons (id);
ALTER TABLE agreements ADD COLUMN ended_why TEXT;
-- the agreement signed in its place, on a newer text
ALTER TABLE agreements ADD COLUMN replaced_by TEXT;

-- One agreement of a person lasts; an ended one stays (R39).
UPDATE agreements SET ended_ms = signed_ms WHERE ended_ms IS NULL AND EXISTS (
    SELECT 1 FROM agreements newer WHERE newer.person_id = agreements.person_id
    AND newer.ended_ms IS NULL AND newer.signed_ms > agreements.signed_ms);
CREATE UNIQUE INDEX agreements_lasting ON agreements (person_id) WHERE ended_ms IS NULL;

-- 一式两份 (R38): the two PDFs, or the scans of the two papers; sealed.
CREATE TABLE agreement_originals (
    id           TEXT PRIMARY KEY,
    -- NULL: a scan that was uploaded and belongs to no agreement yet
    agreement_id TEXT REFERENCES agreements (id),
    -- school, person
    party        TEXT,
    media_type   TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    sealed       TEXT NOT NULL,
    stored_ms    BIGINT NOT NULL,
    stored_by    TEXT NOT NULL REFERENCES persons (id),
    UNIQUE (agreement_id, party)
);
