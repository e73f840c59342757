-- A settlement may take back what an earlier one booked: this is the earlier one's number.
ALTER TABLE settlements ADD COLUMN reverses INTEGER;

CREATE INDEX settlements_reversals ON settlements (router, reverses) WHERE reverses IS NOT NULL;

-- What became of each task's pay in the end. What was taken back was not earned, then or later, so that no day's sum is
-- ever negative.
CREATE VIEW outcomes AS
SELECT
    first.kind, first.mode, first.settled_at,
    COALESCE(first.void_reason, back.void_reason) AS void_reason,
    CASE WHEN back.sequence IS NULL THEN first.amount_nano ELSE 0 END AS amount_nano,
    CASE WHEN back.sequence IS NULL THEN first.amount_rest ELSE 0 END AS amount_rest
FROM settlements AS first
LEFT JOIN settlements AS back ON back.router = first.router AND back.reverses = first.sequence
WHERE first.reverses IS NULL;
