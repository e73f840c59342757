-- What users buy: prepaid accounts with terms that hold for their whole life. The terms are JSON, as they were sold.
CREATE TABLE sessions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    owner          INTEGER NOT NULL REFERENCES keys (id),
    terms          TEXT NOT NULL,
    tasks          INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deactivated_at INTEGER
) STRICT;

CREATE INDEX sessions_of_an_owner ON sessions (owner, id);

-- Keys that open one session only, by the SHA-256 of the key.
CREATE TABLE session_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    session    INTEGER NOT NULL REFERENCES sessions (id),
    hash       TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX keys_of_a_session ON session_keys (session, id);

-- What a client asked of a session, numbered in each from 1 without gaps. Redundant ones have several rows in `tasks`.
CREATE TABLE session_tasks (
    session          INTEGER NOT NULL REFERENCES sessions (id),
    number           INTEGER NOT NULL CHECK (number > 0),
    client_reference TEXT,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (session, number)
) STRICT;

-- Set together: the session that pays for the task instead of the key's own deposit, and the number in it.
ALTER TABLE tasks ADD COLUMN session INTEGER REFERENCES sessions (id);
ALTER TABLE tasks ADD COLUMN number INTEGER;

CREATE INDEX tasks_of_a_session ON tasks (session, number) WHERE session IS NOT NULL;

-- Why a node got a task, for each attempt at it.
CREATE TABLE decisions (
    task     TEXT NOT NULL REFERENCES tasks (id),
    attempt  INTEGER NOT NULL CHECK (attempt > 0),
    decision TEXT NOT NULL,
    PRIMARY KEY (task, attempt)
) STRICT;
