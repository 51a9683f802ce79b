//! PostgreSQL as operators name it and as they find it: by sockets and parameters, without rights, with another program's
//! tables, with some of ours missing.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::support::fresh_database;
use crate::support::program::{refuses, run, stderr, succeeds, text};

async fn beside(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("PostgreSQL answers")
}

/// Four ways to name a socket, with a user and without a host, which web addresses cannot have.
#[tokio::test]
async fn a_database_by_its_socket_is_taken_wherever_its_url_is_read() {
    let url = fresh_database().await;
    let mut connection = beside(&url).await;
    let row = connection.fetch_one("SHOW unix_socket_directories").await;
    let folder: String = row.expect("a row").get(0);
    let folder = folder.split(',').next().expect("a folder").trim().to_owned();
    let url = url::Url::parse(&url).expect("a URL");
    let (user, port, database) = (url.username(), url.port().unwrap_or(5432), url.path());
    let encoded = folder.replace('/', "%2F");
    let place = tempfile::tempdir().expect("a temporary folder");
    for url in [
        format!("postgres://{user}@{database}?host={folder}&port={port}"),
        format!("postgres://{database}?user={user}&host={encoded}&port={port}&sslmode=require"),
        format!("postgresql://{user}@{encoded}:{port}{database}?connect_timeout=10"),
    ] {
        let options = ["--database-url", &url, "--data-dir", text(place.path())];
        let run = |command: &[&str]| run(&[command, &options].concat());
        succeeds(&run(&["check-config"]));
        succeeds(&run(&["migrate"]));
        succeeds(&run(&["admin", "token", "create", "--scope", "enrol"]));
        // Nobody listens there: it says so, and nothing about the URL.
        let asked = run(&["healthcheck", "--listen", "127.0.0.1:1"]);
        refuses(&asked, "is not ready");
        refuses(
            &run(&["serve", "--listen", "192.0.2.1:1"]),
            "cannot listen on 192.0.2.1:1",
        );
    }
}

#[test]
fn a_url_that_cannot_be_used_is_refused_with_the_reason_wherever_it_is_read() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let url = "postgres://one,two/db";
    let options = ["--database-url", url, "--data-dir", text(place.path())];
    for command in [
        &["check-config"][..],
        &["serve"],
        &["migrate"],
        &["healthcheck"],
        &["admin", "setup-link"],
    ] {
        refuses(&run(&[command, &options].concat()), "names several hosts");
    }
}

/// PostgreSQL's own words may follow, in a sentence of their own.
#[tokio::test]
async fn missing_tables_are_told_in_words() {
    let url = fresh_database().await;
    let place = tempfile::tempdir().expect("a temporary folder");
    let options = ["--database-url", &url, "--data-dir", text(place.path())];
    succeeds(&run(&[&["migrate"][..], &options].concat()));
    let mut connection = beside(&url).await;
    connection
        .execute("DROP TABLE settings CASCADE")
        .await
        .expect("dropped");
    for command in [
        &["admin", "setup-link"][..],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let output = run(&[command, &options].concat());
        refuses(&output, "not those that this version of Gangway works with");
        refuses(&output, "PostgreSQL says: relation \"settings\" does not exist");
        assert!(!stderr(&output).contains("error returned from database"));
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_told_from_a_newer_one() {
    for sql in [
        "CREATE TABLE accounts (id BIGINT)",
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL,
             execution_time BIGINT NOT NULL);
         INSERT INTO _sqlx_migrations VALUES (20260131123000, 'theirs', now(), TRUE, '', 0)",
    ] {
        let url = fresh_database().await;
        beside(&url).await.execute(sql).await.expect("made");
        refuses(&run(&["migrate", "--database-url", &url]), "is another program's");
    }
    let url = fresh_database().await;
    succeeds(&run(&["migrate", "--database-url", &url]));
    let sql = "UPDATE _sqlx_migrations SET checksum = '' WHERE version = 1";
    beside(&url).await.execute(sql).await.expect("changed");
    refuses(&run(&["migrate", "--database-url", &url]), "migration 1 is not");
}

#[tokio::test]
async fn a_migration_that_fails_says_that_nothing_of_it_was_kept() {
    let url = fresh_database().await;
    succeeds(&run(&["migrate", "--database-url", &url]));
    // As if the last one had not run yet, on a database from which somebody took a table that it changes.
    let sql = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations);
        DROP TABLE feed_keys, feeds, devices CASCADE";
    beside(&url).await.execute(sql).await.expect("changed");
    let output = run(&["migrate", "--database-url", &url]);
    refuses(&output, "failed. Nothing of it was kept");
    refuses(&output, "PostgreSQL says: ");
}

#[tokio::test]
async fn a_user_without_rights_is_told_which_to_grant_and_an_unknown_one_that_it_is_unknown() {
    let url = fresh_database().await;
    let role = format!("gangway_guest_{}", std::process::id());
    let mut connection = beside(&url).await;
    let sql = format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    );
    connection.execute(AssertSqlSafe(sql)).await.expect("made");
    let mut guest = url::Url::parse(&url).expect("a URL");
    guest.set_username(&role).expect("a user");
    let output = run(&["migrate", "--database-url", guest.as_str()]);
    refuses(&output, "GRANT CREATE");
    refuses(&output, "PostgreSQL says: permission denied for schema public");
    let drop = AssertSqlSafe(format!("DROP ROLE {role}"));
    connection.execute(drop).await.expect("dropped");

    guest.set_path("/no_such_database");
    let output = run(&["migrate", "--database-url", guest.as_str()]);
    refuses(&output, "lets nobody in with this database_url");
}
