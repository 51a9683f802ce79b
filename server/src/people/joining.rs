//! Joining an organisation by an invitation, or becoming a customer, with the account one has: nobody needs a second account, with a
//! second passkey, for a second organisation. Who has none yet registers by the same link ([`super::registration`]).

use gangway_protocol::account::JoinRequest;
use gangway_protocol::audit::Action;

use super::customers::{self, NewCustomer};
use super::links;
use crate::authority::Caller;
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::links::Purpose;
use crate::db::{audit, memberships, write};

/// Makes the caller a member by an invitation, or the owner of a new customer by a link for one, which is used up. A greater role
/// than the one they hold replaces it.
///
/// # Errors
/// [`Error::LinkUnknown`] for every other link too; [`Error::Invalid`] when a customer has no fit name; [`Error::Conflict`] when they hold as much already, which leaves
/// the invitation good for whom it was meant.
pub async fn join(context: &Context, caller: &Caller, request: &JoinRequest) -> Result<()> {
    caller.require_own_sign_in()?;
    let (now, mode) = (context.clock.now(), context.config.sign_up);
    let mut reader = context.db.reader().await?;
    let link = links::open(&mut reader.conn(), &request.token, mode, now).await?;
    drop(reader);
    let name = customers::name_for(&link, request.organisation.as_deref())?;
    let (member, link) = (caller.clone(), link.id);
    let customer = NewCustomer::new(context, now);
    write!(context.db, |tx| -> Result<()> {
        // What fails from here on rolls the taking back.
        let purpose = links::take(tx, &link, mode, now).await?.purpose;
        let (organisation, role) = match (&purpose, &name) {
            (Purpose::Customer | Purpose::SignUp, Some(name)) => {
                return customer
                    .make_by(tx, &purpose, name, &member.actor(), &member.account, now)
                    .await;
            }
            (Purpose::Invitation { organisation, role }, _) => (organisation.clone(), *role),
            _ => return Err(Error::LinkUnknown),
        };
        let held = memberships::find(tx, &organisation, &member.account).await?;
        // An invitation opens no door that an admin has closed.
        if held.is_some_and(|(_, suspended_at)| suspended_at.is_some()) {
            return Err(Error::Conflict(
                "your membership of this organisation is suspended: ask one of its admins".to_owned(),
            ));
        }
        if held.is_some_and(|(held, _)| held >= role) {
            return Err(Error::Conflict(
                "you are a member of this organisation already: the invitation is for somebody else"
                    .to_owned(),
            ));
        }
        memberships::set(tx, &organisation, &member.account, role, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: member.actor(),
            action: Action::MemberJoined,
            subject: member.account.as_str(),
            detail: role.as_str(),
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
