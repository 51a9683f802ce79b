//! How both engines find the rows of every query that fetches many: by an index, without looking at a whole table and without
//! sorting more than a page, among 100,000 devices and as many of everything else.
//!
//! Each query is asked through its own function, explained on the connection that runs it. The table is whole: a test reads
//! the sources, and a function that fetches rows has its entry or fails it.

use std::path::Path;

use futures_util::future::BoxFuture;
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, SignInId};
use gangway_protocol::time::UnixMillis;

use super::certificates::{CertificateFilter, REVOKE_SUPERSEDED, REVOKE_UNPROVEN_OF_KEY};
use super::conn::Link;
use super::fleet::{By, Filter, Order, Place};
use super::{
    Conn, Db, DbError, Query, accounts, approvals, assembled, audit, certificates, device_keys, devices,
    fleet, held, links, memberships, passkeys, presence, sign_ins, signers, tokens, write,
};

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

type Ask = for<'c, 'd> fn(&'c mut Conn<'d>) -> BoxFuture<'c, Result<(), DbError>>;

/// How a query that fetches rows goes about it.
enum Rule {
    /// By an index, in the order of that index.
    Walks(Ask),
    /// By an index; what it finds is few, and is sorted.
    SortsFew(Ask),
    /// Not a list: the reason.
    Exempt(#[expect(dead_code, reason = "it is there to be read where it stands")] &'static str),
}
use Rule::{Exempt, SortsFew, Walks};

const CHANGES: Rule = Exempt("it changes rows by their index and returns what it changed");

/// Every function of this folder that fetches rows.
const LISTS: &[(&str, Rule)] = &[
    (
        "accounts::persons_named",
        SortsFew(|conn| Box::pin(async { accounts::persons_named(conn, "Ada", 10).await.map(drop) })),
    ),
    (
        "approvals::lapsed",
        Walks(|conn| Box::pin(async { approvals::lapsed(conn, UnixMillis(50), 500).await.map(drop) })),
    ),
    (
        "approvals::waiting_by",
        Exempt("the open approvals, of which there are few, when somebody's right ends"),
    ),
    (
        "approvals::devices_approved",
        Walks(|conn| {
            Box::pin(async {
                let (home, ada) = (home(), account());
                for account in [None, Some(&ada)] {
                    for address in [None, Some("192.0.2.1")] {
                        let span = UnixMillis(10)..UnixMillis(60);
                        approvals::devices_approved(conn, &home, account, address, span).await?;
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "audit::take_left",
        Exempt("all that was left since the last round, and takes it"),
    ),
    (
        "audit::lock_heads",
        SortsFew(|conn| Box::pin(async { audit::lock_heads(conn, &[&"server".to_owned()]).await.map(drop) })),
    ),
    (
        "audit::heads",
        Exempt("one for each organisation, all of them wanted"),
    ),
    (
        "audit::following",
        Walks(|conn| Box::pin(async { audit::following(conn, home().as_str(), 40, 50).await.map(drop) })),
    ),
    (
        "audit::last",
        Walks(|conn| Box::pin(async { audit::last(conn, home().as_str(), 50).await.map(drop) })),
    ),
    (
        "audit::about",
        Walks(|conn| {
            Box::pin(async {
                for before in [None, Some(40)] {
                    audit::about(conn, home().as_str(), device().as_str(), before, 50).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "certificates::unproven",
        Walks(|conn| Box::pin(async { certificates::unproven(conn, UnixMillis(50), 500).await.map(drop) })),
    ),
    (
        "certificates::page",
        SortsFew(|conn| {
            Box::pin(async {
                for device in [None, Some(device())] {
                    for query in [None, Some("4711".to_owned())] {
                        for after in [None, Some((UnixMillis(50_000), Sha256Hex([0; 32])))] {
                            let filter = CertificateFilter {
                                device: device.clone(),
                                query: query.clone(),
                                after,
                            };
                            certificates::page(conn, &home(), &filter, 50).await?;
                        }
                    }
                }
                Ok(())
            })
        }),
    ),
    ("certificates::revoke_of_devices", CHANGES),
    ("certificates::revoke_of_key", CHANGES),
    ("certificates::revoke_one", CHANGES),
    ("certificates::hold_of_device", CHANGES),
    ("certificates::release_of_device", CHANGES),
    ("certificates::revoke_displaced", CHANGES),
    (
        "certificates::grace_over",
        Walks(|conn| {
            Box::pin(async {
                certificates::grace_over(conn, UnixMillis(50), 500)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "certificates::revoked",
        Exempt("the whole of a revocation list, in its order"),
    ),
    (
        "device_keys::devices_elsewhere",
        Walks(|conn| {
            Box::pin(async {
                device_keys::devices_elsewhere(conn, &home(), &Sha256Hex([0; 32]))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "device_keys::lock_everywhere",
        SortsFew(|conn| Box::pin(async { device_keys::lock_everywhere(conn, &Sha256Hex([0; 32])).await })),
    ),
    (
        "devices::lock_all",
        SortsFew(|conn| Box::pin(async { devices::lock_all(conn, &[device()]).await.map(drop) })),
    ),
    (
        "fleet::page",
        Walks(|conn| {
            Box::pin(async {
                for by in [By::Name, By::Creation, By::Recency] {
                    for descending in [false, true] {
                        let order = Order { by, descending };
                        for filter in filters() {
                            fleet::page(conn, &home(), &filter, order, &Place::start(order), 51).await?;
                        }
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "held::page",
        Walks(|conn| {
            Box::pin(async {
                for after in [None, Some((UnixMillis(50), Sha256Hex([0; 32])))] {
                    held::page(conn, &home(), after, 50).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "held::everywhere",
        Walks(|conn| Box::pin(async { held::everywhere(conn, 50).await.map(drop) })),
    ),
    (
        "held::readmitted_since",
        Walks(|conn| Box::pin(async { held::readmitted_since(conn, UnixMillis(200_000)).await.map(drop) })),
    ),
    ("issuers::all", Exempt("as many as there were CAs")),
    (
        "links::invitations_by",
        Exempt("the invitations that wait, when their maker's right ends"),
    ),
    (
        "links::invitations",
        Walks(|conn| {
            Box::pin(async {
                links::invitations(conn, &home(), UnixMillis(10), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "memberships::of_organisation",
        Walks(|conn| {
            Box::pin(async {
                memberships::of_organisation(conn, &home(), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "memberships::of_account",
        SortsFew(|conn| Box::pin(async { memberships::of_account(conn, &account(), 50).await.map(drop) })),
    ),
    (
        "nameplates::all",
        Exempt("read whole, once, when the server starts"),
    ),
    (
        "organisations::of_account",
        Exempt("follows the tree from an account's memberships"),
    ),
    ("organisations::role_at", Exempt("follows the tree upwards")),
    (
        "passkeys::credentials",
        Walks(|conn| Box::pin(async { passkeys::credentials(conn, &account()).await.map(drop) })),
    ),
    (
        "passkeys::of_account",
        Walks(|conn| Box::pin(async { passkeys::of_account(conn, &account(), "", 50).await.map(drop) })),
    ),
    (
        "presence::excluded_since",
        SortsFew(|conn| {
            Box::pin(async {
                presence::excluded_since(conn, UnixMillis(200_000))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "rules::reach",
        Exempt("follows the tree from an account's memberships"),
    ),
    ("rules::subtree", Exempt("follows the tree downwards")),
    (
        "sign_ins::of_account",
        Walks(|conn| {
            Box::pin(async {
                let current: SignInId = id("sin_", 1).parse().expect("an id");
                sign_ins::of_account(conn, &account(), &current, UnixMillis(10), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "signers::of_organisation",
        SortsFew(|conn| Box::pin(async { signers::of_organisation(conn, &home(), "", 50).await.map(drop) })),
    ),
    (
        "tokens::reach",
        Walks(|conn| Box::pin(async { tokens::reach(conn, &account()).await.map(drop) })),
    ),
    (
        "tokens::of_account",
        Walks(|conn| Box::pin(async { tokens::of_account(conn, &account(), "", 50).await.map(drop) })),
    ),
];

/// Every combination of filters of the fleet.
fn filters() -> Vec<Filter> {
    let words = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>();
    let mut filters = Vec::new();
    for state in [None, Some("suspended")] {
        for online in [None, Some(true), Some(false)] {
            for count in 0..=fleet::MAX_WORDS {
                filters.push(Filter {
                    words: words(count),
                    state,
                    online,
                });
            }
        }
    }
    filters
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
    let mut listed: Vec<&str> = LISTS.iter().map(|(name, _)| *name).collect();
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
    for (name, rule) in LISTS {
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
    // The values of a JSON array are few; the index of what is held is walked in its order, as far as the limit.
    let walks = ["json_each", "held_certificates_by_age"];
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
        let few = ["signers", "organisations", "audit_heads"];
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

fn id(prefix: &str, number: u32) -> String {
    format!("{prefix}{number:026}")
}

fn home() -> OrganisationId {
    id("org_", 1).parse().expect("an id")
}

fn account() -> AccountId {
    id("acc_", 1).parse().expect("an id")
}

fn device() -> DeviceId {
    id("dev_", 4_711).parse().expect("an id")
}

/// 100,000 of everything, in one organisation and of one account.
async fn fill(db: &Db, on_postgres: bool) {
    let series = if on_postgres {
        "WITH s AS (SELECT n FROM generate_series(1, 100000) n)"
    } else {
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)"
    };
    let padded = |len: u32, what: &str| {
        if on_postgres {
            format!("LPAD(CAST({what} AS TEXT), {len}, '0')")
        } else {
            format!("PRINTF('%0{len}d', {what})")
        }
    };
    let (number, hex) = (padded(26, "n"), padded(64, "n"));
    let facts = serde_json::to_string(&Facts::default()).expect("facts have a JSON form");
    let org = format!("'{}'", home());
    let acc = format!("'{}'", account());
    let statements = [
        format!("INSERT INTO organisations (id, name, policy, created_at) VALUES ({org}, 'Works', '{{}}', 1)"),
        format!("{series} INSERT INTO accounts (id, user_handle, name, kind, created_at)
            SELECT 'acc_' || {number}, {hex}, 'Ada ' || n, 'person', n FROM s"),
        format!("{series} INSERT INTO memberships (organisation, account, role, created_at)
            SELECT {org}, 'acc_' || {number}, 'viewer', n FROM s"),
        format!("{series} INSERT INTO passkeys (id, account, credential_id, credential, name, created_at)
            SELECT 'psk_' || {number}, 'acc_' || {number}, {hex}, '{{}}', 'key', n FROM s"),
        format!("{series} INSERT INTO sign_ins (id, token_hash, account, browser, address, created_at, last_used_at, verified_at, assertion)
            SELECT 'sin_' || {number}, {hex}, {acc}, 'b', 'a', n, n, n, '' FROM s"),
        format!("{series} INSERT INTO tokens (id, secret_hash, account, organisation, name, scopes, created_at, expires_at)
            SELECT 'tok_' || {number}, {hex}, {acc}, {org}, 't', 'read', n, n FROM s"),
        format!("{series} INSERT INTO links (id, kind, token_hash, organisation, role, note, created_at, expires_at)
            SELECT 'lnk_' || {number}, 'invitation', {hex}, {org}, 'viewer', '', n, n FROM s"),
        format!("INSERT INTO issuers (id, certificate, above, trust_anchor, created_at)
            VALUES ('{}', '', '', '', 1)", id("iss_", 1)),
        format!("INSERT INTO signers (id, organisation, name, kind, created_at)
            VALUES ('{}', {org}, 'CA', 'builtin', 1)", id("sgn_", 1)),
        format!("{series} INSERT INTO devices (id, organisation, name, sort_name, labels, state, state_since, facts, search, approver, created_at)
            SELECT 'dev_' || {number}, {org}, 'Pump ' || n, 'pump ' || n, '[]', CASE WHEN n % 10 = 0 THEN 'suspended' ELSE 'active' END, n, '{facts}', 'pump ' || n, {acc}, n FROM s"),
        "UPDATE presence SET recency = (SELECT CASE WHEN created_at % 2 = 0 THEN 4503599627370496 ELSE 0 END + created_at
            FROM devices WHERE id = device)".to_owned(),
        format!("{series} INSERT INTO device_keys (organisation, spki_sha256, device, created_at)
            SELECT {org}, {hex}, 'dev_' || {number}, n FROM s"),
        format!("{series} INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation, sha256,
                leaf, subject, issuer_name, key_kind, not_before, not_after, issued_at, search)
            SELECT '{}', {hex}, {org}, 'dev_' || {number}, '{}', {hex}, 1, {hex}, '', 'CN=' || n, 'CN=ca', 'P-256', n, n, n, {hex} FROM s",
            id("iss_", 1), id("sgn_", 1)),
        "UPDATE certificates SET revoked_at = issued_at WHERE issued_at % 2 = 0".to_owned(),
        format!("{series} INSERT INTO approvals (claim, organisation, organisation_name, account, approver, proof, device, signer, csr,
                spki_sha256, stage, stage_since, approved_at)
            SELECT 'clm_' || {number}, {org}, 'Works', {acc}, 'Ada', '', 'dev_' || {number}, '{}', '', {hex},
                CASE WHEN n % 2 = 0 THEN 'approved' ELSE 'proven' END, n, n FROM s", id("sgn_", 1)),
        format!("{series} INSERT INTO held_certificates (sha256, organisation, device, leaf, subject, first_seen_at, not_after, readmitted_at)
            SELECT {hex}, {org}, 'dev_' || {number}, '', '', n, n, CASE WHEN n % 2 = 0 THEN n END FROM s"),
        format!("{series} INSERT INTO audit (chain, seq, at, actor, action, subject, detail, hash)
            SELECT {org}, n, n, 'server', 'x', 'dev_' || {number}, '', {hex} FROM s"),
    ];
    for statement in statements {
        execute(db, statement).await;
    }
}

async fn execute(db: &Db, sql: String) {
    let done: Result<u64, DbError> = write!(db, |tx| { assembled(sql).execute(tx).await });
    done.expect("the statement succeeds");
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the script that starts PostgreSQL"
)]
async fn fresh_database() -> String {
    use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
    let server = std::env::var("GANGWAY_TEST_POSTGRES_URL").expect("run it by scripts/with-postgres");
    let name = format!("gangway_plans_{}", std::process::id());
    let mut connection = PgConnection::connect(&server)
        .await
        .expect("the test PostgreSQL answers");
    let make = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
    sqlx::query(make)
        .execute(&mut connection)
        .await
        .expect("a database is made");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    url.into()
}
