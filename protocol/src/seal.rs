//! SPAKE2 and AEAD, both ends: to be written.
