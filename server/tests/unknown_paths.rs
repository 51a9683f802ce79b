//! Paths that nobody serves.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::support::both_engines;

both_engines!(
    async fn an_unknown_path_under_the_api_is_not_found(server: Server) {
        let request = Request::get("/api/v1/nothing")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(server.send(request).await.status(), StatusCode::NOT_FOUND);
    }
);
