//! The fleet of one organisation: filtered, sorted, page by page, counted.
//!
//! Each order has its index. Those of names and creation (`devices_by_…`) also hold what is searched, so that a filter reads
//! no rows but those it lets through; presence changes by the minute and stands apart, in `presence_by_recency`. Pages go on
//! behind a key, never by offset: page 1,000 costs what page 1 costs.
//!
//! Each combination of filters has its own statement, so that the planner sees what is asked.

use gangway_protocol::device::Device;
use gangway_protocol::id::OrganisationId;

use super::devices::{Row, columns};
use super::{Conn, DbError, Query, Value, assembled, like, row};

/// Added to `recency` while a device is online: later than any instant that is only a last sight. 2^52 ms are 142,000 years.
pub const ONLINE: i64 = 1 << 52;
/// Most words of a search. More than this nobody types, and each is a comparison per row.
pub const MAX_WORDS: usize = 6;

/// Which devices.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words that must all occur, in lower case; at most [`MAX_WORDS`].
    pub words: Vec<String>,
    /// Only of this state. `None`: all but retired ones.
    pub state: Option<&'static str>,
    /// Only online ones, or only the others.
    pub online: Option<bool>,
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: By,
    /// From the greatest down.
    pub descending: bool,
}

/// By what devices are sorted. Equal ones are sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By name, regardless of case.
    Name,
    /// By when they were first approved.
    Creation,
    /// Online ones by since when; then the others by when they were last seen.
    Recency,
}

/// The sort key of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// An instant.
    Number(i64),
    /// A name.
    Text(String),
}

/// A place in the order: behind this key and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Place(pub Key, pub String);

impl Place {
    /// Before the first device.
    #[must_use]
    pub fn start(order: Order) -> Self {
        // Behind every name there is: U+10FFFF is the last character of both collations, which compare bytes.
        let last = "\u{10FFFF}";
        let key = match (order.by, order.descending) {
            (By::Name, false) => Key::Text(String::new()),
            (By::Name, true) => Key::Text(last.to_owned()),
            (_, false) => Key::Number(i64::MIN),
            (_, true) => Key::Number(i64::MAX),
        };
        Self(
            key,
            if order.descending {
                last.to_owned()
            } else {
                String::new()
            },
        )
    }

    /// Whether it is a place of this order.
    #[must_use]
    pub fn fits(&self, order: Order) -> bool {
        matches!(
            (&self.0, order.by),
            (Key::Text(_), By::Name) | (Key::Number(_), By::Creation | By::Recency)
        )
    }
}

/// A device and its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Where it stands.
    pub place: Place,
    /// The device.
    pub device: Device,
}

/// The conditions of a filter, and their values; parameters are numbered from `first`.
fn conditions(filter: &Filter, first: usize) -> (String, Vec<Value>) {
    let mut sql = String::new();
    let mut values: Vec<Value> = Vec::new();
    match filter.state {
        None => sql.push_str(" AND state <> 'retired'"),
        Some(state) => {
            values.push(state.into());
            sql.push_str(&format!(" AND state = ${first}"));
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
        let number = first + values.len();
        let word = filter.words.get(place).map(|word| like::containing(word));
        values.push(word.unwrap_or_else(|| "%".to_owned()).into());
        sql.push_str(&format!(" AND search LIKE ${number} ESCAPE '\\'"));
    }
    (sql, values)
}

/// One page: `$1` the organisation, `$2` and `$3` the place behind which it lies, `$4` the limit, then what filters.
fn page_query(
    organisation: &OrganisationId,
    filter: &Filter,
    order: Order,
    (key, id): (Value, &str),
    limit: u32,
) -> Query {
    let (comparison, direction) = if order.descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    // The table that leads has the index that sorts. SQLite takes tables in the order of a CROSS JOIN.
    let (leading, following, key_column, id_column) = match order.by {
        By::Name => ("devices", "presence", "sort_name", "id"),
        By::Creation => ("devices", "presence", "created_at", "id"),
        By::Recency => ("presence", "devices", "recency", "device"),
    };
    let (conditions, values) = conditions(filter, 5);
    let columns = columns!();
    let query = assembled(format!(
        "SELECT {leading}.{key_column} AS sort_key, {columns} FROM {leading} CROSS JOIN {following}
         WHERE presence.device = devices.id AND {leading}.organisation = $1
             AND ({leading}.{key_column}, {leading}.{id_column}) {comparison} ($2, $3){conditions}
         ORDER BY {leading}.{key_column} {direction}, {leading}.{id_column} {direction} LIMIT $4"
    ));
    let query = query
        .bind(organisation.as_str())
        .bind(key)
        .bind(id)
        .bind(i64::from(limit));
    values.into_iter().fold(query, Query::bind)
}

/// At most `limit` devices of an organisation behind `after`.
///
/// # Errors
/// [`DbError::Missing`] when `after` is a place of another order.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    filter: &Filter,
    order: Order,
    after: &Place,
    limit: u32,
) -> Result<Vec<Placed>, DbError> {
    if !after.fits(order) {
        return Err(DbError::Missing);
    }
    let of_page = |key: Value| page_query(organisation, filter, order, (key, &after.1), limit);
    match &after.0 {
        Key::Text(key) => {
            let rows: Vec<TextRow> = of_page(key.into()).fetch_all(conn).await?;
            rows.into_iter()
                .map(|row| placed(Key::Text(row.sort_key), row.row))
                .collect()
        }
        Key::Number(key) => {
            let rows: Vec<NumberRow> = of_page(key.into()).fetch_all(conn).await?;
            rows.into_iter()
                .map(|row| placed(Key::Number(row.sort_key), row.row))
                .collect()
        }
    }
}

/// How many devices of an organisation match.
///
/// # Errors
/// What the database says.
pub async fn count(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    filter: &Filter,
) -> Result<u64, DbError> {
    let (conditions, values) = conditions(filter, 2);
    // Without a question for presence, the fleet's index alone has the answer.
    let (table, join) = match filter.online {
        None => ("", ""),
        Some(_) => (" CROSS JOIN presence", " AND presence.device = devices.id"),
    };
    let query = assembled(format!(
        "SELECT COUNT(*) FROM devices{table} WHERE devices.organisation = $1{join}{conditions}"
    ));
    let query = values
        .into_iter()
        .fold(query.bind(organisation.as_str()), Query::bind);
    let (count,): (i64,) = query.fetch_one(conn).await?;
    u64::try_from(count).map_err(|_| DbError::Corrupt("devices: COUNT(*)"))
}

row! {
    struct TextRow {
        sort_key: String,
        #[rest]
        row: Row,
    }
}

row! {
    struct NumberRow {
        sort_key: i64,
        #[rest]
        row: Row,
    }
}

fn placed(key: Key, row: Row) -> Result<Placed, DbError> {
    let device = Device::try_from(row)?;
    Ok(Placed {
        place: Place(key, device.id.as_str().to_owned()),
        device,
    })
}
