-- Validators' keys, by the SHA-256 of the key. They may look at answers, and buy none.
CREATE TABLE validators (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- What audits of a node's claim to run an artifact have come to: the whole state that the next audit needs.
CREATE TABLE claims (
    node         TEXT NOT NULL,
    artifact     TEXT NOT NULL,
    record       TEXT NOT NULL,
    barred_until INTEGER, -- of the record: what is settled before is not paid
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (node, artifact)
) STRICT;

-- Every look at an answer. Never the prompt or the tokens.
CREATE TABLE audits (
    id         TEXT PRIMARY KEY,
    node       TEXT NOT NULL,
    artifact   TEXT NOT NULL,
    task       TEXT NOT NULL REFERENCES tasks (id),
    validator  INTEGER NOT NULL REFERENCES validators (id),
    engine     TEXT NOT NULL,
    tokens     INTEGER NOT NULL,
    mismatches INTEGER NOT NULL,
    score      REAL NOT NULL,
    verdict    TEXT NOT NULL CHECK (verdict IN ('consistent', 'not_what_it_claims', 'ask_more')),
    looked_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX audits_of_a_claim ON audits (node, artifact, looked_at);

-- A settlement may take back what an earlier one booked, and says which artifact the pay was for.
CREATE TABLE settlements_with_reversals (
    node              TEXT NOT NULL,
    sequence          INTEGER NOT NULL CHECK (sequence > 0),
    task              TEXT NOT NULL REFERENCES tasks (id),
    attempt           INTEGER NOT NULL,
    kind              TEXT NOT NULL,
    model             TEXT NOT NULL,
    precision         TEXT NOT NULL,
    artifact          TEXT, -- NULL: settled before audits were kept
    mode              TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    first_token_ms    INTEGER NOT NULL,
    total_ms          INTEGER NOT NULL,
    billions          INTEGER NOT NULL,
    units             INTEGER NOT NULL,
    void_reason       TEXT,
    reverses          INTEGER, -- the number of the settlement that this one takes back
    settled_at        INTEGER NOT NULL,
    PRIMARY KEY (node, sequence),
    CHECK (reverses IS NULL OR (reverses < sequence AND void_reason IS NOT NULL))
) STRICT;

INSERT INTO settlements_with_reversals (node, sequence, task, attempt, kind, model, precision, mode, prompt_tokens,
    completion_tokens, first_token_ms, total_ms, billions, units, void_reason, settled_at)
SELECT node, sequence, task, attempt, kind, model, precision, mode, prompt_tokens,
    completion_tokens, first_token_ms, total_ms, billions, units, void_reason, settled_at
FROM settlements;

DROP TABLE settlements;
ALTER TABLE settlements_with_reversals RENAME TO settlements;

-- An attempt is settled once, and taken back at most once.
CREATE UNIQUE INDEX settlements_once ON settlements (task, attempt) WHERE reverses IS NULL;
CREATE UNIQUE INDEX settlements_taken_back_once ON settlements (node, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX settlements_of_a_claim ON settlements (node, artifact, settled_at);
