-- Organisations form a tree below their customer. NULL in `root`: it is a customer itself.
ALTER TABLE organisations ADD COLUMN root TEXT REFERENCES organisations (id);
-- What is set at an organisation below another, as JSON; `policy` holds what is left of that under the rules from above, from the
-- next change of either on. NULL: a root, whose policy is its own.
ALTER TABLE organisations ADD COLUMN own_policy TEXT;
-- NULL: open.
ALTER TABLE organisations ADD COLUMN archived_at BIGINT;
WITH RECURSIVE below (id, root) AS (
    SELECT id, id FROM organisations WHERE parent IS NULL
    UNION ALL
    SELECT o.id, b.root FROM organisations o JOIN below b ON o.parent = b.id
)
UPDATE organisations SET own_policy = policy, root = (SELECT below.root FROM below WHERE below.id = organisations.id)
WHERE parent IS NOT NULL;
-- Since when a membership gives no right. NULL: it does.
ALTER TABLE memberships ADD COLUMN suspended_at BIGINT;
CREATE INDEX organisations_by_root ON organisations (root, id);

-- Where devices have been before they were moved: their history is read from there too.
CREATE TABLE former_homes (
    device TEXT NOT NULL REFERENCES devices (id),
    organisation TEXT NOT NULL REFERENCES organisations (id),
    moved_at BIGINT NOT NULL,
    PRIMARY KEY (device, organisation)
);
DROP INDEX audit_by_subject;
CREATE INDEX audit_by_subject ON audit (subject, at, seq, chain);
-- What has to be ended elsewhere is listed where its signer is.
DROP INDEX certificates_ending_due;
CREATE INDEX certificates_ending_due ON certificates (signer, sha256)
    WHERE issuer IS NULL AND revoked_at IS NOT NULL AND ended_at IS NULL;
