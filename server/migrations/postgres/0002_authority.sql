-- What the built-in CA has signed, for which devices, on whose approval; and the record of it all.
-- Instants are unix milliseconds; digests, serial numbers and hashes lower-case hex; certificates PEM.

-- Issuers of the built-in CA. Serial numbers never come from here: they are random.
CREATE TABLE issuers (
    id TEXT PRIMARY KEY,
    -- One issuer is the root, one signs; others have been replaced and only keep their CRL.
    slot TEXT UNIQUE CHECK (slot IN ('root', 'signing')),
    certificate TEXT NOT NULL,
    -- PEM blocks between it and its root, nearest first.
    above TEXT NOT NULL,
    trust_anchor TEXT NOT NULL,
    -- Encrypted under a key that is not in this database. NULL: taken offline.
    sealed_key TEXT,
    -- Bumped by every transaction that changes what its CRL has to say.
    revision BIGINT NOT NULL DEFAULT 0,
    crl_number BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

-- The newest CRL of each issuer.
CREATE TABLE crls (
    issuer TEXT PRIMARY KEY REFERENCES issuers (id),
    number BIGINT NOT NULL,
    -- The issuer's revision that it tells.
    revision BIGINT NOT NULL,
    -- Base64.
    der TEXT NOT NULL,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL
);

-- Signing endpoints as configured for an organisation.
CREATE TABLE signers (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('builtin')),
    created_at BIGINT NOT NULL
);
CREATE INDEX signers_by_organisation ON signers (organisation, id);

CREATE TABLE devices (
    id TEXT COLLATE "C" PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    -- The name in lower case, to sort by.
    sort_name TEXT COLLATE "C" NOT NULL,
    -- JSON array of texts.
    labels TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'rejected', 'enrolling', 'active', 'suspended', 'retired')),
    state_since BIGINT NOT NULL,
    -- JSON object of what it says about itself.
    facts TEXT NOT NULL,
    -- Name, host name, serial, id and labels in lower case, to search in; at most 2,000 bytes, which indexes can hold.
    search TEXT NOT NULL,
    approver TEXT NOT NULL,
    certificate_expires_at BIGINT,
    -- A member asked for renewal at this instant, and no certificate has been issued since.
    renewal_requested_at BIGINT,
    configuration TEXT NOT NULL DEFAULT '{}',
    configuration_revision BIGINT NOT NULL DEFAULT 0,
    -- The greatest counter accepted in a proof.
    counter BIGINT NOT NULL DEFAULT 0,
    alarm_kind TEXT,
    alarm_since BIGINT,
    -- The counter that was presented last while an alarm stood.
    alarm_counter BIGINT,
    online_since BIGINT,
    online_node TEXT,
    -- 0: never.
    last_seen_at BIGINT NOT NULL DEFAULT 0,
    offline_reason TEXT,
    -- To sort and filter by presence: 2^52 + online_since while online, else last_seen_at.
    recency BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
-- One index per order of the fleet. What filters look at rides along, so that only rows that pass are read: at 100,000
-- devices a search for a word that nobody has takes 30 ms instead of 360.
CREATE INDEX devices_by_creation ON devices (organisation, created_at, id, state, recency, search);
CREATE INDEX devices_by_name ON devices (organisation, sort_name, id, state, recency, search);
CREATE INDEX devices_by_recency ON devices (organisation, recency, id, state, search);

-- Public keys that an organisation has seen, and whose they are. One key, one device of an organisation.
CREATE TABLE device_keys (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    spki_sha256 TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES devices (id),
    created_at BIGINT NOT NULL,
    -- A session of this organisation has proved it.
    proven_at BIGINT,
    -- Revoked: no certificate will ever be issued for it again.
    refused_at BIGINT,
    PRIMARY KEY (organisation, spki_sha256)
);
CREATE INDEX device_keys_by_key ON device_keys (spki_sha256);
CREATE INDEX device_keys_by_device ON device_keys (device);

CREATE TABLE certificates (
    -- Our issuer.
    issuer TEXT NOT NULL REFERENCES issuers (id),
    serial TEXT NOT NULL,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    device TEXT NOT NULL REFERENCES devices (id),
    signer TEXT NOT NULL REFERENCES signers (id),
    spki_sha256 TEXT NOT NULL,
    -- Of this key in this organisation, from 1. Decides races: one certificate per generation.
    generation BIGINT NOT NULL,
    -- Base64 of what is to be signed, written before it is; NULL once the signed certificate stands.
    to_be_signed TEXT,
    -- NULL until signed.
    sha256 TEXT COLLATE "C" UNIQUE,
    leaf TEXT,
    subject TEXT NOT NULL,
    issuer_name TEXT NOT NULL,
    key_kind TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    delivered_at BIGINT,
    proven_at BIGINT,
    -- A session has proved a newer one.
    superseded_at BIGINT,
    revoked_at BIGINT,
    revocation_reason TEXT,
    PRIMARY KEY (issuer, serial),
    UNIQUE (organisation, spki_sha256, generation)
);
CREATE INDEX certificates_by_device ON certificates (device, issued_at);
CREATE INDEX certificates_by_age ON certificates (organisation, issued_at, sha256);
CREATE INDEX certificates_revoked ON certificates (issuer, not_after) WHERE revoked_at IS NOT NULL;
CREATE INDEX certificates_unproven ON certificates (issued_at)
    WHERE proven_at IS NULL AND revoked_at IS NULL AND sha256 IS NOT NULL;

-- Decisions to enrol a device, and how far each has got.
CREATE TABLE approvals (
    claim TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- Names as the offer states them: they stay what the device was told.
    organisation_name TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    approver TEXT NOT NULL,
    -- The passkey assertion (JSON), or the id of the token that stood in its place.
    proof TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES devices (id),
    signer TEXT NOT NULL REFERENCES signers (id),
    csr TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    device_address TEXT,
    stage TEXT NOT NULL CHECK
        (stage IN ('approved', 'consented', 'signing', 'issued', 'delivered', 'proven', 'withdrawn', 'unknown')),
    stage_since BIGINT NOT NULL,
    certificate TEXT,
    approved_at BIGINT NOT NULL
);
CREATE INDEX approvals_by_device ON approvals (device, approved_at);
CREATE INDEX approvals_by_age ON approvals (organisation, approved_at);
CREATE INDEX approvals_open ON approvals (approved_at) WHERE stage IN ('approved', 'consented', 'signing');

-- Certificates of our CA that a device presented and no record knows: what a restored backup leaves behind.
CREATE TABLE held_certificates (
    sha256 TEXT COLLATE "C" PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    device TEXT NOT NULL,
    leaf TEXT NOT NULL,
    subject TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    readmitted_at BIGINT
);
CREATE INDEX held_certificates_by_organisation ON held_certificates (organisation, first_seen_at, sha256);

-- The record: one hash chain per organisation, and one ('server') for what belongs to none.
CREATE TABLE audit_heads (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TABLE audit (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_by_subject ON audit (chain, subject, seq);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
