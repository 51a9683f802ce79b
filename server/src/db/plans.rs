//! How both engines find the rows of every query that fetches many: by an index, without looking at a whole table and without
//! sorting more than a page, among 100,000 devices and as many of everything else.
//!
//! Each query is asked through its own function, explained on the connection that runs it. The table is whole: a test reads
//! the sources, and a function that fetches rows has its entry or fails it.

mod filling;
mod fleet_lists;
mod fleets;
mod lists;
mod measurements;
mod permits;
mod single_sign_on;

use std::path::Path;

use super::certificates::{REVOKE_SUPERSEDED, REVOKE_UNPROVEN_OF_KEY};
use super::conn::Link;
use super::fresh_postgres::fresh_database;
use super::{Conn, Db, DbError, Query, approvals, assembled};
use filling::{execute, fill};
use fleet_lists::FLEET_LISTS;
use lists::LISTS;
use lists::Rule::{Exempt, SortsFew, Walks};
use measurements::MEASUREMENTS;
use permits::PERMITS;
use single_sign_on::SINGLE_SIGN_ON;

/// Every list, whatever it is about.
fn all_lists() -> impl Iterator<Item = &'static (&'static str, lists::Rule)> {
    LISTS
        .iter()
        .chain(FLEET_LISTS)
        .chain(PERMITS)
        .chain(SINGLE_SIGN_ON)
        .chain(MEASUREMENTS)
}

/// A query and how an engine goes about it.
pub(super) struct Plan {
    sql: String,
    steps: Vec<String>,
}

/// Explains a query on a connection that asks for it, before it is run there.
pub(super) async fn explain(query: &Query, conn: &mut Conn<'_>) -> Result<(), DbError> {
    let Some(mut explained) = conn.explained.take() else {
        return Ok(());
    };
    let on_postgres = matches!(conn.link, Link::Postgres(_));
    let sql = query.text(on_postgres).to_owned();
    let steps: Vec<String> = if on_postgres {
        let lines = query.with_text(format!("EXPLAIN {sql}"));
        let lines: Vec<(String,)> = Box::pin(lines.fetch_all(conn)).await?;
        lines.into_iter().map(|(line,)| line).collect()
    } else {
        let steps = query.with_text(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps: Vec<(i64, i64, i64, String)> = Box::pin(steps.fetch_all(conn)).await?;
        steps.into_iter().map(|(_, _, _, step)| step).collect()
    };
    explained.push(Plan { sql, steps });
    conn.explained = Some(explained);
    Ok(())
}

#[test]
fn every_function_that_fetches_rows_has_its_entry() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db");
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("plans.rs") && !path.ends_with("query.rs") {
                found.extend(fetching(&path));
            }
        }
    }
    found.sort();
    let mut listed: Vec<&str> = all_lists().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(
        found, listed,
        "a list query needs its entry in LISTS, and only that"
    );
}

/// The public functions of a source file that fetch all rows of a query.
fn fetching(path: &Path) -> Vec<String> {
    let source = std::fs::read_to_string(path).expect("a source file");
    // A table's further files belong to its module.
    let within = path.parent().filter(|parent| !parent.ends_with("db"));
    let module = within
        .unwrap_or(path)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .expect("a name");
    let mut functions = Vec::new();
    let mut current = None;
    for line in source.lines() {
        if let Some((_, rest)) = line.split_once("async fn ") {
            current = rest.split(['(', '<']).next();
        }
        if line.contains(".fetch_all(") {
            let name = format!("{module}::{}", current.expect("within a function"));
            if !functions.contains(&name) {
                functions.push(name);
            }
        }
    }
    functions
}

#[tokio::test]
async fn lists_follow_their_indexes_on_sqlite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("test.sqlite3");
    let db = Db::open_sqlite(&file).await.expect("a fresh database opens");
    fill(&db, false).await;
    // As it is before the planner has looked at the tables, and after.
    check(&db, sqlite_fault).await;
    execute(&db, "ANALYZE".to_owned()).await;
    check(&db, sqlite_fault).await;
}

