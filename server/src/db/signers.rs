//! Signing endpoints as configured for an organisation.

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::organisation::{Signer, SignerKind};
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
    query(
        "INSERT INTO signers (id, organisation, name, kind, created_at) VALUES ($1, $2, $3, 'builtin', $4)",
    )
    .bind(id.as_str())
    .bind(organisation.as_str())
    .bind("Built-in CA")
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// At most `limit` signers of an organisation, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: &str,
    limit: u32,
) -> Result<Vec<Signer>, DbError> {
    let rows: Vec<Row> =
        query("SELECT id, name, kind FROM signers WHERE organisation = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(organisation.as_str())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(Signer::try_from).collect()
}

row! {
    struct Row {
        id: String,
        name: String,
        kind: String,
    }
}

impl TryFrom<Row> for Signer {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let kind = match row.kind.as_str() {
            "builtin" => SignerKind::Builtin,
            _ => return Err(DbError::Corrupt("signers.kind")),
        };
        Ok(Self {
            id: parsed(&row.id, "signers.id")?,
            name: row.name,
            kind,
        })
    }
}
