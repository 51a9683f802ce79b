-- Who may do what: organisations, accounts, passkeys, sign-ins, tokens, one-time links, and the server's own settings.
-- Instants are unix milliseconds. Secrets stand as SHA-256 in lower-case hex, never as themselves.
-- Text that is sorted or compared has the collation of bytes, as SQLite has by itself.

CREATE TABLE settings (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE organisations (
    id TEXT COLLATE "C" PRIMARY KEY,
    parent TEXT COLLATE "C" REFERENCES organisations (id),
    name TEXT NOT NULL,
    -- Bumped first by every transaction whose rule spans several rows (last owner, quotas), so that two of them queue up.
    revision BIGINT NOT NULL DEFAULT 0,
    policy TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX organisations_by_parent ON organisations (parent);

CREATE TABLE accounts (
    id TEXT COLLATE "C" PRIMARY KEY,
    -- The WebAuthn user handle: random, so that an authenticator learns nothing about the person (WebAuthn §14.6.1).
    user_handle TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'service')),
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'installer', 'operator', 'admin', 'owner')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organisation, account)
);
CREATE INDEX memberships_by_account ON memberships (account);

CREATE TABLE passkeys (
    id TEXT COLLATE "C" PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    credential_id TEXT COLLATE "C" NOT NULL UNIQUE,
    -- What webauthn-rs needs to verify the next assertion (public key, counter, flags), as JSON.
    credential TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_by_account ON passkeys (account, id);

CREATE TABLE sign_ins (
    id TEXT COLLATE "C" PRIMARY KEY,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    -- The hash before the latest rotation: good for some seconds, for requests that were under way, and for nothing fresh.
    former_hash TEXT COLLATE "C" UNIQUE,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    browser TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    -- The newest passkey assertion and when it was made: approvals keep a copy.
    verified_at BIGINT NOT NULL,
    assertion TEXT NOT NULL
);
CREATE INDEX sign_ins_by_account ON sign_ins (account, id);
CREATE INDEX sign_ins_by_use ON sign_ins (last_used_at);

CREATE TABLE tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    -- Names of scopes, separated by spaces.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    -- The assertion under which it was made in the panel; NULL when the server's own command line made it.
    assertion TEXT
);
CREATE INDEX tokens_by_account ON tokens (account, id);

CREATE TABLE links (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('setup', 'invitation', 'recovery')),
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    -- Invitations: where and as what.
    organisation TEXT COLLATE "C" REFERENCES organisations (id),
    role TEXT CHECK (role IN ('viewer', 'installer', 'operator', 'admin', 'owner')),
    -- Recoveries: whom.
    account TEXT COLLATE "C" REFERENCES accounts (id),
    note TEXT NOT NULL,
    created_by TEXT COLLATE "C" REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX links_by_organisation ON links (organisation, id);

CREATE TABLE recovery_codes (
    code_hash TEXT COLLATE "C" PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX recovery_codes_by_account ON recovery_codes (account);

-- Passkey ceremonies between their two steps. A row is taken (deleted) by the second step, so that none is used twice.
CREATE TABLE ceremonies (
    id TEXT COLLATE "C" PRIMARY KEY,
    -- What it is for, whom it concerns, and webauthn-rs's state, as JSON.
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);

-- Replies to creations, for clients that repeat a request. The body is sealed with a key derived from the Idempotency-Key,
-- of which only the hash stands here: the reply may hold a new secret.
CREATE TABLE idempotency_keys (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    key_hash TEXT COLLATE "C" NOT NULL,
    request_hash TEXT NOT NULL,
    sealed_body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, key_hash)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
