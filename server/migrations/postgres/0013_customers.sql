-- Customers sign up, or are invited by the operator. Of what makes a customer, `note` is the name its organisation gets unless the
-- person gives another.
ALTER TABLE links DROP CONSTRAINT links_kind_check;
ALTER TABLE links ADD CONSTRAINT links_kind_check
    CHECK (kind IN ('setup', 'customer', 'sign_up', 'invitation', 'recovery'));

-- Of a customer: how many devices it may have, retired ones not counted. NULL: as many as it likes.
ALTER TABLE organisations ADD COLUMN device_quota BIGINT;
CREATE INDEX customers_by_creation ON organisations (created_at, id) WHERE parent IS NULL;
