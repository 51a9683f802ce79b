//! The server's own settings: named values.

use super::{Conn, DbError, query};

/// The URL with which the server was last started: the command line makes links of it.
pub const PUBLIC_URL: &str = "public_url";

/// The value of a setting.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn<'_>, name: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = query("SELECT value FROM settings WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|(value,)| value))
}

/// Sets a setting.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, name: &str, value: &str) -> Result<(), DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    query(sql).bind(name).bind(value).execute(conn).await.map(|_| ())
}

/// The value of a setting, which is `proposed` if there is none yet: whoever comes first decides it for all.
///
/// # Errors
/// What the database says.
pub async fn keep(conn: &mut Conn<'_>, name: &str, proposed: &str) -> Result<String, DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    query(sql).bind(name).bind(proposed).execute(conn).await?;
    get(conn, name).await?.ok_or(DbError::Missing)
}

/// Makes sure that the database answers, and has our tables.
///
/// # Errors
/// What the database says.
pub async fn probe(conn: &mut Conn<'_>) -> Result<(), DbError> {
    let (_,): (i64,) = query("SELECT COUNT(*) FROM settings").fetch_one(conn).await?;
    Ok(())
}
