-- Corporate CAs, which the server asks itself, with credentials that an operator gave.

-- JSON, sealed by the key that guards the built-in CA's keys.
CREATE TABLE signer_credentials (
    signer TEXT PRIMARY KEY REFERENCES signers (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- A device for which a corporate CA is asked, or was asked without a certificate: nobody asks for it before then.
CREATE TABLE corporate_attempts (
    device TEXT PRIMARY KEY REFERENCES devices (id),
    not_before BIGINT NOT NULL,
    -- How many replies were lost, one after the other.
    lost BIGINT NOT NULL
);

-- A revoked certificate that could not be ended at its CA: the server tries again then.
CREATE TABLE corporate_endings (
    sha256 TEXT PRIMARY KEY REFERENCES certificates (sha256),
    tries BIGINT NOT NULL,
    not_before BIGINT NOT NULL
);

-- PEM blocks of the issuers at which the chain ends, where another signer told them.
ALTER TABLE certificates ADD COLUMN trust_anchors TEXT;
