-- +goose Up
-- Times are milliseconds since 1970.
CREATE TABLE otpipe_audit (
    partition    integer NOT NULL,
    seq          integer NOT NULL,
    at           integer NOT NULL,
    entry        text    NOT NULL,
    kind         text    NOT NULL,
    verification text    NOT NULL,
    namespace    text    NOT NULL,
    send         integer NOT NULL,
    attempt      integer NOT NULL,
    provider     text    NOT NULL,
    reason       text    NOT NULL,
    actor        text    NOT NULL,
    request      text    NOT NULL,
    anchor       text, -- of the recipient; gone with the personal part
    personal     text, -- as JSON
    personal_sum text    NOT NULL,
    prev         text    NOT NULL,
    sum          text    NOT NULL,
    PRIMARY KEY (partition, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX otpipe_audit_at ON otpipe_audit (at DESC, partition DESC, seq DESC);
CREATE INDEX otpipe_audit_anchor ON otpipe_audit (anchor, at DESC) WHERE anchor IS NOT NULL;
CREATE INDEX otpipe_audit_verification ON otpipe_audit (verification, at DESC) WHERE verification <> '';
CREATE INDEX otpipe_audit_actor ON otpipe_audit (actor, at DESC) WHERE actor <> '';

-- +goose Down
DROP TABLE otpipe_audit;
