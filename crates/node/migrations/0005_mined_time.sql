-- How long a model was loaded and served, and what that took in electricity, by the quarter of an hour: days begin at one
-- in every time zone. Each part only grows.
CREATE TABLE mined (
    from_at      INTEGER NOT NULL, -- start of the quarter of an hour, in milliseconds since the Unix epoch
    mode         TEXT    NOT NULL, -- precision | volume
    model        TEXT    NOT NULL,
    precision    TEXT    NOT NULL, -- exact format, such as Q8_0
    began_at     INTEGER NOT NULL, -- when it was first served in this quarter
    lasted_ms    INTEGER NOT NULL,
    processor_mj INTEGER NOT NULL, -- millijoules that the processors' own counters told, of whole packages
    cards_mj     INTEGER NOT NULL, -- millijoules that the driver of the card told
    figure_mj    INTEGER NOT NULL, -- millijoules by the figure in watts that the user gave
    unread_ms    INTEGER NOT NULL, -- of the time, that for which nothing could be read and no figure was given
    PRIMARY KEY (from_at, mode, model, precision)
) STRICT, WITHOUT ROWID;

-- The same as before, with what earnings are told apart by.
DROP VIEW outcomes;
CREATE VIEW outcomes AS
SELECT
    first.kind, first.mode, first.model, first.precision, first.prompt_tokens, first.completion_tokens, first.settled_at,
    COALESCE(first.void_reason, back.void_reason) AS void_reason,
    CASE WHEN back.sequence IS NULL THEN first.amount_nano ELSE 0 END AS amount_nano,
    CASE WHEN back.sequence IS NULL THEN first.amount_rest ELSE 0 END AS amount_rest
FROM settlements AS first
LEFT JOIN settlements AS back ON back.router = first.router AND back.reverses = first.sequence
WHERE first.reverses IS NULL;
