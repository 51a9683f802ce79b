//! A fresh PostgreSQL database for each test, on the server of `GANGWAY_TEST_POSTGRES_URL` or on one of our own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The URL of a database that nobody has used.
pub(crate) async fn fresh_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = server_url();
    let name = format!(
        "gangway_test_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let mut connection = PgConnection::connect(server)
        .await
        .expect("the test PostgreSQL answers");
    sqlx::query(AssertSqlSafe(format!(
        "CREATE DATABASE {name} TEMPLATE template0"
    )))
    .execute(&mut connection)
    .await
    .expect("a database is made");
    connection.close().await.expect("the connection closes");
    let mut url = url::Url::parse(server).expect("a URL");
    url.set_path(&name);
    url.into()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the script that starts PostgreSQL"
)]
fn server_url() -> &'static str {
    /// Keeps the pipe open: the script stops its server when this process is gone.
    static OWN: OnceLock<(Child, String)> = OnceLock::new();
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    match GIVEN.get_or_init(|| std::env::var("GANGWAY_TEST_POSTGRES_URL").ok()) {
        Some(url) => url,
        None => &OWN.get_or_init(start_own).1,
    }
}

fn start_own() -> (Child, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/with-postgres");
    let mut child = Command::new(script)
        .args(["sh", "-c", "echo \"$GANGWAY_TEST_POSTGRES_URL\"; cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("scripts/with-postgres starts");
    let mut url = String::new();
    let output = child.stdout.as_mut().expect("its output is a pipe");
    BufReader::new(output)
        .read_line(&mut url)
        .expect("it prints the URL");
    (child, url.trim().to_owned())
}
