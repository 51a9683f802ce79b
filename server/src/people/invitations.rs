//! Invitations to an organisation: made, and taken back. What their links are good for is [`super::links`]'.

use gangway_protocol::device::check_text;
use gangway_protocol::id::{LinkId, OrganisationId};
use gangway_protocol::organisation::{Invitation, InvitationRequest};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;

use super::links;
use crate::authority::open_place;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, links as link_rows, organisations, write};
use crate::once::Once;

/// Most invitations of one organisation that wait to be taken.
const MAX_WAITING: u64 = 500;
/// Longest reminder of whom an invitation is for.
pub const MAX_NOTE_LEN: usize = 128;

const ABOVE: Error =
    Error::Forbidden("nobody invites to a role above their own: choose a lesser one, or ask an owner");

/// Invites somebody; what comes back holds the link. Under the same `key` it is made once, and the same comes back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] to a role above the caller's own; [`Error::Invalid`];
/// [`Error::Conflict`] when too many wait already.
pub async fn create(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    id: OrganisationId,
    request: &InvitationRequest,
) -> Result<Invitation> {
    let now = context.clock.now();
    let own = caller.require(&context.db, &id, Right::Administer).await?;
    caller.require_fresh_person(now)?;
    if !links::may_invite(own, request.role) {
        return Err(ABOVE);
    }
    let note = request.note.trim();
    check_text("note", note, MAX_NOTE_LEN)?;
    let place = path::invitations(&id);
    let once = Once::of(key, &caller.account, &(&place, request), &*context.random)?;
    let made = links::invitation(
        id.clone(),
        request.role,
        note.to_owned(),
        caller.account.clone(),
        now,
        &*context.random,
    );
    let invitation = Invitation {
        id: made.link.id.clone(),
        role: request.role,
        note: made.link.note.clone(),
        expires_at: made.link.expires_at,
        link: Some(made.url(&context.config)),
    };
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Invitation> {
        if let Some(once) = &once
            && let Some(invitation) = once.begin(tx, now).await?
        {
            return Ok(invitation);
        }
        organisations::bump_revision(tx, &id).await?;
        open_place(tx, &id).await?;
        // The role may have changed since it was looked at; from here on it stays.
        let own = organisations::role_at(tx, &id, &caller.account).await?;
        if !own.is_some_and(|own| links::may_invite(own, invitation.role)) {
            return Err(ABOVE);
        }
        if link_rows::count_invitations(tx, &id, now).await? >= MAX_WAITING {
            return Err(Error::Conflict(format!(
                "{MAX_WAITING} invitations wait to be taken already: take some back first"
            )));
        }
        made.keep(tx, now).await?;
        if let Some(once) = &once {
            once.end(tx, &invitation).await?;
        }
        let detail = format!("as {}: {}", invitation.role.as_str(), invitation.note);
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: "invitation.created",
            subject: invitation.id.as_str(),
            detail: &detail,
        };
        audit::append(tx, &entry).await?;
        Ok(invitation)
    })
}

/// Takes an invitation back.
///
/// # Errors
/// [`Error::NotFound`] when it was taken meanwhile, too.
pub async fn withdraw(context: &Context, caller: &Caller, id: OrganisationId, link: LinkId) -> Result<()> {
    caller.require(&context.db, &id, Right::Administer).await?;
    let (now, caller) = (context.clock.now(), caller.clone());
    write!(context.db, |tx| -> Result<()> {
        if !link_rows::withdraw(tx, &id, &link, now).await? {
            return Err(Error::NotFound);
        }
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: "invitation.withdrawn",
            subject: link.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
