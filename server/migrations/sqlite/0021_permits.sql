-- Approvals given in advance: pre-approved devices, registration keys, tickets.
CREATE TABLE permits (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    kind TEXT NOT NULL CHECK (kind IN ('preapproval', 'registration_key', 'ticket')),
    -- By what it is found: the first half of a key or ticket, which is unique, or the id of a device, which several
    -- organisations may have entered.
    lookup TEXT NOT NULL,
    -- Sealed under the encryption key of the CA: a key exchange needs the secret itself.
    secret TEXT NOT NULL,
    name TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('auto', 'lobby', 'list')),
    signer TEXT NOT NULL REFERENCES signers (id),
    -- Lists (JSON).
    labels TEXT NOT NULL,
    networks TEXT NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0,
    max_uses BIGINT,
    -- Devices that did not know the secret.
    failures BIGINT NOT NULL DEFAULT 0,
    last_failed_at BIGINT,
    -- Who made it: approvals that come of it are theirs.
    account TEXT NOT NULL REFERENCES accounts (id),
    account_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT,
    replaces TEXT REFERENCES permits (id)
);
CREATE UNIQUE INDEX permits_by_key ON permits (lookup) WHERE kind <> 'preapproval';
CREATE INDEX permits_by_device_id ON permits (lookup) WHERE kind = 'preapproval' AND revoked_at IS NULL;
CREATE UNIQUE INDEX permits_of_device_id ON permits (organisation, lookup) WHERE kind = 'preapproval' AND revoked_at IS NULL;
CREATE INDEX permits_of_organisation ON permits (organisation, kind, id);
CREATE INDEX permits_by_signer ON permits (signer);

-- The keys that came by a permit. One key counts once, however often its device comes.
CREATE TABLE permit_uses (
    permit TEXT NOT NULL REFERENCES permits (id),
    spki_sha256 TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES devices (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (permit, spki_sha256)
) WITHOUT ROWID;
CREATE INDEX permit_uses_of_device ON permit_uses (permit, device);

-- The serial numbers that a permit of the mode "list" lets in, each for one key.
CREATE TABLE permit_serials (
    permit TEXT NOT NULL REFERENCES permits (id),
    serial TEXT NOT NULL,
    spki_sha256 TEXT,
    PRIMARY KEY (permit, serial)
) WITHOUT ROWID;
CREATE INDEX permit_serials_by_key ON permit_serials (permit, spki_sha256) WHERE spki_sha256 IS NOT NULL;

-- Devices that wait for a decision, or were rejected and may be let in after all.
CREATE TABLE lobby (
    device TEXT PRIMARY KEY REFERENCES devices (id),
    customer TEXT NOT NULL REFERENCES organisations (id),
    permit TEXT NOT NULL REFERENCES permits (id),
    csr TEXT NOT NULL,
    address TEXT,
    asked_at BIGINT NOT NULL,
    asks_again_at BIGINT NOT NULL
);
CREATE INDEX lobby_of_customer ON lobby (customer, device);

-- By which permit an approval came; NULL: a person approved it.
ALTER TABLE approvals ADD COLUMN permit TEXT REFERENCES permits (id);

-- Devices that state the same serial number are shown beside each other in the lobby.
ALTER TABLE devices ADD COLUMN stated_serial TEXT GENERATED ALWAYS AS (json_extract(facts, '$.serial')) VIRTUAL;
CREATE INDEX devices_by_stated_serial ON devices (customer, stated_serial, id) WHERE stated_serial IS NOT NULL;
