-- The fleet is read by customer: however many organisations one has, a page is a walk along one index. The customer of a device
-- stays when it is moved.
ALTER TABLE devices ADD COLUMN customer TEXT COLLATE "C" REFERENCES organisations (id);
ALTER TABLE presence ADD COLUMN customer TEXT COLLATE "C" REFERENCES organisations (id);
UPDATE devices SET customer = COALESCE(o.root, o.id) FROM organisations o WHERE o.id = devices.organisation;
UPDATE presence SET customer = d.customer FROM devices d WHERE d.id = presence.device;
ALTER TABLE devices ALTER COLUMN customer SET NOT NULL;
ALTER TABLE presence ALTER COLUMN customer SET NOT NULL;
CREATE OR REPLACE FUNCTION add_presence() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        INSERT INTO presence (device, organisation, customer) VALUES (NEW.id, NEW.organisation, NEW.customer);
        RETURN NULL;
    END $$;

DROP INDEX devices_by_creation;
DROP INDEX devices_by_name;
DROP INDEX presence_by_recency;
CREATE INDEX devices_by_organisation ON devices (organisation, id);
CREATE INDEX devices_by_creation ON devices (customer, created_at, id, organisation, state, search);
CREATE INDEX devices_by_name ON devices (customer, sort_name, id, organisation, state, search);
CREATE INDEX presence_by_recency ON presence (customer, recency, device, organisation);
DROP INDEX devices_expiring;
CREATE INDEX devices_expiring ON devices (customer, certificate_expires_at, id, organisation) WHERE state = 'active';
