-- One row: what this database is.
CREATE TABLE identity (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    ledger TEXT NOT NULL
) STRICT;

-- API keys, by the SHA-256 of the key: whoever reads the database cannot use them.
CREATE TABLE keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- What was asked, by whom, and how it ended. Never the prompt or the answer.
CREATE TABLE tasks (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('user', 'network_test')),
    key        INTEGER REFERENCES keys (id),
    model      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    outcome    TEXT CHECK (outcome IN ('served', 'cancelled', 'timed_out', 'failed', 'interrupted')),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((kind = 'user') = (key IS NOT NULL))
) STRICT;

CREATE INDEX tasks_open ON tasks (id) WHERE ended_at IS NULL;

-- The ledger: every movement of money, from one account (debit) to another (credit). The amount is
-- billions * 10^9 + units base units, so that SUM over each column stays exact in 64 bits.
CREATE TABLE transfers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    debit      TEXT NOT NULL,
    credit     TEXT NOT NULL,
    billions   INTEGER NOT NULL CHECK (billions >= 0),
    units      INTEGER NOT NULL CHECK (units >= 0 AND units < 1000000000),
    task       TEXT REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    CHECK (debit <> credit)
) STRICT;

CREATE INDEX transfers_debit ON transfers (debit, billions, units);
CREATE INDEX transfers_credit ON transfers (credit, billions, units);

CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER transfers_are_kept BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- What each node was told of its pay, numbered for each node from 1 without gaps.
CREATE TABLE settlements (
    node              TEXT NOT NULL,
    sequence          INTEGER NOT NULL CHECK (sequence > 0),
    task              TEXT NOT NULL REFERENCES tasks (id),
    attempt           INTEGER NOT NULL,
    kind              TEXT NOT NULL,
    model             TEXT NOT NULL,
    precision         TEXT NOT NULL,
    mode              TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    first_token_ms    INTEGER NOT NULL,
    total_ms          INTEGER NOT NULL,
    billions          INTEGER NOT NULL,
    units             INTEGER NOT NULL,
    void_reason       TEXT,
    settled_at        INTEGER NOT NULL,
    PRIMARY KEY (node, sequence),
    UNIQUE (task, attempt)
) STRICT;

-- How far each node's own ledger goes, as it said last.
CREATE TABLE nodes (
    address       TEXT PRIMARY KEY,
    settled_up_to INTEGER NOT NULL DEFAULT 0,
    software      TEXT NOT NULL,
    seen_at       INTEGER NOT NULL
) STRICT;

-- Every test of an artifact on a node; the latest counts.
CREATE TABLE reports (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    node      TEXT NOT NULL,
    artifact  TEXT NOT NULL,
    passed    INTEGER NOT NULL,
    tested_at INTEGER NOT NULL,
    report    TEXT NOT NULL
) STRICT;

CREATE INDEX reports_of_a_node ON reports (node, artifact, id);
