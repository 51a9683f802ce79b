//! The fleet as the API shows it: a query string read, pages, and how many match. What members do with a device of it is in
//! [`actions`].

pub mod actions;
pub mod bulk;
pub mod expiring;
pub mod moving;
pub mod overview;
pub mod views;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangway_protocol::device::{Device, DeviceQuery, DeviceState};
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::MAX_EXPIRING_DAYS;

use crate::db::fleet::{self, By, Filter, Order, Place, Ways};
pub use crate::db::fleet::{Fleets, MAX_COUNTED, MAX_WORDS};
use crate::db::{Conn, DbError};

/// Most characters of a search.
pub const MAX_QUERY_LEN: usize = 256;
/// Names of the orders.
pub const ORDERS: [&str; 6] = [
    "name",
    "-name",
    "created_at",
    "-created_at",
    "last_seen_at",
    "-last_seen_at",
];
/// Names of the two presences that can be asked for.
pub const PRESENCES: [&str; 2] = ["online", "offline"];

/// Which devices, in which order, from where on.
#[derive(Clone, Debug)]
pub struct Request {
    filter: Filter,
    order: Order,
    after: Option<Place>,
    limit: u32,
}

/// A field of the query that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Unacceptable {
    /// Its name.
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

impl Request {
    /// Reads a query string. Days are counted from `now`.
    ///
    /// # Errors
    /// The first field that is not acceptable.
    pub fn read(query: &DeviceQuery, now: UnixMillis) -> Result<Self, Unacceptable> {
        let order = read_order(query.sort.as_deref())?;
        let limit = query.limit.unwrap_or(DEFAULT_PAGE_LIMIT);
        if !(1..=MAX_PAGE_LIMIT).contains(&limit) {
            return Err(unacceptable("limit", format!("limit is 1 to {MAX_PAGE_LIMIT}")));
        }
        let filter = read_filter(query, now)?;
        let after = query
            .after
            .as_deref()
            .map(|after| read_place(after, order))
            .transpose()?;
        Ok(Self {
            filter,
            order,
            after,
            limit,
        })
    }

    /// The same devices in pages of this many: for exports, which need no small ones.
    #[must_use]
    pub fn in_pages_of(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// The request for the page behind this one.
    #[must_use]
    pub fn behind(&self, place: Place) -> Self {
        Self {
            after: Some(place),
            ..self.clone()
        }
    }

    /// Where to look for the devices of these fleets that it asks for.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ways(&self, conn: &mut Conn<'_>, fleets: &Fleets) -> Result<Ways, DbError> {
        fleets.ways(conn, &self.filter).await
    }

    /// How many devices of these fleets match, counted up to `most`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count(&self, conn: &mut Conn<'_>, fleets: &Fleets, most: u64) -> Result<u64, DbError> {
        let ways = self.ways(conn, fleets).await?;
        fleet::count(conn, &ways, most).await
    }

    /// What names a place to clients.
    #[must_use]
    pub fn cursor(place: &Place) -> String {
        // A place is a number or text and an id: both have a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
    }

    /// One page on these ways, and the place of its last device when more follow.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(
        &self,
        conn: &mut Conn<'_>,
        ways: &Ways,
    ) -> Result<(Vec<Device>, Option<Place>), DbError> {
        let after = self.after.clone().unwrap_or_else(|| Place::start(self.order));
        // One more than a page holds tells whether another follows.
        let mut found = fleet::page(conn, ways, self.order, &after, self.limit + 1).await?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| last.place.clone());
        Ok((found.into_iter().map(|placed| placed.device).collect(), next))
    }

    /// One page as the API answers it. The first page also tells how many devices match in all, if that is soon counted.
    ///
    /// # Errors
    /// What the database says.
    pub async fn page(&self, conn: &mut Conn<'_>, fleets: &Fleets) -> Result<Page<Device>, DbError> {
        let ways = self.ways(conn, fleets).await?;
        let (items, next) = self.fetch(conn, &ways).await?;
        let mut page = Page::new(items, next.as_ref().map(Self::cursor));
        if self.after.is_none() {
            let counted = match &next {
                None => u64::try_from(page.items.len()).unwrap_or(u64::MAX),
                Some(_) => fleet::count(conn, &ways, MAX_COUNTED + 1).await?,
            };
            page.total_is_more = counted > MAX_COUNTED;
            page.total = Some(counted.min(MAX_COUNTED));
        }
        Ok(page)
    }
}

fn read_filter(query: &DeviceQuery, now: UnixMillis) -> Result<Filter, Unacceptable> {
    Ok(Filter {
        words: read_words(query.query.as_deref().unwrap_or_default())?,
        state: query.state.as_deref().map(read_state).transpose()?,
        online: query.presence.as_deref().map(read_presence).transpose()?,
        label: read_text("label", query.label.as_deref())?,
        software_version: read_text("software_version", query.software_version.as_deref())?,
        signer: query.signer.clone(),
        expires_before: query
            .expires_within_days
            .map(|days| read_days(days, now))
            .transpose()?,
        ..Filter::default()
    })
}

