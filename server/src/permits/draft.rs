//! A registration key or a ticket that is being made: checked, drawn, sealed, added.

use gangway_protocol::device::check_text;
use gangway_protocol::id::{AccountId, OrganisationId, PermitId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{
    DevicePermit, MAX_DEVICE_ID_LEN, MAX_IMPORT, MAX_NETWORKS, MAX_USES, Permit, PermitKind, PermitMode,
    PermitRequest, PermitState,
};
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use ipnet::IpNet;

use super::{MAX_PERMITS, list_serials};
use crate::authority::{ByAdmin, Error, Result, fit_name, open_place};
use crate::ca::KeyStore;
use crate::db::permits::PermitRecord;
use crate::db::{Conn, permits, signers};
use crate::enrolment::naming::check_labels;
use crate::enrolment::permit_secret;
use crate::rng::Random;

/// Who makes a permit.
#[derive(Clone)]
pub(super) struct Maker {
    pub(super) account: AccountId,
    pub(super) name: String,
    /// Which signers they may use.
    pub(super) role: Role,
}

impl From<&ByAdmin<PermitId>> for Maker {
    fn from(doing: &ByAdmin<PermitId>) -> Self {
        Self {
            account: doing.caller.account.clone(),
            name: doing.caller.name.clone(),
            role: doing.role,
        }
    }
}

/// A key or ticket whose every part has been checked.
#[derive(Clone)]
pub(super) struct Draft {
    kind: PermitKind,
    name: String,
    mode: PermitMode,
    signer: Option<SignerId>,
    labels: Vec<String>,
    networks: Vec<String>,
    pub(super) max_uses: Option<u32>,
    expires_at: Option<UnixMillis>,
    serials: Vec<String>,
}

impl Draft {
    pub(super) fn check(request: PermitRequest, now: UnixMillis) -> Result<Self> {
        if request.kind == PermitKind::Preapproval {
            return Err(Error::invalid(
                "kind",
                "this makes registration keys and tickets: single devices are entered as pre-approved ones",
            ));
        }
        if request.max_uses.is_some_and(|most| most == 0 || most > MAX_USES) {
            return Err(Error::invalid(
                "max_uses",
                format!("give 1 to {MAX_USES} devices, or none for no limit"),
            ));
        }
        if request.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::invalid(
                "expires_at",
                "that time is over already: give a later one",
            ));
        }
        if !request.serials.is_empty() && request.mode != PermitMode::List {
            return Err(Error::invalid(
                "serials",
                "only a key of the mode “list” has a list",
            ));
        }
        // A ticket is for one download unless somebody says otherwise.
        let max_uses = match request.kind {
            PermitKind::Ticket => Some(request.max_uses.unwrap_or(1)),
            _ => request.max_uses,
        };
        Ok(Self {
            kind: request.kind,
            name: fit_name("name", &request.name)?,
            mode: request.mode,
            signer: request.signer,
            labels: check_labels(&request.labels)?,
            networks: fit_networks(&request.networks)?,
            max_uses,
            expires_at: request.expires_at,
            serials: fit_serials(request.serials)?,
        })
    }

    /// One like a permit that stands.
    pub(super) fn of(permit: &Permit) -> Result<Self> {
        if permit.kind == PermitKind::Preapproval {
            return Err(Error::Conflict(
                "a device that is approved in advance gets another secret by entering it again".to_owned(),
            ));
        }
        Ok(Self {
            kind: permit.kind,
            name: permit.name.clone(),
            mode: permit.mode,
            signer: Some(permit.signer.clone()),
            labels: permit.labels.clone(),
            networks: permit.networks.clone(),
            max_uses: permit
                .max_uses
                .map(|most| most.saturating_sub(permit.uses).max(1)),
            expires_at: permit.expires_at,
            serials: Vec::new(),
        })
    }

    pub(super) fn seal(self, key_store: &KeyStore, id: PermitId, random: &dyn Random) -> Result<Sealed> {
        let device_permit = permit_secret::mint(self.kind, random);
        Ok(Sealed {
            sealed: permit_secret::seal(key_store, &id, &device_permit, random)?,
            id,
            device_permit,
            draft: self,
        })
    }
}

