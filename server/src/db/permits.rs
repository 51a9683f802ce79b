//! Approvals given in advance. Their secrets stand here as they were sealed.
//!
//! - [`uses`]: which keys came by one, and how many may
//! - [`serials`]: the list of a permit that lets in only those on it

pub mod serials;
pub mod uses;

use std::collections::HashMap;

use gangway_protocol::id::{AccountId, OrganisationId, PermitId, SignerId};
use gangway_protocol::permit::{Lookup, Permit, PermitKind, PermitMode, PermitState};
use gangway_protocol::time::UnixMillis;

use super::query::texts;
use super::{Conn, DbError, Query, parsed, query, query_of_each, row};

/// A permit with what only the server knows of it.
#[derive(Clone, Debug)]
pub struct PermitRecord {
    /// As it is shown.
    pub permit: Permit,
    /// Its secret, sealed.
    pub secret: String,
    /// Whose approvals come of it.
    pub account: AccountId,
}

impl PermitRecord {
    /// By what a device names it.
    #[must_use]
    pub fn lookup(&self) -> Lookup {
        let text = self.permit.lookup.clone();
        match self.permit.kind {
            PermitKind::Preapproval => Lookup::Device(text),
            PermitKind::RegistrationKey | PermitKind::Ticket => Lookup::Key(text),
        }
    }
}

/// Adds permits.
///
/// # Errors
/// [`DbError::Unique`] when a key of this lookup, or a device of this id in the organisation, stands already.
pub async fn insert(conn: &mut Conn<'_>, record: &PermitRecord) -> Result<(), DbError> {
    insertion(record)?.execute(conn).await?;
    Ok(())
}

fn insertion(record: &PermitRecord) -> Result<Query, DbError> {
    let permit = &record.permit;
    let list =
        |texts: &[String]| serde_json::to_string(texts).map_err(|_| DbError::Corrupt("permits.labels"));
    Ok(query(
        "INSERT INTO permits (id, organisation, kind, lookup, secret, name, mode, signer, labels, networks, max_uses,
                 account, account_name, created_at, expires_at, replaces)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(permit.id.as_str())
    .bind(permit.organisation.as_str())
    .bind(permit.kind.as_str())
    .bind(&permit.lookup)
    .bind(&record.secret)
    .bind(&permit.name)
    .bind(permit.mode.as_str())
    .bind(permit.signer.as_str())
    .bind(list(&permit.labels)?)
    .bind(list(&permit.networks)?)
    .bind(permit.max_uses.map(i64::from))
    .bind(record.account.as_str())
    .bind(&permit.created_by)
    .bind(permit.created_at.0)
    .bind(permit.expires_at.map(|at| at.0))
    .bind(permit.replaces.as_ref().map(ToString::to_string)))
}

/// One permit.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    id: &PermitId,
    now: UnixMillis,
) -> Result<Option<PermitRecord>, DbError> {
    let row: Option<Row> = query(select!("WHERE id = $1"))
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.read(now)).transpose()
}

/// The permits that a device may mean: one key or ticket, or up to 200 pre-approvals of one id by different organisations, those that
/// still let somebody in, or did within the last day. None that was revoked.
///
/// # Errors
/// What the database says.
pub async fn of_lookup(
    conn: &mut Conn<'_>,
    lookup: &Lookup,
    now: UnixMillis,
) -> Result<Vec<PermitRecord>, DbError> {
    let rows: Vec<Row> = match lookup {
        Lookup::Key(text) => query(select!(
            "WHERE lookup = $1 AND kind <> 'preapproval' AND revoked_at IS NULL"
        ))
        .bind(text),
        Lookup::Device(text) => query(select!(
            "WHERE lookup = $1 AND kind = 'preapproval' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
                 AND (uses < max_uses OR last_used_at > $3) ORDER BY id LIMIT 200"
        ))
        .bind(text)
        .bind(now.0)
        .bind(now.plus(-UnixMillis::DAY).0),
    }
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.read(now)).collect()
}

