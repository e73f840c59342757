-- Why a task was not paid or its pay was taken back, for programs: void_reason says the same in words. NULL: kept before there
-- were codes.
ALTER TABLE settlements ADD COLUMN void_code TEXT CHECK (void_code IS NULL OR json_valid(void_code));
