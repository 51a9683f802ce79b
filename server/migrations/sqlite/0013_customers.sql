-- Customers sign up, or are invited by the operator.
CREATE TABLE links_now (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('setup', 'customer', 'sign_up', 'invitation', 'recovery')),
    token_hash TEXT NOT NULL UNIQUE,
    -- Invitations: where and as what.
    organisation TEXT REFERENCES organisations (id),
    role TEXT CHECK (role IN ('viewer', 'installer', 'operator', 'admin', 'owner')),
    -- Recoveries: whom.
    account TEXT REFERENCES accounts (id),
    -- For whom; of what makes a customer, the name its organisation gets unless the person gives another.
    note TEXT NOT NULL,
    created_by TEXT REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
INSERT INTO links_now SELECT id, kind, token_hash, organisation, role, account, note, created_by, created_at, expires_at, used_at
    FROM links;
DROP TABLE links;
ALTER TABLE links_now RENAME TO links;
CREATE INDEX links_by_organisation ON links (organisation, id);

-- Of a customer: how many devices it may have, retired ones not counted. NULL: as many as it likes.
ALTER TABLE organisations ADD COLUMN device_quota BIGINT;
CREATE INDEX customers_by_creation ON organisations (created_at, id) WHERE parent IS NULL;