/// At most `limit` permits of an organisation of one kind, the newest first, older than `before`.
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    kind: PermitKind,
    before: &str,
    limit: i64,
    now: UnixMillis,
) -> Result<Vec<PermitRecord>, DbError> {
    let rows: Vec<Row> = query(select!(
        "WHERE organisation = $1 AND kind = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ))
    .bind(organisation.as_str())
    .bind(kind.as_str())
    .bind(if before.is_empty() { "prm_z" } else { before })
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.read(now)).collect()
}

/// How many permits of one kind stand in an organisation that were not revoked.
///
/// # Errors
/// What the database says.
pub async fn count_standing(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    kind: PermitKind,
) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM permits WHERE organisation = $1 AND kind = $2 AND revoked_at IS NULL",
    )
    .bind(organisation.as_str())
    .bind(kind.as_str())
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// The pre-approvals of these device ids that stand in an organisation, by device id.
///
/// # Errors
/// What the database says.
pub async fn of_device_ids(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    device_ids: &[String],
    now: UnixMillis,
) -> Result<HashMap<String, PermitRecord>, DbError> {
    let rows: Vec<Row> = query_of_each(
        select!(
            "WHERE organisation = $1 AND lookup IN (SELECT value FROM json_each($2)) AND kind = 'preapproval' AND revoked_at IS NULL"
        ),
        select!("WHERE organisation = $1 AND lookup = ANY($2) AND kind = 'preapproval' AND revoked_at IS NULL"),
    )
    .bind(organisation.as_str())
    .bind(texts(device_ids))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let record = row.read(now)?;
            Ok((record.permit.lookup.clone(), record))
        })
        .collect()
}

/// Takes a permit back. False when that has been done before.
///
/// # Errors
/// What the database says.
pub async fn revoke(conn: &mut Conn<'_>, id: &PermitId, at: UnixMillis) -> Result<bool, DbError> {
    let revoked = query("UPDATE permits SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(revoked > 0)
}

/// Lets a permit end at an instant, if it does not end before.
///
/// # Errors
/// What the database says.
pub async fn expire(conn: &mut Conn<'_>, id: &PermitId, at: UnixMillis) -> Result<(), DbError> {
    query("UPDATE permits SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)")
        .bind(id.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts a device that did not know the secret.
///
/// # Errors
/// What the database says.
pub async fn note_failure(conn: &mut Conn<'_>, id: &PermitId, at: UnixMillis) -> Result<(), DbError> {
    query("UPDATE permits SET failures = failures + 1, last_failed_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organisation, kind, lookup, secret, name, mode, signer, labels, networks, uses, max_uses, failures, last_failed_at,
                 account,
                 account_name, created_at, expires_at, last_used_at, revoked_at, replaces FROM permits ",
            $rest
        )
    };
}
use select;

row! {
    struct Row {
        id: String,
        organisation: String,
        kind: String,
        lookup: String,
        secret: String,
        name: String,
        mode: String,
        signer: String,
        labels: String,
        networks: String,
        uses: i64,
        max_uses: Option<i64>,
        failures: i64,
        last_failed_at: Option<i64>,
        account: String,
        account_name: String,
        created_at: i64,
        expires_at: Option<i64>,
        last_used_at: Option<i64>,
        revoked_at: Option<i64>,
        replaces: Option<String>,
    }
}

impl Row {
    fn read(self, now: UnixMillis) -> Result<PermitRecord, DbError> {
        let list = |text: &str, column| serde_json::from_str(text).map_err(|_| DbError::Corrupt(column));
        let state = if self.revoked_at.is_some() {
            PermitState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now.0) {
            PermitState::Expired
        } else if self.max_uses.is_some_and(|most| self.uses >= most) {
            PermitState::Used
        } else {
            PermitState::Open
        };
        let signer: SignerId = parsed(&self.signer, "permits.signer")?;
        let replaces = self.replaces.map(|id| parsed(&id, "permits.replaces"));
        Ok(PermitRecord {
            permit: Permit {
                id: parsed(&self.id, "permits.id")?,
                organisation: parsed(&self.organisation, "permits.organisation")?,
                kind: PermitKind::from_name(&self.kind).ok_or(DbError::Corrupt("permits.kind"))?,
                lookup: self.lookup,
                name: self.name,
                mode: PermitMode::from_name(&self.mode).ok_or(DbError::Corrupt("permits.mode"))?,
                signer,
                labels: list(&self.labels, "permits.labels")?,
                networks: list(&self.networks, "permits.networks")?,
                state,
                uses: u32::try_from(self.uses).unwrap_or(u32::MAX),
                max_uses: self.max_uses.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
                failures: u32::try_from(self.failures).unwrap_or(u32::MAX),
                last_failed_at: self.last_failed_at.map(UnixMillis),
                created_by: self.account_name,
                created_at: UnixMillis(self.created_at),
                expires_at: self.expires_at.map(UnixMillis),
                last_used_at: self.last_used_at.map(UnixMillis),
                revoked_at: self.revoked_at.map(UnixMillis),
                replaces: replaces.transpose()?,
            },
            secret: self.secret,
            account: parsed(&self.account, "permits.account")?,
        })
    }
}
