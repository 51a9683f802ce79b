//! OpenID Connect providers of customers. Their secrets stand here as they were sealed.

use gangway_protocol::id::{IdentityProviderId, OrganisationId};
use gangway_protocol::single_sign_on::{ClaimedRoles, ProviderName};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query, row};

/// A provider with what only the server knows of it.
#[derive(Clone, Debug)]
pub struct ProviderRecord {
    /// Its id.
    pub id: IdentityProviderId,
    /// Its customer.
    pub organisation: OrganisationId,
    /// What the button calls it.
    pub name: String,
    /// Its issuer.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// The client's secret, sealed.
    pub secret: Option<String>,
    /// Which roles its people get.
    pub roles: ClaimedRoles,
    /// Whether somebody who comes for the first time gets an account.
    pub makes_accounts: bool,
    /// When it was added.
    pub created_at: UnixMillis,
}

/// Adds a provider.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, record: &ProviderRecord) -> Result<(), DbError> {
    query(
        "INSERT INTO identity_providers
                (id, organisation, name, issuer, client_id, secret, roles, makes_accounts, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(record.id.as_str())
    .bind(record.organisation.as_str())
    .bind(&record.name)
    .bind(&record.issuer)
    .bind(&record.client_id)
    .bind(record.secret.as_deref())
    .bind(written(&record.roles)?)
    .bind(record.makes_accounts)
    .bind(record.created_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change of a provider.
///
/// # Errors
/// What the database says.
pub async fn update(conn: &mut Conn<'_>, record: &ProviderRecord) -> Result<(), DbError> {
    query(
        "UPDATE identity_providers SET name = $2, secret = $3, roles = $4, makes_accounts = $5 WHERE id = $1",
    )
    .bind(record.id.as_str())
    .bind(&record.name)
    .bind(record.secret.as_deref())
    .bind(written(&record.roles)?)
    .bind(record.makes_accounts)
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a provider as removed, and forgets its secret: nobody comes in by it from now on.
///
/// # Errors
/// What the database says.
pub async fn mark_removed(
    conn: &mut Conn<'_>,
    id: &IdentityProviderId,
    now: UnixMillis,
) -> Result<(), DbError> {
    query("UPDATE identity_providers SET removed_at = $2, secret = NULL WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .execute(conn)
        .await?;
    query("DELETE FROM sign_ins WHERE provider = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets a removed provider on which nothing rests any more.
///
/// # Errors
/// What the database says.
pub async fn delete(conn: &mut Conn<'_>, id: &IdentityProviderId) -> Result<(), DbError> {
    query("DELETE FROM identity_providers WHERE id = $1 AND removed_at IS NOT NULL")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// One provider that stands.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &IdentityProviderId) -> Result<Option<ProviderRecord>, DbError> {
    let row: Option<Row> = query(
        "SELECT id, organisation, name, issuer, client_id, secret, roles, makes_accounts, created_at
             FROM identity_providers WHERE id = $1 AND removed_at IS NULL",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(ProviderRecord::try_from).transpose()
}

/// The providers of a customer. There are at most [`gangway_protocol::single_sign_on::MAX_PROVIDERS`].
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<ProviderRecord>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT id, organisation, name, issuer, client_id, secret, roles, makes_accounts, created_at
             FROM identity_providers WHERE organisation = $1 AND removed_at IS NULL ORDER BY id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ProviderRecord::try_from).collect()
}

/// The names of the providers of an organisation's customer.
///
/// # Errors
/// What the database says.
pub async fn names_for(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<ProviderName>, DbError> {
    let rows: Vec<(String, String)> = query(
        "SELECT id, name FROM identity_providers
             WHERE organisation = (SELECT COALESCE(root, id) FROM organisations WHERE id = $1) AND removed_at IS NULL ORDER BY id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, name)| {
            let id = parsed(&id, "identity_providers.id")?;
            Ok(ProviderName { id, name })
        })
        .collect()
}

/// Providers that were removed and on which something may rest still.
///
/// # Errors
/// What the database says.
pub async fn removed(conn: &mut Conn<'_>) -> Result<Vec<(IdentityProviderId, String)>, DbError> {
    let rows: Vec<(String, String)> =
        query("SELECT id, name FROM identity_providers WHERE removed_at IS NOT NULL ORDER BY id")
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((parsed(&id, "identity_providers.id")?, name)))
        .collect()
}

fn written(roles: &ClaimedRoles) -> Result<String, DbError> {
    serde_json::to_string(roles).map_err(|_| DbError::Corrupt("identity_providers.roles"))
}

row! {
    struct Row {
        id: String,
        organisation: String,
        name: String,
        issuer: String,
        client_id: String,
        secret: Option<String>,
        roles: String,
        makes_accounts: bool,
        created_at: i64,
    }
}

impl TryFrom<Row> for ProviderRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "identity_providers.id")?,
            organisation: parsed(&row.organisation, "identity_providers.organisation")?,
            name: row.name,
            issuer: row.issuer,
            client_id: row.client_id,
            secret: row.secret,
            roles: serde_json::from_str(&row.roles)
                .map_err(|_| DbError::Corrupt("identity_providers.roles"))?,
            makes_accounts: row.makes_accounts,
            created_at: UnixMillis(row.created_at),
        })
    }
}
