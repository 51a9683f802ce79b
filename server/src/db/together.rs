//! Several statements in one trip to the database: a trip to PostgreSQL takes longer than most statements there.

use super::conn::Link;
use super::{Conn, DbError, FromRow, Query, Row, Value, assembled};

/// Runs statements that change rows, and says how many each has touched: one after the other on SQLite, where a statement is a
/// call; on PostgreSQL as parts of one, none of which sees what another one changes. So none may change a row that another one
/// changes, nor look at it. They lock rows in the order in which they are given, by how PostgreSQL counts what they touch.
pub(super) async fn execute_together<const N: usize>(
    conn: &mut Conn<'_>,
    statements: [Query; N],
) -> Result<[u64; N], DbError> {
    if let Link::Postgres(_) = conn.link {
        let Touched(touched) = joined(statements).fetch_one(conn).await?;
        return Ok(touched);
    }
    let mut touched = [0; N];
    for (touched, statement) in touched.iter_mut().zip(statements) {
        *touched = statement.execute(conn).await?;
    }
    Ok(touched)
}

/// How many rows each statement has touched.
struct Touched<const N: usize>([u64; N]);

impl<const N: usize> FromRow for Touched<N> {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let mut touched = [0; N];
        for (place, touched) in touched.iter_mut().enumerate() {
            *touched = row.at::<i64>(place)?.unsigned_abs();
        }
        Ok(Self(touched))
    }
}

/// `WITH` and each statement (PostgreSQL, §7.8.4). Its text depends on theirs alone, so that it is compiled once.
fn joined<const N: usize>(statements: [Query; N]) -> Query {
    let (mut parts, mut counts, mut values) = (Vec::with_capacity(N), Vec::with_capacity(N), Vec::new());
    for (number, statement) in statements.into_iter().enumerate() {
        let (sql, bound) = statement.into_parts();
        let sql = shifted(&sql, values.len());
        parts.push(format!("part{number} AS ({sql} RETURNING 1)"));
        counts.push(format!("(SELECT COUNT(*) FROM part{number})"));
        values.extend(bound);
    }
    let sql = format!("WITH {} SELECT {}", parts.join(", "), counts.join(", "));
    values
        .into_iter()
        .fold(assembled(sql), |query, value: Value| query.bind(value))
}

/// The statement with its parameters' numbers raised.
fn shifted(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut shifted = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(piece.len());
        let (number, rest) = piece.split_at(end);
        let number = number.parse::<usize>().unwrap_or_default() + by;
        shifted.push_str(&format!("${number}{rest}"));
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::super::fresh_postgres::fresh_database;
    use super::super::{Db, query, write};
    use super::*;

    fn put(name: &str) -> Query {
        query("INSERT INTO settings (name, value) VALUES ($1, $2)")
            .bind(name)
            .bind("x")
    }

    async fn both_run_and_are_counted(db: Db) {
        write!(db, |tx| {
            execute_together(tx, [put("a"), put("b")]).await?;
            let change = query("UPDATE settings SET value = $2 WHERE name = $1 OR name = $3");
            let change = change.bind("a").bind("y").bind("b");
            let remove = query("DELETE FROM settings WHERE name = $1").bind("c");
            assert_eq!(execute_together(tx, [change, put("d"), remove]).await?, [2, 1, 0]);
            Ok(())
        })
        .expect("they run");
    }

    #[tokio::test]
    async fn statements_run_together_on_sqlite() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("test.sqlite3");
        both_run_and_are_counted(Db::open_sqlite(&file).await.expect("it opens")).await;
    }

    #[tokio::test]
    async fn statements_run_together_on_postgresql() {
        let url = fresh_database().await;
        both_run_and_are_counted(Db::open_postgres(&url).await.expect("it opens")).await;
    }

    #[test]
    fn parameters_are_numbered_on() {
        assert_eq!(shifted("a = $1 AND b = $12 OR $1", 3), "a = $4 AND b = $15 OR $4");
        assert_eq!(shifted("none", 3), "none");
    }
}
