//! What whoever watches the process is told.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::support::{Server, both_engines};

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
    async fn without_its_database_a_server_is_alive_but_not_ready(server: Server) {
        server.gangway.db.close().await;
        assert_eq!(status(&server, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(&server, "/livez").await, StatusCode::OK);
    }
);
