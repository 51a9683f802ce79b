-- What the built-in CA has signed for clients of plgd's signing API: identities of persons' clients and of OCF devices.
-- None of them is a device of a fleet, hence they do not stand among `certificates`. Instants are unix milliseconds; UUIDs
-- lower-case with hyphens.
CREATE TABLE plgd_certificates (
    sha256 TEXT COLLATE "C" PRIMARY KEY,
    issuer TEXT NOT NULL REFERENCES issuers (id),
    serial TEXT NOT NULL,
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    -- Whose: who asked for it.
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    -- plgd's name for common name and key together. Of the certificates with one such name only the newest stands.
    record TEXT COLLATE "C" NOT NULL,
    common_name TEXT COLLATE "C" NOT NULL,
    -- The OCF device that the common name names; NULL: it names the account itself.
    device_id TEXT COLLATE "C",
    -- plgd's name for the key.
    public_key TEXT COLLATE "C" NOT NULL,
    spki_sha256 TEXT COLLATE "C" NOT NULL,
    leaf TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    -- When common name and key were first signed together, without a gap.
    created_at BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT
);
CREATE UNIQUE INDEX plgd_certificates_by_serial ON plgd_certificates (issuer, serial);
-- These two decide races: one certificate stands for a name with its key, and one key for a device.
CREATE UNIQUE INDEX plgd_certificates_standing ON plgd_certificates (organisation, record) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX plgd_certificates_of_device ON plgd_certificates (organisation, device_id)
    WHERE revoked_at IS NULL AND device_id IS NOT NULL;
CREATE INDEX plgd_certificates_by_name ON plgd_certificates (organisation, common_name, record) WHERE revoked_at IS NULL;
CREATE INDEX plgd_certificates_of_account ON plgd_certificates (account, organisation, record) WHERE revoked_at IS NULL;
CREATE INDEX plgd_certificates_of_person ON plgd_certificates (account, organisation)
    WHERE revoked_at IS NULL AND device_id IS NULL;
CREATE INDEX plgd_certificates_revoked ON plgd_certificates (issuer, not_after) WHERE revoked_at IS NOT NULL;

-- The UUID by which OCF knows an account. The server computes those of accounts that stand already when it starts.
ALTER TABLE accounts ADD COLUMN owner_uuid TEXT COLLATE "C";
CREATE UNIQUE INDEX accounts_by_owner_uuid ON accounts (owner_uuid);
