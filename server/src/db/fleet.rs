//! The fleet of one organisation: filtered, sorted, page by page, counted.
//!
//! Each order has its index (`devices_by_…`), which also holds state and recency, so that a filter reads no rows but
//! those it lets through. Pages go on behind a key, never by offset: page 1,000 costs what page 1 costs.

use gangway_protocol::device::Device;
use gangway_protocol::id::OrganisationId;

use super::devices::{Row, columns};
use super::{Conn, DbError, Query, Value, like, query, row};

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

macro_rules! matching {
    () => {
        " AND (($4 IS NULL AND state <> 'retired') OR state = $4)
          AND ($5 IS NULL OR (recency >= 4503599627370496) = $5)
          AND ($6 IS NULL OR search LIKE $6 ESCAPE '\\') AND ($7 IS NULL OR search LIKE $7 ESCAPE '\\')
          AND ($8 IS NULL OR search LIKE $8 ESCAPE '\\') AND ($9 IS NULL OR search LIKE $9 ESCAPE '\\')
          AND ($10 IS NULL OR search LIKE $10 ESCAPE '\\') AND ($11 IS NULL OR search LIKE $11 ESCAPE '\\')"
    };
}

macro_rules! page_sql {
    ($key:literal, $comparison:literal, $direction:literal) => {
        concat!(
            "SELECT ",
            $key,
            " AS sort_key, ",
            columns!(),
            " FROM devices WHERE organisation = $1 AND (",
            $key,
            ", id) ",
            $comparison,
            " ($2, $3)",
            matching!(),
            " ORDER BY ",
            $key,
            " ",
            $direction,
            ", id ",
            $direction,
            " LIMIT $12"
        )
    };
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
    let sql = match (order.by, order.descending) {
        (By::Name, false) => page_sql!("sort_name", ">", "ASC"),
        (By::Name, true) => page_sql!("sort_name", "<", "DESC"),
        (By::Creation, false) => page_sql!("created_at", ">", "ASC"),
        (By::Creation, true) => page_sql!("created_at", "<", "DESC"),
        (By::Recency, false) => page_sql!("recency", ">", "ASC"),
        (By::Recency, true) => page_sql!("recency", "<", "DESC"),
    };
    match &after.0 {
        Key::Text(key) => {
            let rows: Vec<TextRow> = bound(sql, organisation, key, &after.1, filter)
                .bind(i64::from(limit))
                .fetch_all(conn)
                .await?;
            rows.into_iter()
                .map(|row| placed(Key::Text(row.sort_key), row.row))
                .collect()
        }
        Key::Number(key) => {
            let rows: Vec<NumberRow> = bound(sql, organisation, key, &after.1, filter)
                .bind(i64::from(limit))
                .fetch_all(conn)
                .await?;
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
    // Takes the same parameters as a page; the key is that of the first place, which every device is behind.
    let sql = concat!(
        "SELECT COUNT(*) FROM devices WHERE organisation = $1 AND created_at >= $2 AND id >= $3",
        matching!()
    );
    let (count,): (i64,) = bound(sql, organisation, i64::MIN, "", filter)
        .fetch_one(conn)
        .await?;
    u64::try_from(count).map_err(|_| DbError::Corrupt("devices: COUNT(*)"))
}

fn bound(
    sql: &'static str,
    organisation: &OrganisationId,
    key: impl Into<Value>,
    id: &str,
    filter: &Filter,
) -> Query {
    let query = query(sql)
        .bind(organisation.as_str())
        .bind(key)
        .bind(id)
        .bind(filter.state)
        .bind(filter.online);
    patterns(filter).into_iter().fold(query, Query::bind)
}

fn patterns(filter: &Filter) -> [Option<String>; MAX_WORDS] {
    std::array::from_fn(|at| filter.words.get(at).map(|word| like::containing(word)))
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
