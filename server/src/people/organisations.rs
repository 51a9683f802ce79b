//! The rules of an organisation, changed by whoever administers it.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS, Policy, PolicyUpdate, Role,
};

use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, organisations, rules, write};

/// Changes those rules that `update` names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming the rule that is out of bounds.
pub async fn change_policy(
    context: &Context,
    caller: &Caller,
    id: OrganisationId,
    update: PolicyUpdate,
) -> Result<Policy> {
    let now = context.clock.now();
    caller.require(&context.db, &id, Right::Administer).await?;
    caller.require_fresh_person(now)?;
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Policy> {
        // Two changes at once shall not undo each other.
        organisations::bump_revision(tx, &id).await?;
        let own = organisations::role_at(tx, &id, &caller.account).await?;
        if !own.is_some_and(Role::may_administer) {
            return Err(Error::NotFound);
        }
        let mut policy = rules::find(tx, &id).await?.ok_or(Error::NotFound)?.policy;
        let former = policy.clone();
        update.clone().apply_to(&mut policy);
        check(&policy)?;
        if policy == former {
            return Ok(policy);
        }
        organisations::set_policy(tx, &id, &policy).await?;
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: "organisation.policy_changed",
            subject: id.as_str(),
            detail: &serde_json::to_string(&update).map_err(Error::internal)?,
        };
        audit::append(tx, &entry).await?;
        Ok(policy)
    })
}

fn check(policy: &Policy) -> Result<()> {
    let days = policy.certificate_validity_days;
    if !(1..=MAX_CERTIFICATE_VALIDITY_DAYS).contains(&days) {
        return Err(Error::invalid(
            "certificate_validity_days",
            format!("certificate_validity_days is 1 to {MAX_CERTIFICATE_VALIDITY_DAYS}"),
        ));
    }
    if policy.grace_days > MAX_GRACE_DAYS {
        return Err(Error::invalid(
            "grace_days",
            format!("grace_days is at most {MAX_GRACE_DAYS}"),
        ));
    }
    if policy.superseded_grace_hours > MAX_SUPERSEDED_GRACE_HOURS {
        return Err(Error::invalid(
            "superseded_grace_hours",
            format!("superseded_grace_hours is at most {MAX_SUPERSEDED_GRACE_HOURS}"),
        ));
    }
    Ok(())
}
