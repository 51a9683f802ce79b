//! Nameplates and their leases.
