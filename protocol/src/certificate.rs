//! Certificates as the API shows them, and the policy for certificate signing requests that browser and server share.

pub mod file;
#[cfg(feature = "tls")]
pub mod tls;

mod csr;
mod key;
mod leaf;
mod name;
mod pem;
mod signature;
mod tlv;
mod weak;

pub use csr::{Csr, CsrRefusal, MAX_CSR_LEN, UncheckedCsr};
pub use key::{KeyKind, KeyRefusal, MAX_RSA_BITS, MIN_RSA_BITS, PublicKey};
pub use leaf::leaf_key;
pub use name::same_name;
pub use pem::{MAX_CHAIN_CERTIFICATES, MAX_CHAIN_LEN, PemError, join_chain, split_chain};
pub use signature::{SignatureAlgorithm, SignatureCheck, SignatureRefusal};

use serde::{Deserialize, Serialize};

use crate::device::{DeviceSummary, Facts};
use crate::encoding::Sha256Hex;
use crate::id::{ClaimId, DeviceId, OrganisationId, SignerId};
use crate::time::UnixMillis;

/// A recorded certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Certificate {
    /// Digest of the leaf's DER: its id.
    pub sha256: Sha256Hex,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// The device.
    pub device: DeviceId,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Digest of the leaf's SubjectPublicKeyInfo.
    pub spki_sha256: Sha256Hex,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Issuer, RFC 4514.
    pub issuer: String,
    /// Kind of key, e.g. `P-256`.
    pub key: String,
    /// The signer's id.
    pub signer: SignerId,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// PEM blocks of the issuers at which the chain ends, where the signer tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<String>,
    /// When it was issued or recorded.
    pub issued_at: UnixMillis,
    /// When the device said that it is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<UnixMillis>,
    /// When a session first proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<UnixMillis>,
    /// When a session first proved a newer one of its device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_at: Option<UnixMillis>,
    /// Superseded, it still opens sessions until then; absent, it opens none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<UnixMillis>,
    /// When and why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Its name at the signer, if that is elsewhere, e.g. AWS's certificate id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// It was revoked here, and goes on at its signer until somebody ends it there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending_due: bool,
}

/// When and why a certificate was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revocation {
    /// When.
    pub at: UnixMillis,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate is revoked: the reasons of RFC 5280 §5.3.1 that apply to end entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// No particular reason (0; left out of the CRL entry, as RFC 5280 asks).
    Unspecified,
    /// The key may be known to others (1).
    KeyCompromise,
    /// The device changed hands or organisation (3).
    AffiliationChanged,
    /// A newer certificate stands in its place (4).
    Superseded,
    /// The device is out of use (5).
    CessationOfOperation,
    /// Suspended for the time being (6).
    CertificateHold,
    /// A privilege of the device was withdrawn (9).
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
    ];

    /// The CRLReason number of RFC 5280 §5.3.1.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::PrivilegeWithdrawn => 9,
        }
    }

    /// The name as stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key_compromise",
            Self::AffiliationChanged => "affiliation_changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation_of_operation",
            Self::CertificateHold => "certificate_hold",
            Self::PrivilegeWithdrawn => "privilege_withdrawn",
        }
    }

    /// The reason of this stored name; an unknown one reads as unspecified.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == name)
            .unwrap_or(Self::Unspecified)
    }
}

/// A member's request to let an introduced device into an organisation: `POST /api/v1/enrolments/{claim}/approval`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalRequest {
    /// Into which organisation.
    pub organisation: OrganisationId,
    /// The introduced CSR, PEM.
    pub csr: String,
    /// The introduced facts.
    pub facts: Facts,
    /// Who will sign.
    pub signer: SignerId,
    /// The name to give it; absent: its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels to give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The answer to `key_known`: give the active device with this key a new certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

/// A member's decision to enrol the introduced device, and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// The claim it came from.
    pub claim: ClaimId,
    /// The device it made or found.
    pub device: DeviceSummary,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Its name, as the `offer` must state it.
    pub organisation_name: String,
    /// The approver's name, as the `offer` must state it.
    pub approver: String,
    /// Who signs.
    pub signer: SignerId,
    /// How far it has got.
    pub stage: EnrolmentStage,
    /// The certificate that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Sha256Hex>,
    /// When it was given.
    pub approved_at: UnixMillis,
}

