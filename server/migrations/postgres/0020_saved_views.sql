-- Views of the fleet that somebody keeps under a name.
CREATE TABLE saved_views (
    id TEXT COLLATE "C" PRIMARY KEY,
    -- Who made it.
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    -- Which devices (JSON), of which organisation and below (NULL: of all that the reader sees), in which order.
    filter TEXT NOT NULL,
    organisation TEXT COLLATE "C" REFERENCES organisations (id),
    sort TEXT,
    -- Everybody who sees this organisation's fleet has it. NULL: whoever made it alone.
    shared_in TEXT COLLATE "C" REFERENCES organisations (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX saved_views_of_account ON saved_views (account, id) WHERE shared_in IS NULL;
CREATE INDEX saved_views_shared ON saved_views (shared_in, id) WHERE shared_in IS NOT NULL;
