//! The audit chain of each organisation.
