-- What this node asked its routers to withdraw. It is written down before it is asked, so that a kill in between loses no
-- statement: asked again, the router answers the same.
CREATE TABLE withdrawals (
    nonce       TEXT    NOT NULL PRIMARY KEY,
    ledger      TEXT    NOT NULL, -- the router's, as in settlements.router
    node        TEXT    NOT NULL,
    request     TEXT    NOT NULL CHECK (json_valid(request)),
    statement   TEXT    CHECK (json_valid(statement)), -- NULL until the router has answered
    amount_nano INTEGER NOT NULL DEFAULT 0, -- of the statement; 10⁻⁹ credit
    amount_rest INTEGER NOT NULL DEFAULT 0  -- remainder in 10⁻¹⁸ credit
) STRICT, WITHOUT ROWID;
