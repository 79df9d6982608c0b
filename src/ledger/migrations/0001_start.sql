-- Times are microseconds since 1970. JSON columns hold the engine's own types.

-- What is remembered of each run. The key begins with the run's id, so that a person who has only that finds it. `title` is the
-- workflow's name where `workflow` is its id: a source that knows only the name speaks of the same run.
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    run        TEXT    NOT NULL,
    workflow   TEXT    NOT NULL,
    workspace  TEXT    NOT NULL,
    title      TEXT,
    source     TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    open       INTEGER NOT NULL,
    hold_until INTEGER,
    known      TEXT    NOT NULL,
    UNIQUE (run, workspace, workflow)
) STRICT;
CREATE INDEX runs_open ON runs (source, id) WHERE open = 1;
CREATE INDEX runs_held ON runs (hold_until) WHERE hold_until IS NOT NULL;

-- What is to be said. `run` is 0 for what is said about firstred itself. The id is derived from the run's key, so that it is
-- unique within its run exactly when it is unique; this key grows at its end, which one on the id alone would not.
CREATE TABLE notifications (
    id   INTEGER PRIMARY KEY,
    run  INTEGER NOT NULL,
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    body TEXT    NOT NULL,
    UNIQUE (run, name)
) STRICT;

-- One notification to one receiver, or to one address of it (the recipient of a mail; empty where the receiver is one address).
-- state: 0 waiting, 1 done, 2 given up.
CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY,
    notification INTEGER NOT NULL REFERENCES notifications (id),
    receiver     TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    state        INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    log          TEXT,
    UNIQUE (notification, receiver, address)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (receiver, next_at) WHERE state = 0;

-- Where each source goes on.
CREATE TABLE checkpoints (
    source TEXT PRIMARY KEY,
    value  TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- firstred's own troubles. Each is told once while it is open (settled_at is null) and at most once an hour: a settled one stays, for
-- when it was last told. `untold`: it came back within that hour, and is told at the end of it. `transient`: the next success ends it.
CREATE TABLE troubles (
    what       TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    told_at    INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    settled_at INTEGER,
    untold     INTEGER NOT NULL,
    transient  INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (what, address)
) STRICT, WITHOUT ROWID;

-- The addresses of receivers that fail: since when they can't be reached, how many deliveries they refused for good. A success lets go
-- of the row, and so does a start.
CREATE TABLE receivers (
    name          TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    failing_since INTEGER,
    refused       INTEGER NOT NULL,
    PRIMARY KEY (name, address)
) STRICT, WITHOUT ROWID;

-- `clean`: closed in order. `probe`: proves that writing works again after a failure.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
