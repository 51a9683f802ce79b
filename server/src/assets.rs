//! The panel's static files, embedded in the binary.
