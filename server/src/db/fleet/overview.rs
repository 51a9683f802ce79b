//! What the fleet looks like as a whole. Each count walks an index that has what it asks for; a page of it takes some tens of
//! milliseconds for 100,000 devices.

use std::collections::BTreeMap;

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::overview::{EnrolmentFunnel, PresenceSample};
use gangway_protocol::time::UnixMillis;

use super::Fleets;
use super::statement::Statement;
use crate::db::query::texts;
use crate::db::{Conn, DbError, parsed, query, query_of_each};

/// Devices by a column of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedBy {
    /// By state, retired ones among them.
    State,
    /// By version of the device software.
    SoftwareVersion,
    /// By signer of the newest certificate.
    Signer,
}

/// Values that are told apart: devices say their versions themselves, and could say another one each.
const MOST_VALUES: i64 = 1_000;

/// How many devices there are of each value, most first; the most frequent values only.
///
/// # Errors
/// What the database says.
pub async fn grouped(
    conn: &mut Conn<'_>,
    fleets: &Fleets,
    by: GroupedBy,
) -> Result<Vec<(String, u64)>, DbError> {
    let (column, condition) = match by {
        GroupedBy::State => ("devices.state", ""),
        GroupedBy::SoftwareVersion => ("devices.software_version", " AND devices.state <> 'retired'"),
        GroupedBy::Signer => (
            "devices.signer",
            " AND devices.signer IS NOT NULL AND devices.state <> 'retired'",
        ),
    };
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for whose in Whose::of(fleets) {
        let mut statement = Statement::new(conn);
        let (each, within) = whose.among(&mut statement);
        let limit = statement.bind(MOST_VALUES);
        let sql = format!(
            "SELECT COALESCE({column}, ''), COUNT(*) AS devices FROM {each} CROSS JOIN devices WHERE {within}{condition}
                 GROUP BY {column} ORDER BY devices DESC LIMIT ${limit}"
        );
        let rows: Vec<(String, i64)> = statement.finish(sql).fetch_all(conn).await?;
        for (name, count) in rows {
            *found.entry(name).or_default() += count.unsigned_abs();
        }
    }
    let mut found: Vec<(String, u64)> = found.into_iter().collect();
    found.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
    Ok(found)
}

/// How many devices are online.
///
/// # Errors
/// What the database says.
pub async fn online(conn: &mut Conn<'_>, fleets: &Fleets) -> Result<u64, DbError> {
    let mut total = 0;
    for whose in Whose::of(fleets) {
        let mut statement = Statement::new(conn);
        let (each, within) = whose.of_table(&mut statement, "presence");
        let sql = format!(
            "SELECT COUNT(*) FROM {each} CROSS JOIN presence WHERE {within} AND presence.recency >= 4503599627370496"
        );
        let (count,): (i64,) = statement.finish(sql).fetch_one(conn).await?;
        total += count.unsigned_abs();
    }
    Ok(total)
}

/// How many active devices have a certificate that ends before `from`, and in each of so many weeks from then on.
///
/// # Errors
/// What the database says.
pub async fn expiring(
    conn: &mut Conn<'_>,
    fleets: &Fleets,
    from: UnixMillis,
    weeks: usize,
) -> Result<(u64, Vec<u64>), DbError> {
    let week = 7 * UnixMillis::DAY;
    let (mut before, mut ahead) = (0, vec![0; weeks]);
    let until = from.plus(week * i64::try_from(weeks).unwrap_or(i64::MAX / week));
    for whose in Whose::of(fleets) {
        let mut statement = Statement::new(conn);
        let (start, end, length) = (
            statement.bind(from.0),
            statement.bind(until.0),
            statement.bind(week),
        );
        let (each, within) = whose.among(&mut statement);
        // Division goes towards zero: what has ended is told apart before.
        let sql = format!(
            "SELECT CASE WHEN devices.certificate_expires_at < ${start} THEN -1
                 ELSE (devices.certificate_expires_at - ${start}) / ${length} END AS week, COUNT(*)
             FROM {each} CROSS JOIN devices
             WHERE {within} AND devices.state = 'active' AND devices.certificate_expires_at < ${end} GROUP BY week"
        );
        let rows: Vec<(i64, i64)> = statement.finish(sql).fetch_all(conn).await?;
        for (week, count) in rows {
            match usize::try_from(week) {
                Ok(week) => {
                    if let Some(total) = ahead.get_mut(week) {
                        *total += count.unsigned_abs();
                    }
                }
                Err(_) => before += count.unsigned_abs(),
            }
        }
    }
    Ok((before, ahead))
}

/// How far the enrolments of these organisations since then got.
///
/// # Errors
/// What the database says.
pub async fn enrolments(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    since: UnixMillis,
) -> Result<EnrolmentFunnel, DbError> {
    let rows: Vec<(String, i64)> = query_of_each(
        "SELECT stage, COUNT(*) FROM json_each($1) AS asked CROSS JOIN approvals
             WHERE approvals.organisation = asked.value AND approvals.approved_at >= $2 GROUP BY stage",
        "SELECT stage, COUNT(*) FROM approvals WHERE organisation = ANY($1) AND approved_at >= $2 GROUP BY stage",
    )
    .bind(texts(organisations))
    .bind(since.0)
    .fetch_all(conn)
    .await?;
    let mut funnel = EnrolmentFunnel::default();
    for (stage, count) in rows {
        let count = count.unsigned_abs();
        let reached = match stage.as_str() {
            "proven" => 3,
            "delivered" => 2,
            "issued" => 1,
            "withdrawn" => {
                funnel.withdrawn += count;
                0
            }
            _ => 0,
        };
        funnel.approved += count;
        for (least, place) in [
            (1, &mut funnel.issued),
            (2, &mut funnel.delivered),
            (3, &mut funnel.proven),
        ] {
            if reached >= least {
                *place += count;
            }
        }
    }
    Ok(funnel)
}

