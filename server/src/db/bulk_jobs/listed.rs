//! The devices of a bulk job: each once, and how it went.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{BulkJobId, DeviceId, OrganisationId};

use crate::db::many::execute_many;
use crate::db::query::texts;
use crate::db::{Conn, DbError, parsed, query, query_of_each};

/// How it went with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// It failed.
    Failed {
        /// Why, for programs.
        code: ProblemCode,
        /// Why, for people.
        detail: String,
    },
}

impl Outcome {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Why a device's turn failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which device.
    pub device: DeviceId,
    /// Its name and where it is now; `None` when there is no such device.
    pub known_as: Option<(String, OrganisationId)>,
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// Lists devices; those that are listed already stay. Returns how many are new.
///
/// # Errors
/// What the database says.
pub async fn add(conn: &mut Conn<'_>, job: &BulkJobId, devices: &[DeviceId]) -> Result<i64, DbError> {
    let added = query_of_each(
        "INSERT INTO bulk_job_devices (job, device) SELECT $1, value FROM json_each($2) WHERE TRUE
             ON CONFLICT (job, device) DO NOTHING",
        "INSERT INTO bulk_job_devices (job, device) SELECT $1, value FROM UNNEST($2::TEXT[]) AS listed (value)
             ON CONFLICT (job, device) DO NOTHING",
    )
    .bind(job.as_str())
    .bind(texts(devices))
    .execute(conn)
    .await?;
    Ok(i64::try_from(added).unwrap_or(i64::MAX))
}

/// Devices whose turn is still to come, in the order of their ids.
///
/// # Errors
/// What the database says.
pub async fn left(conn: &mut Conn<'_>, job: &BulkJobId, limit: i64) -> Result<Vec<DeviceId>, DbError> {
    let rows: Vec<(String,)> = query(
        "SELECT device FROM bulk_job_devices WHERE job = $1 AND outcome IS NULL ORDER BY device LIMIT $2",
    )
    .bind(job.as_str())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "bulk_job_devices.device"))
        .collect()
}

/// Notes how it went with devices.
///
/// # Errors
/// What the database says.
pub async fn note(
    conn: &mut Conn<'_>,
    job: &BulkJobId,
    outcomes: &[(DeviceId, Outcome)],
) -> Result<(), DbError> {
    let row = |(device, outcome): &(DeviceId, Outcome)| {
        let (code, detail) = match outcome {
            Outcome::Failed { code, detail } => (Some(code.as_str()), Some(detail.as_str())),
            Outcome::Done | Outcome::Unchanged => (None, None),
        };
        [
            job.as_str().into(),
            device.as_str().into(),
            outcome.as_str().into(),
            code.into(),
            detail.into(),
        ]
    };
    execute_many(
        conn,
        "UPDATE bulk_job_devices SET outcome = $3, code = $4, detail = $5 WHERE job = $1 AND device = $2",
        "UPDATE bulk_job_devices SET outcome = n.outcome, code = n.code, detail = n.detail
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[]) AS n (job, device, outcome, code, detail)
             WHERE bulk_job_devices.job = n.job AND bulk_job_devices.device = n.device",
        outcomes.iter().map(row).collect(),
    )
    .await
}

/// Devices for which a job failed, in the order of their ids, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn failures(
    conn: &mut Conn<'_>,
    job: &BulkJobId,
    after: &str,
    limit: i64,
) -> Result<Vec<Failure>, DbError> {
    type Row = (
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = query(
        "SELECT l.device, l.code, l.detail, d.name, d.organisation
             FROM bulk_job_devices l LEFT JOIN devices d ON d.id = l.device
             WHERE l.job = $1 AND l.outcome = 'failed' AND l.device > $2 ORDER BY l.device LIMIT $3",
    )
    .bind(job.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let failure = |(device, code, detail, name, organisation): Row| {
        let organisation = organisation
            .map(|id| parsed(&id, "devices.organisation"))
            .transpose()?;
        Ok(Failure {
            device: parsed(&device, "bulk_job_devices.device")?,
            known_as: name.zip(organisation),
            code: code.unwrap_or_default(),
            detail: detail.unwrap_or_default(),
        })
    };
    rows.into_iter().map(failure).collect()
}

/// Removes up to `limit` devices of a job. Returns how many.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, job: &BulkJobId, limit: i64) -> Result<u64, DbError> {
    query(
        "DELETE FROM bulk_job_devices WHERE job = $1 AND device IN
             (SELECT device FROM bulk_job_devices WHERE job = $1 ORDER BY device LIMIT $2)",
    )
    .bind(job.as_str())
    .bind(limit)
    .execute(conn)
    .await
}
