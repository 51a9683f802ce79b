//! Signing endpoints as configured for an organisation.

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query, row};

/// Gives a new organisation the built-in CA as its signer.
///
/// # Errors
/// What the database says.
pub async fn add_builtin(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    now: UnixMillis,
    id: SignerId,
) -> Result<(), DbError> {
    let signer = Signer {
        id,
        name: "Built-in CA".to_owned(),
        kind: SignerKind::Builtin,
        least_role: Role::Installer,
        disabled: false,
        inherited: false,
    };
    insert(conn, organisation, &signer, 0, now).await
}

/// Adds a signer at this place of the list.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    signer: &Signer,
    position: usize,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO signers (id, organisation, name, kind, position, least_role, disabled_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(signer.id.as_str())
    .bind(organisation.as_str())
    .bind(&signer.name)
    .bind(written(&signer.kind)?)
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .bind(signer.least_role.as_str())
    .bind(signer.disabled.then_some(now.0))
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change of a signer.
///
/// # Errors
/// What the database says.
pub async fn update(conn: &mut Conn<'_>, signer: &Signer, now: UnixMillis) -> Result<(), DbError> {
    query(
        "UPDATE signers SET name = $2, kind = $3, least_role = $4,
                 disabled_at = CASE WHEN $5 IS NULL THEN NULL ELSE COALESCE(disabled_at, $5) END
             WHERE id = $1",
    )
    .bind(signer.id.as_str())
    .bind(&signer.name)
    .bind(written(&signer.kind)?)
    .bind(signer.least_role.as_str())
    .bind(signer.disabled.then_some(now.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a signer at a place of the list.
///
/// # Errors
/// What the database says.
pub async fn place(conn: &mut Conn<'_>, id: &SignerId, position: usize) -> Result<(), DbError> {
    query("UPDATE signers SET position = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a signer that nothing names. False when an approval, a certificate or a permit does.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, id: &SignerId) -> Result<bool, DbError> {
    let removed = query(
        "DELETE FROM signers WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM approvals WHERE signer = $1)
             AND NOT EXISTS (SELECT 1 FROM certificates WHERE signer = $1)
             AND NOT EXISTS (SELECT 1 FROM permits WHERE signer = $1)",
    )
    .bind(id.as_str())
    .execute(conn)
    .await?;
    Ok(removed > 0)
}

/// Whether an approval, a certificate or a permit names it.
///
/// # Errors
/// What the database says.
pub async fn is_named(conn: &mut Conn<'_>, id: &SignerId) -> Result<bool, DbError> {
    let (named,): (i64,) = query(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM approvals WHERE signer = $1)
             OR EXISTS (SELECT 1 FROM certificates WHERE signer = $1)
             OR EXISTS (SELECT 1 FROM permits WHERE signer = $1) THEN 1 ELSE 0 END AS BIGINT)",
    )
    .bind(id.as_str())
    .fetch_one(conn)
    .await?;
    Ok(named != 0)
}

/// The signers of an organisation, in its order. There are at most [`gangway_protocol::signer::MAX_SIGNERS`].
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<Signer>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT id, name, kind, least_role, disabled_at FROM signers WHERE organisation = $1 ORDER BY position, id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Signer::try_from).collect()
}

/// The signers that an organisation may use: its own, then those from above, the nearest first.
///
/// # Errors
/// What the database says.
pub async fn usable_at(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<Vec<Signer>, DbError> {
    let rows: Vec<UsableRow> = query(
        "WITH RECURSIVE above (id, parent, distance) AS (
            SELECT id, parent, CAST(0 AS BIGINT) FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent, above.distance + 1 FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT s.id, s.name, s.kind, s.least_role, s.disabled_at,
            above.distance > 0 AS inherited
        FROM above JOIN signers s ON s.organisation = above.id ORDER BY above.distance, s.position, s.id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Signer {
                inherited: row.inherited,
                ..row.signer.try_into()?
            })
        })
        .collect()
}

/// One signer, whichever organisation's it is.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &SignerId) -> Result<Option<Signer>, DbError> {
    let row: Option<Row> = query("SELECT id, name, kind, least_role, disabled_at FROM signers WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(Signer::try_from).transpose()
}

/// Whose a signer is.
///
/// # Errors
/// What the database says.
pub async fn organisation_of(conn: &mut Conn<'_>, id: &SignerId) -> Result<Option<OrganisationId>, DbError> {
    let found: Option<(String,)> = query("SELECT organisation FROM signers WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    found
        .map(|(organisation,)| parsed(&organisation, "signers.organisation"))
        .transpose()
}

fn written(kind: &SignerKind) -> Result<String, DbError> {
    serde_json::to_string(kind).map_err(|_| DbError::Corrupt("signers.kind"))
}

row! {
    struct Row {
        id: String,
        name: String,
        kind: String,
        least_role: String,
        disabled_at: Option<i64>,
    }
}

row! {
    struct UsableRow {
        inherited: bool,
        #[rest]
        signer: Row,
    }
}

impl TryFrom<Row> for Signer {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        read(&row.id, row.name, &row.kind, &row.least_role, row.disabled_at)
    }
}

/// A signer from what its row says.
pub(super) fn read(
    id: &str,
    name: String,
    kind: &str,
    least_role: &str,
    disabled_at: Option<i64>,
) -> Result<Signer, DbError> {
    Ok(Signer {
        id: parsed(id, "signers.id")?,
        name,
        kind: serde_json::from_str(kind).map_err(|_| DbError::Corrupt("signers.kind"))?,
        least_role: Role::from_name(least_role).ok_or(DbError::Corrupt("signers.least_role"))?,
        disabled: disabled_at.is_some(),
        inherited: false,
    })
}
