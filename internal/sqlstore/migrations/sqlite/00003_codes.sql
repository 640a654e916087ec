-- +goose Up
-- Digests of codes, each until it is taken or has expired. Times are milliseconds
-- since 1970.
CREATE TABLE otpipe_codes (
    slot    text    PRIMARY KEY,
    digest  text    NOT NULL, -- the key's id and the digest
    expires integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX otpipe_codes_expires ON otpipe_codes (expires);

-- +goose Down
DROP TABLE otpipe_codes;
