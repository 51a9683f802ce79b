//! Views of the fleet that are kept under a name.

use gangway_protocol::bulk::DeviceFilter;
use gangway_protocol::id::{AccountId, OrganisationId, SavedViewId};
use gangway_protocol::time::UnixMillis;

use super::query::texts;
use super::{Conn, DbError, parsed, query, query_of_each, row};

/// A view as it is stored.
#[derive(Clone, Debug)]
pub struct SavedViewRecord {
    /// Its id.
    pub id: SavedViewId,
    /// Who made it.
    pub account: AccountId,
    /// What it is called.
    pub name: String,
    /// Which devices.
    pub filter: DeviceFilter,
    /// Of which organisation.
    pub organisation: Option<OrganisationId>,
    /// In which order.
    pub sort: Option<String>,
    /// Whose members have it as well.
    pub shared_in: Option<OrganisationId>,
}

/// Adds a view.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, view: &SavedViewRecord, at: UnixMillis) -> Result<(), DbError> {
    let filter = serde_json::to_string(&view.filter)
        .map_err(|_| DbError::Corrupt("saved_views: a filter cannot be written as JSON"))?;
    query(
        "INSERT INTO saved_views (id, account, name, filter, organisation, sort, shared_in, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(view.id.as_str())
    .bind(view.account.as_str())
    .bind(&view.name)
    .bind(filter)
    .bind(view.organisation.as_ref().map(OrganisationId::as_str))
    .bind(&view.sort)
    .bind(view.shared_in.as_ref().map(OrganisationId::as_str))
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// A view.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &SavedViewId) -> Result<Option<SavedViewRecord>, DbError> {
    let row: Option<Row> = query(select!("WHERE id = $1"))
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(SavedViewRecord::try_from).transpose()
}

/// The views that an account keeps for itself, oldest first. There are at most
/// [`MAX_SAVED_VIEWS`](gangway_protocol::saved_view::MAX_SAVED_VIEWS).
///
/// # Errors
/// What the database says.
pub async fn of_account(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<SavedViewRecord>, DbError> {
    let rows: Vec<Row> = query(select!("WHERE account = $1 AND shared_in IS NULL ORDER BY id"))
        .bind(account.as_str())
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(SavedViewRecord::try_from).collect()
}

/// The first 500 views that these organisations share, oldest first.
///
/// # Errors
/// What the database says.
pub async fn shared_in(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
) -> Result<Vec<SavedViewRecord>, DbError> {
    let rows: Vec<Row> = query_of_each(
        select!("WHERE shared_in IN (SELECT value FROM json_each($1)) ORDER BY id LIMIT 500"),
        select!("WHERE shared_in = ANY($1) ORDER BY id LIMIT 500"),
    )
    .bind(texts(organisations))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(SavedViewRecord::try_from).collect()
}

/// Removes a view.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, id: &SavedViewId) -> Result<(), DbError> {
    query("DELETE FROM saved_views WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, name, filter, organisation, sort, shared_in FROM saved_views ",
            $rest
        )
    };
}
use select;

row! {
    struct Row {
        id: String,
        account: String,
        name: String,
        filter: String,
        organisation: Option<String>,
        sort: Option<String>,
        shared_in: Option<String>,
    }
}

impl TryFrom<Row> for SavedViewRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let place = |id: Option<String>, column| id.map(|id| parsed(&id, column)).transpose();
        Ok(Self {
            id: parsed(&row.id, "saved_views.id")?,
            account: parsed(&row.account, "saved_views.account")?,
            name: row.name,
            filter: serde_json::from_str(&row.filter).map_err(|_| DbError::Corrupt("saved_views.filter"))?,
            organisation: place(row.organisation, "saved_views.organisation")?,
            sort: row.sort,
            shared_in: place(row.shared_in, "saved_views.shared_in")?,
        })
    }
}
