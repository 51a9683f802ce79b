//! The record of organisations, filtered and paged, newest first.
//!
//! Each organisation gives one page from an index that has the order, and only these pages are sorted. What leads is what narrows
//! most: the subject, else who, else what was done. What else is asked is looked at along the way.

use gangway_protocol::audit::Action;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;

use super::{Recorded, Row};
use crate::db::query::texts;
use crate::db::{Conn, DbError, Value, parsed, query_of_each, row};

/// Which entries.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// Only these actions; empty: all.
    pub actions: Vec<Action>,
    /// Only what was done by this one, by its id.
    pub actor: Option<String>,
    /// Only what was done to this, by its id.
    pub subject: Option<String>,
    /// Only from then on.
    pub since: UnixMillis,
    /// Only before then.
    pub until: UnixMillis,
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self {
            actions: Vec::new(),
            actor: None,
            subject: None,
            since: UnixMillis(i64::MIN),
            until: UnixMillis(i64::MAX),
        }
    }
}

/// A place in the record of several organisations, which is told by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: UnixMillis,
    /// Which entry of its chain.
    pub seq: u64,
    /// The chain.
    pub chain: String,
}

/// An entry and whose record it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whose record.
    pub organisation: OrganisationId,
    /// The entry.
    pub entry: Recorded,
}

impl Placed {
    /// Where it stands.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            at: self.entry.at,
            seq: self.entry.seq,
            chain: self.organisation.to_string(),
        }
    }
}

/// `$1` the chains, `$2` the limit, `$3` from when on, `$4` to `$6` the place before which the page lies, and from `$7` on what the
/// conditions name.
macro_rules! newest {
    ($select:literal, $index:literal, $conditions:expr) => {
        concat!(
            "SELECT ",
            $select,
            " FROM audit",
            $index,
            " WHERE audit.chain = asked.value",
            $conditions,
            " AND at >= $3 AND at <= $4 AND (at, seq, chain) < ($4, $5, $6) ORDER BY at DESC, seq DESC LIMIT $2"
        )
    };
}

/// A page of each chain, and of each of the values that are joined. SQLite is told by which index: where it knows no better, it takes
/// any that begins with the chain.
macro_rules! of_chains {
    ($index:literal, $sqlite:literal, $on_sqlite:expr, $postgres:literal, $on_postgres:expr) => {
        query_of_each(
            // SQLite knows no LATERAL, but lets what a row is looked up by depend on the row before it.
            concat!(
                "SELECT chain, seq, at, actor, actor_name, action, subject, detail, hash
                 FROM json_each($1) AS asked",
                $sqlite,
                " CROSS JOIN audit WHERE audit.rowid IN (",
                newest!("rowid", $index, $on_sqlite),
                ") ORDER BY at DESC, seq DESC, chain DESC LIMIT $2"
            ),
            concat!(
                "SELECT newest.* FROM UNNEST($1::TEXT[]) AS asked (value)",
                $postgres,
                " CROSS JOIN LATERAL (",
                newest!(
                    "chain, seq, at, actor, actor_name, action, subject, detail, hash",
                    "",
                    $on_postgres
                ),
                ") AS newest ORDER BY at DESC, seq DESC, chain DESC LIMIT $2"
            ),
        )
    };
}

/// Whether an entry is of one of the actions in this parameter, of which none stand for all.
macro_rules! any_of {
    (sqlite $actions:literal) => {
        concat!(
            " AND (json_array_length(",
            $actions,
            ") = 0 OR action IN (SELECT value FROM json_each(",
            $actions,
            ")))"
        )
    };
    (postgres $actions:literal) => {
        concat!(
            " AND (CARDINALITY(",
            $actions,
            "::TEXT[]) = 0 OR action = ANY(",
            $actions,
            "))"
        )
    };
}

/// At most `limit` entries of these organisations' records, newest first, before the place `before`.
///
/// # Errors
/// What the database says.
pub async fn newest(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    filter: &AuditFilter,
    before: Option<&Moment>,
    limit: u32,
) -> Result<Vec<Placed>, DbError> {
    let actions = Value::from(
        filter
            .actions
            .iter()
            .map(|action| action.as_str().to_owned())
            .collect::<Vec<_>>(),
    );
    let (query, further) = match (&filter.subject, &filter.actor) {
        // Few entries are about one thing, wherever they are recorded.
        (Some(subject), actor) => (
            query_of_each(
                concat!(
                    "SELECT chain, seq, at, actor, actor_name, action, subject, detail, hash FROM audit
                     WHERE subject = $7 AND chain IN (SELECT value FROM json_each($1)) AND ($9 = '' OR actor = $9)",
                    any_of!(sqlite "$8"),
                    " AND at >= $3 AND at <= $4 AND (at, seq, chain) < ($4, $5, $6)
                      ORDER BY at DESC, seq DESC, chain DESC LIMIT $2"
                ),
                concat!(
                    "SELECT chain, seq, at, actor, actor_name, action, subject, detail, hash FROM audit
                     WHERE subject = $7 AND chain = ANY($1) AND ($9 = '' OR actor = $9)",
                    any_of!(postgres "$8"),
                    " AND at >= $3 AND at <= $4 AND (at, seq, chain) < ($4, $5, $6)
                      ORDER BY at DESC, seq DESC, chain DESC LIMIT $2"
                ),
            ),
            vec![
                subject.into(),
                actions,
                actor.as_deref().unwrap_or_default().into(),
            ],
        ),
        (None, Some(actor)) => (
            of_chains!(
                " INDEXED BY audit_by_actor",
                "",
                concat!(" AND actor = $7", any_of!(sqlite "$8")),
                "",
                concat!(" AND actor = $7", any_of!(postgres "$8"))
            ),
            vec![actor.into(), actions],
        ),
        (None, None) if !filter.actions.is_empty() => (
            of_chains!(
                " INDEXED BY audit_by_action",
                " CROSS JOIN json_each($7) AS done",
                " AND action = done.value",
                " CROSS JOIN UNNEST($7::TEXT[]) AS done (value)",
                " AND action = done.value"
            ),
            vec![actions],
        ),
        (None, None) => (
            of_chains!(" INDEXED BY audit_by_time", "", "", "", ""),
            Vec::new(),
        ),
    };
    // What lies before an instant lies before the first entry that there could be then.
    let end = Moment {
        at: filter.until,
        seq: 0,
        chain: String::new(),
    };
    let before = before.filter(|before| before.at < end.at).unwrap_or(&end);
    let query = query
        .bind(texts(organisations))
        .bind(i64::from(limit))
        .bind(filter.since.0)
        .bind(before.at.0)
        .bind(i64::try_from(before.seq).unwrap_or(i64::MAX))
        .bind(&before.chain);
    let query = further.into_iter().fold(query, crate::db::Query::bind);
    let rows: Vec<PlacedRow> = query.fetch_all(conn).await?;
    rows.into_iter().map(Placed::try_from).collect()
}

row! {
    struct PlacedRow {
        chain: String,
        #[rest]
        entry: Row,
    }
}

impl TryFrom<PlacedRow> for Placed {
    type Error = DbError;

    fn try_from(row: PlacedRow) -> Result<Self, DbError> {
        Ok(Self {
            organisation: parsed(&row.chain, "audit.chain")?,
            entry: row.entry.try_into()?,
        })
    }
}
