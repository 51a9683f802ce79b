//! What whoever watches the process is told.

use axum::body::{Body, to_bytes};
use gangway_server::serve::start_jobs;
use http::{Request, StatusCode};

use crate::support::{Engine, Server, both_engines};

async fn status(server: &Server, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    server.send(request).await.status()
}

both_engines!(
    async fn a_stopping_server_is_alive_but_not_ready(server: Server) {
        assert_eq!(status(&server, "/readyz").await, StatusCode::OK);
        server.gangway.begin_stopping();
        assert_eq!(status(&server, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(&server, "/livez").await, StatusCode::OK);
    }
);

both_engines!(
    async fn a_server_whose_relay_has_ended_is_not_ready_and_says_why(server: Server) {
        server.gangway.relay.drain().await;
        let failure = server.gangway.supervisor.failed().await;
        assert_eq!(failure.to_string(), "the job “relay” has ended: it returned");
        let request = Request::get("/readyz").body(Body::empty()).expect("a request");
        let reply = server.send(request).await;
        assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = to_bytes(reply.into_body(), 1_000).await.expect("it is short");
        assert_eq!(body, "the job “relay” has ended\n");
    }
);

#[tokio::test]
async fn the_jobs_of_the_table_end_with_the_server_and_not_before() {
    let server = Server::start(Engine::Sqlite).await;
    start_jobs(&server.gangway);
    // The relay's job notes at its first turn that the server is alive.
    while server
        .text("SELECT CAST(COUNT(*) AS TEXT) FROM settings WHERE name = 'alive_at'")
        .await
        == "0"
    {
        tokio::task::yield_now().await;
    }
    server.gangway.begin_stopping();
    server.gangway.supervisor.finished().await;
    assert_eq!(server.gangway.supervisor.failure(), None);
}

both_engines!(
    async fn without_its_database_a_server_is_alive_but_not_ready(server: Server) {
        server.gangway.db.close().await;
        assert_eq!(status(&server, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(&server, "/livez").await, StatusCode::OK);
    }
);
