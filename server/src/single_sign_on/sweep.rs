//! What ends by itself: what rested on a provider that was removed, roles by a claim that nobody has confirmed for long, and used logout
//! tokens.

use gangway_protocol::id::{AccountId, IdentityProviderId};
use gangway_protocol::time::UnixMillis;

use super::roles::{self, ProviderOf, Wanted};
use crate::authority::Result;
use crate::context::Context;
use crate::db::{accounts, identities, identity_providers, write};
use crate::people::ending::{self, Ended};
use crate::relay::Relay;

/// For how long a claim counts without another sign-in by its provider. Whoever signs in by the provider alone is out within hours; this is
/// for those who have a passkey besides.
const CLAIM_LIFE: i64 = 30 * UnixMillis::DAY;
/// Accounts that are looked at in one go.
const PAGE: i64 = 100;

/// Ends what is over.
pub async fn run(context: &Context, relay: &Relay) {
    if let Err(error) = sweep(context, relay).await {
        tracing::warn!(%error, "what rested on identity providers was not swept; the next sweep tries again");
    }
}

async fn sweep(context: &Context, relay: &Relay) -> Result<()> {
    let now = context.clock.now();
    write!(context.db, |tx| { identities::sweep_logouts(tx, now).await })?;
    clear_removed(context, relay).await?;
    lapse(context, relay, now).await
}

/// Ends roles by a claim that nobody has confirmed for long.
async fn lapse(context: &Context, relay: &Relay, now: UnixMillis) -> Result<()> {
    loop {
        let mut reader = context.db.reader().await?;
        let lapsed = identities::lapsed(&mut reader.conn(), now.plus(-CLAIM_LIFE), PAGE).await?;
        drop(reader);
        if lapsed.is_empty() {
            return Ok(());
        }
        for (provider, account) in lapsed {
            let mut reader = context.db.reader().await?;
            let record = identity_providers::find(&mut reader.conn(), &provider).await?;
            drop(reader);
            let name = record.map_or_else(String::new, |record| record.name);
            end_claims(context, relay, &provider, &name, account, false).await?;
        }
    }
}

/// Takes away what rested on providers that were removed. What fails at one holds up no other, and is done by the next sweep.
///
/// # Errors
/// When they cannot be read.
pub async fn clear_removed(context: &Context, relay: &Relay) -> Result<()> {
    let mut reader = context.db.reader().await?;
    let removed = identity_providers::removed(&mut reader.conn()).await?;
    drop(reader);
    for (provider, name) in removed {
        if let Err(error) = clear(context, relay, &provider, &name).await {
            tracing::warn!(%provider, %error, "what rested on a removed identity provider was not taken away; the next sweep tries again");
        }
    }
    Ok(())
}

/// Takes away what rested on a provider that was removed, account by account, and forgets it.
async fn clear(context: &Context, relay: &Relay, provider: &IdentityProviderId, name: &str) -> Result<()> {
    loop {
        let mut reader = context.db.reader().await?;
        let linked = identities::of_provider(&mut reader.conn(), provider, PAGE).await?;
        drop(reader);
        if linked.is_empty() {
            break;
        }
        for account in linked {
            end_claims(context, relay, provider, name, account, true).await?;
        }
    }
    let provider = provider.clone();
    Ok(write!(context.db, |tx| {
        identity_providers::delete(tx, &provider).await
    })?)
}

async fn end_claims(
    context: &Context,
    relay: &Relay,
    provider: &IdentityProviderId,
    provider_name: &str,
    account: AccountId,
    unlinks: bool,
) -> Result<()> {
    let now = context.clock.now();
    let (provider, provider_name, whose) = (provider.clone(), provider_name.to_owned(), account.clone());
    let ended = write!(context.db, |tx| -> Result<Vec<Ended>> {
        let (name, _) = accounts::name_and_handle(tx, &whose).await?;
        let customer = identities::customer_of(tx, &provider, &whose).await?;
        let Some(customer) = customer else {
            return Ok(Vec::new());
        };
        let of = ProviderOf {
            id: &provider,
            name: &provider_name,
            customer: &customer,
        };
        let ended = roles::apply(tx, &of, &whose, &name, &Wanted::new(), now).await?;
        if unlinks {
            identities::delete(tx, &provider, &whose).await?;
        }
        Ok(ended)
    })?;
    ending::tell_devices(context, &ended);
    ending::look_again(context, relay, &account).await;
    Ok(())
}
