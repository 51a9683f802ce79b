-- A certificate that somebody else signed goes on there after it was revoked here, until it is ended there too.
ALTER TABLE certificates ADD COLUMN ended_at BIGINT;
CREATE INDEX certificates_ending_due ON certificates (organisation, sha256)
    WHERE issuer IS NULL AND revoked_at IS NOT NULL AND ended_at IS NULL;

-- How many certificates were recorded for an approval whose signer is elsewhere: nobody fills the record with them.
ALTER TABLE approvals ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0;
