//! Who may open a session, and what follows from it (`docs/protocol.md` §3). The sockets are the relay's.
//!
//! 1. [`Presented::parse`] reads the chain of a proof; [`Presented::said`] verifies the proof by the leaf's key. That
//!    comes first: nobody learns how a certificate stands without holding its key.
//! 2. [`admit`] looks the certificate up: admitted, held, or refused with the problem to send.
//! 3. [`accept_proof`] records the proof durably; the first one makes the device active. Then it is welcome.
//!    A certificate that is shown without a session is accepted in the same way ([`accept_certificate`]).
//! 4. In the session: [`renew`], [`installed`], [`set_facts`].

mod jobs;
mod proof;
mod renewal;

use crate::ca::Presented;
pub(crate) use jobs::SessionJobs;
pub use proof::{Accepted, Shown, accept_certificate, accept_proof, raise_clone_alarm};
pub use renewal::{Renewed, installed, renew, set_facts};

use gangway_protocol::certificate::{HeldCertificate, RevocationReason};
use gangway_protocol::device::DeviceState;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::session::{Configuration, SessionAbility};
use gangway_protocol::time::UnixMillis;
use gangway_signing::CorporateError;

use crate::ca::{CaError, Recognised, Unreadable};
use crate::context::Context;
use crate::db::admission::{self, Candidate};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::organisations::tree;
use crate::db::{Conn, DbError, audit, certificates, device_keys, devices, held, rules, write};
use crate::enrolment::EnrolmentError;

/// Jitter of the renewal: a tenth of the certificate's life behind its half, so that a fleet enrolled in one day does not
/// renew in one minute.
const RENEWAL_JITTER_DIVISOR: i64 = 10;
/// What a suspended device waits before it tries again (`docs/protocol.md` §3: hourly).
const SUSPENDED_RETRY_SECS: u32 = 3600;
/// What a device waits that has got too many certificates: a part of the day over which they are counted.
const RENEWAL_RETRY_SECS: u32 = 3600;
/// What a device waits whose certificate nobody knows: an operator may be restoring a backup.
const UNKNOWN_RETRY_SECS: u32 = 600;

/// How a certificate that its device has proved to hold stands.
#[derive(Clone, Debug)]
pub enum Admission {
    /// A session may open, once the proof is accepted.
    Admitted(Pass),
    /// Our CA signed it and no record knows it: an operator decides.
    Held(HeldPass),
}

/// Leave to open a session.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The device.
    pub device: DeviceId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// The certificate.
    pub certificate: Sha256Hex,
    /// Its key, while nobody has shown to hold it, or no session has proved the certificate.
    pub unproven_key: Option<Sha256Hex>,
    /// From when on it should ask for renewal.
    pub renew_after: UnixMillis,
    /// When present, the only messages that the session may send.
    pub only: Option<Vec<SessionAbility>>,
    /// The device's settings.
    pub configuration: Configuration,
    /// Whether no newer certificate of the device has been proven.
    pub newest: bool,
}

/// Leave to wait for an operator.
#[derive(Clone, Debug)]
pub struct HeldPass {
    /// The device that the certificate names.
    pub device: DeviceId,
    /// The organisation where that device is, or else the one that the certificate names.
    pub organisation: OrganisationId,
    /// The certificate.
    pub certificate: Sha256Hex,
    held: HeldCertificate,
    leaf: String,
}

/// Why a session, or a step in one, does not come to be.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// An expected refusal: what to send.
    #[error("{}", .0.message)]
    Refused(Problem),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The built-in CA.
    #[error(transparent)]
    Authority(#[from] CaError),
}

impl From<Unreadable> for GateError {
    fn from(unreadable: Unreadable) -> Self {
        refuse(ProblemCode::Malformed, unreadable.to_string(), None)
    }
}

