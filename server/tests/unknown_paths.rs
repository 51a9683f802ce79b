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
        assert_eq!(method.headers()[header::ALLOW], "GET,HEAD");
        for page in ["/", "/fleet", "/fleet/dev_x", "/account"] {
            let method = server.send(ask("POST", page)).await;
            assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED, "{page}");
            assert_eq!(method.headers()[header::ALLOW], "GET,HEAD", "{page}");
        }
        let nowhere = server.send(ask("POST", "/nowhere")).await;
        assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    }
);
