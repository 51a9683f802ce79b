-- Sign-in by an organisation's own OpenID Connect provider.

-- The provider that vouched for a sign-in, its customer, and its own name for the session. Such a sign-in counts at that customer alone.
ALTER TABLE sign_ins ADD COLUMN provider TEXT;
ALTER TABLE sign_ins ADD COLUMN customer TEXT;
ALTER TABLE sign_ins ADD COLUMN provider_session TEXT;
CREATE INDEX sign_ins_by_provider ON sign_ins (provider, account) WHERE provider IS NOT NULL;

CREATE TABLE identity_providers (
    id TEXT PRIMARY KEY,
    -- A customer: it counts there and below.
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- Sealed under the key that is not in this database; NULL: a public client.
    secret TEXT,
    -- JSON: the claim, what its values mean, and what everybody gets.
    roles TEXT NOT NULL,
    makes_accounts BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    -- Removed; what rests on it is being taken away.
    removed_at BIGINT
);
CREATE INDEX identity_providers_by_organisation ON identity_providers (organisation, id);

-- Who is who: a person as a provider knows them (issuer and subject), and their account here.
CREATE TABLE identities (
    provider TEXT NOT NULL REFERENCES identity_providers (id),
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    -- The provider's customer: an account has one identity there.
    customer TEXT NOT NULL REFERENCES organisations (id),
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (account, customer)
);
CREATE INDEX identities_by_account ON identities (provider, account);
CREATE INDEX identities_by_use ON identities (last_used_at);

-- Logout tokens that were used, by the hash of their id: none counts twice (OpenID Connect Back-Channel Logout 1.0 §2.6).
CREATE TABLE logout_tokens (
    provider TEXT NOT NULL,
    id_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (provider, id_hash)
);
CREATE INDEX logout_tokens_by_expiry ON logout_tokens (expires_at);

-- Memberships by a claim. `role` is the greater one of the two; `by_hand` what somebody gave beside the claim.
ALTER TABLE memberships ADD COLUMN claimed TEXT;
ALTER TABLE memberships ADD COLUMN claimed_by TEXT;
ALTER TABLE memberships ADD COLUMN by_hand TEXT;
CREATE INDEX memberships_by_provider ON memberships (claimed_by, account) WHERE claimed_by IS NOT NULL;

-- Whether a passkey alone counts for nobody but owners: `single_sign_on_required` of the policy, where queries can see it.
ALTER TABLE organisations ADD COLUMN single_sign_on BOOLEAN NOT NULL DEFAULT FALSE;
