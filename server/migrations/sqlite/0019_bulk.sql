-- What the fleet is filtered by beside its words, and actions on many devices.

ALTER TABLE devices ADD COLUMN software_version TEXT GENERATED ALWAYS AS (json_extract(facts, '$.software_version')) VIRTUAL;
-- Of its newest certificate that stands.
ALTER TABLE devices ADD COLUMN signer TEXT REFERENCES signers (id);
UPDATE devices SET signer = (SELECT c.signer FROM certificates c
    WHERE c.device = devices.id AND c.revoked_at IS NULL AND c.superseded_at IS NULL ORDER BY c.not_after DESC LIMIT 1);
CREATE INDEX devices_by_software_version ON devices (customer, software_version, id, organisation, state);
CREATE INDEX devices_by_signer ON devices (customer, signer, id, organisation, state) WHERE signer IS NOT NULL;

-- Each label of each device, kept in step with devices.labels by triggers.
CREATE TABLE device_labels (
    customer TEXT NOT NULL REFERENCES organisations (id),
    label TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES devices (id),
    PRIMARY KEY (customer, label, device)
) WITHOUT ROWID;
CREATE INDEX device_labels_of_device ON device_labels (device);
INSERT INTO device_labels (customer, label, device)
    SELECT DISTINCT devices.customer, l.value, devices.id FROM devices, json_each(devices.labels) AS l;
CREATE TRIGGER devices_have_labels AFTER INSERT ON devices WHEN NEW.labels <> '[]'
    BEGIN
        INSERT INTO device_labels (customer, label, device)
            SELECT DISTINCT NEW.customer, l.value, NEW.id FROM json_each(NEW.labels) AS l;
    END;
CREATE TRIGGER devices_change_labels AFTER UPDATE OF labels ON devices WHEN NEW.labels <> OLD.labels
    BEGIN
        DELETE FROM device_labels WHERE device = NEW.id;
        INSERT INTO device_labels (customer, label, device)
            SELECT DISTINCT NEW.customer, l.value, NEW.id FROM json_each(NEW.labels) AS l;
    END;

-- Serial numbers of other CAs are looked for as ours are, which have certificates_by_serial.
CREATE INDEX certificates_by_foreign_serial ON certificates (serial) WHERE issuer IS NULL;

-- One action on many devices, done in the background, device by device.
CREATE TABLE bulk_jobs (
    id TEXT PRIMARY KEY,
    -- In which, and below which, the devices are.
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- Who asked for it, as the record names them, and by which sign-in or token.
    account TEXT NOT NULL REFERENCES accounts (id),
    account_name TEXT NOT NULL,
    credential TEXT NOT NULL,
    -- The identity provider that vouched for that sign-in. No foreign key: a provider that is removed must not wait for this.
    provider TEXT,
    -- The passkey assertion that confirmed it (JSON).
    assertion TEXT,
    -- What is done (JSON).
    action TEXT NOT NULL,
    -- What is still to be collected: the filter (JSON), and behind which id. NULL: all devices are listed.
    filter TEXT,
    collected_until TEXT,
    state TEXT NOT NULL CHECK (state IN ('unconfirmed', 'waiting', 'running', 'done', 'cancelled', 'stopped')),
    -- Of the devices listed: how many there are, and how it went with those that it is done with.
    devices BIGINT NOT NULL DEFAULT 0,
    done BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    -- Nothing is done before.
    begins_at BIGINT NOT NULL,
    finished_at BIGINT,
    -- The second person, and the assertion that confirmed it.
    second_account TEXT REFERENCES accounts (id),
    second_assertion TEXT,
    -- Whoever cancelled it, or why it was stopped.
    ended_by TEXT
);
CREATE INDEX bulk_jobs_by_organisation ON bulk_jobs (organisation, id);
CREATE INDEX bulk_jobs_open ON bulk_jobs (begins_at, id) WHERE state IN ('unconfirmed', 'waiting', 'running');
CREATE INDEX bulk_jobs_by_age ON bulk_jobs (created_at);

CREATE TABLE bulk_job_devices (
    job TEXT NOT NULL REFERENCES bulk_jobs (id),
    device TEXT NOT NULL,
    -- NULL: it is still to be done.
    outcome TEXT CHECK (outcome IN ('done', 'unchanged', 'failed')),
    -- Why it failed: a problem code, and words.
    code TEXT,
    detail TEXT,
    PRIMARY KEY (job, device)
) WITHOUT ROWID;
CREATE INDEX bulk_job_devices_left ON bulk_job_devices (job, device) WHERE outcome IS NULL;
CREATE INDEX bulk_job_devices_failed ON bulk_job_devices (job, device) WHERE outcome = 'failed';

-- How many devices an organisation has, and how many of them are online, once an hour.
CREATE TABLE presence_samples (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    at BIGINT NOT NULL,
    devices BIGINT NOT NULL,
    online BIGINT NOT NULL,
    PRIMARY KEY (organisation, at)
) WITHOUT ROWID;
CREATE INDEX presence_samples_by_age ON presence_samples (at);
