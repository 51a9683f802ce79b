//! Actions on many devices: what was asked for, and how far each is. Their devices are in [`listed`].

pub mod listed;

use gangway_protocol::bulk::{BulkAction, BulkJobState, DeviceFilter};
use gangway_protocol::id::{AccountId, BulkJobId, IdentityProviderId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{CallerCredential, Conn, DbError, parsed, query, row};

/// A job as it is stored.
#[derive(Clone, Debug)]
pub struct BulkJobRecord {
    /// Its id.
    pub id: BulkJobId,
    /// In which, or below which, the devices are.
    pub organisation: OrganisationId,
    /// Who asked for it.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// By which browser or token.
    pub credential: CallerCredential,
    /// The identity provider that vouched for that browser, if one did.
    pub provider: Option<IdentityProviderId>,
    /// The passkey assertion that confirmed it, JSON.
    pub assertion: Option<String>,
    /// What is done.
    pub action: BulkAction,
    /// What is still to be collected.
    pub collecting: Option<Collecting>,
    /// How far it is.
    pub state: BulkJobState,
    /// How many devices, and how it went with them.
    pub counts: Counts,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// Nothing is done before.
    pub begins_at: UnixMillis,
    /// When it was over.
    pub finished_at: Option<UnixMillis>,
    /// Who cancelled it, or why it was stopped.
    pub ended_by: Option<String>,
}

/// Devices that are still to be listed.
#[derive(Clone, Debug)]
pub struct Collecting {
    /// Which match.
    pub filter: DeviceFilter,
    /// The place behind which to go on, as the fleet's pages name it.
    pub after: Option<String>,
}

/// Devices of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Listed.
    pub devices: i64,
    /// It is done.
    pub done: i64,
    /// There was nothing to do.
    pub unchanged: i64,
    /// It failed.
    pub failed: i64,
}

/// Adds a job.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, job: &BulkJobRecord) -> Result<(), DbError> {
    let filter = job.collecting.as_ref().map(|collecting| json(&collecting.filter));
    let credential = match &job.credential {
        CallerCredential::SignIn(id) => id.to_string(),
        CallerCredential::Token(id) => id.to_string(),
    };
    query(
        "INSERT INTO bulk_jobs (id, organisation, account, account_name, credential, assertion, action, filter, state, devices,
                 created_at, begins_at, provider)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(job.id.as_str())
    .bind(job.organisation.as_str())
    .bind(job.account.as_str())
    .bind(&job.account_name)
    .bind(credential)
    .bind(job.assertion.clone())
    .bind(json(&job.action)?)
    .bind(filter.transpose()?)
    .bind(job.state.as_str())
    .bind(job.counts.devices)
    .bind(job.created_at.0)
    .bind(job.begins_at.0)
    .bind(job.provider.as_ref().map(IdentityProviderId::as_str))
    .execute(conn)
    .await?;
    Ok(())
}

/// A job.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &BulkJobId) -> Result<Option<BulkJobRecord>, DbError> {
    let row: Option<Row> = query(select!("WHERE id = $1"))
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(BulkJobRecord::try_from).transpose()
}

/// Jobs of an organisation, newest first, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: &str,
    limit: i64,
) -> Result<Vec<BulkJobRecord>, DbError> {
    // Behind every id: they are ASCII.
    let before = if after.is_empty() { "~" } else { after };
    let rows: Vec<Row> = query(select!(
        "WHERE organisation = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    ))
    .bind(organisation.as_str())
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BulkJobRecord::try_from).collect()
}

/// Jobs that have something to do, those that begin first at the front.
///
/// # Errors
/// What the database says.
pub async fn open(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<BulkJobRecord>, DbError> {
    let rows: Vec<Row> = query(select!(
        "WHERE state IN ('unconfirmed', 'waiting', 'running') AND (state <> 'unconfirmed' OR filter IS NOT NULL)
             ORDER BY begins_at, id LIMIT $1"
    ))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BulkJobRecord::try_from).collect()
}

/// Jobs that nobody has confirmed and that were asked for before, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn unconfirmed(
    conn: &mut Conn<'_>,
    before: UnixMillis,
    limit: i64,
) -> Result<Vec<BulkJobRecord>, DbError> {
    let rows: Vec<Row> = query(select!(
        "WHERE state IN ('unconfirmed', 'waiting', 'running') AND state = 'unconfirmed' AND begins_at < $1
             ORDER BY begins_at, id LIMIT $2"
    ))
    .bind(before.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BulkJobRecord::try_from).collect()
}

