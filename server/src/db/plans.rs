//! How SQLite finds the rows of queries that run for every device: by an index, however many there are.

use super::certificates::{REVOKE_SUPERSEDED, REVOKE_UNPROVEN_OF_KEY};
use super::{Db, DbError, Query, approvals, assembled};

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
        let steps = plan(&db, sql).await;
        assert!(
            !steps.is_empty() && steps.iter().all(|step| !step.starts_with("SCAN")),
            "{sql}\n{steps:#?}"
        );
    }
}

async fn plan(db: &Db, sql: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let mut reader = db.reader().await.expect("a reader is free");
    // Values that nobody reads: planning does not run anything.
    let explain = ["", "", "", ""].into_iter().fold(assembled(explain), Query::bind);
    let steps: Result<Vec<(i64, i64, i64, String)>, DbError> = explain.fetch_all(&mut reader.conn()).await;
    let steps = steps.expect("it is valid");
    steps.into_iter().map(|(_, _, _, detail)| detail).collect()
}
