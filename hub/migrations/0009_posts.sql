-- Posts and what ends them: appointments, imports, departures, measures against a breach, the
-- review of each term; classes with minors, and the papers attached to applications.

-- 管理员层级 (R16): what somebody was made, by whom, on which paper. Only ever added to.
CREATE TABLE appointments (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES persons (id),
    -- names of roles, separated by spaces
    roles_before TEXT NOT NULL,
    roles_after  TEXT NOT NULL,
    unit_before  TEXT REFERENCES units (id),
    unit_after   TEXT REFERENCES units (id),
    basis        TEXT NOT NULL,
    decided_by   TEXT NOT NULL REFERENCES persons (id),
    decided_ms   BIGINT NOT NULL
);
CREATE INDEX appointments_of_person ON appointments (person_id, decided_ms);

-- 移交 (R23, R24, R44): opened when a permission ends with a post, closed when the list is done.
CREATE TABLE departures (
    id         TEXT PRIMARY KEY,
    -- such as YJ-00001
    number     TEXT NOT NULL UNIQUE,
    person_id  TEXT NOT NULL REFERENCES persons (id),
    -- left, transferred, closing
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    opened_by  TEXT NOT NULL REFERENCES persons (id),
    opened_ms  BIGINT NOT NULL,
    closed_by  TEXT REFERENCES persons (id),
    closed_ms  BIGINT
);
CREATE INDEX departures_of_person ON departures (person_id);

CREATE TABLE handover_items (
    id           TEXT PRIMARY KEY,
    departure_id TEXT NOT NULL REFERENCES departures (id),
    what         TEXT NOT NULL,
    added_by     TEXT NOT NULL REFERENCES persons (id),
    added_ms     BIGINT NOT NULL,
    receiver_id  TEXT REFERENCES persons (id),
    -- handed_over, destroyed
    outcome      TEXT,
    done_ms      BIGINT
);
CREATE INDEX handover_items_of_departure ON handover_items (departure_id);

-- 违规处理 (R45, R103–R108): filed by Academic Affairs, put into force by the IT centre.
CREATE TABLE sanctions (
    id           TEXT PRIMARY KEY,
    -- 文号, given by people
    number       TEXT NOT NULL UNIQUE,
    about_id     TEXT NOT NULL REFERENCES persons (id),
    -- warning, suspension, cancellation, discipline, notice, law, damages
    measure      TEXT NOT NULL,
    from_ms      BIGINT,
    until_ms     BIGINT,
    basis        TEXT NOT NULL,
    facts        TEXT NOT NULL,
    -- numbers of lines of the trail, separated by spaces
    evidence     TEXT NOT NULL,
    filed_by     TEXT NOT NULL REFERENCES persons (id),
    filed_ms     BIGINT NOT NULL,
    -- filed, in_force, withdrawn, lifted
    state        TEXT NOT NULL,
    decided_by   TEXT REFERENCES persons (id),
    decided_ms   BIGINT,
    -- why it was withdrawn or lifted, by whom and when
    ended_by     TEXT REFERENCES persons (id),
    ended_ms     BIGINT,
    ended_why    TEXT,
    -- what the person says to it, and what came of that
    objection    TEXT,
    objected_ms  BIGINT,
    answer       TEXT,
    answered_by  TEXT REFERENCES persons (id),
    answered_ms  BIGINT
);
CREATE INDEX sanctions_about ON sanctions (about_id, state);

-- 负面清单 (R105): listed once two people have confirmed it.
CREATE TABLE interferences (
    id         TEXT PRIMARY KEY,
    -- such as GR-00001
    number     TEXT NOT NULL UNIQUE,
    teacher_id TEXT NOT NULL REFERENCES persons (id),
    what       TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    filed_by   TEXT NOT NULL REFERENCES persons (id),
    filed_ms   BIGINT NOT NULL
);

CREATE TABLE interference_confirmations (
    interference_id TEXT NOT NULL REFERENCES interferences (id),
    person_id       TEXT NOT NULL REFERENCES persons (id),
    confirmed_ms    BIGINT NOT NULL,
    PRIMARY KEY (interference_id, person_id)
);

-- 学期复核 (R26): each grant, each term. A grant taken back is in `grants`.
CREATE TABLE grant_reviews (
    grant_id    TEXT NOT NULL REFERENCES grants (id),
    term_id     TEXT NOT NULL REFERENCES terms (id),
    reviewed_by TEXT NOT NULL REFERENCES persons (id),
    reviewed_ms BIGINT NOT NULL,
    PRIMARY KEY (grant_id, term_id)
);

-- 未成年人 (X29): 1 or 0. A class has minors when its room or its lesson has.
ALTER TABLE classrooms ADD COLUMN minors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lessons ADD COLUMN minors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN minors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE applications ADD COLUMN minors BIGINT NOT NULL DEFAULT 0;

-- 附件 (R17): base64, as bytes have no type that both databases know.
CREATE TABLE application_papers (
    application_id TEXT PRIMARY KEY REFERENCES applications (id),
    name           TEXT NOT NULL,
    -- application/pdf, image/jpeg, image/png
    media_type     TEXT NOT NULL,
    sha256         TEXT NOT NULL,
    content        TEXT NOT NULL
);
