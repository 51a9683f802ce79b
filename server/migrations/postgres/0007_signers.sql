-- Signing endpoints of several kinds, and certificates that others have signed beside our own CA's.

ALTER TABLE signers DROP CONSTRAINT signers_kind_check;
-- JSON: the kind with its public configuration. Credentials never come here.
UPDATE signers SET kind = '{"kind":"builtin"}';
-- Its place in the organisation's list, from 0; the first that a member may use is offered first.
ALTER TABLE signers ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signers ALTER COLUMN position DROP DEFAULT;
-- The least role that may use it.
ALTER TABLE signers ADD COLUMN least_role TEXT NOT NULL DEFAULT 'installer';
-- NULL: it may be used.
ALTER TABLE signers ADD COLUMN disabled_at BIGINT;
DROP INDEX signers_by_organisation;
CREATE INDEX signers_by_organisation ON signers (organisation, position, id);

-- What a device holds, whoever signed it. Our own CA signs in the transaction that records it, so that a row without a
-- certificate is not needed any more: those left by earlier versions were seen by nobody.
DELETE FROM certificates WHERE sha256 IS NULL;
ALTER TABLE certificates DROP CONSTRAINT certificates_pkey;
ALTER TABLE certificates DROP CONSTRAINT certificates_sha256_key;
ALTER TABLE certificates ADD PRIMARY KEY (sha256);
-- NULL: somebody else signed.
ALTER TABLE certificates ALTER COLUMN issuer DROP NOT NULL;
ALTER TABLE certificates ALTER COLUMN leaf SET NOT NULL;
ALTER TABLE certificates DROP COLUMN to_be_signed;
-- PEM blocks that the signer gave above the leaf; NULL where the issuer's record has them.
ALTER TABLE certificates ADD COLUMN above TEXT;
-- The signer's own name for it, e.g. AWS's certificate id.
ALTER TABLE certificates ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX certificates_by_serial ON certificates (issuer, serial) WHERE issuer IS NOT NULL;
DROP INDEX certificates_unproven;
CREATE INDEX certificates_unproven ON certificates (issued_at) WHERE proven_at IS NULL AND revoked_at IS NULL;

-- As before, with the stage of a signer whose reply was lost.
ALTER TABLE approvals DROP CONSTRAINT approvals_stage_check;
ALTER TABLE approvals ADD CONSTRAINT approvals_stage_check CHECK
    (stage IN ('approved', 'consented', 'signing', 'reply_lost', 'issued', 'delivered', 'proven', 'withdrawn'));
DROP INDEX approvals_open;
CREATE INDEX approvals_open ON approvals (approved_at) WHERE stage IN ('approved', 'consented', 'signing', 'reply_lost');
CREATE INDEX approvals_being_signed ON approvals (stage_since) WHERE stage = 'signing';

-- Compared with the ids of devices, which sort by their bytes: otherwise the index by device serves no query that joins them.
ALTER TABLE device_keys ALTER COLUMN device TYPE TEXT COLLATE "C";
