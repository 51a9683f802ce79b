//! Who is it: passkeys, sign-ins by cookie, bearer tokens, one-time links, recovery codes, and protection against forged
//! requests of other sites.
