//! Certificates, searched and paged, newest first.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{CertificateRecord, Conn, DbError, Row, columns};
use crate::db::{like, query};

/// Which certificates of an organisation.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// A part of the serial number, the digest or the subject, in lower case.
    pub query: Option<String>,
    /// Only those behind this one.
    pub after: Option<(UnixMillis, Sha256Hex)>,
}

/// At most `limit` certificates of an organisation, newest first.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    filter: &CertificateFilter,
    limit: u32,
) -> Result<Vec<CertificateRecord>, DbError> {
    let (at, sha256) = match &filter.after {
        Some((at, sha256)) => (at.0, sha256.to_string()),
        None => (i64::MAX, String::new()),
    };
    let pattern = filter.query.as_deref().map(like::containing);
    let query = match (&filter.device, pattern) {
        (None, None) => query(OF_ORGANISATION).bind(organisation.as_str()),
        (None, Some(pattern)) => query(FOUND).bind(organisation.as_str()).bind(pattern),
        (Some(device), None) => query(OF_DEVICE).bind(device.as_str()),
        (Some(device), Some(pattern)) => query(FOUND_OF_DEVICE).bind(device.as_str()).bind(pattern),
    };
    let rows: Vec<Row> = query
        .bind(at)
        .bind(&sha256)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    let records = rows.into_iter().map(CertificateRecord::try_from);
    // A device lies in one organisation, so that the index of devices needs no other.
    records
        .filter(|record| {
            record
                .as_ref()
                .map_or(true, |record| record.organisation == *organisation)
        })
        .collect()
}

const OF_ORGANISATION: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM certificates
     WHERE organisation = $1 AND sha256 IS NOT NULL AND (issued_at, sha256) < ($2, $3)
     ORDER BY issued_at DESC, sha256 DESC LIMIT $4"
);
const OF_DEVICE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM certificates
     WHERE device = $1 AND sha256 IS NOT NULL AND (issued_at, sha256) < ($2, $3)
     ORDER BY issued_at DESC, sha256 DESC LIMIT $4"
);
// What is searched rides in the index: rows are read only for what is found.
const FOUND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM certificates WHERE sha256 IN (
         SELECT sha256 FROM certificates
         WHERE organisation = $1 AND sha256 IS NOT NULL AND (issued_at, sha256) < ($3, $4)
             AND (search LIKE $2 ESCAPE '\\' OR sha256 LIKE $2 ESCAPE '\\')
         ORDER BY issued_at DESC, sha256 DESC LIMIT $5)
     ORDER BY issued_at DESC, sha256 DESC"
);
const FOUND_OF_DEVICE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM certificates
     WHERE device = $1 AND sha256 IS NOT NULL AND (issued_at, sha256) < ($3, $4)
         AND (search LIKE $2 ESCAPE '\\' OR sha256 LIKE $2 ESCAPE '\\')
     ORDER BY issued_at DESC, sha256 DESC LIMIT $5"
);
