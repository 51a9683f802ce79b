//! The rules of an organisation, changed by whoever administers it. Below an organisation they can only be tightened.

use std::collections::HashMap;

use gangway_protocol::audit::Action;
use gangway_protocol::bulk::MAX_BULK_DEVICES;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::measurement::MAX_KEPT_DAYS;
use gangway_protocol::organisation::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS, Policy, PolicyDetail,
    PolicyUpdate, Role,
};

use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::organisations::tree::{self, Place};
use crate::db::{Conn, DbError, audit, identity_providers, organisations, write};

/// The rules of an organisation, and where they come from.
///
/// # Errors
/// [`Error::NotFound`] for a foreign organisation as for an unknown one.
pub async fn show(context: &Context, caller: &Caller, id: &OrganisationId) -> Result<PolicyDetail> {
    caller.require(&context.db, id, Right::Belong).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let place = tree::find(conn, id).await?.ok_or(Error::NotFound)?;
    let above = above(conn, &place).await?;
    Ok(PolicyDetail {
        policy: place.policy,
        own: place.own,
        above,
    })
}

/// Changes those rules that `update` names. A rule that is set as it is above comes from above from then on.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming the rule that is out of bounds, or looser than above.
pub async fn change(
    context: &Context,
    caller: &Caller,
    id: OrganisationId,
    update: PolicyUpdate,
) -> Result<Policy> {
    let now = context.clock.now();
    caller.require(&context.db, &id, Right::Administer).await?;
    caller.require_fresh_person(now)?;
    check(&update)?;
    let root = {
        let mut reader = context.db.reader().await?;
        tree::find(&mut reader.conn(), &id)
            .await?
            .ok_or(Error::NotFound)?
            .root
    };
    let (caller, customer) = (caller.clone(), root.clone());
    let shuts_out = update.single_sign_on_required == Some(true);
    let policy = write!(context.db, |tx| -> Result<Policy> {
        // Two changes at once, here or above, shall not undo each other.
        organisations::bump_revisions(tx, &[&root, &id]).await?;
        let own = organisations::role_at(tx, &id, &caller.account).await?;
        if !own.is_some_and(Role::may_administer) {
            return Err(Error::NotFound);
        }
        let place = tree::find(tx, &id).await?.ok_or(Error::NotFound)?;
        if update.single_sign_on_required == Some(true) {
            may_require_single_sign_on(tx, &place).await?;
        }
        let (policy, own) = match above(tx, &place).await? {
            None => {
                let mut policy = place.policy.clone();
                update.clone().apply_to(&mut policy);
                (policy, None)
            }
            Some(above) => {
                if let Some((rule, bound)) = update.looser_than(&above) {
                    return Err(Error::invalid(
                        rule,
                        format!(
                            "{rule} is {bound} here: below an organisation its rules can only be tightened"
                        ),
                    ));
                }
                let own = place.own.clone().changed_by(&update).without_those_of(&above);
                (above.tightened_by(&own), Some(own))
            }
        };
        if policy == place.policy && own.as_ref().is_none_or(|own| *own == place.own) {
            return Ok(policy);
        }
        tree::set_policy(tx, &id, &policy, own.as_ref()).await?;
        hand_down(tx, &id, &policy).await?;
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: Action::PolicyChanged,
            subject: id.as_str(),
            detail: &serde_json::to_string(&update).map_err(Error::internal)?,
        };
        audit::append(tx, &entry).await?;
        Ok(policy)
    })?;
    if shuts_out {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let all = tree::subtree(conn, &customer).await?;
        for account in tree::members_of(conn, &all).await? {
            context.changes.tell_rights(&account);
        }
    }
    Ok(policy)
}

/// Works out anew what holds below an organisation, in a transaction that holds the customer.
///
/// # Errors
/// What the database says.
pub(super) async fn hand_down(
    tx: &mut Conn<'_>,
    id: &OrganisationId,
    policy: &Policy,
) -> Result<(), DbError> {
    let mut held = HashMap::from([(id.clone(), policy.clone())]);
    for place in tree::below(tx, id).await? {
        // A parent comes before its children.
        let above = held.get(&place.parent).ok_or(DbError::Missing)?;
        let policy = above.clone().tightened_by(&place.own);
        if policy != place.policy {
            tree::set_policy(tx, &place.id, &policy, Some(&place.own)).await?;
        }
        held.insert(place.id, policy);
    }
    Ok(())
}

async fn above(conn: &mut Conn<'_>, place: &Place) -> Result<Option<Policy>, DbError> {
    let Some(parent) = &place.parent else {
        return Ok(None);
    };
    let parent = tree::find(conn, parent).await?.ok_or(DbError::Missing)?;
    Ok(Some(parent.policy))
}

/// Requiring it where nobody vouches for anybody would shut out everybody but the owners.
async fn may_require_single_sign_on(tx: &mut Conn<'_>, place: &Place) -> Result<()> {
    if place.parent.is_some() {
        return Err(Error::invalid(
            "single_sign_on_required",
            "single_sign_on_required is set at the customer, and holds in all its organisations",
        ));
    }
    if identity_providers::of_organisation(tx, &place.id)
        .await?
        .is_empty()
    {
        return Err(Error::Conflict(
            "nobody could sign in: add an identity provider first, and try it".to_owned(),
        ));
    }
    Ok(())
}

fn check(update: &PolicyUpdate) -> Result<()> {
    let days = update.certificate_validity_days;
    if days.is_some_and(|days| !(1..=MAX_CERTIFICATE_VALIDITY_DAYS).contains(&days)) {
        return Err(Error::invalid(
            "certificate_validity_days",
            format!("certificate_validity_days is 1 to {MAX_CERTIFICATE_VALIDITY_DAYS}"),
        ));
    }
    if update.grace_days.is_some_and(|days| days > MAX_GRACE_DAYS) {
        return Err(Error::invalid(
            "grace_days",
            format!("grace_days is at most {MAX_GRACE_DAYS}"),
        ));
    }
    if update
        .superseded_grace_hours
        .is_some_and(|hours| hours > MAX_SUPERSEDED_GRACE_HOURS)
    {
        return Err(Error::invalid(
            "superseded_grace_hours",
            format!("superseded_grace_hours is at most {MAX_SUPERSEDED_GRACE_HOURS}"),
        ));
    }
    if update
        .second_person_above
        .is_some_and(|devices| devices > MAX_BULK_DEVICES)
    {
        return Err(Error::invalid(
            "second_person_above",
            format!("second_person_above is at most {MAX_BULK_DEVICES}, which asks for nobody"),
        ));
    }
    let kept = [
        ("measurements_raw_days", update.measurements_raw_days),
        ("measurements_minute_days", update.measurements_minute_days),
        ("measurements_hour_days", update.measurements_hour_days),
    ];
    for (rule, days) in kept {
        if days.is_some_and(|days| !(1..=MAX_KEPT_DAYS).contains(&days)) {
            return Err(Error::invalid(rule, format!("{rule} is 1 to {MAX_KEPT_DAYS}")));
        }
    }
    Ok(())
}
