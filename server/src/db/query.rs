//! A query: one text for both engines, with its values.

use std::borrow::Cow;
use std::pin::pin;

use futures_util::{Stream, StreamExt as _};
use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection as SqliteConnection, ToSql};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _};

use super::conn::Link;
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
    /// Many texts as one value: TEXT[] on PostgreSQL, a JSON array on SQLite, whose `json_each` reads it.
    Texts(Vec<Option<String>>),
    /// As [`Self::Texts`]: BIGINT[].
    Integers(Vec<Option<i64>>),
    /// BYTEA; on SQLite BLOB.
    Bytes(Vec<u8>),
    /// BYTEA[], which SQLite does not have: it takes one row after the other.
    ManyBytes(Vec<Vec<u8>>),
}

/// One statement. `$1` is the value bound first.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query {
    sql: Cow<'static, str>,
    /// The text for PostgreSQL where it has one of its own.
    on_postgres: Option<&'static str>,
    values: Vec<Value>,
}

/// A query. Its text is part of the program: values come in by [`Query::bind`] alone.
pub fn query(sql: &'static str) -> Query {
    Query {
        sql: Cow::Borrowed(sql),
        on_postgres: None,
        values: Vec::new(),
    }
}

/// A query whose text differs: row locks, which SQLite's one writer does without, and arrays.
pub fn query_of_each(on_sqlite: &'static str, on_postgres: &'static str) -> Query {
    Query {
        sql: Cow::Borrowed(on_sqlite),
        on_postgres: Some(on_postgres),
        values: Vec::new(),
    }
}

/// Ids as one value.
pub(super) fn texts<T: std::fmt::Display>(ids: &[T]) -> Value {
    Value::Texts(ids.iter().map(|id| Some(id.to_string())).collect())
}

/// A query whose text was put together, of nothing but constants and numbers of parameters.
pub fn assembled(sql: String) -> Query {
    Query {
        sql: Cow::Owned(sql),
        on_postgres: None,
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
        self.refuse_nul()?;
        let result = match &mut conn.link {
            Link::SqliteWriter(connection) => self.execute_here(connection),
            Link::SqliteReader(reader) => reader.run(move |connection| self.execute_here(connection)).await,
            Link::Postgres(connection) => match self.for_postgres().execute(&mut **connection).await {
                Ok(done) => Ok(done.rows_affected()),
                Err(error) => Err(error.into()),
            },
        };
        result.inspect_err(|error| conn.note(error))
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

    /// Its text for PostgreSQL, and its values.
    pub(super) fn into_parts(self) -> (Cow<'static, str>, Vec<Value>) {
        let sql = self.on_postgres.map_or(self.sql, Cow::Borrowed);
        (sql, self.values)
    }

    /// Its text on an engine, for tests of its plan.
    #[cfg(test)]
    pub(super) fn text(&self, on_postgres: bool) -> &str {
        match self.on_postgres {
            Some(sql) if on_postgres => sql,
            _ => &self.sql,
        }
    }

    /// The same values with another text, for tests of its plan.
    #[cfg(test)]
    pub(super) fn with_text(&self, sql: String) -> Self {
        Self {
            sql: Cow::Owned(sql),
            on_postgres: None,
            values: self.values.clone(),
        }
    }

    async fn fetch<T: FromRow>(self, conn: &mut Conn<'_>, limit: usize) -> Result<Vec<T>, DbError> {
        self.refuse_nul()?;
        #[cfg(test)]
        super::plans::explain(&self, conn).await?;
        let result = match &mut conn.link {
            Link::SqliteWriter(connection) => self.fetch_here(connection, limit),
            Link::SqliteReader(reader) => {
                reader
                    .run(move |connection| self.fetch_here(connection, limit))
                    .await
            }
            Link::Postgres(connection) => collect(self.for_postgres().fetch(&mut **connection), limit).await,
        };
        result.inspect_err(|error| conn.note(error))
    }

    /// What people and devices send may hold NUL: that is theirs to mend, and no fault of ours.
    fn refuse_nul(&self) -> Result<(), DbError> {
        let holds_nul = |value: &Value| match value {
            Value::Text(text) => text.as_ref().is_some_and(|text| text.contains('\0')),
            Value::Texts(texts) => texts.iter().flatten().any(|text| text.contains('\0')),
            Value::Integer(_)
            | Value::Integers(_)
            | Value::Boolean(_)
            | Value::Bytes(_)
            | Value::ManyBytes(_) => false,
        };
        if self.values.iter().any(holds_nul) {
            return Err(DbError::Nul);
        }
        Ok(())
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
        let sql = match (self.on_postgres, self.sql) {
            (Some(sql), _) | (None, Cow::Borrowed(sql)) => sql.into_sql_str(),
            (None, Cow::Owned(sql)) => AssertSqlSafe(sql).into_sql_str(),
        };
        let mut query = sqlx::query(sql);
        for value in self.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Integer(number) => query.bind(number),
                Value::Boolean(truth) => query.bind(truth),
                Value::Texts(texts) => query.bind(texts),
                Value::Integers(numbers) => query.bind(numbers),
                Value::Bytes(bytes) => query.bind(bytes),
                Value::ManyBytes(many) => query.bind(many),
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
            Self::Texts(texts) => as_json(texts),
            Self::Integers(numbers) => as_json(numbers),
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::ManyBytes(_) => Err(rusqlite::Error::ToSqlConversionFailure(
                "SQLite has no arrays of bytes".into(),
            )),
        }
    }
}

fn as_json<T: serde::Serialize>(values: &[T]) -> rusqlite::Result<ToSqlOutput<'static>> {
    let json = serde_json::to_string(values);
    json.map(ToSqlOutput::from)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
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
    Vec<i64> => Integers |numbers| numbers.into_iter().map(Some).collect();
    Vec<u8> => Bytes |bytes| bytes;
    Vec<String> => Texts |texts| texts.into_iter().map(Some).collect();
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
        let conn = &mut Conn::reading(Link::SqliteWriter(&mut connection));
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
        let conn = &mut Conn::reading(Link::SqliteWriter(&mut connection));
        let row: Result<(i64,), _> = query("SELECT $1 + $2").bind(1).fetch_one(conn).await;
        assert!(matches!(row, Err(DbError::Other(_))), "{row:?}");
    }
}
