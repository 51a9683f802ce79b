//! Pre-approved devices by their ids, for protocols of others: those name a device and no organisation.

use gangway_protocol::certificate::Certificate;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{PermitState, Preapproval, PreapprovalImport};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::preapproval;
use crate::authority::{Caller, Error, Result, Right};
use crate::context::Context;
use crate::db::organisations::tree;
use crate::db::permits::uses;
use crate::db::{certificates, memberships, permits};
use crate::enrolment::present;

/// Most memberships of somebody that are looked through for the one place where they enrol devices.
const MAX_LOOKED_AT: i64 = 50;

/// A device with its out-of-band secret.
#[derive(Clone, Debug)]
pub struct Entered {
    /// By which name it is known.
    pub device_id: String,
    /// The secret.
    pub secret: SecretString,
    /// Until when the secret works.
    pub expires_at: UnixMillis,
}

/// How a pre-approved device stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whether its secret still lets it in.
    pub is_open: bool,
    /// The certificate that it has.
    pub certificate: Option<Certificate>,
}

/// Enters one device. Repeating it changes nothing.
///
/// # Errors
/// As [`preapproval::import`]; [`Error::Invalid`] where the caller enrols devices in several organisations and names none.
pub async fn enter(
    context: &Context,
    caller: &Caller,
    organisation: Option<OrganisationId>,
    entered: Entered,
) -> Result<()> {
    let organisation = settle(context, caller, organisation).await?;
    let device = Preapproval {
        device_id: entered.device_id,
        secret: entered.secret,
        name: None,
        labels: Vec::new(),
        expires_at: Some(entered.expires_at),
    };
    let import = PreapprovalImport {
        devices: vec![device],
        signer: None,
        dry_run: false,
    };
    let mut outcome = preapproval::import(context, caller, organisation, import).await?;
    match outcome.refused.pop() {
        Some(refused) => Err(Error::invalid("deviceID", refused.detail)),
        None => Ok(()),
    }
}

/// How a pre-approved device stands.
///
/// # Errors
/// [`Error::NotFound`] for one that nobody has entered; otherwise as [`enter`].
pub async fn standing(
    context: &Context,
    caller: &Caller,
    organisation: Option<OrganisationId>,
    device_id: &str,
) -> Result<Standing> {
    let organisation = settle(context, caller, organisation).await?;
    caller.require(&context.db, &organisation, Right::Enrol).await?;
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let mut found = permits::of_device_ids(conn, &organisation, &[device_id.to_owned()], now).await?;
    let permit = found.remove(device_id).ok_or(Error::NotFound)?.permit;
    let came = uses::devices(conn, &permit.id, "", 1).await?.pop();
    let standing = match &came {
        Some(device) => certificates::standing(conn, &device.id).await?,
        None => None,
    };
    // A device may have been moved since, out of the reach of whoever asks.
    let within = tree::subtree(conn, &organisation).await?;
    let standing = standing.filter(|certificate| within.contains(&certificate.organisation));
    let standing =
        standing.filter(|certificate| certificate.revocation.is_none() && now <= certificate.not_after);
    Ok(Standing {
        is_open: permit.state == PermitState::Open,
        certificate: standing.map(|record| present(context, record)).transpose()?,
    })
}

/// The organisation that is named, or the one where the caller enrols devices.
async fn settle(
    context: &Context,
    caller: &Caller,
    organisation: Option<OrganisationId>,
) -> Result<OrganisationId> {
    if let Some(organisation) = organisation {
        return Ok(organisation);
    }
    let mut reader = context.db.reader().await?;
    let held = memberships::of_account(&mut reader.conn(), &caller.account, MAX_LOOKED_AT).await?;
    let mut places = held.into_iter().filter(|(_, role)| Role::may_enrol(*role));
    match (places.next(), places.next()) {
        (Some((only, _)), None) => Ok(only),
        _ => Err(Error::invalid(
            "organisation",
            "say in which organisation, because you enrol devices in several or in none: ?organisation=org_…",
        )),
    }
}
