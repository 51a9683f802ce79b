//! What a caller may do: rights by role, narrowed by a token's scopes, at an organisation and at a device.
//!
//! The endpoints that speak of devices ask [`Caller::see_device`] and [`Caller::reach_device`]; all others [`Caller::require`].

use std::collections::HashSet;

use gangway_protocol::account::TokenScope;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::{Caller, Credential, Error, Result};
use crate::db::devices::DeviceRecord;
use crate::db::fleet::Fleets;
use crate::db::organisations::tree;
use crate::db::{Db, approvals, devices, organisations, rules};

/// What somebody wants to do at an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Be there at all: know its name, its signers, what one has enrolled oneself.
    Belong,
    /// See its devices.
    SeeFleet,
    /// Enrol devices.
    Enrol,
    /// Rename, renew, suspend, revoke devices.
    Operate,
    /// Manage members, invitations, policy.
    Administer,
    /// See who belongs there.
    SeeMembers,
    /// See who is invited.
    SeeInvitations,
    /// Read the record of what was done there.
    ReadAudit,
}

impl Right {
    fn held_by(self, role: Role) -> bool {
        match self {
            Self::Belong => true,
            Self::SeeFleet | Self::SeeMembers => role.may_see_fleet(),
            Self::Enrol => role.may_enrol(),
            Self::Operate => role.may_operate(),
            Self::Administer | Self::SeeInvitations | Self::ReadAudit => role.may_administer(),
        }
    }

    fn within(self, scopes: &[TokenScope]) -> bool {
        let any = |named: &[TokenScope]| named.iter().any(|scope| scopes.contains(scope));
        match self {
            Self::Belong => true,
            Self::SeeFleet => any(&[TokenScope::FleetRead, TokenScope::FleetWrite]),
            Self::Enrol => any(&[TokenScope::Enrol]),
            Self::Operate => any(&[TokenScope::FleetWrite]),
            Self::Administer => any(&[TokenScope::OrganisationWrite]),
            Self::SeeMembers | Self::SeeInvitations => {
                any(&[TokenScope::OrganisationRead, TokenScope::OrganisationWrite])
            }
            Self::ReadAudit => any(&[TokenScope::AuditRead]),
        }
    }
}

impl Caller {
    /// The caller's role at `organisation`, held there or above; `None` also outside a token's organisation.
    ///
    /// # Errors
    /// Only what the database says.
    pub async fn role_at(&self, db: &Db, organisation: &OrganisationId) -> Result<Option<Role>> {
        Ok(self.roles_at(db, organisation).await?.into_iter().max())
    }

    /// Whether it rests on a passkey, there or when the token was made, and on no provider.
    fn is_by_passkey(&self) -> bool {
        self.credential.vouched().is_none()
    }

    async fn roles_at(&self, db: &Db, organisation: &OrganisationId) -> Result<Vec<Role>> {
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        Ok(match &self.credential {
            Credential::SignIn { vouched: None, .. } => {
                organisations::roles_by_passkey(conn, organisation, &self.account).await?
            }
            Credential::SignIn {
                vouched: Some(vouched),
                ..
            } => organisations::roles_within(conn, &vouched.customer, organisation, &self.account).await?,
            Credential::Token {
                organisation: root, ..
            } => organisations::roles_by_token(conn, root, organisation, &self.account).await?,
        })
    }

    /// Makes sure that the caller may do this at `organisation`, by any of the roles that they hold there and above, and says
    /// which is the greatest.
    ///
    /// # Errors
    /// [`Error::NotFound`] without any role there: a foreign id answers as an unknown one.
    /// [`Error::Forbidden`] when the role is too small, [`Error::InsufficientScope`] when the token's scopes are.
    pub async fn require(&self, db: &Db, organisation: &OrganisationId, right: Right) -> Result<Role> {
        let roles = self.roles_at(db, organisation).await?;
        let role = roles.iter().copied().max().ok_or(Error::NotFound)?;
        if !roles.into_iter().any(|role| right.held_by(role)) {
            return Err(Error::Forbidden(
                "your role in this organisation does not allow this: ask one of its admins",
            ));
        }
        self.require_scope(right)?;
        Ok(role)
    }

    /// Makes sure that the credential, wherever it is used, allows this: tokens only what their scopes name.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`].
    pub fn require_scope(&self, right: Right) -> Result<()> {
        match &self.credential {
            Credential::Token { scopes, .. } if !right.within(scopes) => Err(Error::InsufficientScope(
                "this token's scopes do not allow this: sign in, or use a token made for it",
            )),
            _ => Ok(()),
        }
    }

    /// Every organisation whose fleet the caller may see.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`] when a token's scopes do not go that far.
    pub async fn visible_fleets(&self, db: &Db) -> Result<Vec<OrganisationId>> {
        self.require_scope(Right::SeeFleet)?;
        self.reach_of_fleets(db).await
    }