impl From<EnrolmentError> for GateError {
    fn from(error: EnrolmentError) -> Self {
        let code = match error {
            EnrolmentError::Db(error) => return Self::Db(error),
            EnrolmentError::Authority(error) => return Self::Authority(error),
            EnrolmentError::NotFound => ProblemCode::CertificateUnknown,
            EnrolmentError::Invalid { .. } => ProblemCode::Invalid,
            EnrolmentError::Csr(_)
            | EnrolmentError::Corporate {
                error: CorporateError::Unfit(_),
                ..
            } => ProblemCode::CsrRefused,
            // It asks again then, and goes on with what it has until then.
            EnrolmentError::Signing { retry_after_secs } => {
                return refuse(
                    ProblemCode::RateLimited,
                    error.to_string(),
                    Some(retry_after_secs),
                );
            }
            EnrolmentError::Corporate { error: ref why, .. } => {
                let secs = why.retry_after_secs().unwrap_or(RENEWAL_RETRY_SECS);
                return refuse(ProblemCode::RateLimited, error.to_string(), Some(secs));
            }
            // Whose key it is stays between the members of the organisation.
            EnrolmentError::KeyKnown(_) => return key_in_use(),
            EnrolmentError::KeyRevoked => ProblemCode::KeyRevoked,
            EnrolmentError::TooManyCertificates => {
                return refuse(
                    ProblemCode::RateLimited,
                    error.to_string(),
                    Some(RENEWAL_RETRY_SECS),
                );
            }
            EnrolmentError::Conflict(_) | EnrolmentError::Transition(_) | EnrolmentError::ReplyLost => {
                ProblemCode::Conflict
            }
        };
        refuse(code, error.to_string(), None)
    }
}

/// Looks up how the certificate stands.
///
/// # Errors
/// [`GateError::Refused`] with the problem to send.
pub async fn admit(context: &Context, presented: &Presented) -> Result<Admission, GateError> {
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let Some(candidate) = admission::find(conn, presented.sha256()).await? else {
        return hold_back(context, conn, presented, now)
            .await
            .map(Admission::Held);
    };
    let only = standing(&candidate, now)?;
    // The first organisation in which somebody shows to hold a key has it.
    if candidate.is_key_taken {
        return Err(key_in_use());
    }
    let renew_after = renew_after(&candidate, now);
    let Candidate {
        certificate,
        configuration,
        is_key_proven,
        ..
    } = candidate;
    let is_unproven = certificate.proven_at.is_none() || !is_key_proven;
    Ok(Admission::Admitted(Pass {
        renew_after,
        device: certificate.device,
        organisation: certificate.organisation,
        certificate: certificate.sha256,
        unproven_key: is_unproven.then_some(certificate.spki_sha256),
        only,
        configuration,
        newest: certificate.superseded_at.is_none(),
    }))
}

