//! The server's own settings: named values.

use super::{Conn, DbError, execute, on};

/// The URL with which the server was last started: the command line makes links of it.
pub const PUBLIC_URL: &str = "public_url";

/// The value of a setting.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn<'_>, name: &str) -> Result<Option<String>, DbError> {
    on!(conn, |c| sqlx::query_scalar::<_, String>(
        "SELECT value FROM settings WHERE name = $1"
    )
    .bind(name)
    .fetch_optional(c)
    .await)
}

/// Sets a setting.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, name: &str, value: &str) -> Result<(), DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    execute!(conn, sqlx::query(sql).bind(name).bind(value)).map(|_| ())
}

/// The value of a setting, which is `proposed` if there is none yet: whoever comes first decides it for all.
///
/// # Errors
/// What the database says.
pub async fn keep(conn: &mut Conn<'_>, name: &str, proposed: &str) -> Result<String, DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    execute!(conn, sqlx::query(sql).bind(name).bind(proposed))?;
    get(conn, name).await?.ok_or(DbError::Missing)
}

/// Makes sure that the database answers, and has our tables.
///
/// # Errors
/// What the database says.
pub async fn probe(conn: &mut Conn<'_>) -> Result<(), DbError> {
    on!(conn, |c| sqlx::query_scalar::<_, i64>(
        "SELECT COUNT(*) FROM settings"
    )
    .fetch_one(c)
    .await)
    .map(|_| ())
}
