-- When a signer elsewhere was asked first: what it signed for this approval is recorded, whatever has happened since.
ALTER TABLE approvals ADD COLUMN begun_at BIGINT;
UPDATE approvals SET begun_at = stage_since WHERE stage IN ('signing', 'reply_lost');
