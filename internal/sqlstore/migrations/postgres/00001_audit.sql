-- +goose Up
-- Times are milliseconds since 1970. A month's records are a partition of their own,
-- made by the first who writes into it; retention drops whole months.
CREATE TABLE otpipe_audit (
    partition    smallint NOT NULL,
    seq          bigint   NOT NULL,
    at           bigint   NOT NULL,
    entry        text     NOT NULL,
    kind         text     NOT NULL,
    verification text     NOT NULL,
    namespace    text     NOT NULL,
    send         integer  NOT NULL,
    attempt      integer  NOT NULL,
    provider     text     NOT NULL,
    reason       text     NOT NULL,
    actor        text     NOT NULL,
    request      text     NOT NULL,
    anchor       text, -- of the recipient; gone with the personal part
    personal     text, -- as JSON
    personal_sum text     NOT NULL,
    prev         text     NOT NULL,
    sum          text     NOT NULL,
    PRIMARY KEY (partition, seq, at)
) PARTITION BY RANGE (at);

CREATE INDEX ON otpipe_audit (at DESC, partition DESC, seq DESC);
CREATE INDEX ON otpipe_audit (anchor, at DESC) WHERE anchor IS NOT NULL;
CREATE INDEX ON otpipe_audit (verification, at DESC) WHERE verification <> '';
CREATE INDEX ON otpipe_audit (actor, at DESC) WHERE actor <> '';

-- +goose Down
DROP TABLE otpipe_audit;
