//! Certificates: recorded, delivered, proven, superseded, revoked. The rules for these steps are `enrolment`'s.

mod endings;
pub mod numbers;
mod revocation;
mod search;
mod standing;

pub use endings::{end, ending_tries, endings_due, postpone_ending};
pub use revocation::{
    Displaced, Revoked, RevokedSerial, hold_of_device, release_of_device, revoke_displaced,
    revoke_of_devices, revoke_of_key, revoke_one, revoked,
};
#[cfg(test)]
pub(super) use revocation::{REVOKE_SUPERSEDED, REVOKE_UNPROVEN_OF_KEY};
pub use search::{CertificateFilter, page};
pub(super) use standing::older_superseded;
pub use standing::{count_issued_since, count_live, count_live_of, end_grace, grace_over, standing};

use gangway_protocol::certificate::{Revocation, RevocationReason};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, IssuerId, OrganisationId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, Query, parsed, query, row};

/// A certificate as recorded, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Digest of its DER.
    pub sha256: Sha256Hex,
    /// Who signed, and what is kept of that.
    pub signed_by: SignedBy,
    /// Serial number, hex.
    pub serial: String,
    /// The organisation.
    pub organisation: OrganisationId,
    /// The device.
    pub device: DeviceId,
    /// The signer that the organisation chose.
    pub signer: SignerId,
    /// Whose key.
    pub spki_sha256: Sha256Hex,
    /// PEM.
    pub leaf: String,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Issuer, RFC 4514.
    pub issuer_name: String,
    /// Kind of key.
    pub key_kind: String,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
    /// When it was issued.
    pub issued_at: UnixMillis,
    /// When the device said that it is installed.
    pub delivered_at: Option<UnixMillis>,
    /// When a session first proved it.
    pub proven_at: Option<UnixMillis>,
    /// When a session proved a newer one.
    pub superseded_at: Option<UnixMillis>,
    /// Superseded, it still opens sessions until then. `None`: it does so no longer.
    pub grace_until: Option<UnixMillis>,
    /// When and why it was revoked.
    pub revocation: Option<Revocation>,
    /// When it was ended at its signer.
    pub ended_at: Option<UnixMillis>,
}

/// Who signed a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// An issuer of our own CA, whose record has the chain and the trust anchor.
    Own(IssuerId),
    /// Somebody else.
    Other {
        /// PEM blocks that were given above the leaf; none: empty.
        above: String,
        /// PEM blocks of the issuers at which the chain ends, where it told them.
        trust_anchors: Option<String>,
        /// The signer's own name for it.
        external_id: Option<String>,
    },
}

impl CertificateRecord {
    /// Whether it was revoked here for good and goes on at its signer.
    #[must_use]
    pub fn is_ending_due(&self) -> bool {
        matches!(self.signed_by, SignedBy::Other { .. })
            && self.ended_at.is_none()
            && self
                .revocation
                .as_ref()
                .is_some_and(|revocation| revocation.reason != RevocationReason::CertificateHold)
    }

    /// Whether a newer certificate has ended this one: it was proved, and the grace is over.
    #[must_use]
    pub fn is_superseded(&self, now: UnixMillis) -> bool {
        self.superseded_at.is_some() && self.grace_until.is_none_or(|until| now >= until)
    }
}

/// What a certificate will say, before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whose signature it waits for.
    pub issuer: IssuerId,
    /// Serial number, hex.
    pub serial: String,
    /// DER of the TBSCertificate.
    pub to_be_signed: Vec<u8>,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Issuer, RFC 4514.
    pub issuer_name: String,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
}

/// A signed device certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Digest of its DER.
    pub sha256: Sha256Hex,
    /// The certificate, PEM.
    pub pem: String,
}

/// A certificate as it is recorded first: of which generation of its key.
#[derive(Clone, Debug)]
pub struct Generation {
    /// From 1.
    pub number: i64,
    /// The certificate.
    pub certificate: CertificateRecord,
}

