//! The database as operators and other servers treat it: transactions that meet, sessions that die, disks that fill.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use futures_util::future::join_all;
use gangway_protocol::certificate::{BulkRevocationRequest, CertificateQuery, RevocationReason};
use gangway_protocol::device::DeviceQuery;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::db::{DbError, query};
use gangway_server::session::GateError;
use http::{Request, StatusCode};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::support::device::SoftDevice;
use crate::support::{Engine, START, Server, both_engines, csr};

/// What `/readyz` says.
async fn readiness(server: &Server) -> (StatusCode, String) {
    let request = Request::get("/readyz").body(Body::empty()).expect("a request");
    let reply = server.send(request).await;
    let status = reply.status();
    let body = to_bytes(reply.into_body(), 1_000).await.expect("it is short");
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Asks until the server is ready again: sessions are made anew, however long the machine takes for that.
async fn ready_again(server: &Server) {
    let asked = tokio::time::timeout(Duration::from_secs(60), async {
        while readiness(server).await.0 != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    });
    asked.await.expect("it recovers without a restart");
}

both_engines!(
    async fn bulk_revocation_and_proofs_do_not_stand_in_each_others_way(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (mut installers, mut devices) = (Vec::new(), Vec::new());
        for name in ["Ines", "Ivo", "Iris"] {
            let installer = server.member(&home, Role::Installer, name).await;
            for _ in 0..6 {
                devices.push(SoftDevice::enrolled(&server, &installer).await);
            }
            installers.push(installer);
        }
        let proofs = devices.iter().map(|(device, certificate)| async {
            for counter in 1..=3 {
                match device.prove(&server, &certificate.chain, counter).await {
                    Ok(_) | Err(GateError::Refused(_)) => {}
                    Err(error) => panic!("a proof meets {error}"),
                }
            }
        });
        let revocations = installers.iter().map(|installer| {
            let request = BulkRevocationRequest {
                approver: Some(installer.account.clone()),
                address: None,
                from: START,
                until: START.plus(UnixMillis::MINUTE),
                reason: RevocationReason::KeyCompromise,
                dry_run: false,
            };
            let (ada, home) = (&ada, &home);
            async move {
                ada.api
                    .revoke_in_bulk(home, &request)
                    .await
                    .expect("revoked")
                    .certificates
            }
        });
        let (revoked, _) = tokio::join!(join_all(revocations), join_all(proofs));
        assert_eq!(revoked, [6, 6, 6]);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn a_search_with_nul_is_refused_and_no_fault(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let devices = DeviceQuery {
            query: Some("a\0b".to_owned()),
            ..DeviceQuery::default()
        };
        let certificates = CertificateQuery {
            query: Some("a\0b".to_owned()),
            ..CertificateQuery::default()
        };
        let errors = [
            ada.api.devices(&devices).await.expect_err("refused"),
            ada.api.certificates(&certificates).await.expect_err("refused"),
        ];
        for error in errors {
            assert_eq!(
                (error.code(), error.field()),
                (Some(ProblemCode::Invalid), Some("query"))
            );
        }
        // Whatever text it comes in, none reaches the database.
        let found: Result<Vec<(String,)>, _> = query("SELECT id FROM accounts WHERE name = $1")
            .bind("a\0b")
            .fetch_all(&mut server.gangway.db.reader().await.expect("a reader").conn())
            .await;
        assert!(matches!(found, Err(DbError::Nul)));
    }
);

both_engines!(
    async fn a_transaction_that_others_have_ended_is_run_again(server: Server) {
        let (server, other) = (&server, &server);
        let count = async |name: &'static str, first: &'static str, second: &'static str| {
            let done: Result<(), DbError> = server
                .gangway
                .db
                .write(move |mut conn| {
                    Box::pin(async move {
                        for row in [first, second] {
                            query("UPDATE settings SET value = value || $2 WHERE name = $1")
                                .bind(row)
                                .bind(name)
                                .execute(&mut conn)
                                .await?;
                            tokio::task::yield_now().await;
                        }
                        Ok(())
                    })
                })
                .await;
            done
        };
        for name in ["left", "right"] {
            other
                .execute("INSERT INTO settings (name, value) VALUES ($1, '')", &[name])
                .await;
        }
        // In opposite orders: PostgreSQL ends one of each pair that has taken one row and waits for the other.
        let pairs =
            (0..4).map(|_| async { tokio::join!(count("a", "left", "right"), count("b", "right", "left")) });
        for (one, other) in join_all(pairs).await {
            assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        }
        let text = "SELECT CAST(LENGTH(value) AS TEXT) FROM settings WHERE name = 'left'";
        assert_eq!(server.text(text).await, "8");
    }
);

/// A connection to the database of a server, beside it.
async fn beside(server: &Server) -> PgConnection {
    let url = server
        .gangway
        .config
        .database_url
        .as_ref()
        .expect("it runs on PostgreSQL");
    PgConnection::connect(url.expose())
        .await
        .expect("PostgreSQL answers")
}

const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_server_whose_sessions_were_killed_says_so_and_recovers() {
    let server = Server::start(Engine::Postgres).await;
    assert_eq!(readiness(&server).await.0, StatusCode::OK);
    let mut operator = beside(&server).await;
    operator.execute(END_SESSIONS).await.expect("they end");
    let (status, reason) = readiness(&server).await;
    assert_eq!(
        (status, reason.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
    );
    ready_again(&server).await;
    server.organisation("Works").await;
}

#[tokio::test]
async fn a_server_whose_database_is_read_only_says_so_and_recovers() {
    let server = Server::start(Engine::Postgres).await;
    let mut operator = beside(&server).await;
    let name = server.text("SELECT CAST(current_database() AS TEXT)").await;
    let alter = async |operator: &mut PgConnection, what: &str| {
        let sql = AssertSqlSafe(format!("ALTER DATABASE {name} {what}"));
        operator.execute(sql).await.expect("it is altered");
        operator.execute(END_SESSIONS).await.expect("they end");
    };
    alter(&mut operator, "SET default_transaction_read_only = on").await;
    let mut said = readiness(&server).await;
    while said.1 == "the database does not answer\n" {
        said = readiness(&server).await;
    }
    assert_eq!(
        said,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database is read-only\n".to_owned()
        )
    );
    operator
        .execute("SET default_transaction_read_only = off")
        .await
        .expect("for this session");
    alter(&mut operator, "RESET default_transaction_read_only").await;
    ready_again(&server).await;
    server.organisation("Works").await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let limit = async |pages: &'static str| {
        let set: Result<Option<(i64,)>, DbError> = server
            .gangway
            .db
            .write(move |mut conn| Box::pin(async move { query(pages).fetch_optional(&mut conn).await }))
            .await;
        set.expect("the limit is set");
    };
    let mut approved = vec![ada.approve(&server, &csr::key()).await.device.id];
    limit("PRAGMA max_page_count = 1").await;
    let refused = loop {
        let request = ada.approval_request(&csr::csr(&csr::key())).await;
        match ada.api.approve(&server.claim(&ada), &request).await {
            Ok(approval) => approved.push(approval.device.id),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), Some(ProblemCode::Unavailable));
    let said = readiness(&server).await;
    assert_eq!(
        said,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the disk of the database is full\n".to_owned()
        )
    );
    limit("PRAGMA max_page_count = 1000000").await;
    assert_eq!(readiness(&server).await.0, StatusCode::OK);
    for device in approved {
        ada.api.device(&device).await.expect("it was acknowledged");
    }
    ada.approve(&server, &csr::key()).await;
    server.verify_audit().await.expect("the record holds");
}
