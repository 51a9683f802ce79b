-- What changes by the minute leaves the fleet's indexes, and each list has an index that its query can follow.

-- Who is online: one narrow row for each device, written in batches by the relay.
CREATE TABLE presence (
    device TEXT COLLATE "C" PRIMARY KEY REFERENCES devices (id),
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    online_since BIGINT,
    -- 0: never.
    last_seen_at BIGINT NOT NULL DEFAULT 0,
    offline_reason TEXT,
    -- To sort and filter by: 2^52 + online_since while online, else last_seen_at.
    recency BIGINT NOT NULL DEFAULT 0
);
INSERT INTO presence (device, organisation, online_since, last_seen_at, offline_reason, recency)
    SELECT id, organisation, online_since, last_seen_at, offline_reason, recency FROM devices;
CREATE INDEX presence_by_recency ON presence (organisation, recency, device);
CREATE FUNCTION add_presence() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO presence (device, organisation) VALUES (NEW.id, NEW.organisation); RETURN NULL; END $$;
CREATE TRIGGER devices_have_presence AFTER INSERT ON devices
    FOR EACH ROW EXECUTE FUNCTION add_presence();

DROP INDEX devices_by_creation;
DROP INDEX devices_by_name;
DROP INDEX devices_by_recency;
ALTER TABLE devices DROP COLUMN online_since;
ALTER TABLE devices DROP COLUMN online_node;
ALTER TABLE devices DROP COLUMN last_seen_at;
ALTER TABLE devices DROP COLUMN offline_reason;
ALTER TABLE devices DROP COLUMN recency;
-- What filters look at rides along, so that only rows that pass are read.
CREATE INDEX devices_by_creation ON devices (organisation, created_at, id, state, search);
CREATE INDEX devices_by_name ON devices (organisation, sort_name, id, state, search);

-- Serial number and subject in lower case, to search in.
ALTER TABLE certificates ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE certificates SET search = serial || CHR(10) || LOWER(subject);
DROP INDEX certificates_by_age;
CREATE INDEX certificates_by_age ON certificates (organisation, issued_at, sha256, search);
DROP INDEX certificates_by_device;
CREATE INDEX certificates_by_device ON certificates (device, issued_at, sha256);

DROP INDEX held_certificates_by_organisation;
CREATE INDEX held_certificates_by_organisation ON held_certificates (organisation, first_seen_at, sha256)
    WHERE readmitted_at IS NULL;
CREATE INDEX held_certificates_by_age ON held_certificates (first_seen_at, sha256) WHERE readmitted_at IS NULL;
-- The relay asks every ten seconds which were readmitted since.
CREATE INDEX held_certificates_lately_readmitted ON held_certificates (readmitted_at) WHERE readmitted_at IS NOT NULL;

-- Persons found by what they are called (command line, recovery).
CREATE INDEX accounts_by_name ON accounts (kind, name, id);

-- Entries of transactions that have committed; the next round appends them to their chains (db/postgres.rs).
CREATE TABLE audit_pending (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
