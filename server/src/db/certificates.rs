//! Certificates: reserved, signed, delivered, proven, superseded, revoked. The rules for these steps are `enrolment`'s.

mod revocation;
mod search;
mod standing;

pub use revocation::{
    Displaced, Revoked, RevokedSerial, hold_of_device, release_of_device, revoke_displaced,
    revoke_of_devices, revoke_of_key, revoke_one, revoked,
};
#[cfg(test)]
pub(super) use revocation::{REVOKE_SUPERSEDED, REVOKE_UNPROVEN_OF_KEY};
pub use search::{CertificateFilter, page};
pub(super) use standing::older_superseded;
pub use standing::{count_issued_since, count_live, count_live_of, end_grace, grace_over, standing};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::certificate::{Revocation, RevocationReason};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, IssuerId, OrganisationId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, Query, parsed, query, row};

/// A signed certificate as recorded, without what its issuer's record adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Digest of its DER.
    pub sha256: Sha256Hex,
    /// Who signed.
    pub issuer: IssuerId,
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
}

impl CertificateRecord {
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

/// A certificate that is about to be signed.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// What it will say.
    pub draft: Draft,
    /// The organisation.
    pub organisation: OrganisationId,
    /// The device.
    pub device: DeviceId,
    /// The signer.
    pub signer: SignerId,
    /// Whose key.
    pub spki_sha256: Sha256Hex,
    /// Kind of key.
    pub key_kind: String,
    /// Now.
    pub at: UnixMillis,
}

/// The newest generation of a key in an organisation.
#[derive(Clone, Debug)]
pub enum Newest {
    /// Stored before signing; the signed certificate does not stand yet.
    Reserved {
        /// Which generation.
        generation: i64,
        /// Who will sign.
        issuer: IssuerId,
        /// Serial number, hex.
        serial: String,
        /// What is to be signed.
        to_be_signed: Vec<u8>,
        /// Since when.
        at: UnixMillis,
    },
    /// Signed.
    Issued {
        /// Which generation.
        generation: i64,
        /// The certificate.
        certificate: Box<CertificateRecord>,
    },
}

/// Stores what is to be signed as the given generation of its key.
///
/// # Errors
/// [`DbError::Unique`] when somebody else has reserved that generation meanwhile.
pub async fn reserve(conn: &mut Conn<'_>, reservation: &Reservation, generation: i64) -> Result<(), DbError> {
    let draft = &reservation.draft;
    query(
        "INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation,
                 to_be_signed, subject, issuer_name, key_kind, not_before, not_after, issued_at, search)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(draft.issuer.as_str())
    .bind(&draft.serial)
    .bind(reservation.organisation.as_str())
    .bind(reservation.device.as_str())
    .bind(reservation.signer.as_str())
    .bind(reservation.spki_sha256.to_string())
    .bind(generation)
    .bind(STANDARD.encode(&draft.to_be_signed))
    .bind(&draft.subject)
    .bind(&draft.issuer_name)
    .bind(&reservation.key_kind)
    .bind(draft.not_before.0)
    .bind(draft.not_after.0)
    .bind(reservation.at.0)
    .bind(searched(&draft.serial, &draft.subject))
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the signed certificate. `None` when it stands already: somebody else has signed the same data.
///
/// # Errors
/// What the database says.
pub async fn store_signed(
    conn: &mut Conn<'_>,
    issuer: &IssuerId,
    serial: &str,
    leaf: &Leaf,
) -> Result<Option<CertificateRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "UPDATE certificates SET sha256 = $3, leaf = $4, to_be_signed = NULL
         WHERE issuer = $1 AND serial = $2 AND sha256 IS NULL RETURNING ",
        columns!()
    ))
    .bind(issuer.as_str())
    .bind(serial)
    .bind(leaf.sha256.to_string())
    .bind(&leaf.pem)
    .fetch_optional(conn)
    .await?;
    row.map(CertificateRecord::try_from).transpose()
}

