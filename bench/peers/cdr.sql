-- What a CDR loader with pgcrypto keeps: the columns that it searches by in clear, the rest sealed.
CREATE TABLE cdr (
    id      text PRIMARY KEY, -- a repeated record is refused by it
    account text NOT NULL,
    started timestamptz NOT NULL,
    sealed  bytea NOT NULL
);
CREATE INDEX ON cdr (account, started);
