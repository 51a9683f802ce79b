//! Who may see or change which device: the questions that the device and certificate endpoints share.

use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;

use super::extract::{Caller, Credential, Right};
use super::problem::{ApiError, ApiResult};
use crate::audit::Member;
use crate::db::devices::DeviceRecord;
use crate::db::{Db, approvals, devices, rules};
use crate::state::Gangway;

impl Caller {
    /// The caller as the record names them.
    #[must_use]
    pub fn member(&self) -> Member {
        let token = match &self.credential {
            Credential::Token { id, .. } => Some(id.clone()),
            Credential::SignIn { .. } => None,
        };
        Member {
            account: self.account.clone(),
            name: self.name.clone(),
            token,
        }
    }

    /// Every organisation whose fleet the caller may see.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] when a token's scopes do not go that far.
    pub async fn visible_fleets(&self, db: &Db) -> ApiResult<Vec<OrganisationId>> {
        self.require_scope(Right::SeeFleet)?;
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        let reach = rules::reach(conn, &self.account).await?;
        let within = match &self.credential {
            Credential::Token { organisation, .. } => Some(rules::subtree(conn, organisation).await?),
            Credential::SignIn { .. } => None,
        };
        let visible = |organisation: &OrganisationId, role: Role| {
            role.may_see_fleet() && within.as_ref().is_none_or(|within| within.contains(organisation))
        };
        Ok(reach
            .into_iter()
            .filter(|(id, role)| visible(id, *role))
            .map(|(id, _)| id)
            .collect())
    }

    /// Either the one organisation that is asked for, or every one whose fleet the caller may see.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] or [`ApiError::Forbidden`] for one that they may not see.
    pub async fn chosen_fleets(
        &self,
        db: &Db,
        organisation: Option<&OrganisationId>,
    ) -> ApiResult<Vec<OrganisationId>> {
        match organisation {
            Some(organisation) => {
                self.require(db, organisation, Right::SeeFleet).await?;
                Ok(vec![organisation.clone()])
            }
            None => self.visible_fleets(db).await,
        }
    }

    /// A device that the caller may see: one of a fleet they may see, or one that they enrolled themselves.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for a foreign one as for an unknown one.
    pub async fn see_device(&self, gangway: &Gangway, id: &DeviceId) -> ApiResult<DeviceRecord> {
        let record = find(gangway, id).await?;
        match self
            .require(&gangway.db, &record.device.organisation, Right::SeeFleet)
            .await
        {
            Ok(_) => Ok(record),
            Err(ApiError::Forbidden(why)) => {
                self.require(&gangway.db, &record.device.organisation, Right::Enrol)
                    .await?;
                let mut reader = gangway.db.reader().await?;
                if approvals::was_given_by(&mut reader.conn(), id, &self.account).await? {
                    Ok(record)
                } else {
                    Err(ApiError::Forbidden(why))
                }
            }
            Err(other) => Err(other),
        }
    }

    /// A device on which the caller may do this.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for a foreign one as for an unknown one; [`ApiError::Forbidden`].
    pub async fn reach_device(
        &self,
        gangway: &Gangway,
        id: &DeviceId,
        right: Right,
    ) -> ApiResult<DeviceRecord> {
        let record = find(gangway, id).await?;
        self.require(&gangway.db, &record.device.organisation, right)
            .await?;
        Ok(record)
    }
}

async fn find(gangway: &Gangway, id: &DeviceId) -> ApiResult<DeviceRecord> {
    let mut reader = gangway.db.reader().await?;
    devices::find(&mut reader.conn(), id)
        .await?
        .ok_or(ApiError::NotFound)
}
