//! Paths and methods that nobody serves.

use axum::body::Body;
use http::{Request, StatusCode, header};

use crate::support::both_engines;

both_engines!(
    async fn unknown_paths_and_methods_are_problems(server: Server) {
        let ask = |method: &str, path: &str| {
            Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .expect("a request")
        };
        let unknown = server.send(ask("GET", "/api/v1/nothing")).await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            unknown.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let method = server.send(ask("DELETE", "/livez")).await;
        assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(method.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
);
