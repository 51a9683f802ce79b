//! What stands for clients of plgd's signing API, filtered and paged in the order of plgd's names.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{PlgdRecord, Row, columns};
use crate::db::query::texts;
use crate::db::{Conn, DbError, query, query_of_each};

/// Which records: whatever one of the filters names; all of them without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By plgd's names of the records.
    pub records: Vec<String>,
    /// By common name.
    pub common_names: Vec<String>,
    /// By the OCF devices that they are about.
    pub devices: Vec<String>,
}

impl Filter {
    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.common_names.is_empty() && self.devices.is_empty()
    }
}

/// Whose records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of an account.
    Account(AccountId),
    /// Those of everybody in the organisation.
    Everybody,
}

/// A page behind `$2` of what stands in the organisation `$1`. What is about a person is forgotten when it has run out by
/// `$3`; what is about a device stays until somebody removes it. `CASE` and not `OR`, which SQLite would take apart.
macro_rules! page {
    ($further:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM plgd_certificates WHERE organisation = $1 AND record > $2 AND revoked_at IS NULL
                 AND not_after > CASE WHEN device_id IS NULL THEN $3 ELSE 0 END ",
            $further,
            " ORDER BY record LIMIT $4"
        )
    };
}

/// `$5` the account, or NULL; `$6`, `$7` and `$8` what is asked for. Each filter is looked up in an index of its own.
const FILTERED_ON_SQLITE: &str = page!(
    "AND account = COALESCE($5, account) AND record IN (
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL
             AND record IN (SELECT value FROM json_each($6))
         UNION ALL
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL
             AND common_name IN (SELECT value FROM json_each($7))
         UNION ALL
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL AND device_id IS NOT NULL
             AND device_id IN (SELECT value FROM json_each($8)))"
);
const FILTERED_ON_POSTGRES: &str = page!(
    "AND account = COALESCE($5, account) AND record IN (
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL AND record = ANY($6)
         UNION ALL
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL AND common_name = ANY($7)
         UNION ALL
         SELECT record FROM plgd_certificates WHERE organisation = $1 AND revoked_at IS NULL AND device_id IS NOT NULL
             AND device_id = ANY($8))"
);

/// At most `limit` records behind `after`, in the order of plgd's names.
///
/// # Errors
/// What the database says.
pub async fn matching(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    whose: &Whose,
    filter: &Filter,
    now: UnixMillis,
    (after, limit): (&str, i64),
) -> Result<Vec<PlgdRecord>, DbError> {
    let account = match whose {
        Whose::Account(account) => Some(account.as_str()),
        Whose::Everybody => None,
    };
    let text = match (filter.is_empty(), account) {
        (true, None) => query(page!("")),
        (true, Some(_)) => query(page!("AND account = $5")),
        (false, _) => query_of_each(FILTERED_ON_SQLITE, FILTERED_ON_POSTGRES),
    };
    let mut asked = text
        .bind(organisation.as_str())
        .bind(after)
        .bind(now.0)
        .bind(limit);
    // PostgreSQL refuses values that no parameter takes.
    if account.is_some() || !filter.is_empty() {
        asked = asked.bind(account);
    }
    if !filter.is_empty() {
        asked = asked
            .bind(texts(&filter.records))
            .bind(texts(&filter.common_names))
            .bind(texts(&filter.devices));
    }
    let rows: Vec<Row> = asked.fetch_all(conn).await?;
    rows.into_iter().map(PlgdRecord::try_from).collect()
}
