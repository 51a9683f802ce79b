-- What the relay keeps: nameplates that nobody else may get yet, and indices by which it finds what other processes did.
-- Instants are unix milliseconds.

CREATE TABLE nameplates (
    nameplate TEXT PRIMARY KEY,
    -- When it was assigned to its device. NULL: the code is spent, and not even that device may come back to it.
    epoch BIGINT,
    -- Until when it is given to nobody else.
    rests_until BIGINT NOT NULL
);
CREATE INDEX nameplates_by_rest ON nameplates (rests_until);

-- The relay asks every ten seconds which certificates were revoked since.
CREATE INDEX certificates_lately_revoked ON certificates (revoked_at) WHERE revoked_at IS NOT NULL;
