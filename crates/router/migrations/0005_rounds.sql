-- Rounds of Proof of Inference: the same prompt, answered by several nodes with the same artifact. The prompt is not kept;
-- the seed makes it again.
CREATE TABLE rounds (
    id       TEXT PRIMARY KEY,
    model    TEXT NOT NULL,
    artifact TEXT NOT NULL,
    seed     INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT;

-- What became of each node in a round. The position is that of the token at which it parted from the majority, or at which
-- there was no majority any more.
CREATE TABLE round_answers (
    round    TEXT NOT NULL REFERENCES rounds (id),
    node     TEXT NOT NULL,
    artifact TEXT NOT NULL,
    task     TEXT NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN
                 ('agreed', 'parted_late', 'parted_early', 'undecided', 'missed', 'broke_rules', 'refused', 'not_asked')),
    position INTEGER,
    tokens   INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (round, node)
) STRICT;

CREATE INDEX round_answers_of_a_node ON round_answers (node, artifact, ended_at);