/// The names of signers.
///
/// # Errors
/// What the database says.
pub async fn signer_names(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<(SignerId, String)>, DbError> {
    let rows: Vec<(String, String)> = query_of_each(
        "SELECT id, name FROM signers WHERE id IN (SELECT value FROM json_each($1))",
        "SELECT id, name FROM signers WHERE id = ANY($1)",
    )
    .bind(texts(ids))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((parsed(&id, "signers.id")?, name)))
        .collect()
}

/// Notes for each organisation with devices how many it has and how many of them are online.
///
/// # Errors
/// What the database says.
pub async fn count_presence(conn: &mut Conn<'_>) -> Result<Vec<(String, i64, i64)>, DbError> {
    query(
        "SELECT p.organisation, COUNT(*), CAST(SUM(CASE WHEN p.recency >= 4503599627370496 THEN 1 ELSE 0 END) AS BIGINT)
         FROM presence p JOIN devices d ON d.id = p.device WHERE d.state <> 'retired' GROUP BY p.organisation",
    )
    .fetch_all(conn)
    .await
}

/// Keeps what was counted at an instant; a second count of the same instant changes nothing.
///
/// # Errors
/// What the database says.
pub async fn keep_presence(
    conn: &mut Conn<'_>,
    at: UnixMillis,
    counted: &[(String, i64, i64)],
) -> Result<(), DbError> {
    let rows = counted.iter().map(|(organisation, devices, online)| {
        [
            organisation.into(),
            at.0.into(),
            (*devices).into(),
            (*online).into(),
        ]
    });
    crate::db::many::execute_many(
        conn,
        "INSERT INTO presence_samples (organisation, at, devices, online) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organisation, at) DO NOTHING",
        "INSERT INTO presence_samples (organisation, at, devices, online)
             SELECT * FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[])
             ON CONFLICT (organisation, at) DO NOTHING",
        rows.collect(),
    )
    .await
}

/// The newest instant of which a count is kept.
///
/// # Errors
/// What the database says.
pub async fn newest_sample(conn: &mut Conn<'_>) -> Result<Option<UnixMillis>, DbError> {
    let (newest,): (Option<i64>,) = query("SELECT MAX(at) FROM presence_samples")
        .fetch_one(conn)
        .await?;
    Ok(newest.map(UnixMillis))
}

/// Forgets what was counted before then.
///
/// # Errors
/// What the database says.
pub async fn forget_presence(conn: &mut Conn<'_>, before: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM presence_samples WHERE at < $1")
        .bind(before.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// What was counted of these organisations since then, together, oldest first.
///
/// # Errors
/// What the database says.
pub async fn presence(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    since: UnixMillis,
) -> Result<Vec<PresenceSample>, DbError> {
    let rows: Vec<(i64, i64, i64)> = query_of_each(
        "SELECT at, CAST(SUM(devices) AS BIGINT), CAST(SUM(online) AS BIGINT) FROM json_each($1) AS asked
             CROSS JOIN presence_samples s WHERE s.organisation = asked.value AND s.at >= $2 GROUP BY at ORDER BY at",
        "SELECT at, CAST(SUM(devices) AS BIGINT), CAST(SUM(online) AS BIGINT) FROM presence_samples
             WHERE organisation = ANY($1) AND at >= $2 GROUP BY at ORDER BY at",
    )
    .bind(texts(organisations))
    .bind(since.0)
    .fetch_all(conn)
    .await?;
    let sample = |(at, devices, online): (i64, i64, i64)| PresenceSample {
        at: UnixMillis(at),
        devices: devices.unsigned_abs(),
        online: online.unsigned_abs(),
    };
    Ok(rows.into_iter().map(sample).collect())
}

/// Whole customers, or parts of others: each is counted by its own index.
#[derive(Clone, Copy)]
enum Whose<'f> {
    Customers(&'f [OrganisationId]),
    Organisations(&'f [OrganisationId]),
}

impl<'f> Whose<'f> {
    fn of(fleets: &'f Fleets) -> Vec<Self> {
        let mut all = Vec::new();
        if !fleets.customers.is_empty() {
            all.push(Self::Customers(&fleets.customers));
        }
        if !fleets.organisations.is_empty() {
            all.push(Self::Organisations(&fleets.organisations));
        }
        all
    }

    fn among(self, statement: &mut Statement) -> (String, String) {
        self.of_table(statement, "devices")
    }

    /// The rows to ask for, and that a row of the table is one of them.
    fn of_table(self, statement: &mut Statement, table: &str) -> (String, String) {
        let (each, column) = match self {
            Self::Customers(customers) => (statement.each(customers), "customer"),
            Self::Organisations(organisations) => (statement.each(organisations), "organisation"),
        };
        (each, format!("{table}.{column} = asked.value"))
    }
}
