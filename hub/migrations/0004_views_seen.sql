-- When a view was last known to be watched: the honest end of one that a crash cuts off (R60).
ALTER TABLE views ADD COLUMN seen_ms BIGINT;
CREATE INDEX views_open ON views (opened_ms) WHERE closed_ms IS NULL;
