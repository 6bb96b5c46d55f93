-- Certificates of boxes follow each other: the next one is in force from its first use on, the
-- previous one for as long as connections that were opened with it may last.

ALTER TABLE devices ADD COLUMN next_serial TEXT;
ALTER TABLE devices ADD COLUMN next_until_ms BIGINT;
ALTER TABLE devices ADD COLUMN previous_serial TEXT;
ALTER TABLE devices ADD COLUMN previous_until_ms BIGINT;
