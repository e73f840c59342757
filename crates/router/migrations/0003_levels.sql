-- What the network saw each node do, event by event. A node's record follows from its events alone.
CREATE TABLE level_events (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    key   TEXT NOT NULL UNIQUE,
    node  TEXT NOT NULL,
    event TEXT NOT NULL CHECK (json_valid(event))
) STRICT;

CREATE INDEX level_events_of_a_node ON level_events (node, id);

CREATE TRIGGER level_events_stay BEFORE UPDATE ON level_events
BEGIN SELECT RAISE(ABORT, 'what was seen of a node is append-only'); END;

CREATE TRIGGER level_events_are_kept BEFORE DELETE ON level_events
BEGIN SELECT RAISE(ABORT, 'what was seen of a node is append-only'); END;

-- What the events of each node come to, written in one transaction with the last of them.
CREATE TABLE levels (
    node   TEXT PRIMARY KEY,
    record TEXT NOT NULL CHECK (json_valid(record))
) STRICT;
