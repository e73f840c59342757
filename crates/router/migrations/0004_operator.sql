-- One row: the operator's key, by its SHA-256 as users' keys are kept. Another key takes its place.
CREATE TABLE operator (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    hash       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
