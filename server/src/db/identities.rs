//! Who is who: persons as providers know them, the roles that their claims give them, and logout tokens that were used.

use gangway_protocol::id::{AccountId, IdentityProviderId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::single_sign_on::{Identity, ProviderName};
use gangway_protocol::time::UnixMillis;

use super::memberships::role_of;
use super::{Conn, DbError, SecretHash, parsed, query};

/// A role that a provider's claim gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Where.
    pub organisation: OrganisationId,
    /// The role that counts: the greater one of the next two.
    pub role: Role,
    /// The claim's.
    pub claimed: Role,
    /// What somebody gave by hand beside it.
    pub by_hand: Option<Role>,
}

/// The account of a person at a provider.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    subject: &str,
) -> Result<Option<AccountId>, DbError> {
    let row: Option<(String,)> = query("SELECT account FROM identities WHERE provider = $1 AND subject = $2")
        .bind(provider.as_str())
        .bind(subject)
        .fetch_optional(conn)
        .await?;
    row.map(|(account,)| parsed(&account, "identities.account"))
        .transpose()
}

/// The customer at which an account is linked with a provider.
///
/// # Errors
/// What the database says.
pub async fn customer_of(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    account: &AccountId,
) -> Result<Option<OrganisationId>, DbError> {
    let row: Option<(String,)> =
        query("SELECT customer FROM identities WHERE provider = $1 AND account = $2")
            .bind(provider.as_str())
            .bind(account.as_str())
            .fetch_optional(conn)
            .await?;
    row.map(|(customer,)| parsed(&customer, "identities.customer"))
        .transpose()
}

/// Links a person at a provider with an account.
///
/// # Errors
/// [`DbError::Unique`] where either has such a link at this customer already.
pub async fn insert(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    subject: &str,
    account: &AccountId,
    customer: &OrganisationId,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO identities (provider, subject, account, customer, created_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(provider.as_str())
    .bind(subject)
    .bind(account.as_str())
    .bind(customer.as_str())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that somebody came by it; `false` where they are not linked any more.
///
/// # Errors
/// What the database says.
pub async fn note_use(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    subject: &str,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let rows = query("UPDATE identities SET last_used_at = $3 WHERE provider = $1 AND subject = $2")
        .bind(provider.as_str())
        .bind(subject)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(rows > 0)
}

/// Ends the link of an account with a provider; `false` where there is none.
///
/// # Errors
/// What the database says.
pub async fn delete(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    account: &AccountId,
) -> Result<bool, DbError> {
    let rows = query("DELETE FROM identities WHERE provider = $1 AND account = $2")
        .bind(provider.as_str())
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(rows > 0)
}

/// At most `limit` links of an account, by their providers, behind the provider `after`.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: &str,
    limit: i64,
) -> Result<Vec<Identity>, DbError> {
    let rows: Vec<(String, String, String, i64, i64)> = query(
        "SELECT i.provider, p.name, i.customer, i.created_at, i.last_used_at
             FROM identities i JOIN identity_providers p ON p.id = i.provider
             WHERE i.account = $1 AND i.provider > $2 ORDER BY i.provider LIMIT $3",
    )
    .bind(account.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(provider, name, customer, linked_at, last_used_at)| {
            let id = parsed(&provider, "identities.provider")?;
            Ok(Identity {
                provider: ProviderName { id, name },
                organisation: parsed(&customer, "identities.customer")?,
                linked_at: UnixMillis(linked_at),
                last_used_at: UnixMillis(last_used_at),
            })
        })
        .collect()
}

/// At most `limit` accounts that are linked with a provider.
///
/// # Errors
/// What the database says.
pub async fn of_provider(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    limit: i64,
) -> Result<Vec<AccountId>, DbError> {
    let rows: Vec<(String,)> =
        query("SELECT account FROM identities WHERE provider = $1 ORDER BY account LIMIT $2")
            .bind(provider.as_str())
            .bind(limit)
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(account,)| parsed(&account, "identities.account"))
        .collect()
}

