-- Where the message about a problem stands, for receivers that edit what they posted: in the receiver's own words.
CREATE TABLE posts (
    incident INTEGER NOT NULL,
    receiver TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    post     TEXT    NOT NULL,
    PRIMARY KEY (incident, receiver, address)
) STRICT, WITHOUT ROWID;
