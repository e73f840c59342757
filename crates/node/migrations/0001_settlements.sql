-- The node's copy of the router's settlements. Append-only: a row is never changed or deleted.
CREATE TABLE settlements (
    router            TEXT    NOT NULL, -- network and name of the router that settled
    sequence          INTEGER NOT NULL, -- counts up by one for each node on each router
    task              TEXT    NOT NULL,
    kind              TEXT    NOT NULL, -- user | network_test
    model             TEXT    NOT NULL,
    precision         TEXT    NOT NULL, -- exact format, such as Q8_0
    mode              TEXT    NOT NULL, -- precision | volume
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    first_token_ms    INTEGER NOT NULL,
    total_ms          INTEGER NOT NULL,
    void_reason       TEXT,             -- NULL when paid
    amount_nano       INTEGER NOT NULL, -- 10⁻⁹ credit
    amount_rest       INTEGER NOT NULL, -- remainder in 10⁻¹⁸ credit
    settled_at        INTEGER NOT NULL, -- milliseconds since the Unix epoch
    PRIMARY KEY (router, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX settlements_by_time ON settlements (settled_at);
