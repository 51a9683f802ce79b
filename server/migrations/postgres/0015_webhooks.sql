-- Where an organisation's events are sent, and what of them was sent; and the certificates that end soon.

CREATE TABLE webhooks (
    id TEXT COLLATE "C" PRIMARY KEY,
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- Names of events with a space before, between and behind them. Empty: everything.
    events TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('on', 'off', 'failing', 'gone')),
    state_since BIGINT NOT NULL,
    -- Since when nothing has got through.
    failing_since BIGINT,
    -- Sealed under the key that is not in this database.
    secret TEXT NOT NULL,
    -- The one before it signs as well until then.
    former_secret TEXT,
    former_secret_until BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhooks_by_organisation ON webhooks (organisation, id);

-- Events as webhooks tell them, written in the transaction that makes them happen. The webhook is deliberately no foreign key: a
-- webhook that is removed at the same moment must not make that transaction fail, nor wait. What is left without one is swept.
CREATE TABLE webhook_deliveries (
    webhook TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    -- In which it happened.
    organisation TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    -- JSON, the same in every attempt.
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'withdrawn')),
    -- When it is sent next; NULL: not any more.
    due_at BIGINT,
    -- How often it was sent since it was last asked for.
    tries BIGINT NOT NULL DEFAULT 0,
    -- JSON array of the last attempts.
    attempts TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (webhook, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook, at) WHERE state = 'failed';
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (at);

-- Certificates of active devices by their end: for an organisation's list, and for the notices of the whole server.
CREATE INDEX devices_expiring ON devices (organisation, certificate_expires_at, id) WHERE state = 'active';
CREATE INDEX devices_by_expiry ON devices (certificate_expires_at, id) WHERE state = 'active';
