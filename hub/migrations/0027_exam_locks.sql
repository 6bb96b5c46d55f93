-- 考试锁定 (R59): while one lasts nobody watches its rooms live. Portable like 0001.
CREATE TABLE exam_locks (
    id        TEXT PRIMARY KEY,
    -- such as KS-00001
    number    TEXT NOT NULL UNIQUE,
    from_ms   BIGINT NOT NULL,
    until_ms  BIGINT NOT NULL,
    reason    TEXT NOT NULL,
    set_by    TEXT NOT NULL REFERENCES persons (id),
    set_ms    BIGINT NOT NULL,
    -- lifted before its time
    lifted_by TEXT REFERENCES persons (id),
    lifted_ms BIGINT,
    lifted_why TEXT
);
CREATE INDEX exam_locks_lasting ON exam_locks (until_ms) WHERE lifted_ms IS NULL;
CREATE TABLE exam_lock_rooms (
    lock_id      TEXT NOT NULL REFERENCES exam_locks (id),
    classroom_id TEXT NOT NULL REFERENCES classrooms (id),
    PRIMARY KEY (lock_id, classroom_id)
);
