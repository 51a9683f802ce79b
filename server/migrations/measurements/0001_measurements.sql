-- The values of measurement feeds. Times are unix milliseconds, hours and days are counted since 1970.
CREATE TABLE measurement_channels (
    channel INTEGER PRIMARY KEY,
    last_entry BIGINT NOT NULL,
    -- The time of the newest entry.
    latest_at BIGINT NOT NULL,
    -- Entries that came on this day, for the quota.
    day BIGINT NOT NULL,
    entries_of_day BIGINT NOT NULL,
    -- The oldest entry among the arrivals, unless there is none.
    unpacked_since BIGINT,
    -- When what is too old was last looked for.
    swept_at BIGINT NOT NULL
);
CREATE INDEX measurement_channels_unpacked ON measurement_channels (unpacked_since) WHERE unpacked_since IS NOT NULL;
CREATE INDEX measurement_channels_swept ON measurement_channels (swept_at);

-- Entries as they come, until their hour is over.
CREATE TABLE measurement_arrivals (
    channel BIGINT NOT NULL,
    at BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (channel, at)
) WITHOUT ROWID;

-- What was said beside the numbers (JSON): status, place, words in place of numbers.
CREATE TABLE measurement_remarks (
    channel BIGINT NOT NULL,
    at BIGINT NOT NULL,
    remark TEXT NOT NULL,
    PRIMARY KEY (channel, at)
) WITHOUT ROWID;

-- The entries of an hour, packed.
CREATE TABLE measurement_blocks (
    channel BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (channel, hour)
) WITHOUT ROWID;

-- The minutes of an hour whose entries are not kept any more.
CREATE TABLE measurement_minutes (
    channel BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (channel, hour)
) WITHOUT ROWID;

-- The hours of a day.
CREATE TABLE measurement_hours (
    channel BIGINT NOT NULL,
    day BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (channel, day)
) WITHOUT ROWID;
