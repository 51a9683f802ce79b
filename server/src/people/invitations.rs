//! Invitations to an organisation: made, and taken back. What their links are good for is [`super::links`]'.

use gangway_protocol::audit::Action;
use gangway_protocol::device::check_text;
use gangway_protocol::id::{LinkId, OrganisationId};
use gangway_protocol::organisation::{INVITATION_LIFE, Invitation, InvitationRequest, Role};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;

use super::links::{self, Made};
use crate::authority::open_place;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::links::Purpose;
use crate::db::{Db, audit, links as link_rows, organisations, write};
use crate::once::Once;
use crate::rng::Random;

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
    caller.fresh_proof(now)?;
    if !links::may_invite(own, request.role) {
        return Err(ABOVE);
    }
    // What a leaked token has made shall not outlive it with more rights than it had.
    if request.role.may_administer() {
        caller.require_person()?;
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
            action: Action::InvitationCreated,
            subject: invitation.id.as_str(),
            detail: &detail,
        };
        audit::append(tx, &entry).await?;
        Ok(invitation)
    })
}

/// An invitation that the operator makes, to any organisation that is open.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it is archived.
pub async fn by_operator(
    db: &Db,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
    organisation: OrganisationId,
    role: Role,
) -> Result<SecretString> {
    let now = clock.now();
    let purpose = Purpose::Invitation {
        organisation: organisation.clone(),
        role,
    };
    let made = Made::new(purpose, INVITATION_LIFE, now, random);
    let url = made.url(config);
    let detail = format!("as {}: by the operator, on the command line", role.as_str());
    write!(db, |tx| -> Result<()> {
        organisations::bump_revision(tx, &organisation).await?;
        open_place(tx, &organisation).await?;
        made.keep(tx, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: Actor::Server,
            action: Action::InvitationCreated,
            subject: made.link.id.as_str(),
            detail: &detail,
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    Ok(url)
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
            action: Action::InvitationWithdrawn,
            subject: link.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