/// The newest generation of a key in an organisation.
///
/// # Errors
/// What the database says.
pub async fn newest_of_key(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<Option<Newest>, DbError> {
    let row: Option<NewestRow> = query(concat!(
        "SELECT generation, to_be_signed, ",
        columns!(),
        " FROM certificates WHERE organisation = $1 AND spki_sha256 = $2 ORDER BY generation DESC LIMIT 1"
    ))
    .bind(organisation.as_str())
    .bind(spki.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(Newest::try_from).transpose()
}

/// A signed certificate by its digest.
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

/// The certificate with this serial number, if it has been signed.
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
        " FROM certificates WHERE issuer = $1 AND serial = $2 AND sha256 IS NOT NULL"
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
         WHERE proven_at IS NULL AND revoked_at IS NULL AND sha256 IS NOT NULL AND issued_at < $1
         ORDER BY issued_at LIMIT $2"
    ))
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CertificateRecord::try_from).collect()
}

/// Records a certificate that was signed earlier and is not known: a readmitted one.
///
/// # Errors
/// [`DbError::Unique`] when its serial number or its digest stands already.
pub async fn insert_signed(
    conn: &mut Conn<'_>,
    record: &CertificateRecord,
    generation: i64,
) -> Result<(), DbError> {
    query(
        "INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation,
                 sha256, leaf, subject, issuer_name, key_kind, not_before, not_after, issued_at, search)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(record.issuer.as_str())
    .bind(&record.serial)
    .bind(record.organisation.as_str())
    .bind(record.device.as_str())
    .bind(record.signer.as_str())
    .bind(record.spki_sha256.to_string())
    .bind(generation)
    .bind(record.sha256.to_string())
    .bind(&record.leaf)
    .bind(&record.subject)
    .bind(&record.issuer_name)
    .bind(&record.key_kind)
    .bind(record.not_before.0)
    .bind(record.not_after.0)
    .bind(record.issued_at.0)
    .bind(searched(&record.serial, &record.subject))
    .execute(conn)
    .await?;
    Ok(())
}

/// What a search looks at, beside the digest.
fn searched(serial: &str, subject: &str) -> String {
    format!("{serial}\n{}", subject.to_lowercase())
}

macro_rules! columns {
    () => {
        "issuer, serial, organisation, device, signer, spki_sha256, sha256, leaf, subject, issuer_name, key_kind, \
         not_before, not_after, issued_at, delivered_at, proven_at, superseded_at, grace_until, revoked_at, \
         revocation_reason"
    };
}
pub(super) use columns;

row! {
    pub(super) struct Row {
        issuer: String,
        serial: String,
        organisation: String,
        device: String,
        signer: String,
        spki_sha256: String,
        sha256: Option<String>,
        leaf: Option<String>,
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
    }
}

row! {
    struct NewestRow {
        generation: i64,
        to_be_signed: Option<String>,
        #[rest]
        row: Row,
    }
}

impl TryFrom<Row> for CertificateRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let sha256 = row.sha256.ok_or(DbError::Corrupt("certificates.sha256"))?;
        let reason = row
            .revocation_reason
            .as_deref()
            .map(RevocationReason::from_name)
            .unwrap_or(RevocationReason::Unspecified);
        Ok(Self {
            sha256: parsed(&sha256, "certificates.sha256")?,
            issuer: parsed(&row.issuer, "certificates.issuer")?,
            serial: row.serial,
            organisation: parsed(&row.organisation, "certificates.organisation")?,
            device: parsed(&row.device, "certificates.device")?,
            signer: parsed(&row.signer, "certificates.signer")?,
            spki_sha256: parsed(&row.spki_sha256, "certificates.spki_sha256")?,
            leaf: row.leaf.ok_or(DbError::Corrupt("certificates.leaf"))?,
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
            revocation: row.revoked_at.map(|at| Revocation {
                at: UnixMillis(at),
                reason,
            }),
        })
    }
}

impl TryFrom<NewestRow> for Newest {
    type Error = DbError;

    fn try_from(newest: NewestRow) -> Result<Self, DbError> {
        let generation = newest.generation;
        let Some(text) = newest.to_be_signed else {
            return Ok(Self::Issued {
                generation,
                certificate: Box::new(newest.row.try_into()?),
            });
        };
        Ok(Self::Reserved {
            generation,
            issuer: parsed(&newest.row.issuer, "certificates.issuer")?,
            serial: newest.row.serial,
            to_be_signed: STANDARD
                .decode(text)
                .map_err(|_| DbError::Corrupt("certificates.to_be_signed"))?,
            at: UnixMillis(newest.row.issued_at),
        })
    }
}
