//! A query: one text for both engines, with its values.

use std::borrow::Cow;
use std::pin::pin;

use futures_util::{Stream, StreamExt as _};
use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection as SqliteConnection, ToSql};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _};

use super::row::{FromRow, Row};
use super::{Conn, DbError};

/// A value for a parameter. Absent ones keep their type: PostgreSQL asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT.
    Integer(Option<i64>),
    /// BOOLEAN.
    Boolean(Option<bool>),
}

/// One statement. `$1` is the value bound first.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A query. Its text is part of the program: values come in by [`Query::bind`] alone.
pub fn query(sql: &'static str) -> Query {
    Query {
        sql: Cow::Borrowed(sql),
        values: Vec::new(),
    }
}

/// A query whose text was put together, of nothing but constants and numbers of parameters.
pub fn assembled(sql: String) -> Query {
    Query {
        sql: Cow::Owned(sql),
        values: Vec::new(),
    }
}

impl Query {
    /// Gives the next parameter its value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it. Returns how many rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(self, conn: &mut Conn<'_>) -> Result<u64, DbError> {
        match conn {
            Conn::SqliteWriter(connection) => self.execute_here(connection),
            Conn::SqliteReader(reader) => reader.run(move |connection| self.execute_here(connection)).await,
            Conn::Postgres(connection) => Ok(self
                .for_postgres()
                .execute(&mut **connection)
                .await?
                .rows_affected()),
        }
    }

    /// Runs it. Returns the first of its rows.
    ///
    /// # Errors
    /// [`DbError::Missing`] when there is none.
    pub async fn fetch_one<T: FromRow>(self, conn: &mut Conn<'_>) -> Result<T, DbError> {
        self.fetch_optional(conn).await?.ok_or(DbError::Missing)
    }

    /// Runs it. Returns the first of its rows, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_optional<T: FromRow>(self, conn: &mut Conn<'_>) -> Result<Option<T>, DbError> {
        Ok(self.fetch(conn, 1).await?.pop())
    }

    /// Runs it. Returns its rows.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_all<T: FromRow>(self, conn: &mut Conn<'_>) -> Result<Vec<T>, DbError> {
        self.fetch(conn, usize::MAX).await
    }

    async fn fetch<T: FromRow>(self, conn: &mut Conn<'_>, limit: usize) -> Result<Vec<T>, DbError> {
        match conn {
            Conn::SqliteWriter(connection) => self.fetch_here(connection, limit),
            Conn::SqliteReader(reader) => {
                reader
                    .run(move |connection| self.fetch_here(connection, limit))
                    .await
            }
            Conn::Postgres(connection) => collect(self.for_postgres().fetch(&mut **connection), limit).await,
        }
    }

    fn execute_here(&self, connection: &SqliteConnection) -> Result<u64, DbError> {
        let touched = self.on_sqlite(connection)?.raw_execute()?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    fn fetch_here<T: FromRow>(&self, connection: &SqliteConnection, limit: usize) -> Result<Vec<T>, DbError> {
        let mut statement = self.on_sqlite(connection)?;
        let mut rows = statement.raw_query();
        let mut fetched = Vec::new();
        while fetched.len() < limit
            && let Some(row) = rows.next()?
        {
            fetched.push(T::from_row(&Row::Sqlite(row))?);
        }
        Ok(fetched)
    }

    /// The statement, compiled and with its values. SQLite takes `$1` for a name and numbers parameters as they occur.
    fn on_sqlite<'c>(&self, connection: &'c SqliteConnection) -> Result<CachedStatement<'c>, DbError> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let parameters = statement.parameter_count();
        for index in 1..=parameters {
            let number = statement
                .parameter_name(index)
                .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
            let value = number.and_then(|number| self.values.get(number.checked_sub(1)?));
            let missing = rusqlite::Error::InvalidParameterCount(self.values.len(), parameters);
            statement.raw_bind_parameter(index, value.ok_or(missing)?)?;
        }
        Ok(statement)
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        let sql = match self.sql {
            Cow::Borrowed(sql) => sql.into_sql_str(),
            Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
        };
        let mut query = sqlx::query(sql);
        for value in self.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Integer(number) => query.bind(number),
                Value::Boolean(truth) => query.bind(truth),
            };
        }
        query
    }
}

async fn collect<T: FromRow>(
    rows: impl Stream<Item = Result<PgRow, sqlx::Error>>,
    limit: usize,
) -> Result<Vec<T>, DbError> {
    let mut rows = pin!(rows.take(limit));
    let mut fetched = Vec::new();
    while let Some(row) = rows.next().await {
        fetched.push(T::from_row(&Row::Postgres(&row?))?);
    }
    Ok(fetched)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Integer(number) => number.to_sql(),
            Self::Boolean(truth) => truth.to_sql(),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident |$value:ident| $text:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$variant($text)
            }
        }
    )*};
}
from! {
    &str => Text |text| Some(text.to_owned());
    String => Text |text| Some(text);
    &String => Text |text| Some(text.clone());
    Option<&str> => Text |text| text.map(str::to_owned);
    Option<String> => Text |text| text;
    &Option<String> => Text |text| text.clone();
    i64 => Integer |number| Some(number);
    &i64 => Integer |number| Some(*number);
    Option<i64> => Integer |number| number;
    bool => Boolean |truth| Some(truth);
    Option<bool> => Boolean |truth| truth;
}

#[cfg(test)]
mod tests {
    use super::super::sqlite;
    use super::*;

    #[tokio::test]
    async fn a_parameter_takes_the_value_of_its_number() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut connection = sqlite::open_writer(&folder.path().join("test.sqlite3")).expect("it opens");
        let conn = &mut Conn::SqliteWriter(&mut connection);
        let query = query("SELECT $3, $1, $3, $2")
            .bind("a")
            .bind(None::<i64>)
            .bind(true);
        let row: (bool, String, bool, Option<i64>) = query.fetch_one(conn).await.expect("it runs");
        assert_eq!(row, (true, "a".to_owned(), true, None));
    }

    #[tokio::test]
    async fn a_parameter_without_a_value_is_a_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut connection = sqlite::open_writer(&folder.path().join("test.sqlite3")).expect("it opens");
        let conn = &mut Conn::SqliteWriter(&mut connection);
        let row: Result<(i64,), _> = query("SELECT $1 + $2").bind(1).fetch_one(conn).await;
        assert!(matches!(row, Err(DbError::Other(_))), "{row:?}");
    }
}