/// How many jobs of an organisation's customer are not over.
///
/// # Errors
/// What the database says.
pub async fn count_open(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<i64, DbError> {
    let (count,): (i64,) = query(
        "SELECT COUNT(*) FROM bulk_jobs j JOIN organisations o ON o.id = j.organisation
             WHERE j.state IN ('unconfirmed', 'waiting', 'running')
                 AND COALESCE(o.root, o.id) = (SELECT COALESCE(root, id) FROM organisations WHERE id = $1)",
    )
    .bind(organisation.as_str())
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Moves a job from one state to another; false when it was in another one.
///
/// # Errors
/// What the database says.
pub async fn advance(
    conn: &mut Conn<'_>,
    id: &BulkJobId,
    from: BulkJobState,
    to: BulkJobState,
) -> Result<bool, DbError> {
    let moved = query("UPDATE bulk_jobs SET state = $3 WHERE id = $1 AND state = $2")
        .bind(id.as_str())
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(conn)
        .await?;
    Ok(moved > 0)
}

/// Has a waiting job that nobody has confirmed wait for a second person.
///
/// # Errors
/// What the database says.
pub async fn ask_for_second(conn: &mut Conn<'_>, id: &BulkJobId) -> Result<(), DbError> {
    query("UPDATE bulk_jobs SET state = 'unconfirmed' WHERE id = $1 AND state = 'waiting' AND second_account IS NULL")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes who confirmed an unconfirmed job, and when it begins; false when it is not unconfirmed any more.
///
/// # Errors
/// What the database says.
pub async fn confirm(
    conn: &mut Conn<'_>,
    id: &BulkJobId,
    account: &AccountId,
    assertion: &str,
    begins_at: UnixMillis,
) -> Result<bool, DbError> {
    let confirmed = query(
        "UPDATE bulk_jobs SET state = 'waiting', second_account = $2, second_assertion = $3, begins_at = $4
             WHERE id = $1 AND state = 'unconfirmed'",
    )
    .bind(id.as_str())
    .bind(account.as_str())
    .bind(assertion)
    .bind(begins_at.0)
    .execute(conn)
    .await?;
    Ok(confirmed > 0)
}

/// Ends a job that is not over; false when it is.
///
/// # Errors
/// What the database says.
pub async fn end(
    conn: &mut Conn<'_>,
    id: &BulkJobId,
    state: BulkJobState,
    ended_by: Option<&str>,
    at: UnixMillis,
) -> Result<bool, DbError> {
    let ended = query(
        "UPDATE bulk_jobs SET state = $2, ended_by = $3, finished_at = $4
             WHERE id = $1 AND state IN ('unconfirmed', 'waiting', 'running')",
    )
    .bind(id.as_str())
    .bind(state.as_str())
    .bind(ended_by.map(str::to_owned))
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(ended > 0)
}

/// Notes how far the collecting of devices is. Without a place, all are listed.
///
/// # Errors
/// What the database says.
pub async fn note_collected(
    conn: &mut Conn<'_>,
    id: &BulkJobId,
    found: i64,
    after: Option<&str>,
) -> Result<(), DbError> {
    query(
        "UPDATE bulk_jobs SET devices = devices + $2, collected_until = $3,
                 filter = CASE WHEN $3 IS NULL THEN NULL ELSE filter END
             WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(found)
    .bind(after.map(str::to_owned))
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to how it went.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, id: &BulkJobId, counts: Counts) -> Result<(), DbError> {
    query(
        "UPDATE bulk_jobs SET done = done + $2, unchanged = unchanged + $3, failed = failed + $4 WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(counts.done)
    .bind(counts.unchanged)
    .bind(counts.failed)
    .execute(conn)
    .await?;
    Ok(())
}

/// Jobs that were asked for before, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn older(conn: &mut Conn<'_>, before: UnixMillis, limit: i64) -> Result<Vec<BulkJobId>, DbError> {
    let rows: Vec<(String,)> =
        query("SELECT id FROM bulk_jobs WHERE created_at < $1 ORDER BY created_at LIMIT $2")
            .bind(before.0)
            .bind(limit)
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "bulk_jobs.id"))
        .collect()
}

/// Removes a job whose devices have been removed.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, id: &BulkJobId) -> Result<(), DbError> {
    query("DELETE FROM bulk_jobs WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organisation, account, account_name, credential, provider, assertion, action, filter, collected_until, state, \
             devices, done, unchanged, failed, created_at, begins_at, finished_at, ended_by FROM bulk_jobs ",
            $rest
        )
    };
}
use select;

row! {
    struct Row {
        id: String,
        organisation: String,
        account: String,
        account_name: String,
        credential: String,
        provider: Option<String>,
        assertion: Option<String>,
        action: String,
        filter: Option<String>,
        collected_until: Option<String>,
        state: String,
        devices: i64,
        done: i64,
        unchanged: i64,
        failed: i64,
        created_at: i64,
        begins_at: i64,
        finished_at: Option<i64>,
        ended_by: Option<String>,
    }
}

impl TryFrom<Row> for BulkJobRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let corrupt = DbError::Corrupt;
        let credential = match row.credential.parse() {
            Ok(token) => CallerCredential::Token(token),
            Err(_) => CallerCredential::SignIn(parsed(&row.credential, "bulk_jobs.credential")?),
        };
        let collecting = match row.filter {
            None => None,
            Some(filter) => Some(Collecting {
                filter: serde_json::from_str(&filter).map_err(|_| corrupt("bulk_jobs.filter"))?,
                after: row.collected_until,
            }),
        };
        Ok(Self {
            id: parsed(&row.id, "bulk_jobs.id")?,
            organisation: parsed(&row.organisation, "bulk_jobs.organisation")?,
            account: parsed(&row.account, "bulk_jobs.account")?,
            account_name: row.account_name,
            credential,
            provider: row
                .provider
                .map(|id| parsed(&id, "bulk_jobs.provider"))
                .transpose()?,
            assertion: row.assertion,
            action: serde_json::from_str(&row.action).map_err(|_| corrupt("bulk_jobs.action"))?,
            collecting,
            state: BulkJobState::ALL
                .into_iter()
                .find(|state| state.as_str() == row.state)
                .ok_or(corrupt("bulk_jobs.state"))?,
            counts: Counts {
                devices: row.devices,
                done: row.done,
                unchanged: row.unchanged,
                failed: row.failed,
            },
            created_at: UnixMillis(row.created_at),
            begins_at: UnixMillis(row.begins_at),
            finished_at: row.finished_at.map(UnixMillis),
            ended_by: row.ended_by,
        })
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Corrupt("bulk_jobs: a text cannot be written as JSON"))
}