/// A draft with its key.
#[derive(Clone)]
pub(super) struct Sealed {
    id: PermitId,
    pub(super) device_permit: DevicePermit,
    sealed: String,
    pub(super) draft: Draft,
}

impl Sealed {
    /// Adds it, in a transaction that holds the organisation.
    pub(super) async fn insert(
        &self,
        tx: &mut Conn<'_>,
        organisation: &OrganisationId,
        maker: &Maker,
        former: Option<&Permit>,
        now: UnixMillis,
    ) -> Result<Permit> {
        open_place(tx, organisation).await?;
        if permits::count_standing(tx, organisation, self.draft.kind).await? >= MAX_PERMITS {
            return Err(Error::Conflict(format!(
                "an organisation has at most {MAX_PERMITS} of these: revoke some that are not used"
            )));
        }
        let signer = signer_for(tx, organisation, self.draft.signer.as_ref(), maker.role).await?;
        let draft = &self.draft;
        let permit = Permit {
            id: self.id.clone(),
            organisation: organisation.clone(),
            kind: draft.kind,
            lookup: self.device_permit.lookup.as_str().to_owned(),
            name: draft.name.clone(),
            mode: draft.mode,
            signer: signer.id,
            labels: draft.labels.clone(),
            networks: draft.networks.clone(),
            state: PermitState::Open,
            uses: 0,
            max_uses: draft.max_uses,
            failures: 0,
            last_failed_at: None,
            created_by: maker.name.clone(),
            created_at: now,
            expires_at: draft.expires_at,
            last_used_at: None,
            revoked_at: None,
            replaces: former.map(|former| former.id.clone()),
        };
        let record = PermitRecord {
            permit: permit.clone(),
            secret: self.sealed.clone(),
            account: maker.account.clone(),
        };
        permits::insert(tx, &record).await?;
        if !draft.serials.is_empty() {
            list_serials(tx, &permit.id, &draft.serials).await?;
        }
        Ok(permit)
    }
}

/// The signer that is named, or the first that the server asks itself.
pub(super) async fn signer_for(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    named: Option<&SignerId>,
    role: Role,
) -> Result<Signer> {
    let usable = signers::usable_at(conn, organisation).await?;
    let fit = |signer: &&Signer| !signer.disabled && signer.kind.signs_at_server() && signer.serves(role);
    match named {
        None => usable.iter().find(fit).cloned().ok_or_else(|| {
            Error::Conflict(
                "this organisation has no signer that the server asks itself: devices without a person need one, such as the built-in CA"
                    .to_owned(),
            )
        }),
        Some(id) => usable.iter().filter(|signer| signer.id == *id).find(fit).cloned().ok_or_else(|| {
            Error::invalid(
                "signer",
                "choose a signer of this organisation that the server asks itself: nobody is there to sign in elsewhere",
            )
        }),
    }
}

fn fit_networks(networks: &[String]) -> Result<Vec<String>> {
    if networks.len() > MAX_NETWORKS {
        return Err(Error::invalid(
            "networks",
            format!("give {MAX_NETWORKS} address ranges at most"),
        ));
    }
    networks
        .iter()
        .map(|range| {
            let range = range.trim();
            let read = range
                .parse::<IpNet>()
                .or_else(|_| range.parse::<std::net::IpAddr>().map(IpNet::from));
            read.map(|range| range.trunc().to_string()).map_err(|_| {
                Error::invalid(
                    "networks",
                    format!("“{range}” is no range of addresses: write it as 192.0.2.0/24 or 2001:db8::/32"),
                )
            })
        })
        .collect()
}

pub(super) fn fit_serials(serials: Vec<String>) -> Result<Vec<String>> {
    if serials.len() > MAX_IMPORT {
        return Err(Error::invalid(
            "serials",
            format!("give {MAX_IMPORT} at a time at most, and the others after them"),
        ));
    }
    let mut kept = Vec::with_capacity(serials.len());
    for serial in serials {
        check_text("serials", &serial, MAX_DEVICE_ID_LEN)?;
        let serial = serial.trim();
        if !serial.is_empty() && !kept.iter().any(|known| known == serial) {
            kept.push(serial.to_owned());
        }
    }
    Ok(kept)
}