/// Records a signed certificate.
///
/// # Errors
/// [`DbError::Unique`] when somebody else has recorded that generation meanwhile, or its serial number or its digest stands
/// already.
pub async fn insert(conn: &mut Conn<'_>, new: &Generation) -> Result<(), DbError> {
    insertion(new).execute(conn).await?;
    Ok(())
}

/// As [`insert`].
pub(super) fn insertion(new: &Generation) -> Query {
    let Generation { number, certificate } = new;
    let (issuer, above, trust_anchors, external_id) = match &certificate.signed_by {
        SignedBy::Own(issuer) => (Some(issuer.as_str()), None, None, None),
        SignedBy::Other {
            above,
            trust_anchors,
            external_id,
        } => (
            None,
            Some(above.as_str()),
            trust_anchors.as_deref(),
            external_id.as_deref(),
        ),
    };
    query(
        "INSERT INTO certificates (sha256, issuer, serial, organisation, device, signer, spki_sha256, generation, leaf,
                 above, external_id, subject, issuer_name, key_kind, not_before, not_after, issued_at, search,
                 trust_anchors)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(certificate.sha256.to_string())
    .bind(issuer)
    .bind(&certificate.serial)
    .bind(certificate.organisation.as_str())
    .bind(certificate.device.as_str())
    .bind(certificate.signer.as_str())
    .bind(certificate.spki_sha256.to_string())
    .bind(*number)
    .bind(&certificate.leaf)
    .bind(above)
    .bind(external_id)
    .bind(&certificate.subject)
    .bind(&certificate.issuer_name)
    .bind(&certificate.key_kind)
    .bind(certificate.not_before.0)
    .bind(certificate.not_after.0)
    .bind(certificate.issued_at.0)
    .bind(searched(&certificate.serial, &certificate.subject))
    .bind(trust_anchors)
}

/// The newest certificate of a key in an organisation.
///
/// # Errors
/// What the database says.
pub async fn newest_of_key(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<Option<Generation>, DbError> {
    let row: Option<GenerationRow> = query(concat!(
        "SELECT generation, ",
        columns!(),
        " FROM certificates WHERE organisation = $1 AND spki_sha256 = $2 ORDER BY generation DESC LIMIT 1"
    ))
    .bind(organisation.as_str())
    .bind(spki.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(Generation::try_from).transpose()
}

/// The certificate with this digest.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, sha256: &Sha256Hex) -> Result<Option<CertificateRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates WHERE sha256 = $1"
    ))
    .bind(sha256.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(CertificateRecord::try_from).transpose()
}

/// The certificate of our own CA with this serial number.
///
/// # Errors
/// What the database says.
pub async fn find_by_serial(
    conn: &mut Conn<'_>,
    issuer: &IssuerId,
    serial: &str,
) -> Result<Option<CertificateRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates WHERE issuer = $1 AND serial = $2"
    ))
    .bind(issuer.as_str())
    .bind(serial)
    .fetch_optional(conn)
    .await?;
    row.map(CertificateRecord::try_from).transpose()
}

/// Records that a device said it has installed the certificate. Only the first time counts.
///
/// # Errors
/// What the database says.
pub async fn deliver(conn: &mut Conn<'_>, sha256: &Sha256Hex, at: UnixMillis) -> Result<bool, DbError> {
    let changed =
        query("UPDATE certificates SET delivered_at = $2 WHERE sha256 = $1 AND delivered_at IS NULL")
            .bind(sha256.to_string())
            .bind(at.0)
            .execute(conn)
            .await?;
    Ok(changed > 0)
}

/// Records that a session has proved the certificate.
pub(super) fn proven(sha256: &Sha256Hex, at: UnixMillis) -> Query {
    query("UPDATE certificates SET proven_at = $2 WHERE sha256 = $1 AND proven_at IS NULL")
        .bind(sha256.to_string())
        .bind(at.0)
}

