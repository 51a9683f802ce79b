//! The fleets that somebody sees: filtered, sorted, page by page, counted.
//!
//! Each order has its index over all of a customer's devices, however many organisations they are in. Those of names and creation
//! (`devices_by_…`) also hold what is searched, so that a filter reads no rows but those it lets through; presence changes by the
//! minute and stands apart, in `presence_by_recency`. Pages go on behind a key, never by offset: page 1,000 costs what page 1
//! costs.
//!
//! Who sees only a part of a customer has the rest of the index passed over, which takes no time where the part is large. Where it
//! is small, its devices are collected and sorted instead.
//!
//! What some devices have in common, a label or a version, has an index of its own ([`traits`]): where they are few, they are
//! collected from there; where they are many, one meets them soon along the order.
//!
//! Each combination of filters has its own statement, so that the planner sees what is asked.

mod counting;
pub mod overview;
mod statement;
mod traits;

pub use counting::count;

use std::collections::HashSet;

use gangway_protocol::device::Device;
use gangway_protocol::id::{DeviceId, OrganisationId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::certificates::numbers;
use super::devices::{Row, columns};
use super::query::texts;
use super::{Conn, DbError, Query, Value, parsed, query_of_each, row};
use statement::Statement;
use traits::Trait;

/// Added to `recency` while a device is online: later than any instant that is only a last sight. 2^52 ms are 142,000 years.
pub const ONLINE: i64 = 1 << 52;
/// Most words of a search. More than this nobody types, and each is a comparison per row.
pub const MAX_WORDS: usize = 6;

/// Devices of a part of a customer that are collected and sorted: up to so many, that takes less than passing others over.
const FEW: i64 = 2_000;
/// Devices are counted up to so many.
pub const MAX_COUNTED: u64 = 10_000;

/// Whose devices somebody sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleets {
    /// Customers of whom they see everything.
    pub customers: Vec<OrganisationId>,
    /// Organisations of other customers.
    pub organisations: Vec<OrganisationId>,
}

/// Which devices.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words that must all occur, in lower case; at most [`MAX_WORDS`].
    pub words: Vec<String>,
    /// Devices that have a certificate with a number that begins as one of the words does, by the place of that word: they are
    /// found by it as well. [`Fleets::ways`] looks for them.
    pub by_number: Vec<(usize, Vec<DeviceId>)>,
    /// Only of this state. `None`: all but retired ones.
    pub state: Option<&'static str>,
    /// Only online ones, or only the others.
    pub online: Option<bool>,
    /// Only with this label.
    pub label: Option<String>,
    /// Only with this version of the device software.
    pub software_version: Option<String>,
    /// Only with a certificate of this signer.
    pub signer: Option<SignerId>,
    /// Only active ones whose newest certificate ends before.
    pub expires_before: Option<UnixMillis>,
}

impl Filter {
    /// Words may be numbers of certificates.
    async fn find_certificates(&mut self, conn: &mut Conn<'_>) -> Result<(), DbError> {
        for (place, word) in self.words.iter().enumerate() {
            let Some(digits) = numbers::digits(word) else {
                continue;
            };
            let found = numbers::beginning_with(conn, &digits).await?;
            if !found.is_empty() {
                let devices = found.into_iter().map(|one| one.device).collect();
                self.by_number.push((place, devices));
            }
        }
        Ok(())
    }
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

/// Ways to the devices of some fleets that a filter lets through, each with statements of its own.
#[derive(Clone, Debug)]
pub struct Ways {
    among: Vec<Among>,
    filter: Filter,
}

/// Among what a statement looks for devices.
#[derive(Clone, Debug)]
enum Among {
    /// All devices of these customers, along the index that sorts them.
    Customers(Vec<OrganisationId>),
    /// Devices of these organisations, along the same index: others are passed over.
    Parts {
        customers: Vec<OrganisationId>,
        organisations: Vec<OrganisationId>,
    },
    /// Devices of these organisations, which are few: they are sorted.
    Few(Vec<OrganisationId>),
    /// These, which are few, as far as they are of these customers or organisations.
    Chosen { devices: Vec<String>, of: Owners },
}

/// Whose devices.
#[derive(Clone, Debug)]
enum Owners {
    Customers(Vec<OrganisationId>),
    Organisations(Vec<OrganisationId>),
}

impl Fleets {
    /// Whether everything of `other` is among these.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        let organisations: HashSet<&OrganisationId> = self.organisations.iter().collect();
        other.customers.iter().all(|one| self.customers.contains(one))
            && other.organisations.iter().all(|one| organisations.contains(one))
    }

