//! A fresh PostgreSQL database for each test, on the server of `GANGWAY_TEST_POSTGRES_URL` or on one of our own.

use std::io::{BufRead as _, BufReader};
use std::mem;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// Databases of tests that are over. The next test removes them: a test that ends cannot wait for it.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database with our tables, and nothing in them, for one test.
pub(crate) struct Migrated {
    name: String,
    pub(crate) url: String,
}

impl Migrated {
    /// Copies one that was migrated once for all tests: migrating each would take most of their time.
    pub(crate) async fn new() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = name_for("template");
                execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
                let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
                let migrations = Migrator::new(Path::new(folder)).await.expect("our migrations");
                let mut connection = PgConnection::connect(&url_of(&name)).await.expect("it is there");
                migrations.run(&mut connection).await.expect("they run");
                connection.close().await.expect("the connection closes");
                name
            })
            .await;
        let left = mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
        for name in left {
            execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        let name = name_for("test");
        execute(&format!(
            "CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        ))
        .await;
        Self {
            url: url_of(&name),
            name,
        }
    }
}

impl Drop for Migrated {
    fn drop(&mut self) {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(mem::take(&mut self.name));
    }
}

/// The URL of a database that nobody has used.
pub(crate) async fn fresh_database() -> String {
    let name = name_for("fresh");
    execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    url_of(&name)
}

fn name_for(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("gangway_{what}_{}_{next}", std::process::id())
}

fn url_of(name: &str) -> String {
    let mut url = url::Url::parse(server_url()).expect("a URL");
    url.set_path(name);
    url.into()
}

/// Runs one statement on the server's own database.
async fn execute(statement: &str) {
    let mut connection = PgConnection::connect(server_url())
        .await
        .expect("the test PostgreSQL answers");
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .expect("the statement runs");
    connection.close().await.expect("the connection closes");
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
