-- +goose Up
-- Digests of codes, each until it is taken or has expired. Times are milliseconds
-- since 1970. Rows live for minutes: much of a page dies at once, and is cleaned early.
CREATE TABLE otpipe_codes (
    slot    text   PRIMARY KEY,
    digest  text   NOT NULL, -- the key's id and the digest
    expires bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX ON otpipe_codes (expires);

-- +goose Down
DROP TABLE otpipe_codes;