#[tokio::test]
async fn lists_follow_their_indexes_on_postgresql() {
    let db = Db::open_postgres(&fresh_database().await)
        .await
        .expect("a fresh database opens");
    fill(&db, true).await;
    execute(&db, "ANALYZE".to_owned()).await;
    check(&db, postgres_fault).await;
}

async fn check(db: &Db, fault: fn(&str, &str, bool) -> bool) {
    let mut faults = Vec::new();
    for (name, rule) in all_lists() {
        let (ask, sorts) = match rule {
            Walks(ask) => (ask, false),
            SortsFew(ask) => (ask, true),
            Exempt(_) => continue,
        };
        let mut reader = db.reader().await.expect("a reader is free");
        let mut conn = reader.conn();
        conn.explained = Some(Vec::new());
        if let Err(error) = ask(&mut conn).await {
            faults.push(format!("{name}: {error}"));
        }
        let plans = conn.explained.take().expect("it was asked for");
        if plans.is_empty() {
            faults.push(format!("{name} asks nothing"));
        }
        for plan in plans {
            if plan.steps.iter().any(|step| fault(&plan.sql, step, sorts)) {
                faults.push(format!("{name}: {}\n{:#?}", plan.sql, plan.steps));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} lists do not follow an index:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// https://www.sqlite.org/eqp.html
fn sqlite_fault(_sql: &str, step: &str, sorts: bool) -> bool {
    // The values of a JSON array, which are the one kind of virtual table, are few, and so is what an inner query found, and the path
    // above an organisation, and issuers, and what a number was found as; the indexes of what is held, and of jobs under way, are walked
    // in their order, as far as the limit.
    let walks = [
        "VIRTUAL TABLE",
        "(subquery",
        "SCAN above",
        "held_certificates_by_age",
        "bulk_jobs_open",
        "SCAN i ",
        "SCAN ours",
        "SCAN others",
        "SCAN digests",
    ];
    let scan = step.starts_with("SCAN") && !walks.iter().any(|walk| step.contains(walk));
    scan || (!sorts && step.contains("USE TEMP B-TREE"))
}

fn postgres_fault(sql: &str, step: &str, sorts: bool) -> bool {
    // For a word that it thinks rare, PostgreSQL reads the whole table with several workers, where SQLite walks the index
    // that holds the texts: both look at every text, and its estimate decides.
    if sql.contains("LIKE") {
        return false;
    }
    let node = step.trim_start_matches([' ', '-', '>']);
    if node.starts_with("Seq Scan") || node.starts_with("Parallel Seq Scan") {
        let few = ["signers", "issuers", "organisations", "audit_heads", "webhooks"];
        return !few.iter().any(|few| step.contains(&format!("on {few}")));
    }
    let sort = node.starts_with("Sort  ") || node.starts_with("Incremental Sort");
    let rows = step
        .split_once("rows=")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse::<u32>().ok());
    sort && (!sorts || rows.is_none_or(|rows| rows > 1_000))
}

/// The first version looked at every approval and every certificate there is: with 15,000 devices a proof took 4 ms.
#[tokio::test]
async fn a_first_proof_looks_at_no_other_devices_rows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = Db::open_sqlite(&folder.path().join("test.sqlite3"))
        .await
        .expect("a fresh database opens");
    for sql in [
        approvals::FOLLOW_CERTIFICATE,
        approvals::WITHDRAW_OF_CERTIFICATE,
        REVOKE_SUPERSEDED,
        REVOKE_UNPROVEN_OF_KEY,
    ] {
        let mut reader = db.reader().await.expect("a reader is free");
        // Values that nobody reads: planning does not run anything.
        let explain = ["", "", "", ""]
            .into_iter()
            .fold(assembled(format!("EXPLAIN QUERY PLAN {sql}")), Query::bind);
        let steps: Result<Vec<(i64, i64, i64, String)>, DbError> =
            explain.fetch_all(&mut reader.conn()).await;
        let steps = steps.expect("it is valid");
        let steps: Vec<String> = steps.into_iter().map(|(_, _, _, detail)| detail).collect();
        assert!(
            !steps.is_empty() && steps.iter().all(|step| !sqlite_fault(sql, step, true)),
            "{sql}\n{steps:#?}"
        );
    }
}
