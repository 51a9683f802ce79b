//! Organisations and their rules, for those who hold a role in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS, Organisation, Policy,
    PolicyUpdate, Role,
};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Credential, Right};
use crate::authority::{Error, Result};
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, organisations, write};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_organisations))
        .routes(routes!(change_policy))
}

/// The organisations in which the caller holds a role, directly or from above; with a token, those it is confined to.
#[utoipa::path(get, path = path::ORGANISATIONS, tag = "organisations", params(PageQuery),
    responses((status = 200, body = Page<Organisation>), (status = 422)))]
async fn list_organisations(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Organisation>>> {
    let root = match &caller.credential {
        Credential::SignIn { .. } => None,
        Credential::Token { organisation, .. } => Some(organisation),
    };
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let rows = organisations::of_account(conn, &caller.account, root, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Changes rules of an organisation.
#[utoipa::path(patch, path = path::ORGANISATION_POLICY, tag = "organisations",
    params(("id" = OrganisationId, Path)), request_body = PolicyUpdate,
    responses((status = 200, body = Policy), (status = 403), (status = 404), (status = 422)))]
async fn change_policy(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(update): JsonBody<PolicyUpdate>,
) -> Result<Json<Policy>> {
    let now = gangway.clock.now();
    caller.require(&gangway.db, &id, Right::Administer).await?;
    caller.require_fresh_person(now)?;
    let changed = write!(gangway.db, |tx| -> Result<Policy> {
        // Two changes at once shall not undo each other.
        organisations::bump_revision(tx, &id).await?;
        let own = organisations::role_at(tx, &id, &caller.account).await?;
        if !own.is_some_and(Role::may_administer) {
            return Err(Error::NotFound);
        }
        let (_, mut policy) = organisations::find(tx, &id).await?.ok_or(Error::NotFound)?;
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
    })?;
    Ok(Json(changed))
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
