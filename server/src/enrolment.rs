//! Enrolment: from a member's approval to a certificate that a session has proved (`docs/protocol.md` §4).
//!
//! ```text
//! approved ─▶ consented ─▶ (signing) ─▶ issued ─▶ delivered ─▶ proven
//!     └───────────┴───────────┴──────────┴──────────┴──▶ withdrawn
//! ```
//!
//! 1. [`approval`]: the claimant approves what the device introduced; the device consents; either can take it back. That the
//!    claim is their own, and that they may, is [`claims`]'s.
//! 2. [`issuance`]: one certificate per key and generation, however often and however concurrently it is asked for.
//!    Where a corporate CA signs, `corporate` asks it, between two transactions.
//! 3. [`signing`]: where the claimant has it signed elsewhere, what happens to its request, and the certificate that came of it.
//!    What was revoked later is ended there too ([`endings`]).
//!    Where nobody stands at the screen, the server makes the claim itself, for a permit given in advance ([`unattended`]).
//! 4. [`crate::session`]: the first session proves it.
//! 5. [`mod@sweep`]: what stands still for too long is ended.
//!
//! Each stage is durable before anybody is told of it. Races are decided by unique keys and conditional updates, never
//! by what was read before.

pub mod approval;
pub mod claims;
mod corporate;
pub mod delivery;
pub mod endings;
pub mod exclusion;
mod foreign;
pub mod issuance;
pub mod naming;
pub mod permit_secret;
pub mod readmission;
pub mod signing;
mod standing;
pub mod sweep;
pub mod unattended;

use gangway_protocol::certificate::{Certificate, Csr, CsrRefusal, UncheckedCsr};
use gangway_protocol::device::{DeviceSummary, FleetChange, FleetChangeKind, InvalidTransition};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;
use gangway_signing::CorporateError;

use crate::authority::Error;
use crate::ca::{CaError, verify};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::{CertificateRecord, SignedBy};
use crate::db::{Conn, DbError, audit};

pub use endings::end_at_corporate_cas;
pub use sweep::{reload_issuers, sweep};

/// Transactions that lose a race on a unique key are run again; each time somebody else has made progress.
const RACE_ATTEMPTS: usize = 4;

/// Why an enrolment, or a step in a device's life, does not go on.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// There is no such thing, or it is not the caller's.
    #[error("there is no such thing here")]
    NotFound,
    /// A field is not acceptable.
    #[error("{detail}")]
    Invalid {
        /// Its JSON name.
        field: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The CSR is not acceptable.
    #[error(transparent)]
    Csr(#[from] CsrRefusal),
    /// The key belongs to a device that is in the fleet.
    #[error("this key belongs to “{}” already", .0.name)]
    KeyKnown(Box<DeviceSummary>),
    /// The key has been revoked.
    #[error("this key has been revoked and stays refused")]
    KeyRevoked,
    /// A signer elsewhere was asked, and nobody knows whether it signed.
    #[error("the reply of a signer was lost")]
    ReplyLost,
    /// Another claimant has the same key signed.
    #[error("this key is being signed")]
    Signing {
        /// When that has ended at the latest.
        retry_after_secs: u32,
    },
    /// A corporate CA did not sign.
    #[error("“{signer}” did not sign: {error}")]
    Corporate {
        /// Its name here.
        signer: String,
        /// Why.
        error: CorporateError,
    },
    /// The device has had its share of certificates.
    #[error("this device has got too many certificates within a day; it may ask again tomorrow")]
    TooManyCertificates,
    /// The present state does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// The device's state does not allow it.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// The built-in CA cannot sign.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Reads a CSR and verifies its signature.
///
/// # Errors
/// Why it is not acceptable.
pub fn check_csr(pem: &str) -> Result<Csr, CsrRefusal> {
    UncheckedCsr::from_pem(pem)?.verify(verify::holds)
}

/// A recorded certificate with all that is shown and handed out beside it.
///
/// # Errors
/// When its issuer is not known any more.
pub fn present(context: &Context, record: CertificateRecord) -> Result<Certificate, CaError> {
    let ending_due = record.is_ending_due();
    let (chain, trust_anchors, external_id) = match record.signed_by {
        SignedBy::Own(issuer) => {
            let chain = context.ca.chain(&issuer, &record.leaf);
            let chain = chain.ok_or(CaError::Recorded("a certificate names no known issuer"))?;
            (chain.chain, Some(chain.trust_anchors), None)
        }
        SignedBy::Other {
            above,
            trust_anchors,
            external_id,
        } => (format!("{}{above}", record.leaf), trust_anchors, external_id),
    };
    Ok(Certificate {
        sha256: record.sha256,
        serial: record.serial,
        device: record.device,
        organisation: record.organisation,
        spki_sha256: record.spki_sha256,
        subject: record.subject,
        issuer: record.issuer_name,
        key: record.key_kind,
        signer: record.signer,
        not_before: record.not_before,
        not_after: record.not_after,
        chain,
        trust_anchors,
        issued_at: record.issued_at,
        delivered_at: record.delivered_at,
        proven_at: record.proven_at,
        superseded_at: record.superseded_at,
        grace_until: record.grace_until,
        revocation: record.revocation,
        external_id,
        ending_due,
    })
}

/// Records that a certificate came to a device.
async fn note_certificate(
    tx: &mut Conn<'_>,
    certificate: &CertificateRecord,
    actor: Actor<'_>,
    action: DeviceAction,
    at: UnixMillis,
) -> Result<(), DbError> {
    let entry = Entry {
        scope: Scope::Organisation(&certificate.organisation),
        at,
        actor,
        action: action.into(),
        subject: certificate.device.as_str(),
        detail: &format!("serial {}, SHA-256 {}", certificate.serial, certificate.sha256),
    };
    audit::append(tx, &entry).await
}

/// Tells whoever watches the fleet that a device is to be read again.
pub(crate) fn tell(
    context: &Context,
    organisation: &OrganisationId,
    device: &DeviceId,
    kind: FleetChangeKind,
) {
    context.changes.tell(FleetChange {
        device: device.clone(),
        organisation: organisation.clone(),
        kind,
        presence: None,
    });
}

impl From<EnrolmentError> for Error {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::NotFound => Self::NotFound,
            EnrolmentError::Invalid { field, detail } => Self::invalid(field, detail),
            EnrolmentError::Csr(refusal) => Self::CsrRefused(refusal.to_string()),
            EnrolmentError::KeyKnown(device) => Self::KeyKnown(device),
            EnrolmentError::KeyRevoked => Self::KeyRevoked,
            EnrolmentError::ReplyLost => Self::ReplyLost,
            EnrolmentError::Signing { retry_after_secs } => Self::Busy {
                detail: "another attempt is having this device's certificate signed, or its signer wants to be asked later; wait",
                retry_after_secs,
            },
            EnrolmentError::Corporate {
                error: CorporateError::Unfit(_),
                ..
            } => Self::CsrRefused(error.to_string()),
            EnrolmentError::Corporate { .. } => Self::Conflict(error.to_string()),
            EnrolmentError::TooManyCertificates => Self::Conflict(error.to_string()),
            EnrolmentError::Conflict(why) => Self::Conflict(why.to_owned()),
            EnrolmentError::Transition(error) => error.into(),
            EnrolmentError::Authority(error) => error.into(),
            EnrolmentError::Db(error) => error.into(),
        }
    }
}
