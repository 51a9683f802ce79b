//! Enrolment by one request over TLS, as protocols of others know it (EST's *simple enrolment*, idprov): the device names a permit,
//! shows that it knows the secret, and says which key it has. What follows is what follows a permit everywhere; there is no sealed
//! channel, so that TLS alone protects what is said.
//!
//! 1. [`enrol`] finds the permit, counts a wrong secret as a guess, and asks [`crate::enrolment::unattended`] what becomes of the device.
//! 2. Asking is the device's consent, and the answer its delivery. These devices open no session with us, or only later, so that what
//!    they have shown has to do for being in the fleet (`docs/decisions/0041-protocols-of-others.md`). Whose the key is before other
//!    organisations, it does not say: that takes a handshake or a session.
//! 3. [`identify`] says which device a client certificate stands for, as often as it is presented, and [`renew`] renews it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use gangway_protocol::certificate::{Certificate, Csr, UncheckedCsr};
use gangway_protocol::device::{DeviceState, Facts, UnfitText};
use gangway_protocol::id::{ClaimId, OrganisationId};
use gangway_protocol::permit::{DevicePermit, Lookup, PermitState};
use gangway_protocol::time::UnixMillis;

use crate::authority::{Error, Member};
use crate::ca::Presented;
use crate::context::Context;
use crate::db::certificates::CertificateRecord;
use crate::db::organisations::tree;
use crate::db::permits::{PermitRecord, uses};
use crate::db::{DbError, certificates, devices, signers};
use crate::enrolment::delivery::{Witness, deliver};
use crate::enrolment::issuance::{Grounds, Order, issue};
use crate::enrolment::permit_secret::{decoy, device_permit_of};
use crate::enrolment::unattended::{
    Decision, decide, draw_lot, is_fault, is_guessed_at, note_failure, permits_of,
};
use crate::enrolment::{EnrolmentError, approval, present};
use crate::limits::{AddressKey, Limits, PermitAttempt, PermitEnd, TooMany};
use crate::session::{Admission, GateError, Pass, Shown, accept_certificate, admit, unknown};

/// A device that asks to be let in.
pub struct Application<'a> {
    /// By what its permit is found: where that can be read in several ways, the likeliest last.
    pub lookups: Vec<Lookup>,
    /// Whether it knows the secret of this permit.
    pub fits: &'a (dyn Fn(&DevicePermit) -> bool + Send + Sync),
    /// Its request for a certificate.
    pub csr: Csr,
    /// What it says about itself.
    pub facts: Facts,
    /// By which name its protocol knows it, where that is to stand in the certificate.
    pub known_as: Option<String>,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// Whether a device of which nothing has been entered yet may ask now and then: that is no guess.
    pub may_wait: bool,
    /// The organisation whose permits count, those below it included; `None`: any.
    pub within: Option<OrganisationId>,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The device's certificate: a new one, or the one that stands for this key.
    Certified(Box<Certificate>),
    /// It waits for a member's decision.
    Waits {
        /// Why.
        reason: String,
        /// When it asks again.
        retry_after_secs: u32,
    },
    /// It is not let in.
    Refused(String),
    /// The secret is another one.
    Unfit,
    /// There is no such permit, or it is guessed at.
    Unknown,
}

