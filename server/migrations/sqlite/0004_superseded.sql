-- A certificate that a newer one has replaced opens sessions until this instant, in unix milliseconds; NULL: no longer.
ALTER TABLE certificates ADD COLUMN grace_until BIGINT;
CREATE INDEX certificates_in_grace ON certificates (grace_until) WHERE grace_until IS NOT NULL;

-- Those that were superseded before this version have not ended yet: the next sweep ends them by the policy.
UPDATE certificates SET grace_until = superseded_at WHERE superseded_at IS NOT NULL AND revoked_at IS NULL;
