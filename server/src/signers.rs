//! Signing endpoints of an organisation: added, changed, ordered, removed by whoever administers it.
//!
//! People's credentials never come here. A corporate CA is asked by the server itself, with a credential that only the operator gives
//! ([`operator`]): whoever chose where this server connects to could have it speak to machines behind its firewall.

mod corporate;
mod credential;
pub mod operator;
mod provisioner;

pub use corporate::CorporateCa;

use gangway_protocol::audit::Action;
use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::{
    MAX_SIGNERS, Signer, SignerKind, SignerRequest, SignerUpdate, UnfitSigner, check_signer_name,
};
use gangway_protocol::time::UnixMillis;

use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::authority::{hold_as, open_place};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{Conn, audit, signers, write};
use crate::once::Once;
use crate::rng::Random;

/// Adds a signing endpoint at the end of the list. Under the same `key` it is added once, and the same comes back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn add(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: SignerRequest,
) -> Result<Signer> {
    let now = context.clock.now();
    require(context, caller, &organisation).await?;
    refuse_corporate(&request.kind)?;
    let place = path::signers(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let signer = made_of(request, now, &*context.random)?;
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Signer> {
        if let Some(once) = &once
            && let Some(signer) = once.begin(tx, now).await?
        {
            return Ok(signer);
        }
        lock(tx, &caller, &organisation).await?;
        let signer = insert(tx, &organisation, signer, caller.actor(), now).await?;
        if let Some(once) = &once {
            once.end(tx, &signer).await?;
        }
        Ok(signer)
    })
}

/// The signer that a request amounts to, once its parts are checked.
///
/// # Errors
/// [`Error::Invalid`] naming what is wrong.
pub fn made_of(request: SignerRequest, now: UnixMillis, random: &dyn Random) -> Result<Signer> {
    request.kind.check()?;
    Ok(Signer {
        id: SignerId::new(now, random.for_id()),
        name: check_signer_name(&request.name)?,
        kind: request.kind,
        least_role: least(request.least_role),
        disabled: false,
        inherited: false,
    })
}

/// Adds a signer at the end of the list, in a transaction that holds the organisation.
///
/// # Errors
/// [`Error::NotFound`] for an unknown organisation; [`Error::Conflict`] when there are too many.
pub async fn insert(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    signer: Signer,
    actor: Actor<'_>,
    now: UnixMillis,
) -> Result<Signer> {
    open_place(tx, organisation).await?;
    let place = signers::of_organisation(tx, organisation).await?.len();
    if place >= MAX_SIGNERS {
        return Err(Error::Conflict(format!(
            "an organisation has at most {MAX_SIGNERS} signers: remove one that is not used"
        )));
    }
    signers::insert(tx, organisation, &signer, place, now).await?;
    record(tx, actor, organisation, now, Action::SignerAdded, &signer).await?;
    Ok(signer)
}

/// Changes what `update` names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign signer as for an unknown one; [`Error::Invalid`].
pub async fn change(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: SignerId,
    update: SignerUpdate,
) -> Result<Signer> {
    let now = context.clock.now();
    require(context, caller, &organisation).await?;
    let name = update.name.as_deref().map(check_signer_name).transpose()?;
    let position = update.position.map(check_position).transpose()?;
    if let Some(kind) = &update.configuration {
        refuse_corporate(kind)?;
        kind.check()?;
    }
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Signer> {
        let mut standing = lock(tx, &caller, &organisation).await?;
        let place = place_of(&standing, &id)?;
        let former = standing.remove(place);
        let mut signer = former.clone();
        if let Some(name) = name {
            signer.name = name;
        }
        if let Some(kind) = update.configuration {
            if std::mem::discriminant(&kind) != std::mem::discriminant(&signer.kind) {
                return Err(Error::invalid(
                    "configuration",
                    "a signer stays of its kind, because certificates name it: add another one instead",
                ));
            }
            // Certificates are looked for and ended where they were signed.
            if !kind.is_same_place(&signer.kind) && signers::is_named(tx, &id).await? {
                return Err(Error::Conflict(
                    "devices have been approved for this signer, so that it stays where it is: add another one instead".to_owned(),
                ));
            }
            signer.kind = kind;
        }
        signer.least_role = update.least_role.map_or(signer.least_role, least);
        signer.disabled = update.disabled.unwrap_or(signer.disabled);
        let wanted = position.map_or(place, |position| position.min(standing.len()));
        if signer == former && wanted == place {
            return Ok(signer);
        }
        signers::update(tx, &signer, now).await?;
        if wanted != place {
            standing.insert(wanted, signer.clone());
            for (position, moved) in standing.iter().enumerate() {
                signers::place(tx, &moved.id, position).await?;
            }
        }
        record(
            tx,
            caller.actor(),
            &organisation,
            now,
            Action::SignerChanged,
            &signer,
        )
        .await?;
        Ok(signer)
    })
}