/// Records a held certificate, for the operators to decide.
///
/// # Errors
/// What the database says.
pub async fn hold(context: &Context, pass: &HeldPass) -> Result<(), GateError> {
    let HeldPass { mut held, leaf, .. } = pass.clone();
    write!(context.db, |tx| {
        // It may have been moved since it was looked for.
        if let Some(known) = devices::find(tx, &held.device).await? {
            held.organisation = known.device.organisation;
        }
        if held::hold(tx, &held, &leaf).await? {
            let entry = Entry {
                scope: Scope::Organisation(&held.organisation),
                at: held.first_seen_at,
                actor: Actor::Device(&held.device),
                action: DeviceAction::CertificateHeld.into(),
                subject: held.device.as_str(),
                detail: &format!(
                    "SHA-256 {}: signed by our CA, unknown to our records",
                    held.sha256
                ),
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Whether a recorded certificate may open a session, and with which limits.
fn standing(candidate: &Candidate, now: UnixMillis) -> Result<Option<Vec<SessionAbility>>, GateError> {
    let certificate = &candidate.certificate;
    match (&certificate.revocation, &candidate.state) {
        (_, DeviceState::Suspended { .. }) => return Err(suspended()),
        // A retired device may be approved again with the key it has; a revoked key is done for.
        (_, DeviceState::Retired { .. }) if !candidate.is_key_refused => return Err(retired()),
        (Some(revocation), _) if revocation.reason == RevocationReason::CertificateHold => {
            return Err(suspended());
        }
        // Replaced by a newer one, not taken back: the key may be approved again.
        (Some(revocation), _)
            if revocation.reason == RevocationReason::Superseded && certificate.superseded_at.is_some() =>
        {
            return Err(superseded());
        }
        (Some(_), _) | (None, DeviceState::Retired { .. }) => return Err(revoked()),
        (None, DeviceState::Pending { .. } | DeviceState::Rejected { .. }) => return Err(unknown()),
        (None, DeviceState::Enrolling { .. } | DeviceState::Active { .. }) => {}
    }
    if certificate.is_superseded(now) {
        return Err(superseded());
    }
    if now <= certificate.not_after {
        return Ok(None);
    }
    // `docs/protocol.md` §3: after expiry, within the organisation's grace period, only to renew.
    let grace = i64::from(candidate.policy.grace_days) * UnixMillis::DAY;
    if now <= certificate.not_after.plus(grace) {
        return Ok(Some(vec![SessionAbility::Renew]));
    }
    Err(refuse(
        ProblemCode::GraceOver,
        "the certificate expired longer ago than the organisation allows; enrol this device anew",
        None,
    ))
}

/// Whether an unknown certificate is one of ours that a restored backup does not know.
async fn hold_back(
    context: &Context,
    conn: &mut Conn<'_>,
    presented: &Presented,
    now: UnixMillis,
) -> Result<HeldPass, GateError> {
    let Recognised { issuer, identity } = context.ca.recognise(presented.leaf()).ok_or_else(unknown)?;
    // Another digest under a serial number that is recorded: an altered copy of that certificate.
    if certificates::find_by_serial(conn, &issuer, &presented.serial())
        .await?
        .is_some()
    {
        return Err(unknown());
    }
    // The certificate names the customer; a device that is known may be anywhere below.
    let organisation = match devices::find(conn, &identity.device).await? {
        Some(known) => known.device.organisation,
        None => identity.organisation.clone(),
    };
    let named = tree::path(conn, &organisation)
        .await?
        .contains(&identity.organisation);
    let Some(rules) = rules::find(conn, &organisation).await?.filter(|_| named) else {
        return Err(unknown());
    };
    if device_keys::find(conn, &organisation, &presented.key().spki_sha256())
        .await?
        .is_some_and(|key| key.refused)
    {
        return Err(revoked());
    }
    let grace = i64::from(rules.policy.grace_days) * UnixMillis::DAY;
    if now > presented.not_after().plus(grace) {
        return Err(unknown());
    }
    let held = HeldCertificate {
        sha256: *presented.sha256(),
        subject: presented.leaf().tbs_certificate.subject.to_string(),
        organisation: organisation.clone(),
        device: identity.device.clone(),
        first_seen_at: now,
        not_after: presented.not_after(),
    };
    Ok(HeldPass {
        device: identity.device,
        organisation,
        certificate: held.sha256,
        leaf: presented.pem(),
        held,
    })
}

/// Half of the certificate's life and up to a tenth more, the same for one certificate every time; now, when a member has
/// asked for it.
fn renew_after(candidate: &Candidate, now: UnixMillis) -> UnixMillis {
    if candidate.renewal_requested_at.is_some() {
        return now;
    }
    let certificate = &candidate.certificate;
    let life = certificate.not_after.since(certificate.not_before);
    let [first, second, ..] = certificate.sha256.0;
    let jitter =
        life / RENEWAL_JITTER_DIVISOR * i64::from(u16::from_be_bytes([first, second])) / i64::from(u16::MAX);
    certificate.not_before.plus(life / 2 + jitter)
}

fn refuse(code: ProblemCode, message: impl Into<String>, retry_after_secs: Option<u32>) -> GateError {
    GateError::Refused(Problem {
        code,
        message: message.into(),
        retry_after_secs,
    })
}

/// That no record knows a certificate.
pub(crate) fn unknown() -> GateError {
    refuse(
        ProblemCode::CertificateUnknown,
        "this server has no record of the certificate; enrol this device, or check which server it is meant for",
        Some(UNKNOWN_RETRY_SECS),
    )
}

fn revoked() -> GateError {
    refuse(
        ProblemCode::CertificateRevoked,
        "the certificate has been revoked; enrol this device anew",
        None,
    )
}

fn superseded() -> GateError {
    refuse(
        ProblemCode::GraceOver,
        "a newer certificate of this device has been proved, and this one has ended; enrol the device anew if the newer \
         one is lost, as after the restore of a backup",
        None,
    )
}

fn suspended() -> GateError {
    refuse(
        ProblemCode::Suspended,
        "this device is suspended; it may connect again when a member resumes it",
        Some(SUSPENDED_RETRY_SECS),
    )
}

fn retired() -> GateError {
    refuse(
        ProblemCode::Retired,
        "this device was taken out of the fleet; a member can approve it again",
        None,
    )
}

fn key_in_use() -> GateError {
    refuse(
        ProblemCode::KeyInUse,
        "another device has proved this key before; make a new key (gangway-device reset) and enrol again",
        None,
    )
}
