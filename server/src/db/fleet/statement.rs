//! A statement about the fleet, put together for one engine of nothing but constants and numbers of parameters.

use std::fmt::Display;

use super::{Filter, MAX_WORDS};
use crate::db::conn::Link;
use crate::db::query::texts;
use crate::db::{Conn, Query, Value, assembled, like};

/// A statement that is put together for one engine: its text, and the values that come before those of the filter.
pub(super) struct Statement {
    pub(super) on_postgres: bool,
    values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(conn: &Conn<'_>) -> Self {
        Self {
            on_postgres: matches!(conn.link, Link::Postgres(_)),
            values: Vec::new(),
        }
    }

    /// Binds a value; its number.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.values.push(value.into());
        self.values.len()
    }

    /// That a column has one of these values.
    pub(super) fn is_one_of<T: Display>(&mut self, column: &str, values: &[T]) -> String {
        let number = self.bind(texts(values));
        if self.on_postgres {
            format!("{column} = ANY(${number})")
        } else {
            format!("{column} IN (SELECT value FROM json_each(${number}))")
        }
    }

    /// The values of a list, one in each row of `asked`.
    pub(super) fn each<T: Display>(&mut self, values: &[T]) -> String {
        let number = self.bind(texts(values));
        if self.on_postgres {
            format!("UNNEST(${number}::TEXT[]) AS asked (value)")
        } else {
            format!("json_each(${number}) AS asked")
        }
    }

    /// The conditions of a filter.
    pub(super) fn conditions(&mut self, filter: &Filter) -> String {
        let mut sql = String::new();
        match filter.state {
            None => sql.push_str(" AND devices.state <> 'retired'"),
            Some(state) => {
                let number = self.bind(state);
                sql.push_str(&format!(" AND devices.state = ${number}"));
            }
        }
        match filter.online {
            None => {}
            Some(true) => sql.push_str(" AND presence.recency >= 4503599627370496"),
            Some(false) => sql.push_str(" AND presence.recency < 4503599627370496"),
        }
        // No word, one, or as many as there can be: few statements, so that connections keep them compiled.
        let places = match filter.words.len() {
            few @ (0 | 1) => few,
            _ => MAX_WORDS,
        };
        for place in 0..places {
            let word = filter.words.get(place).map(|word| like::containing(word));
            let number = self.bind(word.unwrap_or_else(|| "%".to_owned()));
            let text = format!("devices.search LIKE ${number} ESCAPE '\\'");
            match filter.by_number.iter().find(|(word, _)| *word == place) {
                Some((_, devices)) => {
                    let numbered = self.is_one_of("devices.id", devices);
                    sql.push_str(&format!(" AND ({text} OR {numbered})"));
                }
                None => sql.push_str(&format!(" AND {text}")),
            }
        }
        for one in filter.traits() {
            let condition = one.condition(self);
            sql.push_str(&format!(" AND {condition}"));
        }
        sql
    }

    pub(super) fn finish(self, sql: String) -> Query {
        self.values.into_iter().fold(assembled(sql), Query::bind)
    }
}
