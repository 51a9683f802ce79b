//! What an admin, who is there now, does to something of an organisation: the right is looked at first, and once more in the transaction,
//! which holds the organisation until it ends.

use std::fmt::Display;

use gangway_protocol::audit::Action;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::{Caller, Result, Right, hold_as};
use crate::db::audit::{Entry, Scope};
use crate::db::{Conn, Db, audit};

/// See the module's description. `Id` names what it is done to.
#[derive(Clone)]
pub struct ByAdmin<Id> {
    /// Who.
    pub caller: Caller,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// To what.
    pub id: Id,
    /// As what.
    pub role: Role,
    /// When.
    pub now: UnixMillis,
}

impl<Id: Display> ByAdmin<Id> {
    /// Begins it.
    ///
    /// # Errors
    /// [`NotFound`](super::Error::NotFound), [`Forbidden`](super::Error::Forbidden) for whoever does not administer the organisation;
    /// [`StepUpRequired`](super::Error::StepUpRequired).
    pub async fn begin(
        db: &Db,
        now: UnixMillis,
        caller: &Caller,
        organisation: OrganisationId,
        id: Id,
    ) -> Result<Self> {
        let role = caller.require(db, &organisation, Right::Administer).await?;
        caller.require_fresh_person(now)?;
        Ok(Self {
            caller: caller.clone(),
            organisation,
            id,
            role,
            now,
        })
    }

    /// Holds the organisation, for a caller who still administers it.
    ///
    /// # Errors
    /// [`NotFound`](super::Error::NotFound) when they do not any more.
    pub async fn hold(&self, tx: &mut Conn<'_>) -> Result<()> {
        hold_as(tx, &self.caller, &self.organisation, Role::may_administer).await
    }

    /// Writes it down.
    ///
    /// # Errors
    /// Only faults.
    pub async fn record(&self, tx: &mut Conn<'_>, action: Action, detail: &str) -> Result<()> {
        let entry = Entry {
            scope: Scope::Organisation(&self.organisation),
            at: self.now,
            actor: self.caller.actor(),
            action,
            subject: &self.id.to_string(),
            detail,
        };
        Ok(audit::append(tx, &entry).await?)
    }
}