    /// Where to look for their devices that a filter lets through, for a page and its count.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ways(&self, conn: &mut Conn<'_>, filter: &Filter) -> Result<Ways, DbError> {
        let mut all = Vec::new();
        if !self.customers.is_empty() {
            all.push(Among::Customers(self.customers.clone()));
        }
        if !self.organisations.is_empty() {
            all.push(self.parts(conn).await?);
        }
        let mut filter = filter.clone();
        filter.find_certificates(conn).await?;
        let Some(first) = filter.traits().into_iter().next() else {
            return Ok(Ways { among: all, filter });
        };
        let mut among = Vec::with_capacity(all.len());
        for one in all {
            among.push(one.narrowed_to(conn, &first).await?);
        }
        Ok(Ways { among, filter })
    }

    async fn parts(&self, conn: &mut Conn<'_>) -> Result<Among, DbError> {
        let organisations = self.organisations.clone();
        let (found,): (i64,) = query_of_each(
            "SELECT COUNT(*) FROM (SELECT 1 FROM devices WHERE organisation IN (SELECT value FROM json_each($1)) LIMIT $2)",
            // By its index alone: PostgreSQL would rather begin to read the table where it thinks that most rows are wanted.
            "SELECT COUNT(*) FROM (SELECT 1 FROM UNNEST($1::TEXT[]) AS asked (value) CROSS JOIN LATERAL
                 (SELECT 1 FROM devices WHERE devices.organisation = asked.value ORDER BY devices.id LIMIT $2) AS one
                 LIMIT $2) AS few",
        )
        .bind(texts(&organisations))
        .bind(FEW + 1)
        .fetch_one(conn)
        .await?;
        if found <= FEW {
            return Ok(Among::Few(organisations));
        }
        let customers: Vec<(String,)> = query_of_each(
            "SELECT DISTINCT COALESCE(root, id) FROM organisations WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT DISTINCT COALESCE(root, id) FROM organisations WHERE id = ANY($1)",
        )
        .bind(texts(&organisations))
        .fetch_all(conn)
        .await?;
        let customers = customers
            .into_iter()
            .map(|(id,)| parsed(&id, "organisations.root"))
            .collect::<Result<_, _>>()?;
        Ok(Among::Parts {
            customers,
            organisations,
        })
    }
}

impl Owners {
    /// That a row of `devices` is theirs.
    fn condition(&self, statement: &mut Statement) -> String {
        match self {
            Self::Customers(customers) => statement.is_one_of("devices.customer", customers),
            Self::Organisations(organisations) => statement.is_one_of("devices.organisation", organisations),
        }
    }
}

impl Among {
    /// The devices that have a trait, where they are few.
    async fn narrowed_to(self, conn: &mut Conn<'_>, by: &Trait<'_>) -> Result<Self, DbError> {
        let (customers, of) = match &self {
            Self::Customers(customers) => (customers, Owners::Customers(customers.clone())),
            Self::Parts {
                customers,
                organisations,
            } => (customers, Owners::Organisations(organisations.clone())),
            Self::Few(_) | Self::Chosen { .. } => return Ok(self),
        };
        let mut statement = Statement::new(conn);
        let limit = statement.bind(FEW + 1);
        let each = statement.each(customers);
        let source = by.source(&mut statement);
        let (device, table, having, order) = (source.device, source.table, source.having, source.order);
        let sql = if statement.on_postgres {
            // In the order of its index, so that it does not rather read the table where it thinks that most rows are wanted.
            format!(
                "SELECT one.id FROM {each} CROSS JOIN LATERAL
                     (SELECT {device} AS id FROM {table} WHERE {having} ORDER BY {order} LIMIT ${limit}) AS one LIMIT ${limit}"
            )
        } else {
            format!("SELECT {device} FROM {each} CROSS JOIN {table} WHERE {having} LIMIT ${limit}")
        };
        let found: Vec<(String,)> = statement.finish(sql).fetch_all(conn).await?;
        if i64::try_from(found.len()).unwrap_or(i64::MAX) > FEW {
            return Ok(self);
        }
        let devices = found.into_iter().map(|(id,)| id).collect();
        Ok(Self::Chosen { devices, of })
    }
}

