//! Presence of devices, written in batches.
