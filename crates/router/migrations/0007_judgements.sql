-- A round may be sampled; then a validator says how near its answers lie to each other.
ALTER TABLE rounds ADD COLUMN temperature REAL; -- NULL: greedy
ALTER TABLE rounds ADD COLUMN validator INTEGER REFERENCES validators (id); -- NULL: compared token by token, or by nobody

-- The same as before, and 'lay_apart': about something else than the others. The similarity is the median of those to the
-- others, as the validator said.
CREATE TABLE round_answers_by_meaning (
    round      TEXT NOT NULL REFERENCES rounds (id),
    node       TEXT NOT NULL,
    artifact   TEXT NOT NULL,
    task       TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('agreed', 'parted_late', 'parted_early', 'lay_apart', 'undecided', 'missed',
                   'broke_rules', 'refused', 'not_asked')),
    position   INTEGER,
    similarity REAL,
    tokens     INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    PRIMARY KEY (round, node)
) STRICT;

INSERT INTO round_answers_by_meaning (round, node, artifact, task, outcome, position, tokens, ended_at)
SELECT round, node, artifact, task, outcome, position, tokens, ended_at FROM round_answers ORDER BY rowid;

DROP TABLE round_answers;
ALTER TABLE round_answers_by_meaning RENAME TO round_answers;
CREATE INDEX round_answers_of_a_node ON round_answers (node, artifact, ended_at);

-- Every judgement of an answer to an open question. Never the question or the answer; the round's seed makes the question again.
CREATE TABLE judgements (
    id          TEXT PRIMARY KEY,
    round       TEXT NOT NULL REFERENCES rounds (id),
    node        TEXT NOT NULL,
    artifact    TEXT NOT NULL,
    task        TEXT NOT NULL REFERENCES tasks (id),
    validator   INTEGER NOT NULL REFERENCES validators (id),
    model       TEXT NOT NULL,
    correctness INTEGER NOT NULL CHECK (correctness BETWEEN 0 AND 5),
    relevance   INTEGER NOT NULL CHECK (relevance BETWEEN 0 AND 5),
    usefulness  INTEGER NOT NULL CHECK (usefulness BETWEEN 0 AND 5),
    judged_at   INTEGER NOT NULL,
    UNIQUE (task, validator)
) STRICT;

-- What the judgements of one answer came to, once they were enough and agreed.
CREATE TABLE rubric_scores (
    task       TEXT PRIMARY KEY REFERENCES tasks (id),
    node       TEXT NOT NULL,
    artifact   TEXT NOT NULL,
    percent    INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    judgements INTEGER NOT NULL,
    scored_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX rubric_scores_of_a_claim ON rubric_scores (node, artifact, scored_at);
