//! Accounts and their memberships.
