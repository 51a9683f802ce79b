//! Rows of either engine, and what is made of them.

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row as _};

use super::DbError;

/// A row.
pub enum Row<'r> {
    /// SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// PostgreSQL.
    Postgres(&'r PgRow),
}

/// What a column can hold: text, a number, a truth, or one of them or nothing.
pub trait Cell: rusqlite::types::FromSql + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres> {}

impl<T> Cell for T where
    T: rusqlite::types::FromSql + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>
{
}

impl Row<'_> {
    /// The column of this name.
    ///
    /// # Errors
    /// When there is none, or it holds something else.
    pub fn named<T: Cell>(&self, name: &str) -> Result<T, DbError> {
        Ok(match self {
            Self::Sqlite(row) => row.get(name)?,
            Self::Postgres(row) => row.try_get(name)?,
        })
    }

    /// The column at this place, from 0.
    ///
    /// # Errors
    /// When there is none, or it holds something else.
    pub fn at<T: Cell>(&self, place: usize) -> Result<T, DbError> {
        Ok(match self {
            Self::Sqlite(row) => row.get(place)?,
            Self::Postgres(row) => row.try_get(place)?,
        })
    }
}

/// What can be made of a row. [`row!`] writes it for structs; tuples take the columns in their order.
pub trait FromRow: Sized + Send + 'static {
    /// Makes it.
    ///
    /// # Errors
    /// When the row has other columns.
    fn from_row(row: &Row<'_>) -> Result<Self, DbError>;
}

macro_rules! tuples {
    ($(($($type:ident $place:literal),+))*) => {$(
        impl<$($type: Cell + Send + 'static),+> FromRow for ($($type,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
                Ok(($(row.at::<$type>($place)?,)+))
            }
        }
    )*};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
}

/// `row! { struct Name { column: Type, … } }`: a struct with the columns of a query, by their names. A field marked
/// `#[rest]` is a struct of the same kind that takes further columns.
macro_rules! row {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident {
            $($field_vis:vis $field:ident: $type:ty,)*
            $(#[rest] $rest:ident: $rest_type:ty,)?
        }
    ) => {
        $(#[$meta])* $vis struct $name {
            $($field_vis $field: $type,)*
            $($rest: $rest_type,)?
        }

        impl $crate::db::FromRow for $name {
            fn from_row(row: &$crate::db::Row<'_>) -> Result<Self, $crate::db::DbError> {
                Ok(Self {
                    $($field: row.named(stringify!($field))?,)*
                    $($rest: <$rest_type as $crate::db::FromRow>::from_row(row)?,)?
                })
            }
        }
    };
}
pub(super) use row;
