-- The router's reason for programs, beside void_reason in words. NULL: it told none that this node knows.
ALTER TABLE settlements ADD COLUMN void_code TEXT CHECK (void_code IS NULL OR json_valid(void_code));