/// One page behind a place.
fn page_query(
    mut statement: Statement,
    among: &Among,
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
    let (key, id) = (statement.bind(key), statement.bind(id));
    let limit = statement.bind(i64::from(limit));
    let conditions = statement.conditions(filter);
    let columns = columns!();
    let behind = format!(
        "presence.device = devices.id AND ({leading}.{key_column}, {leading}.{id_column}) {comparison} (${key}, ${id}){conditions}"
    );
    let part = match among {
        Among::Customers(_) => String::new(),
        Among::Parts { organisations, .. } => {
            let within = statement.is_one_of(&format!("{leading}.organisation"), organisations);
            format!(" AND {within}")
        }
        Among::Few(_) | Among::Chosen { .. } => {
            let within = match among {
                Among::Chosen { devices, of } => {
                    let owned = of.condition(&mut statement);
                    format!("{} AND {owned}", statement.is_one_of("devices.id", devices))
                }
                Among::Few(organisations) => statement.is_one_of("devices.organisation", organisations),
                _ => String::new(),
            };
            return statement.finish(format!(
                "SELECT {leading}.{key_column} AS sort_key, {columns} FROM devices CROSS JOIN presence WHERE {within} AND {behind}
                 ORDER BY sort_key {direction}, devices.id {direction} LIMIT ${limit}"
            ));
        }
    };
    let (Among::Customers(customers) | Among::Parts { customers, .. }) = among else {
        unreachable!("devices of few organisations are collected above");
    };
    let each = statement.each(customers);
    // Each customer gives one page from its index, and only these are sorted.
    let page = format!(
        "FROM {leading} CROSS JOIN {following} WHERE {leading}.customer = asked.value AND {behind}{part}
         ORDER BY {leading}.{key_column} {direction}, {leading}.{id_column} {direction} LIMIT ${limit}"
    );
    let sql = if statement.on_postgres {
        format!(
            "SELECT page.sort_key, {columns} FROM
                 (SELECT first.* FROM {each} CROSS JOIN LATERAL
                      (SELECT {leading}.{key_column} AS sort_key, {leading}.{id_column} AS id {page}) AS first
                  ORDER BY first.sort_key {direction}, first.id {direction} LIMIT ${limit}) AS page
                 JOIN devices ON devices.id = page.id JOIN presence ON presence.device = page.id
             ORDER BY page.sort_key {direction}, page.id {direction}"
        )
    } else {
        // SQLite knows no LATERAL, but lets what a row is looked up by depend on the row before it.
        format!(
            "SELECT {leading}.{key_column} AS sort_key, {columns} FROM {each} CROSS JOIN devices CROSS JOIN presence
             WHERE presence.device = devices.id AND devices.id IN (SELECT {leading}.{id_column} {page})
             ORDER BY sort_key {direction}, devices.id {direction} LIMIT ${limit}"
        )
    };
    statement.finish(sql)
}

/// At most `limit` devices on these ways behind `after`.
///
/// # Errors
/// [`DbError::Missing`] when `after` is a place of another order.
pub async fn page(
    conn: &mut Conn<'_>,
    ways: &Ways,
    order: Order,
    after: &Place,
    limit: u32,
) -> Result<Vec<Placed>, DbError> {
    if !after.fits(order) {
        return Err(DbError::Missing);
    }
    let mut found = Vec::new();
    let filter = &ways.filter;
    for among in &ways.among {
        let of_page = |conn: &Conn<'_>, key: Value| {
            page_query(Statement::new(conn), among, filter, order, (key, &after.1), limit)
        };
        match &after.0 {
            Key::Text(key) => {
                let rows: Vec<TextRow> = of_page(conn, key.into()).fetch_all(conn).await?;
                for row in rows {
                    found.push(placed(Key::Text(row.sort_key), row.row)?);
                }
            }
            Key::Number(key) => {
                let rows: Vec<NumberRow> = of_page(conn, key.into()).fetch_all(conn).await?;
                for row in rows {
                    found.push(placed(Key::Number(row.sort_key), row.row)?);
                }
            }
        }
    }
    if ways.among.len() > 1 {
        found.sort_by(|one, other| one.place.cmp(&other.place));
        if order.descending {
            found.reverse();
        }
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
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
