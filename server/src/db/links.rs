//! One-time links: set-up, customer, invitation, recovery.

use gangway_protocol::id::{AccountId, LinkId, OrganisationId};
use gangway_protocol::organisation::{Invitation, Role};
use gangway_protocol::time::UnixMillis;

use super::SecretHash;
use super::memberships::role_of;
use super::{Conn, DbError, parsed, query, row};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first registration of a server.
    Setup,
    /// A registration as a customer, by the operator's invitation.
    Customer,
    /// A registration as a customer that somebody began by themselves.
    SignUp,
    /// A registration as a member.
    Invitation {
        /// Of which organisation.
        organisation: OrganisationId,
        /// As what.
        role: Role,
    },
    /// A registration of another passkey.
    Recovery {
        /// For whom.
        account: AccountId,
    },
}

/// A link to be kept.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Its id.
    pub id: LinkId,
    /// What it is for.
    pub purpose: Purpose,
    /// For whom, as a reminder; of [`Purpose::Customer`] the name of its organisation, unless the person gives another.
    pub note: String,
    /// Who made it; `None` for the server itself.
    pub created_by: Option<AccountId>,
    /// When it lapses.
    pub expires_at: UnixMillis,
}

/// A link that somebody showed.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// What it is for.
    pub purpose: Purpose,
    /// As of [`NewLink`].
    pub note: String,
    /// Who made it; `None` for the server itself.
    pub created_by: Option<AccountId>,
}

