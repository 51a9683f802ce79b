//! Links between an account and persons at providers, as the account itself sees them.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{IdentityProviderId, OrganisationId};
use gangway_protocol::single_sign_on::Identity;

use super::roles::{self, ProviderOf, Wanted};
use crate::authority::{Caller, Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, identities, sign_ins, write};
use crate::people::ending::{self, Ended};
use crate::relay::Relay;

/// At most `limit` links behind the provider `after`. A sign-in by a provider sees its own.
///
/// # Errors
/// [`Error::InsufficientScope`] with a token.
pub async fn list(context: &Context, caller: &Caller, after: &str, limit: i64) -> Result<Vec<Identity>> {
    caller.require_person()?;
    let mut reader = context.db.reader().await?;
    let mut all = identities::of_account(&mut reader.conn(), &caller.account, after, limit).await?;
    if let Some(vouched) = caller.credential.vouched() {
        all.retain(|identity| identity.provider.id == vouched.provider);
    }
    Ok(all)
}

/// Ends a link: what the provider's claim gave goes, and its sign-ins with it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] where a provider opened the sign-in; [`Error::NotFound`].
pub async fn unlink(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    provider: IdentityProviderId,
) -> Result<()> {
    let now = context.clock.now();
    caller.require_own_sign_in()?;
    caller.require_fresh_person(now)?;
    let member = caller.clone();
    let ended = write!(context.db, |tx| -> Result<Vec<Ended>> {
        let all = identities::of_account(tx, &member.account, "", MAX_IDENTITIES).await?;
        let found = all
            .into_iter()
            .find(|identity| identity.provider.id == provider)
            .ok_or(Error::NotFound)?;
        let (name, customer): (String, OrganisationId) = (found.provider.name, found.organisation);
        let of = ProviderOf {
            id: &provider,
            name: &name,
            customer: &customer,
        };
        let ended = roles::apply(tx, &of, &member.account, &member.name, &Wanted::new(), now).await?;
        identities::delete(tx, &provider, &member.account).await?;
        sign_ins::delete_by_provider(tx, &provider, &member.account, None).await?;
        let entry = Entry {
            scope: Scope::Organisation(&customer),
            at: now,
            actor: member.actor(),
            action: Action::IdentityUnlinked,
            subject: provider.as_str(),
            detail: &name,
        };
        audit::append(tx, &entry).await?;
        Ok(ended)
    })?;
    ending::tell_devices(context, &ended);
    ending::look_again(context, relay, &caller.account).await;
    Ok(())
}

/// Links of an account that are looked at: one for each customer it belongs to.
const MAX_IDENTITIES: i64 = 1_000;
