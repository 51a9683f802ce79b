//! Certificates, searched and paged, newest first.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::numbers::{beginning_with, digits};
use super::{CertificateRecord, Conn, DbError, Row, columns};
use crate::db::query::texts;
use crate::db::{Query, like, query, query_of_each};

/// Which certificates of some organisations.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// A part of the serial number, the digest or the subject, in lower case.
    pub query: Option<String>,
    /// Only those behind this one.
    pub after: Option<(UnixMillis, Sha256Hex)>,
}

/// What is searched rides in the index of organisations: rows are read only for what is found.
macro_rules! found {
    () => {
        " AND (search LIKE $5 ESCAPE '\\' OR sha256 LIKE $5 ESCAPE '\\')"
    };
}

/// The newest behind a place, up to a page; parameters as in [`of_organisations`].
macro_rules! newest {
    ($where:literal, $found:expr) => {
        concat!(
            " FROM certificates WHERE ",
            $where,
            " AND (issued_at, sha256) < ($2, $3)",
            $found,
            " ORDER BY issued_at DESC, sha256 DESC LIMIT $4"
        )
    };
}

/// `$1` the organisations, `$2` and `$3` the place behind which the page lies, `$4` the limit, `$5` what is searched.
///
/// Each organisation gives one page from its index, however many certificates it has, and only these pages are sorted:
/// `organisation IN (…)` alone would sort all of theirs.
macro_rules! of_organisations {
    ($found:expr) => {
        query_of_each(
            // SQLite knows no LATERAL, but lets what a row is looked up by depend on the row before it.
            concat!(
                "SELECT ",
                columns!(),
                " FROM json_each($1) CROSS JOIN certificates WHERE certificates.sha256 IN (SELECT sha256",
                newest!("organisation = json_each.value", $found),
                ") ORDER BY issued_at DESC, sha256 DESC LIMIT $4"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM certificates WHERE sha256 IN (SELECT newest.sha256
                     FROM UNNEST($1::TEXT[]) AS asked (value) CROSS JOIN LATERAL (SELECT issued_at, sha256",
                newest!("organisation = asked.value", $found),
                ") AS newest ORDER BY newest.issued_at DESC, newest.sha256 DESC LIMIT $4)
                 ORDER BY issued_at DESC, sha256 DESC"
            ),
        )
    };
}

macro_rules! of_device {
    ($found:expr) => {
        concat!("SELECT ", columns!(), newest!("device = $1", $found))
    };
}

/// Those of these organisations whose serial number or digest begins with these digits, newest first.
async fn numbered(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    digits: &str,
) -> Result<Vec<CertificateRecord>, DbError> {
    let named: Vec<Sha256Hex> = beginning_with(conn, digits)
        .await?
        .into_iter()
        .map(|one| one.sha256)
        .collect();
    let rows: Vec<Row> = query_of_each(
        concat!(
            "SELECT ",
            columns!(),
            " FROM certificates WHERE sha256 IN (SELECT value FROM json_each($1)) ORDER BY issued_at DESC, sha256 DESC"
        ),
        concat!(
            "SELECT ",
            columns!(),
            " FROM certificates WHERE sha256 = ANY($1) ORDER BY issued_at DESC, sha256 DESC"
        ),
    )
    .bind(texts(&named))
    .fetch_all(conn)
    .await?;
    let mut records = rows
        .into_iter()
        .map(CertificateRecord::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    records.retain(|record| organisations.contains(&record.organisation));
    Ok(records)
}

/// At most `limit` certificates of these organisations, newest first.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    filter: &CertificateFilter,
    limit: u32,
) -> Result<Vec<CertificateRecord>, DbError> {
    let (at, sha256) = match &filter.after {
        Some((at, sha256)) => (at.0, sha256.to_string()),
        None => (i64::MAX, String::new()),
    };
    if let (None, Some(digits)) = (&filter.device, filter.query.as_deref().and_then(digits)) {
        let numbered = numbered(conn, organisations, &digits).await?;
        // Digits that begin no number here may be from the middle of one, and are looked for as any other text is. That is the same on
        // each page: it does not depend on where the page begins.
        if !numbered.is_empty() {
            let behind = |record: &CertificateRecord| {
                (record.issued_at.0, record.sha256.to_string()) < (at, sha256.clone())
            };
            let page = numbered.into_iter().filter(behind);
            return Ok(page.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect());
        }
    }
    let pattern = filter.query.as_deref().map(like::containing);
    let query = match (&filter.device, &pattern) {
        (None, None) => of_organisations!("").bind(texts(organisations)),
        (None, Some(_)) => of_organisations!(found!()).bind(texts(organisations)),
        (Some(device), None) => query(of_device!("")).bind(device.as_str()),
        (Some(device), Some(_)) => query(of_device!(found!())).bind(device.as_str()),
    };
    let query = query.bind(at).bind(&sha256).bind(i64::from(limit));
    let query = pattern.into_iter().fold(query, Query::bind);
    let rows: Vec<Row> = query.fetch_all(conn).await?;
    let records = rows.into_iter().map(CertificateRecord::try_from);
    // A device lies in one organisation, so that the index of devices needs no other.
    records
        .filter(|record| {
            record
                .as_ref()
                .map_or(true, |record| organisations.contains(&record.organisation))
        })
        .collect()
}
