//! PostgreSQL behind PgBouncer: one that lends sessions to connections is none of our business, one that lends them to
//! transactions is refused in words.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use url::Url;

use crate::support::fresh_database;
use crate::support::program::{gangway, refuses, run, text};

/// PgBouncer before the server of a database, until it is dropped.
struct Pooler {
    child: Child,
    /// The database by way of it.
    url: String,
    _folder: tempfile::TempDir,
}

impl Pooler {
    async fn before(database: &str, settings: &str) -> Self {
        let url = Url::parse(database).expect("a URL");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let config = folder.path().join("pgbouncer.ini");
        let users = folder.path().join("users.txt");
        std::fs::write(&users, "\"gangway\" \"\"\n").expect("written");
        let lines = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\nlogfile =\npidfile =\n{settings}\n",
            url.port().expect("a port"),
            text(&users),
        );
        std::fs::write(&config, lines).expect("written");
        let child = start(&config, folder.path());
        let mut by_way = url;
        by_way.set_port(Some(port)).expect("a port");
        let pooler = Self {
            child,
            url: by_way.into(),
            _folder: folder,
        };
        let answers = tokio::time::timeout(Duration::from_secs(60), async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        answers.await.expect("PgBouncer listens");
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended by itself; then the test says why.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It does not run as root: there, as the user that its package shares with PostgreSQL.
fn start(config: &Path, folder: &Path) -> Child {
    let mut command = Command::new("/usr/sbin/pgbouncer");
    if rustix::process::geteuid().is_root() {
        let given = Command::new("chown")
            .args(["-R", "postgres", text(folder)])
            .status();
        assert!(given.expect("chown runs").success());
        command.uid(folder.metadata().expect("a folder").uid());
    }
    command
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("PgBouncer starts: scripts/setup test")
}

fn serve(data: &Path, url: &str) -> std::process::Output {
    run(&[
        "serve",
        "--data-dir",
        text(data),
        "--database-url",
        url,
        "--listen",
        "127.0.0.1:0",
    ])
}

#[tokio::test]
async fn a_pooler_that_lends_sessions_to_transactions_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = fresh_database().await;
    let settings = "pool_mode = transaction\nignore_startup_parameters = extra_float_digits";
    let pooler = Pooler::before(&database, settings).await;
    refuses(&serve(folder.path(), &pooler.url), "pool_mode = session");

    let strict = Pooler::before(&database, "pool_mode = session").await;
    refuses(
        &serve(folder.path(), &strict.url),
        "ignore_startup_parameters = extra_float_digits",
    );
}

#[tokio::test]
async fn a_pooler_that_lends_sessions_to_connections_is_as_good_as_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = fresh_database().await;
    let settings = "pool_mode = session\nignore_startup_parameters = extra_float_digits";
    let pooler = Pooler::before(&database, settings).await;
    let mut token = gangway(&["admin", "token", "create", "--scope", "enrol"]);
    token.args(["--data-dir", text(folder.path()), "--database-url", &pooler.url]);
    let made = token.output().expect("the binary runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut direct = PgConnection::connect(&database)
        .await
        .expect("PostgreSQL answers");
    let (tokens,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM tokens")
        .fetch_one(&mut direct)
        .await
        .expect("it counts");
    assert_eq!(tokens, 1);
}
