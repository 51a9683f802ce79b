//! How many devices of the fleet match.

use super::statement::Statement;
use super::traits::Trait;
use super::{Among, Filter, Ways};
use crate::db::{Conn, DbError};

/// How many devices on these ways match, counted up to `most`.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, ways: &Ways, most: u64) -> Result<u64, DbError> {
    let mut total = 0;
    let filter = &ways.filter;
    for among in &ways.among {
        let left = i64::try_from(most.saturating_sub(total)).unwrap_or(i64::MAX);
        let mut statement = Statement::new(conn);
        let limit = statement.bind(left);
        let conditions = statement.conditions(filter);
        // Without a question for presence, the fleet's index alone has the answer.
        let (presence, with_presence) = match filter.online {
            None => ("", ""),
            Some(_) => (" CROSS JOIN presence", " AND presence.device = devices.id"),
        };
        let Found { rows, condition } = found(&mut statement, among, filter);
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {rows}{presence}
                 WHERE {condition}{with_presence}{conditions} LIMIT ${limit}) AS counted"
        );
        let (count,): (i64,) = statement.finish(sql).fetch_one(conn).await?;
        total += u64::try_from(count).map_err(|_| DbError::Corrupt("devices: COUNT(*)"))?;
    }
    Ok(total)
}

/// The devices to count among.
struct Found {
    rows: String,
    condition: String,
}

fn found(statement: &mut Statement, among: &Among, filter: &Filter) -> Found {
    let (each, part) = match among {
        Among::Few(organisations) => {
            return Found {
                rows: format!("{} CROSS JOIN devices", statement.each(organisations)),
                condition: "devices.organisation = asked.value".to_owned(),
            };
        }
        Among::Chosen { devices, of } => {
            let owned = of.condition(statement);
            return Found {
                rows: format!("{} CROSS JOIN devices", statement.each(devices)),
                condition: format!("devices.id = asked.value AND {owned}"),
            };
        }
        Among::Customers(customers) => (statement.each(customers), String::new()),
        Among::Parts {
            customers,
            organisations,
        } => {
            let within = statement.is_one_of("devices.organisation", organisations);
            (statement.each(customers), format!(" AND {within}"))
        }
    };
    // A trait's index leads to fewer than the customer's does. Those of `devices` are found by the condition itself.
    match filter.traits().first() {
        Some(label @ Trait::Label(_)) => {
            let source = label.source(statement);
            Found {
                rows: format!("{each} CROSS JOIN {} CROSS JOIN devices", source.table),
                condition: format!("{} AND devices.id = {}{part}", source.having, source.device),
            }
        }
        _ => Found {
            rows: format!("{each} CROSS JOIN devices"),
            condition: format!("devices.customer = asked.value{part}"),
        },
    }
}
