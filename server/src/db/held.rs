//! Held certificates: signed by our CA, unknown to our records.
