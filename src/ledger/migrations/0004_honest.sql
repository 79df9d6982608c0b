-- How often each receiver refused, or did not answer: by day (since 1970) and by a word of a fixed list, so that it stays small.
CREATE TABLE refusals (
    receiver TEXT    NOT NULL,
    word     TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (receiver, word, day)
) STRICT, WITHOUT ROWID;

-- In facts: `day:…` is what was counted since the last line of the day, `daily_date` (as 20261122) and `daily_at` which line that was.