/// Why a request is not answered at all.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// By its lookup nothing can be found.
    #[error(transparent)]
    Malformed(#[from] UnfitText),
    /// Too many secrets did not fit.
    #[error("too many keys and secrets did not fit; check what this device was given, then wait")]
    TooMany(TooMany),
    /// A fault of ours.
    #[error(transparent)]
    Fault(#[from] EnrolmentError),
}

impl From<NotServed> for Error {
    fn from(error: NotServed) -> Self {
        match error {
            NotServed::Malformed(unfit) => Self::Malformed(unfit.to_string()),
            NotServed::TooMany(too_many) => too_many.into(),
            NotServed::Fault(error) => error.into(),
        }
    }
}

impl From<DbError> for NotServed {
    fn from(error: DbError) -> Self {
        Self::Fault(error.into())
    }
}

/// Lets a device in, or does not, and gives the permit whose secret it knows. Repeating it with the same key gives the certificate that
/// stands.
///
/// # Errors
/// [`NotServed`].
pub async fn enrol(
    context: &Context,
    limits: &Limits,
    application: Application<'_>,
) -> Result<(Outcome, Option<DevicePermit>), NotServed> {
    // What is kept of an attempt is its lookup, which anybody can send.
    application.lookups.iter().try_for_each(Lookup::check)?;
    let found = candidates(context, limits, &application).await?;
    let Some(lookup) = found
        .first()
        .map(PermitRecord::lookup)
        .or(application.lookups.last().cloned())
    else {
        return Ok((Outcome::Unknown, None));
    };
    let organisations: BTreeSet<_> = found
        .iter()
        .map(|found| found.permit.organisation.clone())
        .collect();
    let attempt = PermitAttempt {
        lookup: lookup.clone(),
        organisations: organisations.into_iter().collect(),
        address: application.address.map(AddressKey::from),
    };
    // threat model, PRE-3: nobody learns anything about permits who has failed too often.
    let monotonic = || context.clock.both().monotonic;
    limits
        .begin_permit(&attempt, monotonic())
        .map_err(NotServed::TooMany)?;
    let fitting = fitting(context, &application, &found, &lookup);
    let is_waiting = application.may_wait && found.is_empty();
    let end = match fitting.is_empty() && !is_waiting {
        true => PermitEnd::Mismatch,
        false => PermitEnd::Fitted,
    };
    limits.settle_permit(&attempt, end, monotonic());
    let Some((permit, secret)) = choose(context, &application.csr, fitting).await? else {
        for tried in &found {
            note_failure(context, tried).await;
        }
        let outcome = match found.as_slice() {
            [] => Outcome::Unknown,
            _ => Outcome::Unfit,
        };
        count(&outcome);
        return Ok((outcome, None));
    };
    let outcome = match judge(context, permit, application).await {
        Err(error) if !is_fault(&error) => Outcome::Refused(error.to_string()),
        other => other?,
    };
    count(&outcome);
    Ok((outcome, Some(secret)))
}

/// The permits that the device may mean. Several customers may have entered the same device id: the secret says which one it is.
async fn candidates(
    context: &Context,
    limits: &Limits,
    application: &Application<'_>,
) -> Result<Vec<PermitRecord>, DbError> {
    let now = context.clock.both().monotonic;
    let mut found = Vec::new();
    for lookup in &application.lookups {
        found.extend(permits_of(context, lookup, application.address).await?);
    }
    found.retain(|permit| !is_guessed_at(limits, permit, now));
    if let Some(place) = &application.within {
        let within = tree::subtree(&mut context.db.reader().await?.conn(), place).await?;
        found.retain(|permit| within.contains(&permit.permit.organisation));
    }
    Ok(found)
}

/// The permits whose secret the device knows.
fn fitting<'p>(
    context: &Context,
    application: &Application<'_>,
    found: &'p [PermitRecord],
    lookup: &Lookup,
) -> Vec<(&'p PermitRecord, DevicePermit)> {
    // As long as for one that exists: nobody learns from the time which there are.
    let _ = found.is_empty() && (application.fits)(&decoy(lookup, &*context.random));
    found
        .iter()
        .filter_map(|permit| match device_permit_of(context.ca.key_store(), permit) {
            Ok(secret) => (application.fits)(&secret).then_some((permit, secret)),
            Err(error) => {
                tracing::error!(permit = %permit.permit.id, %error, "the secret of a permit does not open");
                None
            }
        })
        .collect()
}

/// Of several permits with the same id and secret the one by which this key has come before, or else one that is open, by lot: whoever
/// enters a device's id and secret first must not keep it from its owner for good (threat model, PRE-5).
async fn choose<'p>(
    context: &Context,
    csr: &Csr,
    mut fitting: Vec<(&'p PermitRecord, DevicePermit)>,
) -> Result<Option<(&'p PermitRecord, DevicePermit)>, DbError> {
    if fitting.len() < 2 {
        return Ok(fitting.pop());
    }
    let mut reader = context.db.reader().await?;
    let (conn, spki) = (&mut reader.conn(), csr.spki_sha256());
    for place in 0..fitting.len() {
        let id = &fitting[place].0.permit.id;
        if uses::who_came(conn, id, &spki).await?.is_some() {
            return Ok(Some(fitting.swap_remove(place)));
        }
    }
    let is_open = |(permit, _): &(&PermitRecord, DevicePermit)| permit.permit.state == PermitState::Open;
    if fitting.iter().any(is_open) {
        fitting.retain(is_open);
    }
    let lot = draw_lot(context, fitting.len());
    Ok(Some(fitting.swap_remove(lot)))
}

async fn judge(
    context: &Context,
    permit: &PermitRecord,
    application: Application<'_>,
) -> Result<Outcome, EnrolmentError> {
    let Application {
        csr,
        facts,
        known_as,
        address,
        ..
    } = application;
    // Our own CA alone signs for a key that comes without a signature by it.
    let is_signed = UncheckedCsr::from_der(csr.der()).is_ok();
    if !is_signed && !is_for_our_ca(context, permit).await? {
        return Err(EnrolmentError::Conflict(
            "this permit names a signer that signs requests alone, and this device's protocol makes none: name the built-in CA",
        ));
    }
    if let Some(standing) = standing(context, permit, &csr).await? {
        return certified(context, standing);
    }
    let claim = ClaimId::new(context.clock.now(), context.random.for_id());
    let address = address.map(|address| address.to_string());
    match decide(context, permit, &claim, csr, facts, address).await? {
        Decision::Refuse(reason) => Ok(Outcome::Refused(reason)),
        Decision::Wait {
            reason,
            retry_after_secs,
        } => Ok(Outcome::Waits {
            reason,
            retry_after_secs,
        }),
        Decision::Enrol {
            approval,
            member,
            csr,
        } => {
            approval::consent(context, &approval.claim, member.clone()).await?;
            let order = Order {
                device: approval.device.id,
                csr: *csr,
                grounds: Grounds::Approval(member.clone()),
                known_as,
                again: false,
            };
            let record = issue(context, &order).await?;
            prove(context, &record, member).await?;
            certified(context, record)
        }
    }
}