fn read_text(field: &'static str, text: Option<&str>) -> Result<Option<String>, Unacceptable> {
    match text {
        Some(text) if text.contains('\0') || text.chars().count() > MAX_QUERY_LEN => Err(unacceptable(
            field,
            format!("{field} has at most {MAX_QUERY_LEN} characters, and no control characters"),
        )),
        text => Ok(text.map(str::to_owned)),
    }
}

fn read_days(days: u32, now: UnixMillis) -> Result<UnixMillis, Unacceptable> {
    if days > MAX_EXPIRING_DAYS {
        return Err(unacceptable(
            "expires_within_days",
            format!("expires_within_days is at most {MAX_EXPIRING_DAYS}"),
        ));
    }
    Ok(now.plus(i64::from(days) * UnixMillis::DAY))
}

fn read_order(sort: Option<&str>) -> Result<Order, Unacceptable> {
    let sort = sort.unwrap_or("-created_at");
    let (name, descending) = match sort.strip_prefix('-') {
        Some(name) => (name, true),
        None => (sort, false),
    };
    let by = match name {
        "name" => By::Name,
        "created_at" => By::Creation,
        "last_seen_at" => By::Recency,
        _ => {
            return Err(unacceptable(
                "sort",
                "sort by name, created_at or last_seen_at, with - before it to descend",
            ));
        }
    };
    Ok(Order { by, descending })
}

fn read_words(query: &str) -> Result<Vec<String>, Unacceptable> {
    let words: Vec<String> = query
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if query.contains('\0') {
        return Err(unacceptable("query", "a search holds no control characters"));
    }
    if words.len() > MAX_WORDS || query.chars().count() > MAX_QUERY_LEN {
        return Err(unacceptable(
            "query",
            format!("search for {MAX_WORDS} words at most"),
        ));
    }
    Ok(words)
}

fn read_state(name: &str) -> Result<&'static str, Unacceptable> {
    DeviceState::NAMES
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| {
            unacceptable(
                "state",
                format!("state is one of {}", DeviceState::NAMES.join(", ")),
            )
        })
}

fn read_presence(name: &str) -> Result<bool, Unacceptable> {
    match name {
        "online" => Ok(true),
        "offline" => Ok(false),
        _ => Err(unacceptable("presence", "presence is online or offline")),
    }
}

fn read_place(after: &str, order: Order) -> Result<Place, Unacceptable> {
    let read = || serde_json::from_slice::<Place>(&URL_SAFE_NO_PAD.decode(after).ok()?).ok();
    read().filter(|place| place.fits(order)).ok_or_else(|| {
        unacceptable(
            "after",
            "after is what the page before gave as its next, in the same order",
        )
    })
}

fn unacceptable(field: &'static str, detail: impl Into<String>) -> Unacceptable {
    Unacceptable {
        field,
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(change: impl FnOnce(&mut DeviceQuery)) -> Result<Request, Unacceptable> {
        let mut query = DeviceQuery::default();
        change(&mut query);
        Request::read(&query, UnixMillis(0))
    }

    #[test]
    fn the_newest_come_first_unless_asked_otherwise() {
        let request = query(|_| {}).expect("nothing need be asked for");
        assert_eq!(
            request.order,
            Order {
                by: By::Creation,
                descending: true
            }
        );
        let request = query(|q| q.sort = Some("name".to_owned())).expect("names are an order");
        assert_eq!(
            request.order,
            Order {
                by: By::Name,
                descending: false
            }
        );
    }

    #[test]
    fn each_wrong_field_is_named() {
        let wrong = [
            ("sort", query(|q| q.sort = Some("age".to_owned()))),
            ("limit", query(|q| q.limit = Some(0))),
            ("limit", query(|q| q.limit = Some(MAX_PAGE_LIMIT + 1))),
            ("state", query(|q| q.state = Some("happy".to_owned()))),
            ("presence", query(|q| q.presence = Some("maybe".to_owned()))),
            ("query", query(|q| q.query = Some("a b c d e f g".to_owned()))),
            ("label", query(|q| q.label = Some("l".repeat(MAX_QUERY_LEN + 1)))),
            (
                "software_version",
                query(|q| q.software_version = Some("\0".to_owned())),
            ),
            (
                "expires_within_days",
                query(|q| q.expires_within_days = Some(MAX_EXPIRING_DAYS + 1)),
            ),
            ("after", query(|q| q.after = Some("%%%".to_owned()))),
        ];
        for (field, result) in wrong {
            assert_eq!(result.expect_err(field).field, field);
        }
    }

    #[test]
    fn a_place_of_another_order_is_refused() {
        let place = Request::cursor(&Place::start(Order {
            by: By::Name,
            descending: false,
        }));
        assert!(query(|q| (q.after, q.sort) = (Some(place.clone()), Some("name".to_owned()))).is_ok());
        assert_eq!(
            query(|q| q.after = Some(place.clone()))
                .expect_err("the newest come first, not by name")
                .field,
            "after"
        );
    }
}
