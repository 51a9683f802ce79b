//! What stands is listed, and revoked and forgotten.
//!
//! Everybody reaches what they had signed themselves. A person who runs the organisation's devices reaches everybody's:
//! somebody has to end what belongs to a colleague who has left. That is no token's business.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;

use super::{REVOKED, note};
use crate::authority::{Caller, Error, Result, Right, identify};
use crate::context::Context;
use crate::db::certificates::Revoked;
use crate::db::plgd::{Filter, PlgdRecord, Whose};
use crate::db::{accounts, organisations, plgd, write};

/// Most names in the filters of one request.
pub const MAX_FILTERS: usize = 200;
/// A filter by device or record finds one each, so that a deletion finds no more than it names.
const MAX_DELETED: i64 = 200;

/// At most `limit` records behind `after`. A slow reader takes a while: rights are looked at for each page.
///
/// # Errors
/// [`Error::Unauthenticated`] when the credential has ended; as for every right; [`Error::Invalid`] for too many filters.
pub async fn page(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    filter: &Filter,
    (after, limit): (&str, i64),
) -> Result<Vec<PlgdRecord>> {
    let now = context.clock.now();
    if !identify::still_holds(&context.db, now, &caller.credential).await? {
        return Err(Error::Unauthenticated);
    }
    let whose = reach(context, caller, organisation).await?;
    check(filter)?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    Ok(plgd::matching(conn, organisation, &whose, filter, now, (after, limit)).await?)
}

/// Revokes and forgets what a filter names. Returns how many.
///
/// # Errors
/// As for every right; [`Error::Invalid`] for a filter that names nothing, or too much; [`Error::StepUpRequired`] when something
/// of somebody else is among it.
pub async fn delete(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    filter: Filter,
) -> Result<usize> {
    let now = context.clock.now();
    let whose = reach(context, caller, organisation).await?;
    check(&filter)?;
    // Threat model: ENR-30. A filter that was forgotten, or misspelt, revokes nothing.
    if filter.is_empty() {
        return Err(Error::invalid(
            "idFilter",
            "name what is to be deleted, by idFilter or deviceIdFilter: everything at once is not",
        ));
    }
    let is_fresh = caller.fresh_proof(now).is_ok();
    let (member, organisation) = (caller.member(), organisation.clone());
    write!(context.db, |tx| -> Result<usize> {
        // The role may have changed since it was looked at; from here on it stays.
        accounts::lock(tx, &member.account).await?;
        let role = organisations::role_at(tx, &organisation, &member.account).await?;
        let holds = match &whose {
            Whose::Everybody => role.is_some_and(Role::may_operate),
            Whose::Account(_) => role.is_some_and(Role::may_enrol),
        };
        if !holds {
            return Err(Error::Forbidden(
                "your role in this organisation does not allow this any more",
            ));
        }
        let found = plgd::matching(tx, &organisation, &whose, &filter, now, ("", MAX_DELETED)).await?;
        if !is_fresh && found.iter().any(|record| record.account != member.account) {
            return Err(Error::StepUpRequired);
        }
        let revoked = Revoked {
            at: now,
            reason: RevocationReason::CessationOfOperation,
        };
        let mut changed = Vec::new();
        for record in &found {
            if plgd::revoke(tx, &record.sha256, revoked).await? {
                note(tx, record, &member, REVOKED, now).await?;
                changed.push(record.issuer.clone());
            }
        }
        let count = changed.len();
        plgd::tell_issuers(tx, changed).await?;
        Ok(count)
    })
}

async fn reach(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<Whose> {
    let role = caller.require(&context.db, organisation, Right::Enrol).await?;
    Ok(if role.may_operate() && caller.require_person().is_ok() {
        Whose::Everybody
    } else {
        Whose::Account(caller.account.clone())
    })
}

fn check(filter: &Filter) -> Result<()> {
    let names = filter.records.len() + filter.common_names.len() + filter.devices.len();
    if names > MAX_FILTERS {
        return Err(Error::invalid(
            "idFilter",
            format!("a request names at most {MAX_FILTERS} values in its filters"),
        ));
    }
    Ok(())
}