/// What the device has shown has to do for a proof: from here on it is in the fleet.
async fn prove(context: &Context, record: &CertificateRecord, member: Member) -> Result<(), EnrolmentError> {
    deliver(context, record.sha256, Witness::Claimant(member)).await?;
    let unreadable = |_| DbError::Corrupt("certificates.leaf");
    let presented = Presented::parse(&record.leaf).map_err(unreadable)?;
    let accepted = match admit(context, &presented).await {
        Ok(Admission::Admitted(pass)) => accept_certificate(context, &pass, Shown::Secret).await,
        Ok(Admission::Held(_)) => return Err(EnrolmentError::NotFound),
        Err(error) => Err(error),
    };
    accepted.map_err(|error| match error {
        GateError::Db(error) => error.into(),
        GateError::Authority(error) => error.into(),
        GateError::Refused(_) => EnrolmentError::Conflict(
            "the certificate was signed and may not serve: the device or its key was excluded meanwhile, or another organisation has \
             this key",
        ),
    })
}

/// The certificate of a device that has come by this permit with this key before, and is in the fleet.
async fn standing(
    context: &Context,
    permit: &PermitRecord,
    csr: &Csr,
) -> Result<Option<CertificateRecord>, EnrolmentError> {
    let (now, spki) = (context.clock.now(), csr.spki_sha256());
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let Some(device) = uses::who_came(conn, &permit.permit.id, &spki).await? else {
        return Ok(None);
    };
    let Some(device) = devices::find(conn, &device).await?.map(|record| record.device) else {
        return Ok(None);
    };
    if !matches!(device.state, DeviceState::Active { .. }) {
        return Ok(None);
    }
    let newest = certificates::newest_of_key(conn, &device.organisation, &spki).await?;
    Ok(newest.map(|newest| newest.certificate).filter(|newest| {
        newest.revocation.is_none() && now <= newest.not_after && !newest.is_superseded(now)
    }))
}

async fn is_for_our_ca(context: &Context, permit: &PermitRecord) -> Result<bool, EnrolmentError> {
    let signer = signers::find(&mut context.db.reader().await?.conn(), &permit.permit.signer).await?;
    Ok(signer.is_some_and(|signer| signer.kind.is_builtin()))
}

fn certified(context: &Context, record: CertificateRecord) -> Result<Outcome, EnrolmentError> {
    Ok(Outcome::Certified(Box::new(present(context, record)?)))
}

fn count(outcome: &Outcome) {
    let result = match outcome {
        Outcome::Certified(_) => "enrolled",
        Outcome::Waits { .. } => "waits",
        Outcome::Refused(_) => "refused",
        Outcome::Unfit | Outcome::Unknown => "mismatch",
    };
    metrics::counter!("gangway_simple_enrolments_total", "result" => result).increment(1);
}

/// The device that a client certificate stands for, whose key the client has shown to hold in the handshake. Asked of our record with
/// each request, so that what is revoked ends at once.
///
/// # Errors
/// [`GateError::Refused`] when it does not stand.
pub async fn identify(context: &Context, certificate: &[u8]) -> Result<Pass, GateError> {
    let presented = Presented::from_der(certificate)?;
    match admit(context, &presented).await? {
        Admission::Admitted(pass) => {
            accept_certificate(context, &pass, Shown::Key).await?;
            Ok(pass)
        }
        Admission::Held(_) => Err(unknown()),
    }
}

/// The certificate by which a device came.
///
/// # Errors
/// What the database says.
pub async fn certificate_of(context: &Context, pass: &Pass) -> Result<Certificate, EnrolmentError> {
    let mut reader = context.db.reader().await?;
    let record = certificates::find(&mut reader.conn(), &pass.certificate).await?;
    Ok(present(context, record.ok_or(EnrolmentError::NotFound)?)?)
}

/// Renews the certificate by which a device has come: in the first half of its life the one that stands is the answer.
///
/// # Errors
/// What [`issue`] says.
pub async fn renew(
    context: &Context,
    pass: &Pass,
    certificate: &[u8],
    csr: Csr,
) -> Result<Certificate, EnrolmentError> {
    let presented = Presented::from_der(certificate).ok();
    let order = Order {
        device: pass.device.clone(),
        csr,
        grounds: Grounds::Renewal(pass.certificate),
        known_as: presented.and_then(|presented| presented.known_as()),
        again: false,
    };
    let record = issue(context, &order).await?;
    deliver(context, record.sha256, Witness::Device).await?;
    Ok(present(context, record)?)
}

/// Seconds until a certificate is best renewed: half of its life.
#[must_use]
pub fn renew_in_secs(certificate: &Certificate, now: UnixMillis) -> u32 {
    let life = certificate.not_after.since(certificate.not_before);
    let half = certificate.not_before.plus(life / 2);
    u32::try_from(half.since(now).max(0) / UnixMillis::SECOND).unwrap_or(u32::MAX)
}
