-- Prompts and answers of user requests, only while the user wants them kept; deleted when that is turned off.
CREATE TABLE kept_prompts (
    task    TEXT NOT NULL PRIMARY KEY,
    prompt  TEXT NOT NULL,
    answer  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
