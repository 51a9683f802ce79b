-- Signing endpoints of several kinds, and certificates that others have signed beside our own CA's.

CREATE TABLE signers_now (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    -- JSON: the kind with its public configuration. Credentials never come here.
    kind TEXT NOT NULL,
    -- Its place in the organisation's list, from 0; the first that a member may use is offered first.
    position BIGINT NOT NULL,
    -- The least role that may use it.
    least_role TEXT NOT NULL DEFAULT 'installer',
    -- NULL: it may be used.
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);
INSERT INTO signers_now (id, organisation, name, kind, position, created_at)
    SELECT id, organisation, name, '{"kind":"builtin"}', ROW_NUMBER() OVER (PARTITION BY organisation ORDER BY id) - 1, created_at
    FROM signers;

-- What a device holds, whoever signed it. Our own CA signs in the transaction that records it, so that a row without a
-- certificate is not needed any more: those left by earlier versions were seen by nobody.
CREATE TABLE certificates_now (
    sha256 TEXT PRIMARY KEY,
    -- Our issuer; NULL: somebody else signed.
    issuer TEXT REFERENCES issuers (id),
    serial TEXT NOT NULL,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    device TEXT NOT NULL REFERENCES devices (id),
    signer TEXT NOT NULL REFERENCES signers_now (id),
    spki_sha256 TEXT NOT NULL,
    -- Of this key in this organisation, from 1. Decides races: one certificate per generation.
    generation BIGINT NOT NULL,
    leaf TEXT NOT NULL,
    -- PEM blocks that the signer gave above the leaf; NULL where the issuer's record has them.
    above TEXT,
    -- The signer's own name for it, e.g. AWS's certificate id.
    external_id TEXT,
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
    -- Superseded, it opens sessions until this instant; NULL: no longer.
    grace_until BIGINT,
    revoked_at BIGINT,
    revocation_reason TEXT,
    -- Serial number and subject in lower case, to search in.
    search TEXT NOT NULL,
    UNIQUE (organisation, spki_sha256, generation)
);
INSERT INTO certificates_now (sha256, issuer, serial, organisation, device, signer, spki_sha256, generation, leaf, subject,
        issuer_name, key_kind, not_before, not_after, issued_at, delivered_at, proven_at, superseded_at, grace_until,
        revoked_at, revocation_reason, search)
    SELECT sha256, issuer, serial, organisation, device, signer, spki_sha256, generation, leaf, subject,
        issuer_name, key_kind, not_before, not_after, issued_at, delivered_at, proven_at, superseded_at, grace_until,
        revoked_at, revocation_reason, search
    FROM certificates WHERE sha256 IS NOT NULL;
DROP TABLE certificates;
ALTER TABLE certificates_now RENAME TO certificates;
CREATE UNIQUE INDEX certificates_by_serial ON certificates (issuer, serial) WHERE issuer IS NOT NULL;
CREATE INDEX certificates_by_device ON certificates (device, issued_at, sha256);
CREATE INDEX certificates_by_age ON certificates (organisation, issued_at, sha256, search);
CREATE INDEX certificates_revoked ON certificates (issuer, not_after) WHERE revoked_at IS NOT NULL;
-- The relay asks every ten seconds which were revoked since.
CREATE INDEX certificates_lately_revoked ON certificates (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX certificates_unproven ON certificates (issued_at) WHERE proven_at IS NULL AND revoked_at IS NULL;
CREATE INDEX certificates_in_grace ON certificates (grace_until) WHERE grace_until IS NOT NULL;

-- As before, with the stage of a signer whose reply was lost.
CREATE TABLE approvals_now (
    claim TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- Names as the offer states them: they stay what the device was told.
    organisation_name TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    approver TEXT NOT NULL,
    -- The passkey assertion (JSON), or the id of the token that stood in its place.
    proof TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES devices (id),
    signer TEXT NOT NULL REFERENCES signers_now (id),
    csr TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    device_address TEXT,
    stage TEXT NOT NULL CHECK
        (stage IN ('approved', 'consented', 'signing', 'reply_lost', 'issued', 'delivered', 'proven', 'withdrawn')),
    stage_since BIGINT NOT NULL,
    certificate TEXT,
    approved_at BIGINT NOT NULL
);
INSERT INTO approvals_now SELECT claim, organisation, organisation_name, account, approver, proof, device, signer, csr,
    spki_sha256, device_address, stage, stage_since, certificate, approved_at FROM approvals;
DROP TABLE approvals;
ALTER TABLE approvals_now RENAME TO approvals;
CREATE INDEX approvals_by_device ON approvals (device, approved_at);
CREATE INDEX approvals_by_age ON approvals (organisation, approved_at);
CREATE INDEX approvals_open ON approvals (approved_at) WHERE stage IN ('approved', 'consented', 'signing', 'reply_lost');
CREATE INDEX approvals_being_signed ON approvals (stage_since) WHERE stage = 'signing';

DROP TABLE signers;
ALTER TABLE signers_now RENAME TO signers;
CREATE INDEX signers_by_organisation ON signers (organisation, position, id);