/// Removes a signing endpoint that nothing names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Conflict`] when a device was ever approved for it.
pub async fn remove(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: SignerId,
) -> Result<()> {
    let now = context.clock.now();
    require(context, caller, &organisation).await?;
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<()> {
        let mut standing = lock(tx, &caller, &organisation).await?;
        let place = place_of(&standing, &id)?;
        let signer = standing.remove(place);
        if !signers::remove(tx, &id).await? {
            return Err(Error::Conflict(
                "devices have been approved for this signer, and their records name it: disable it instead"
                    .to_owned(),
            ));
        }
        record(
            tx,
            caller.actor(),
            &organisation,
            now,
            Action::SignerRemoved,
            &signer,
        )
        .await
    })
}

/// Who configures signers decides who signs: it takes an admin who is there now.
async fn require(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<()> {
    caller
        .require(&context.db, organisation, Right::Administer)
        .await?;
    caller.require_fresh_person(context.clock.now())?;
    Ok(())
}

/// The signers, while nobody else changes them, for a caller who still administers them.
async fn lock(tx: &mut Conn<'_>, caller: &Caller, organisation: &OrganisationId) -> Result<Vec<Signer>> {
    hold_as(tx, caller, organisation, Role::may_administer).await?;
    Ok(signers::of_organisation(tx, organisation).await?)
}

fn refuse_corporate(kind: &SignerKind) -> Result<()> {
    // Threat model: ENR-33.
    if kind.is_corporate() {
        return Err(Error::invalid(
            "kind",
            "this server connects to such a CA itself, so that only its operator adds or reconfigures one: ask them for `gangway \
             admin signer add`. Name, order, roles, and whether it is switched off, are yours to change",
        ));
    }
    Ok(())
}

fn place_of(standing: &[Signer], id: &SignerId) -> Result<usize> {
    standing
        .iter()
        .position(|signer| signer.id == *id)
        .ok_or(Error::NotFound)
}

/// A viewer enrols nothing, so that the least who signs is an installer.
fn least(role: Role) -> Role {
    role.max(Role::Installer)
}

fn check_position(position: u32) -> Result<usize> {
    match usize::try_from(position) {
        Ok(position) if position < MAX_SIGNERS => Ok(position),
        _ => Err(Error::invalid(
            "position",
            format!("position is 0 to {}", MAX_SIGNERS - 1),
        )),
    }
}

async fn record(
    tx: &mut Conn<'_>,
    actor: Actor<'_>,
    organisation: &OrganisationId,
    at: UnixMillis,
    action: Action,
    signer: &Signer,
) -> Result<()> {
    let entry = Entry {
        scope: Scope::Organisation(organisation),
        at,
        actor,
        action,
        subject: signer.id.as_str(),
        detail: &serde_json::to_string(signer).map_err(Error::internal)?,
    };
    audit::append(tx, &entry).await?;
    Ok(())
}

impl From<UnfitSigner> for Error {
    fn from(unfit: UnfitSigner) -> Self {
        Self::invalid(unfit.field, unfit.detail)
    }
}
