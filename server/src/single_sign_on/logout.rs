//! A provider says that a session there has ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! 1. Its logout token is verified like an ID token (§2.6), and counts once.
//! 2. The sign-ins of that session, or of that person, end with their streams and claims.

use std::collections::BTreeSet;

use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, IdentityProviderId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use serde_json::{Map, Value};

use super::directory::Directory;
use super::refused;
use super::token::{self, FRESH, LEEWAY, MAX_SUBJECT_LEN, Unverified};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::identity_providers::ProviderRecord;
use crate::db::{SecretHash, audit, identities, identity_providers, sign_ins, write};
use crate::people::ending;
use crate::relay::Relay;

/// §2.4: what makes it a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Longest logout token: they hold no claims of a person.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;
/// Accounts that one session of a provider may have signed in here.
const MAX_ACCOUNTS: i64 = 100;

/// What a logout token says.
struct Logout {
    subject: Option<String>,
    session: Option<String>,
    id: SecretHash,
    counts_until: UnixMillis,
}

/// Ends what a logout token names.
///
/// # Errors
/// [`Error::NotFound`] for no provider; [`Error::ProviderRefused`] for a token that does not count; [`Error::Unavailable`].
pub async fn end(
    context: &Context,
    directory: &Directory,
    relay: &Relay,
    provider: &IdentityProviderId,
    logout_token: &str,
) -> Result<()> {
    let mut reader = context.db.reader().await?;
    let record = identity_providers::find(&mut reader.conn(), provider).await?;
    drop(reader);
    let record = record.ok_or(Error::NotFound)?;
    if logout_token.len() > MAX_TOKEN_LEN {
        return Err(refused(NOT_COUNTED));
    }
    let described = directory.of(context, &record).await?;
    let (kind, claims) = match token::signed(&described.keys, logout_token) {
        Err(Unverified::UnknownKey) => {
            let renewed = directory.with_new_keys(context, &record).await?;
            token::signed(&renewed.keys, logout_token)
        }
        other => other,
    }
    .map_err(|_| refused(NOT_COUNTED))?;
    let now = context.clock.now();
    let logout = read(&record, kind.as_deref(), &claims, now).ok_or_else(|| refused(NOT_COUNTED))?;
    let ended = write!(context.db, |tx| -> Result<BTreeSet<AccountId>> {
        if !identities::note_logout(tx, &record.id, &logout.id, logout.counts_until).await? {
            return Err(refused(NOT_COUNTED));
        }
        let session = logout.session.as_deref();
        let accounts = match &logout.subject {
            Some(subject) => identities::find(tx, &record.id, subject)
                .await?
                .into_iter()
                .collect(),
            None => sign_ins::accounts_by_provider(tx, &record.id, session, MAX_ACCOUNTS).await?,
        };
        let mut ended = BTreeSet::new();
        for account in accounts {
            if !sign_ins::delete_by_provider(tx, &record.id, &account, session).await? {
                continue;
            }
            let entry = Entry {
                scope: Scope::Organisation(&record.organisation),
                at: now,
                actor: Actor::Server,
                action: Action::SignInEndedByProvider,
                subject: account.as_str(),
                detail: &record.name,
            };
            audit::append(tx, &entry).await?;
            ended.insert(account);
        }
        Ok(ended)
    })?;
    for account in &ended {
        ending::look_again(context, relay, account).await;
    }
    Ok(())
}

const NOT_COUNTED: &str = "this logout token does not count";

/// §2.6, steps 3 to 8.
fn read(
    record: &ProviderRecord,
    kind: Option<&str>,
    claims: &Map<String, Value>,
    now: UnixMillis,
) -> Option<Logout> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let moment = |name: &str| {
        let secs = claims.get(name)?.as_i64()?;
        Some(UnixMillis(secs.checked_mul(UnixMillis::SECOND)?))
    };
    // §2.4: an ID token must not be taken for one. Providers may say the type, and have to say no nonce.
    let is_kind = kind.is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        ["logout+jwt", "application/logout+jwt", "jwt"].contains(&kind.as_str())
    });
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    let is_for_us = match claims.get("aud")? {
        Value::String(audience) => *audience == record.client_id,
        Value::Array(all) => all.iter().any(|audience| *audience == record.client_id),
        _ => false,
    };
    let issued_at = moment("iat")?;
    let is_now = issued_at >= now.plus(-FRESH) && issued_at <= now.plus(LEEWAY);
    let expires_at = claims.contains_key("exp").then(|| moment("exp"));
    let has_expired = expires_at.is_some_and(|at| at.is_none_or(|at| at <= now.plus(-LEEWAY)));
    if !is_kind
        || !event.is_some_and(Value::is_object)
        || claims.contains_key("nonce")
        || text("iss") != Some(&record.issuer)
        || !is_for_us
        || !is_now
        || has_expired
    {
        return None;
    }
    let fit = |text: &str| !text.is_empty() && text.len() <= MAX_SUBJECT_LEN && !text.contains('\0');
    let (subject, session, id) = (text("sub"), text("sid"), text("jti").filter(|id| fit(id))?);
    // A session that cannot be one of ours must not become every session.
    if (subject.is_none() && session.is_none()) || ![subject, session].into_iter().flatten().all(fit) {
        return None;
    }
    Some(Logout {
        subject: subject.map(str::to_owned),
        session: session.map(str::to_owned),
        id: SecretHash::of(&SecretString::new(id.to_owned())),
        counts_until: now.plus(FRESH + 2 * LEEWAY),
    })
}
