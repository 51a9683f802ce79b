//! From a request's headers to the account that sent it.
//!
//! 1. An `Authorization` header is a bearer token (RFC 6750 §2.1) or nothing; it beats a cookie.
//! 2. Otherwise the cookie is a sign-in that has neither grown old nor lain idle.
//! 3. The use is noted, at most every few minutes: reading must not cost a write each time.

use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::{HeaderMap, header};

use super::secret::SecretKind;
use super::{Caller, Credential, Error, Result, cookie};
use crate::db::{Db, DbError, SecretHash, sign_ins, tokens, write};
use crate::limits::ClientAddress;

/// How often the last use is written down.
const NOTE_EVERY: i64 = 5 * UnixMillis::MINUTE;

/// The caller of a request with these headers.
///
/// # Errors
/// [`Error::Unauthenticated`] for nobody and for a cookie that is unknown or expired, [`Error::InvalidToken`] for whatever
/// else an `Authorization` header holds.
pub async fn caller(db: &Db, now: UnixMillis, headers: &HeaderMap, address: ClientAddress) -> Result<Caller> {
    if headers.contains_key(header::AUTHORIZATION) {
        let secret = bearer(headers).ok_or(Error::InvalidToken)?;
        return by_token(db, now, &secret, address).await;
    }
    let secret = cookie::secret(headers).ok_or(Error::Unauthenticated)?;
    by_cookie(db, now, &secret, address).await
}

/// Whether a credential that identified a caller earlier still does: for what goes on after its request. That is no use
/// of it, and keeps no sign-in from lying idle.
///
/// # Errors
/// What the database says.
pub async fn still_holds(db: &Db, now: UnixMillis, credential: &Credential) -> Result<bool, DbError> {
    let mut reader = db.reader().await?;
    credential.kept_as().holds(&mut reader.conn(), now).await
}

async fn by_token(db: &Db, now: UnixMillis, secret: &SecretString, address: ClientAddress) -> Result<Caller> {
    let hash = SecretHash::of(secret);
    let mut reader = db.reader().await?;
    let found = tokens::by_secret(&mut reader.conn(), &hash, now).await?;
    drop(reader);
    let bearer = found.ok_or(Error::InvalidToken)?;
    if bearer.last_used_at.is_none_or(|at| now.since(at) >= NOTE_EVERY) {
        let (id, from) = (bearer.id.clone(), address.0.to_canonical().to_string());
        note(write!(db, |tx| { tokens::note_use(tx, &id, &from, now).await }));
    }
    Ok(Caller {
        account: bearer.account,
        name: bearer.account_name,
        account_since: bearer.account_since,
        credential: Credential::Token {
            id: bearer.id,
            scopes: bearer.scopes,
            organisation: bearer.organisation,
        },
        address,
    })
}

async fn by_cookie(
    db: &Db,
    now: UnixMillis,
    secret: &SecretString,
    address: ClientAddress,
) -> Result<Caller> {
    let hash = SecretHash::of(secret);
    let mut reader = db.reader().await?;
    let found = sign_ins::by_secret(&mut reader.conn(), &hash, now).await?;
    drop(reader);
    let sign_in = found.ok_or(Error::Unauthenticated)?;
    if now.since(sign_in.last_used_at) >= NOTE_EVERY {
        let (id, from) = (sign_in.id.clone(), address.0.to_canonical().to_string());
        note(write!(db, |tx| { sign_ins::note_use(tx, &id, &from, now).await }));
    }
    Ok(Caller {
        account: sign_in.account,
        name: sign_in.account_name,
        account_since: sign_in.account_since,
        credential: Credential::SignIn {
            id: sign_in.id,
            verified_at: sign_in.verified_at,
            assertion: sign_in.assertion,
            vouched: sign_in.vouched,
        },
        address,
    })
}

/// The token of `Authorization: Bearer …`; the scheme's name is case-insensitive (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(SecretKind::Token.prefix()))
        .then(|| SecretString::new(token.to_owned()))
}

/// A use that could not be noted is no reason to turn a caller away.
fn note(written: Result<(), DbError>) {
    if let Err(error) = written {
        tracing::warn!(%error, "the last use of a credential was not noted");
    }
}
