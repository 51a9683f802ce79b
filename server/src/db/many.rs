//! One statement for many rows, whose text does not depend on how many there are: a text for each number would push the
//! statements that run all the time out of what a connection keeps compiled.

use super::conn::Link;
use super::query::query_of_each;
use super::{Conn, DbError, Query, Value};

/// Runs `each` for every row on SQLite, where a statement is a call; on PostgreSQL runs `all` once, whose parameters are the
/// columns as arrays (`UNNEST($1::TEXT[], …)`).
///
/// # Errors
/// What the database says.
pub(super) async fn execute_many<const N: usize>(
    conn: &mut Conn<'_>,
    each: &'static str,
    all: &'static str,
    rows: Vec<[Value; N]>,
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    if let Link::Postgres(_) = conn.link {
        let columns = columns(rows)?;
        let statement = columns.into_iter().fold(query_of_each(each, all), Query::bind);
        statement.execute(conn).await?;
        return Ok(());
    }
    for row in rows {
        let statement = row.into_iter().fold(query_of_each(each, all), Query::bind);
        statement.execute(conn).await?;
    }
    Ok(())
}

/// The columns of rows, each an array. A column has one type.
fn columns<const N: usize>(rows: Vec<[Value; N]>) -> Result<Vec<Value>, DbError> {
    let mut columns: Vec<Option<Value>> = vec![None; N];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            match (column, value) {
                (Some(Value::Texts(texts)), Value::Text(text)) => texts.push(text),
                (Some(Value::Integers(numbers)), Value::Integer(number)) => numbers.push(number),
                (column @ None, Value::Text(text)) => *column = Some(Value::Texts(vec![text])),
                (column @ None, Value::Integer(number)) => *column = Some(Value::Integers(vec![number])),
                (Some(Value::ManyBytes(many)), Value::Bytes(bytes)) => many.push(bytes),
                (column @ None, Value::Bytes(bytes)) => *column = Some(Value::ManyBytes(vec![bytes])),
                _ => {
                    return Err(DbError::Corrupt(
                        "a column of a statement has values of several types",
                    ));
                }
            }
        }
    }
    Ok(columns.into_iter().flatten().collect())
}
