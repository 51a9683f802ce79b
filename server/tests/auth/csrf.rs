//! Changes that foreign pages ask for.

use gangway_protocol::account::TokenScope;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::path;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde_json::json;

use crate::support::both_engines;
use crate::support::visitor::{Nobody, Visitor, header_value};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OWN: &str = "http://localhost:8080";

/// A browser that sends its cookie and nothing about where the request comes from.
struct OldBrowser(String);

impl Visitor for OldBrowser {
    fn headers(&self) -> HeaderMap {
        let cookie = format!("__Host-gangway={}", self.0);
        [(header::COOKIE, header_value(&cookie))].into_iter().collect()
    }
}

both_engines!(
    /// Threat model: ACC-5.
    async fn only_our_own_pages_change_something_by_cookie(server: Server) {
        let owner = server.owner().await;
        let browser = OldBrowser(owner.cookie.clone());
        let rename = || Some(json!({ "name": "Olga" }));
        for (headers, allowed) in [
            (vec![(SITE, "same-origin")], true),
            (vec![(SITE, "same-origin"), (header::ORIGIN, OWN)], true),
            (vec![(header::ORIGIN, OWN)], true),
            (vec![(SITE, "cross-site")], false),
            (vec![(SITE, "same-site")], false),
            (vec![(SITE, "none")], false),
            (vec![(SITE, "cross-site"), (header::ORIGIN, OWN)], false),
            (vec![(header::ORIGIN, "http://localhost:8081")], false),
            (vec![(header::ORIGIN, "https://evil.example")], false),
            (vec![(header::ORIGIN, "null")], false),
            (vec![], false),
        ] {
            let reply = server
                .call_with(&browser, Method::PATCH, path::ACCOUNT, rename(), &headers)
                .await;
            if allowed {
                assert_eq!(reply.status, StatusCode::OK, "{headers:?}");
            } else {
                assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
                assert_eq!(reply.problem(), ProblemCode::Forbidden);
            }
        }
        let reply = server
            .call_with(
                &browser,
                Method::GET,
                path::ACCOUNT,
                None,
                &[(SITE, "cross-site")],
            )
            .await;
        assert_eq!(reply.status, StatusCode::OK, "reading is no change");
    }
);

both_engines!(
    /// Threat model: ACC-5.
    async fn a_foreign_page_does_not_even_sign_its_visitor_in(server: Server) {
        for headers in [
            vec![(SITE, "cross-site")],
            vec![(header::ORIGIN, "https://evil.example")],
        ] {
            let reply = server
                .call_with(&Nobody, Method::POST, path::SIGN_INS, None, &headers)
                .await;
            assert_eq!(reply.problem(), ProblemCode::Forbidden);
        }
    }
);

both_engines!(
    async fn a_token_needs_no_origin(server: Server) {
        let program = server.terminal(&[TokenScope::Enrol]).await;
        let reply = server.act(&program, path::STEP_UPS).await;
        assert!(
            reply.to_string().contains("token"),
            "refused for what it is: {reply}"
        );
    }
);
