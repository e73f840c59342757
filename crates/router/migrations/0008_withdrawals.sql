-- What nodes withdrew, by the name that the node gave it: asked for again, it is answered the same. The statement is signed
-- anew each time, from this row and the transfer `withdrawal:NODE:NONCE`.
CREATE TABLE withdrawals (
    node           TEXT NOT NULL,
    nonce          TEXT NOT NULL,
    payout         TEXT NOT NULL,
    everything     INTEGER NOT NULL CHECK (everything IN (0, 1)), -- asked for without an amount
    billions       INTEGER NOT NULL CHECK (billions >= 0),
    units          INTEGER NOT NULL CHECK (units >= 0 AND units < 1000000000),
    total_billions INTEGER NOT NULL,
    total_units    INTEGER NOT NULL,
    final_until    INTEGER NOT NULL, -- what was settled up to then is final, whatever the policy says later
    withdrawn_at   INTEGER NOT NULL,
    PRIMARY KEY (node, nonce),
    CHECK (billions > 0 OR units > 0)
) STRICT;

CREATE TRIGGER withdrawals_stay BEFORE UPDATE ON withdrawals
BEGIN SELECT RAISE(ABORT, 'withdrawals are append-only'); END;

CREATE TRIGGER withdrawals_are_kept BEFORE DELETE ON withdrawals
BEGIN SELECT RAISE(ABORT, 'withdrawals are append-only'); END;

-- Of the record: what was settled up to then for the claim, no audit takes back any more.
ALTER TABLE claims ADD COLUMN proven_until INTEGER NOT NULL DEFAULT 0;

UPDATE claims SET proven_until = MAX(
    COALESCE(json_extract(record, '$.consistent_at'), 0), COALESCE(json_extract(record, '$.failed_at'), 0));
