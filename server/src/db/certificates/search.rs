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
    let device = filter.device.as_ref().map(DeviceId::as_str);
    let pattern = filter.query.as_deref().map(like::containing);
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
         WHERE organisation = $1 AND sha256 IS NOT NULL
             AND (issued_at, sha256) < ($2, $3)
             AND ($4 IS NULL OR device = $4)
             AND ($5 IS NULL OR serial LIKE $5 ESCAPE '\\' OR sha256 LIKE $5 ESCAPE '\\' OR LOWER(subject) LIKE $5 ESCAPE '\\')
         ORDER BY issued_at DESC, sha256 DESC LIMIT $6"
    ))
    .bind(organisation.as_str())
    .bind(at)
    .bind(&sha256)
    .bind(device)
    .bind(&pattern)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CertificateRecord::try_from).collect()
}
