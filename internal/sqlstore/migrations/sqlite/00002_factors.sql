-- +goose Up
-- Times are milliseconds since 1970; 0 is none.
CREATE TABLE otpipe_factors (
    id text NOT NULL PRIMARY KEY,
    namespace text NOT NULL,
    subject text NOT NULL, -- whom the product says
    algorithm text NOT NULL,
    digits integer NOT NULL,
    period integer NOT NULL, -- seconds
    skew integer NOT NULL, -- steps
    secret text NOT NULL, -- sealed
    created_at integer NOT NULL,
    expires_at integer NOT NULL, -- while it is unconfirmed
    confirmed_at integer NOT NULL,
    used_at integer NOT NULL,
    last_step integer NOT NULL, -- of the last code that was accepted
    drift integer NOT NULL, -- steps that its clock was off by then
    fails integer NOT NULL, -- guesses since then, or since the last lock
    failed_at integer NOT NULL,
    strikes integer NOT NULL, -- locks since then
    locked_until integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX otpipe_factors_subject ON otpipe_factors (namespace, subject);
CREATE INDEX otpipe_factors_unconfirmed ON otpipe_factors (expires_at) WHERE confirmed_at = 0;

CREATE TABLE otpipe_recovery_codes (
    factor text NOT NULL REFERENCES otpipe_factors (id) ON DELETE CASCADE,
    digest text NOT NULL, -- keyed by the anchor
    PRIMARY KEY (factor, digest)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE otpipe_recovery_codes;
DROP TABLE otpipe_factors;
