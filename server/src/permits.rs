//! Permits: approvals that an organisation gives in advance, to devices that join without a person at the screen.
//!
//! - registration keys and tickets, made by whoever administers the organisation: here
//! - [`preapproval`]: single devices by id and secret, entered by whoever may enrol
//! - [`lobby`]: devices that came by a permit and wait for a decision
//! - [`operator`]: the server's own command line
//!
//! What becomes of a device that comes by one is decided in `enrolment::unattended`.

pub mod lobby;
pub mod operator;
pub mod preapproval;

use gangway_protocol::audit::Action;
use gangway_protocol::device::{DeviceSummary, check_text};
use gangway_protocol::id::{AccountId, OrganisationId, PermitId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::permit::{
    MAX_DEVICE_ID_LEN, MAX_IMPORT, MAX_LISTED, MAX_NETWORKS, MAX_OVERLAP_HOURS, MAX_USES, Pass, Permit,
    PermitKind, PermitMade, PermitMode, PermitReplacement, PermitRequest, PermitState,
};
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use ipnet::IpNet;

use crate::authority::{ByAdmin, Caller, Error, Result, Right, fit_name, open_place};
use crate::ca::KeyStore;
use crate::context::Context;
use crate::db::permits::{PermitRecord, serials, uses};
use crate::db::{Conn, permits, signers, write};
use crate::enrolment::naming::check_labels;
use crate::enrolment::permit_secret;
use crate::once::Once;
use crate::rng::Random;

/// Most registration keys, and most tickets, of an organisation that were not revoked.
const MAX_PERMITS: u64 = 1000;

/// At most `limit` permits of one kind in an organisation, the newest first, older than `before`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`]: keys and tickets are for whoever administers it, pre-approvals for whoever enrols.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    kind: PermitKind,
    before: &str,
    limit: i64,
) -> Result<Vec<Permit>> {
    caller
        .require(&context.db, organisation, right_to_see(kind))
        .await?;
    let mut reader = context.db.reader().await?;
    let now = context.clock.now();
    let found = permits::of_organisation(&mut reader.conn(), organisation, kind, before, limit, now).await?;
    Ok(found.into_iter().map(|record| record.permit).collect())
}

fn right_to_see(kind: PermitKind) -> Right {
    match kind {
        PermitKind::Preapproval => Right::Enrol,
        PermitKind::RegistrationKey | PermitKind::Ticket => Right::Administer,
    }
}

/// At most `limit` devices that came by a permit, behind `after`.
///
/// # Errors
/// [`Error::NotFound`] for a foreign permit as for an unknown one.
pub async fn devices(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &PermitId,
    after: &str,
    limit: i64,
) -> Result<Vec<DeviceSummary>> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let permit = find(conn, organisation, id, context.clock.now()).await?;
    Ok(uses::devices(conn, &permit.permit.id, after, limit).await?)
}

/// Makes a registration key or a ticket. Under the same `key` it is made once, and the same comes back, its secret with it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn make(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: PermitRequest,
) -> Result<PermitMade> {
    let now = context.clock.now();
    let id = PermitId::new(now, context.random.for_id());
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id.clone()).await?;
    let place = path::permits(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let maker = Maker {
        account: caller.account.clone(),
        name: caller.name.clone(),
        role: doing.role,
    };
    let draft = Draft::check(request, now)?;
    let made = draft.seal(context.ca.key_store(), id, &*context.random)?;
    write!(context.db, |tx| -> Result<PermitMade> {
        if let Some(once) = &once
            && let Some(made) = once.begin(tx, now).await?
        {
            return Ok(made);
        }
        doing.hold(tx).await?;
        let permit = made.insert(tx, &organisation, &maker, None, now).await?;
        doing.record(tx, Action::PermitMade, &described(&permit)).await?;
        let made = PermitMade {
            permit,
            key: made.pass.written(),
        };
        if let Some(once) = &once {
            once.end(tx, &made).await?;
        }
        Ok(made)
    })
}

/// Makes another key that takes the place of one, which works beside it for a while.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Conflict`] for one that lets nobody in any more, or a pre-approval.
pub async fn replace(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
    request: PermitReplacement,
) -> Result<PermitMade> {
    if request.overlap_hours > MAX_OVERLAP_HOURS {
        return Err(Error::invalid(
            "overlap_hours",
            format!("the present key can work on for {MAX_OVERLAP_HOURS} hours at most"),
        ));
    }
    let now = context.clock.now();
    let fresh = PermitId::new(now, context.random.for_id());
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    let former = {
        let mut reader = context.db.reader().await?;
        find(&mut reader.conn(), &organisation, &doing.id, now).await?
    };
    let maker = Maker {
        account: caller.account.clone(),
        name: caller.name.clone(),
        role: doing.role,
    };
    let made = Draft::of(&former.permit)?.seal(context.ca.key_store(), fresh, &*context.random)?;
    write!(context.db, |tx| -> Result<PermitMade> {
        doing.hold(tx).await?;
        let former = find(tx, &organisation, &doing.id, now).await?.permit;
        if former.state != PermitState::Open {
            return Err(Error::Conflict(
                "this key lets nobody in any more: make a new one instead".to_owned(),
            ));
        }
        // Two of them at a time would let in twice as many (threat model, PRE-6).
        if request.overlap_hours > 0 && (former.max_uses.is_some() || former.mode == PermitMode::List) {
            return Err(Error::invalid(
                "overlap_hours",
                "a key for so many devices, or with a list, is replaced at once: give 0 hours",
            ));
        }
        let mut made = made;
        // As many as are left now, and not when this was asked for.
        made.draft.max_uses = Draft::of(&former)?.max_uses;
        let permit = made.insert(tx, &organisation, &maker, Some(&former), now).await?;
        serials::copy(tx, &former.id, &permit.id).await?;
        let overlap = i64::from(request.overlap_hours) * UnixMillis::HOUR;
        permits::expire(tx, &former.id, now.plus(overlap)).await?;
        doing
            .record(tx, Action::PermitReplaced, &described(&permit))
            .await?;
        Ok(PermitMade {
            permit,
            key: made.pass.written(),
        })
    })
}

