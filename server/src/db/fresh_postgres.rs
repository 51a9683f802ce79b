//! A PostgreSQL database of its own for a test.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The URL of a database that nobody has used.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the script that starts PostgreSQL"
)]
pub(super) async fn fresh_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("GANGWAY_TEST_POSTGRES_URL").expect("run it by scripts/with-postgres");
    let name = format!(
        "gangway_unit_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
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
