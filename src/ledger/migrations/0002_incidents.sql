-- The board: every problem that goes on, what each receiver has heard of it, and what is remembered from run to run. Bodies hold the
-- engine's own types; the columns beside them are for who looks for something.

-- Problems. `on_board`: 1 while the engine holds it, 0 once only this table remembers it. The number only ever grows, so that both
-- indexes grow at their ends: a name is random, and an index that begins with it would touch a page for each row.
CREATE TABLE incidents (
    number     INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    workspace  TEXT    NOT NULL,
    rule       TEXT,
    state      TEXT    NOT NULL,
    opened_at  INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    on_board   INTEGER NOT NULL,
    body       TEXT    NOT NULL
) STRICT;
CREATE INDEX incidents_on_board ON incidents (number) WHERE on_board = 1;
CREATE INDEX incidents_name ON incidents (number, name);

-- Which runs belong to a problem.
CREATE TABLE members (
    incident INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    PRIMARY KEY (incident, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_run ON members (run);

-- Which problem a notification is about; null for a summary and for what is no problem.
ALTER TABLE notifications ADD COLUMN incident INTEGER;
CREATE INDEX notifications_incident ON notifications (incident) WHERE incident IS NOT NULL;

-- What is remembered of each workflow.
CREATE TABLE workflows (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Of each error, by its fingerprint.
CREATE TABLE errors (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Of each receiver: what it was sent lately, and what waits to be told together.
CREATE TABLE desks (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Silences that were made by command.
CREATE TABLE silences (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Silences of the configuration that ended early, and when.
CREATE TABLE ended_early (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Since when workflows are waited for that are expected and were never seen.
CREATE TABLE expected_since (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What could not be read when the board was loaded, for who repairs it.
CREATE TABLE put_aside (
    at     INTEGER NOT NULL,
    origin TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    body   BLOB    NOT NULL
) STRICT;

-- Every input that changed anything, in order, one row for each transaction and one line of JSON for each input: what a backtest replays.
CREATE TABLE journal (
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;
CREATE INDEX journal_at ON journal (at);
