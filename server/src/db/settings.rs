//! The server's own settings: named values.
