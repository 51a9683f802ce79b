-- From where a token was last used.
ALTER TABLE tokens ADD COLUMN last_used_from TEXT;