/// Takes a permit back. Devices that came by it stay. Repeating it changes nothing.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn revoke(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
) -> Result<()> {
    let now = context.clock.now();
    let kind = {
        let mut reader = context.db.reader().await?;
        find(&mut reader.conn(), &organisation, &id, now)
            .await
            .map(|record| record.permit.kind)
    };
    // Whoever may enter a device in advance may take that back; the others are an admin's.
    if matches!(kind, Ok(PermitKind::Preapproval)) {
        return preapproval::revoke(context, caller, organisation, id).await;
    }
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    write!(context.db, |tx| -> Result<()> {
        doing.hold(tx).await?;
        let permit = find(tx, &organisation, &doing.id, now).await?.permit;
        if permits::revoke(tx, &permit.id, now).await? {
            doing
                .record(tx, Action::PermitRevoked, &described(&permit))
                .await?;
        }
        Ok(())
    })
}

/// Adds serial numbers to the list of a key.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Conflict`] for a permit without a list.
pub async fn add_serials(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
    listed: Vec<String>,
) -> Result<()> {
    let now = context.clock.now();
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    let listed = fit_serials(listed)?;
    write!(context.db, |tx| -> Result<()> {
        doing.hold(tx).await?;
        let permit = find(tx, &organisation, &doing.id, now).await?.permit;
        if permit.mode != PermitMode::List {
            return Err(Error::Conflict(
                "this key has no list: it lets in whatever knows it".to_owned(),
            ));
        }
        let added = list_serials(tx, &permit.id, &listed).await?;
        doing
            .record(
                tx,
                Action::PermitListed,
                &format!("{}, {added} more", described(&permit)),
            )
            .await
    })
}

async fn list_serials(tx: &mut Conn<'_>, permit: &PermitId, listed: &[String]) -> Result<u64> {
    let added = serials::add(tx, permit, listed).await?;
    let most = u64::try_from(MAX_LISTED).unwrap_or(u64::MAX);
    if serials::count(tx, permit).await? > most {
        return Err(Error::Conflict(format!(
            "the list of a key holds {MAX_LISTED} serial numbers at most: make another key for the others"
        )));
    }
    Ok(added)
}

/// The permit, if it is this organisation's.
async fn find(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    id: &PermitId,
    now: UnixMillis,
) -> Result<PermitRecord> {
    permits::find(conn, id, now)
        .await?
        .filter(|record| record.permit.organisation == *organisation)
        .ok_or(Error::NotFound)
}

/// As the record tells it.
fn described(permit: &Permit) -> String {
    format!(
        "{}, {}, {}",
        permit.name,
        permit.kind.as_str(),
        permit.mode.as_str()
    )
}

/// Who makes a permit.
#[derive(Clone)]
struct Maker {
    account: AccountId,
    name: String,
    /// Which signers they may use.
    role: Role,
}

/// A key or ticket whose every part has been checked.
#[derive(Clone)]
struct Draft {
    kind: PermitKind,
    name: String,
    mode: PermitMode,
    signer: Option<SignerId>,
    labels: Vec<String>,
    networks: Vec<String>,
    max_uses: Option<u32>,
    expires_at: Option<UnixMillis>,
    serials: Vec<String>,
}

impl Draft {
    fn check(request: PermitRequest, now: UnixMillis) -> Result<Self> {
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
    fn of(permit: &Permit) -> Result<Self> {
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

    fn seal(self, key_store: &KeyStore, id: PermitId, random: &dyn Random) -> Result<Sealed> {
        let pass = permit_secret::mint(self.kind, random);
        Ok(Sealed {
            sealed: permit_secret::seal(key_store, &id, &pass, random)?,
            id,
            pass,
            draft: self,
        })
    }
}

/// A draft with its key.
#[derive(Clone)]
struct Sealed {
    id: PermitId,
    pass: Pass,
    sealed: String,
    draft: Draft,
}

impl Sealed {
    /// Adds it, in a transaction that holds the organisation.
    async fn insert(
        &self,
        tx: &mut Conn<'_>,
        organisation: &OrganisationId,
        maker: &Maker,
        former: Option<&Permit>,
        now: UnixMillis,
    ) -> Result<Permit> {
        let place = open_place(tx, organisation).await?;
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
            lookup: self.pass.lookup.as_str().to_owned(),
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
            customer: place.root,
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
async fn signer_for(
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

fn fit_serials(serials: Vec<String>) -> Result<Vec<String>> {
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