/// At most `limit` accounts that have roles by a claim and have not come by its provider since then.
///
/// # Errors
/// What the database says.
pub async fn lapsed(
    conn: &mut Conn<'_>,
    since: UnixMillis,
    limit: i64,
) -> Result<Vec<(IdentityProviderId, AccountId)>, DbError> {
    let rows: Vec<(String, String)> = query(
        "SELECT i.provider, i.account FROM identities i
             WHERE i.last_used_at <= $1
                 AND EXISTS (SELECT 1 FROM memberships m WHERE m.claimed_by = i.provider AND m.account = i.account)
             ORDER BY i.last_used_at LIMIT $2",
    )
    .bind(since.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(provider, account)| {
            Ok((
                parsed(&provider, "identities.provider")?,
                parsed(&account, "identities.account")?,
            ))
        })
        .collect()
}

/// The roles that a provider's claim gives an account. There are no more than a provider has mappings.
///
/// # Errors
/// What the database says.
pub async fn claimed(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    account: &AccountId,
) -> Result<Vec<Claimed>, DbError> {
    let rows: Vec<(String, String, String, Option<String>)> = query(
        "SELECT organisation, role, claimed, by_hand FROM memberships
             WHERE claimed_by = $1 AND account = $2 ORDER BY organisation",
    )
    .bind(provider.as_str())
    .bind(account.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(organisation, role, claimed, by_hand)| {
            Ok(Claimed {
                organisation: parsed(&organisation, "memberships.organisation")?,
                role: role_of(&role)?,
                claimed: role_of(&claimed)?,
                by_hand: by_hand.as_deref().map(role_of).transpose()?,
            })
        })
        .collect()
}

/// Gives a role by a claim, beside whatever somebody gave by hand.
///
/// # Errors
/// What the database says.
pub async fn claim(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    account: &AccountId,
    claimed: &Claimed,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO memberships (organisation, account, role, created_at, claimed, claimed_by, by_hand)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (organisation, account) DO UPDATE SET role = excluded.role, claimed = excluded.claimed,
                 claimed_by = excluded.claimed_by, by_hand = excluded.by_hand",
    )
    .bind(claimed.organisation.as_str())
    .bind(account.as_str())
    .bind(claimed.role.as_str())
    .bind(now.0)
    .bind(claimed.claimed.as_str())
    .bind(provider.as_str())
    .bind(claimed.by_hand.map(Role::as_str))
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes away a role that a claim gave: what was given by hand stays, and so does a suspension. A membership that an admin has
/// suspended is there until an admin removes it, or whoever it is would be let in by the next claim.
///
/// # Errors
/// What the database says.
pub async fn unclaim(conn: &mut Conn<'_>, account: &AccountId, claimed: &Claimed) -> Result<(), DbError> {
    query("DELETE FROM memberships WHERE organisation = $1 AND account = $2 AND by_hand IS NULL AND suspended_at IS NULL")
        .bind(claimed.organisation.as_str())
        .bind(account.as_str())
        .execute(conn)
        .await?;
    query(
        "UPDATE memberships SET role = COALESCE(by_hand, role), claimed = NULL, claimed_by = NULL, by_hand = NULL
             WHERE organisation = $1 AND account = $2",
    )
    .bind(claimed.organisation.as_str())
    .bind(account.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a membership rests on a claim.
///
/// # Errors
/// What the database says.
pub async fn is_claimed(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<bool, DbError> {
    let row: Option<(String,)> = query(
        "SELECT claimed_by FROM memberships WHERE organisation = $1 AND account = $2 AND claimed_by IS NOT NULL",
    )
    .bind(organisation.as_str())
    .bind(account.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Notes the id of a logout token; `false` when it was used before.
///
/// # Errors
/// What the database says.
pub async fn note_logout(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    id: &SecretHash,
    expires_at: UnixMillis,
) -> Result<bool, DbError> {
    let rows = query(
        "INSERT INTO logout_tokens (provider, id_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(provider.as_str())
    .bind(id.as_str())
    .bind(expires_at.0)
    .execute(conn)
    .await?;
    Ok(rows > 0)
}

/// Forgets the logout tokens that have expired.
///
/// # Errors
/// What the database says.
pub async fn sweep_logouts(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM logout_tokens WHERE expires_at <= $1")
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}