/// Keeps a link.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    link: &NewLink,
    now: UnixMillis,
) -> Result<(), DbError> {
    let (kind, organisation, role, account) = match &link.purpose {
        Purpose::Setup => ("setup", None, None, None),
        Purpose::Customer => ("customer", None, None, None),
        Purpose::SignUp => ("sign_up", None, None, None),
        Purpose::Invitation { organisation, role } => (
            "invitation",
            Some(organisation.as_str()),
            Some(role.as_str()),
            None,
        ),
        Purpose::Recovery { account } => ("recovery", None, None, Some(account.as_str())),
    };
    query(
        "INSERT INTO links
                (id, kind, token_hash, organisation, role, account, note, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(link.id.as_str())
    .bind(kind)
    .bind(secret.as_str())
    .bind(organisation)
    .bind(role)
    .bind(account)
    .bind(&link.note)
    .bind(link.created_by.as_ref().map(AccountId::as_str))
    .bind(now.0)
    .bind(link.expires_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The link of this secret, unless it was used or has expired.
///
/// # Errors
/// What the database says.
pub async fn by_secret(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    now: UnixMillis,
) -> Result<Option<Link>, DbError> {
    let row: Option<LinkRow> = query(
        "SELECT id, kind, organisation, role, account, note, created_by FROM links
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(secret.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    row.map(Link::try_from).transpose()
}

/// The organisation that a link invites to.
///
/// # Errors
/// What the database says.
pub async fn organisation_of(conn: &mut Conn<'_>, id: &LinkId) -> Result<Option<OrganisationId>, DbError> {
    let row: Option<(Option<String>,)> = query("SELECT organisation FROM links WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.and_then(|(organisation,)| organisation)
        .map(|id| parsed(&id, "links.organisation"))
        .transpose()
}

/// Uses a link up; `None` when somebody was faster, it was taken back, or it has expired.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut Conn<'_>, id: &LinkId, now: UnixMillis) -> Result<Option<Link>, DbError> {
    let row: Option<LinkRow> = query(
        "UPDATE links SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2
         RETURNING id, kind, organisation, role, account, note, created_by",
    )
    .bind(id.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    row.map(Link::try_from).transpose()
}

/// The invitations that an account has made and that wait to be taken: id, organisation and role.
///
/// # Errors
/// What the database says.
pub async fn invitations_by(
    conn: &mut Conn<'_>,
    maker: &AccountId,
    now: UnixMillis,
) -> Result<Vec<(LinkId, OrganisationId, Role)>, DbError> {
    let rows: Vec<(String, String, String)> = query(
        "SELECT id, organisation, role FROM links
         WHERE created_by = $1 AND kind = 'invitation' AND used_at IS NULL AND expires_at > $2 ORDER BY id",
    )
    .bind(maker.as_str())
    .bind(now.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, organisation, role)| {
            Ok((
                parsed(&id, "links.id")?,
                parsed(&organisation, "links.organisation")?,
                role_of(&role)?,
            ))
        })
        .collect()
}

/// Voids the recovery links of an account that nobody has used.
///
/// # Errors
/// What the database says.
pub async fn void_recoveries(conn: &mut Conn<'_>, account: &AccountId) -> Result<(), DbError> {
    query("DELETE FROM links WHERE account = $1 AND kind = 'recovery' AND used_at IS NULL")
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// At most `limit` invitations of an organisation that wait to be taken, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn invitations(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    now: UnixMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<Invitation>, DbError> {
    let rows: Vec<(String, String, String, i64)> = query(
        "SELECT id, role, note, expires_at FROM links
         WHERE organisation = $1 AND kind = 'invitation' AND used_at IS NULL AND expires_at > $2 AND id > $3
         ORDER BY id LIMIT $4",
    )
    .bind(organisation.as_str())
    .bind(now.0)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, role, note, expires_at)| {
            Ok(Invitation {
                id: parsed(&id, "links.id")?,
                role: role_of(&role)?,
                note,
                expires_at: UnixMillis(expires_at),
                link: None,
            })
        })
        .collect()
}

/// How many invitations of an organisation wait to be taken.
///
/// # Errors
/// What the database says.
pub async fn count_invitations(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    now: UnixMillis,
) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "SELECT COUNT(*) FROM links
         WHERE organisation = $1 AND kind = 'invitation' AND used_at IS NULL AND expires_at > $2",
    )
    .bind(organisation.as_str())
    .bind(now.0)
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Takes an invitation back; `false` where the organisation has no such one waiting.
///
/// # Errors
/// What the database says.
pub async fn withdraw(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    id: &LinkId,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let rows = query(
            "DELETE FROM links
             WHERE id = $1 AND organisation = $2 AND kind = 'invitation' AND used_at IS NULL AND expires_at > $3"
        )
        .bind(id.as_str())
        .bind(organisation.as_str())
        .bind(now.0).execute(conn).await?;
    Ok(rows > 0)
}

/// Takes back every invitation of an organisation that waits, and says which.
///
/// # Errors
/// What the database says.
pub async fn void_invitations(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<LinkId>, DbError> {
    let rows: Vec<(String,)> = query(
        "DELETE FROM links WHERE organisation = $1 AND kind = 'invitation' AND used_at IS NULL RETURNING id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|(id,)| parsed(&id, "links.id")).collect()
}

/// Forgets the links that were used or have expired; the record keeps what they were.
///
/// # Errors
/// What the database says.
pub async fn sweep(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM links WHERE used_at IS NOT NULL OR expires_at <= $1")
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

row! {
    struct LinkRow {
        id: String,
        kind: String,
        organisation: Option<String>,
        role: Option<String>,
        account: Option<String>,
        note: String,
        created_by: Option<String>,
    }
}

impl TryFrom<LinkRow> for Link {
    type Error = DbError;

    fn try_from(row: LinkRow) -> Result<Self, DbError> {
        let purpose = match (row.kind.as_str(), row.organisation, row.role, row.account) {
            ("setup", None, None, None) => Purpose::Setup,
            ("customer", None, None, None) => Purpose::Customer,
            ("sign_up", None, None, None) => Purpose::SignUp,
            ("invitation", Some(organisation), Some(role), None) => Purpose::Invitation {
                organisation: parsed(&organisation, "links.organisation")?,
                role: role_of(&role)?,
            },
            ("recovery", None, None, Some(account)) => Purpose::Recovery {
                account: parsed(&account, "links.account")?,
            },
            _ => return Err(DbError::Corrupt("links.kind")),
        };
        let created_by = row.created_by.map(|id| parsed(&id, "links.created_by"));
        Ok(Self {
            id: parsed(&row.id, "links.id")?,
            purpose,
            note: row.note,
            created_by: created_by.transpose()?,
        })
    }
}
