-- Every certificate that was made for a box, until it ends by itself. What is here and not good any
-- more stands in the list that a broker before the hub is given (docs/decisions/0037).

CREATE TABLE certificates (
    -- hexadecimal
    serial    TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES devices (id),
    made_ms   BIGINT NOT NULL,
    until_ms  BIGINT NOT NULL
);
CREATE INDEX certificates_until ON certificates (until_ms);

INSERT INTO certificates (serial, device_id, made_ms, until_ms)
    SELECT serial, id, created_ms, certificate_until_ms FROM devices
    WHERE serial IS NOT NULL AND certificate_until_ms IS NOT NULL;
INSERT INTO certificates (serial, device_id, made_ms, until_ms)
    SELECT next_serial, id, created_ms, next_until_ms FROM devices
    WHERE next_serial IS NOT NULL AND next_until_ms IS NOT NULL;
INSERT INTO certificates (serial, device_id, made_ms, until_ms)
    SELECT previous_serial, id, created_ms, certificate_until_ms FROM devices
    WHERE previous_serial IS NOT NULL AND certificate_until_ms IS NOT NULL;
