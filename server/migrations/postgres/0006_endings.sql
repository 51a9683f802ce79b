-- The passkey that a sign-in proved last: it ends with that passkey. Absent for one that was removed since.
ALTER TABLE sign_ins ADD COLUMN passkey TEXT COLLATE "C";
UPDATE sign_ins SET passkey = p.id FROM passkeys p WHERE p.credential_id = sign_ins.assertion::jsonb ->> 'id';

-- Each server that takes the place of the one before begins another epoch. What a server of an earlier one still wants to
-- write is refused: it may not know yet that it has lost its place.
CREATE TABLE server_epoch (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    epoch BIGINT NOT NULL
);
INSERT INTO server_epoch (epoch) VALUES (0);
-- Called at the beginning of each write transaction of a server. The lock is shared by all of them and lasts as long as
-- they do; whoever begins an epoch waits for it (db/server_epoch.rs).
CREATE FUNCTION require_epoch(mine BIGINT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(29099049411371386);
    IF (SELECT epoch FROM server_epoch) <> mine THEN
        RAISE EXCEPTION 'another server has taken the place of this one' USING ERRCODE = 'GW001';
    END IF;
END $$;