    /// Every organisation where the caller's roles show devices and members, whatever a token's scopes say: whoever reads something
    /// else reads names of these there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn reach_of_fleets(&self, db: &Db) -> Result<Vec<OrganisationId>> {
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        let reach = rules::reach(conn, &self.account, self.is_by_passkey()).await?;
        let within = match self.credential.within() {
            Some(organisation) => {
                let below = tree::subtree(conn, organisation).await?;
                Some(below.into_iter().collect::<HashSet<_>>())
            }
            None => None,
        };
        let visible = |organisation: &OrganisationId, roles: &[Role]| {
            roles.iter().any(|role| role.may_see_fleet())
                && within.as_ref().is_none_or(|within| within.contains(organisation))
        };
        Ok(reach
            .into_iter()
            .filter(|(id, roles)| visible(id, roles))
            .map(|(id, _)| id)
            .collect())
    }

    /// Either the one organisation that is asked for and those below it, or every one whose fleet the caller may see.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] for one that they may not see.
    pub async fn chosen_organisations(
        &self,
        db: &Db,
        organisation: Option<&OrganisationId>,
    ) -> Result<Vec<OrganisationId>> {
        match organisation {
            Some(organisation) => {
                self.require(db, organisation, Right::SeeFleet).await?;
                let mut reader = db.reader().await?;
                Ok(tree::subtree(&mut reader.conn(), organisation).await?)
            }
            None => self.visible_fleets(db).await,
        }
    }

    /// As [`Self::chosen_organisations`], customers of whom everything is seen by their name alone: to read many devices by.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] for one that they may not see.
    pub async fn chosen_fleets(&self, db: &Db, organisation: Option<&OrganisationId>) -> Result<Fleets> {
        let Some(organisation) = organisation else {
            return self.fleets(db).await;
        };
        self.require(db, organisation, Right::SeeFleet).await?;
        let mut reader = db.reader().await?;
        Ok(rules::fleets_below(&mut reader.conn(), organisation).await?)
    }

    async fn fleets(&self, db: &Db) -> Result<Fleets> {
        self.require_scope(Right::SeeFleet)?;
        let Some(organisation) = self.credential.within() else {
            let mut reader = db.reader().await?;
            return Ok(rules::fleets(&mut reader.conn(), &self.account, self.is_by_passkey()).await?);
        };
        let roles = self.roles_at(db, organisation).await?;
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        if roles.into_iter().any(Role::may_see_fleet) {
            return Ok(rules::fleets_below(conn, organisation).await?);
        }
        // What the account may see below, without a role where the credential is confined to.
        let below: HashSet<OrganisationId> = tree::subtree(conn, organisation).await?.into_iter().collect();
        let mut fleets = rules::fleets(conn, &self.account, self.is_by_passkey()).await?;
        fleets.customers.clear();
        fleets.organisations.retain(|one| below.contains(one));
        Ok(fleets)
    }

    /// A device that the caller may see: one of a fleet they may see, or one that they enrolled themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a foreign one as for an unknown one.
    pub async fn see_device(&self, db: &Db, id: &DeviceId) -> Result<DeviceRecord> {
        let record = find(db, id).await?;
        match self
            .require(db, &record.device.organisation, Right::SeeFleet)
            .await
        {
            Ok(_) => Ok(record),
            Err(refusal @ (Error::Forbidden(_) | Error::InsufficientScope(_))) => {
                self.require(db, &record.device.organisation, Right::Enrol)
                    .await?;
                let mut reader = db.reader().await?;
                if approvals::was_given_by(&mut reader.conn(), id, &self.account).await? {
                    Ok(record)
                } else {
                    Err(refusal)
                }
            }
            Err(other) => Err(other),
        }
    }

    /// A device that the caller may shut out or let in again. Both take a passkey proved in the last minutes, for one
    /// device as for many: a browser that was left open shall not be enough.
    ///
    /// # Errors
    /// As [`Self::reach_device`], and [`Error::StepUpRequired`].
    pub async fn decide_on_device(&self, db: &Db, now: UnixMillis, id: &DeviceId) -> Result<DeviceRecord> {
        let record = self.reach_device(db, id, Right::Operate).await?;
        self.require_fresh_person(now)?;
        Ok(record)
    }

    /// A device on which the caller may do this.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a foreign one as for an unknown one; [`Error::Forbidden`].
    pub async fn reach_device(&self, db: &Db, id: &DeviceId, right: Right) -> Result<DeviceRecord> {
        let record = find(db, id).await?;
        self.require(db, &record.device.organisation, right).await?;
        Ok(record)
    }
}

async fn find(db: &Db, id: &DeviceId) -> Result<DeviceRecord> {
    let mut reader = db.reader().await?;
    devices::find(&mut reader.conn(), id)
        .await?
        .ok_or(Error::NotFound)
}
