//! Sign-ins by cookie.