/// How far an enrolment has got; each stage is durable before the next is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentStage {
    /// A member said yes.
    Approved,
    /// The device said yes.
    Consented,
    /// The signer has been asked.
    Signing,
    /// The certificate is recorded.
    Issued,
    /// The device says that it is installed.
    Delivered,
    /// A session has proved it.
    Proven,
    /// Taken back: consent refused, the person cancelled, or it lapsed.
    Withdrawn,
    /// A signer elsewhere was asked, and nobody knows whether it signed.
    ReplyLost,
    /// A stage that this version does not know.
    #[serde(other)]
    Unknown,
}

impl EnrolmentStage {
    /// The name as stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Consented => "consented",
            Self::Signing => "signing",
            Self::Issued => "issued",
            Self::Delivered => "delivered",
            Self::Proven => "proven",
            Self::Withdrawn => "withdrawn",
            Self::ReplyLost => "reply_lost",
            Self::Unknown => "unknown",
        }
    }

    /// The stage of this stored name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "approved" => Self::Approved,
            "consented" => Self::Consented,
            "signing" => Self::Signing,
            "issued" => Self::Issued,
            "delivered" => Self::Delivered,
            "proven" => Self::Proven,
            "withdrawn" => Self::Withdrawn,
            "reply_lost" => Self::ReplyLost,
            _ => return None,
        })
    }
}

/// How long a claimant may take to have a signer elsewhere sign, in seconds.
pub const SIGNING_LEASE_SECS: u32 = 60;

/// What a claimant is about with a signer elsewhere: `PUT /api/v1/enrolments/{claim}/signing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SigningUpdate {
    /// It is about to ask: the certificate is recorded within [`SIGNING_LEASE_SECS`], or its loss is taken for granted.
    Begun {
        /// The person was told that a reply was lost, and wants another certificate all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// The signer refused: there is no certificate.
    Refused,
    /// No answer came that says whether it signed.
    ReplyLost,
}

/// Why a claimant ends an enrolment for good: `POST /api/v1/enrolments/{claim}/report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimReport {
    /// What happened.
    pub reason: ClaimReportReason,
}

/// Why a claimant ends an enrolment for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClaimReportReason {
    /// The person says that this is not their device.
    NotMine,
    /// The person changed their mind.
    Cancelled,
}

/// A request for a certificate: `POST /api/v1/devices/{id}/certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum CertificateRequest {
    /// The server has this CSR signed, by its own CA or by a corporate one.
    Sign {
        /// PEM.
        csr: String,
        /// A corporate CA was asked, its reply was lost, and a person wants another certificate all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Somebody else has signed; record it.
    Record(Recording),
}

impl CertificateRequest {
    /// To have this CSR (PEM) signed.
    #[must_use]
    pub fn sign(csr: String) -> Self {
        Self::Sign { csr, again: false }
    }
}

/// A certificate that an approval's signer has signed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recording {
    /// The claim of the approval for which it was signed.
    pub claim: ClaimId,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// The signer's own name for it, e.g. AWS's certificate id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A request to revoke a certificate: `POST /api/v1/certificates/{sha256}/revocation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevocationRequest {
    /// Why.
    pub reason: RevocationReason,
}

/// Undo for a bad day: revokes what one approver or one network enrolled in a span of time
/// (`POST /api/v1/organisations/{id}/revocations`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkRevocationRequest {
    /// Approved by this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<crate::id::AccountId>,
    /// Introduced from this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Approved from this instant on.
    pub from: UnixMillis,
    /// Approved before this instant.
    pub until: UnixMillis,
    /// Why.
    pub reason: RevocationReason,
    /// True: only tell what would be revoked.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a bulk revocation did or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkRevocation {
    /// Devices concerned.
    pub devices: Vec<DeviceSummary>,
    /// How many certificates are revoked.
    pub certificates: u64,
}

/// A certificate of our own CA that a device presented and that no record knows: what a restored backup leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldCertificate {
    /// Digest of the leaf's DER.
    pub sha256: Sha256Hex,
    /// Subject, RFC 4514.
    pub subject: String,
    /// The organisation that the certificate names.
    pub organisation: OrganisationId,
    /// The device id that the certificate names.
    pub device: DeviceId,
    /// When it was first presented.
    pub first_seen_at: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
}

/// Which certificates, newest first. Also the query string of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct CertificateQuery {
    /// Only of this organisation; absent: of all that the caller may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Only of this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// A part of the serial number, the digest or the subject. Numbers may have colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Items of a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
