-- Measurement feeds. Their values are in a database of their own (migrations/measurements).
CREATE TABLE feeds (
    -- The channel number: never given twice.
    channel INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- The device whose feed it is; NULL: one of a program that only writes.
    device TEXT UNIQUE REFERENCES devices (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Names and units (JSON), in the order of their numbers.
    fields TEXT NOT NULL,
    -- Latitude, longitude, elevation (JSON).
    location TEXT,
    metadata TEXT NOT NULL,
    -- For how long it is kept (JSON), where that is shorter than the organisation's rules.
    retention TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX feeds_of_organisation ON feeds (organisation, channel);

CREATE TABLE feed_keys (
    id TEXT PRIMARY KEY,
    channel BIGINT NOT NULL REFERENCES feeds (channel),
    -- SHA-256 in hex.
    secret_hash TEXT NOT NULL UNIQUE,
    -- It writes; otherwise it reads.
    writes BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    -- Numbers of the fields that a read key may see (JSON); NULL: all, those to come among them.
    fields TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX feed_keys_of_feed ON feed_keys (channel, id);
