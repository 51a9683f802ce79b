//! Issuers of the built-in CA.