/// At most `limit` certificates that were issued before `before` and that no session has ever proved.
///
/// # Errors
/// What the database says.
pub async fn unproven(
    conn: &mut Conn<'_>,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<CertificateRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
         WHERE proven_at IS NULL AND revoked_at IS NULL AND issued_at < $1
         ORDER BY issued_at LIMIT $2"
    ))
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CertificateRecord::try_from).collect()
}

/// Longest text to search in. It stands in an index, and PostgreSQL's hold 2,704 bytes at most; what others sign may have a
/// subject of any length.
const MAX_SEARCH_LEN: usize = 2_000;

/// What a search looks at, beside the digest.
fn searched(serial: &str, subject: &str) -> String {
    let mut text = format!("{serial}\n{}", subject.to_lowercase());
    text.truncate(text.floor_char_boundary(MAX_SEARCH_LEN));
    text
}

macro_rules! columns {
    () => {
        "sha256, issuer, serial, organisation, device, signer, spki_sha256, leaf, above, external_id, subject, issuer_name, \
         key_kind, not_before, not_after, issued_at, delivered_at, proven_at, superseded_at, grace_until, revoked_at, \
         revocation_reason, ended_at, trust_anchors"
    };
}
pub(super) use columns;

row! {
    pub(super) struct Row {
        sha256: String,
        issuer: Option<String>,
        serial: String,
        organisation: String,
        device: String,
        signer: String,
        spki_sha256: String,
        leaf: String,
        above: Option<String>,
        external_id: Option<String>,
        subject: String,
        issuer_name: String,
        key_kind: String,
        not_before: i64,
        not_after: i64,
        issued_at: i64,
        delivered_at: Option<i64>,
        proven_at: Option<i64>,
        superseded_at: Option<i64>,
        grace_until: Option<i64>,
        revoked_at: Option<i64>,
        revocation_reason: Option<String>,
        ended_at: Option<i64>,
        trust_anchors: Option<String>,
    }
}

row! {
    struct GenerationRow {
        generation: i64,
        #[rest]
        certificate: Row,
    }
}

impl TryFrom<Row> for CertificateRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let reason = row
            .revocation_reason
            .as_deref()
            .map(RevocationReason::from_name)
            .unwrap_or(RevocationReason::Unspecified);
        Ok(Self {
            sha256: parsed(&row.sha256, "certificates.sha256")?,
            signed_by: match row.issuer {
                Some(issuer) => SignedBy::Own(parsed(&issuer, "certificates.issuer")?),
                None => SignedBy::Other {
                    above: row.above.unwrap_or_default(),
                    trust_anchors: row.trust_anchors,
                    external_id: row.external_id,
                },
            },
            serial: row.serial,
            organisation: parsed(&row.organisation, "certificates.organisation")?,
            device: parsed(&row.device, "certificates.device")?,
            signer: parsed(&row.signer, "certificates.signer")?,
            spki_sha256: parsed(&row.spki_sha256, "certificates.spki_sha256")?,
            leaf: row.leaf,
            subject: row.subject,
            issuer_name: row.issuer_name,
            key_kind: row.key_kind,
            not_before: UnixMillis(row.not_before),
            not_after: UnixMillis(row.not_after),
            issued_at: UnixMillis(row.issued_at),
            delivered_at: row.delivered_at.map(UnixMillis),
            proven_at: row.proven_at.map(UnixMillis),
            superseded_at: row.superseded_at.map(UnixMillis),
            grace_until: row.grace_until.map(UnixMillis),
            ended_at: row.ended_at.map(UnixMillis),
            revocation: row.revoked_at.map(|at| Revocation {
                at: UnixMillis(at),
                reason,
            }),
        })
    }
}

impl TryFrom<GenerationRow> for Generation {
    type Error = DbError;

    fn try_from(row: GenerationRow) -> Result<Self, DbError> {
        Ok(Self {
            number: row.generation,
            certificate: row.certificate.try_into()?,
        })
    }
}
