//! Pages as the server draws them: whole before any script runs, in the visitor's language, with nothing of anybody else's.

use gangway_client::IdempotencyKey;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::signer::SignerRequest;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::fleet::{approved, named};
use crate::support::visitor::{Nobody, Reply, Visitor};
use crate::support::{Server, both_engines};

/// The document at this path, for this visitor.
async fn page(server: &Server, visitor: &impl Visitor, path: &str) -> (Reply, String) {
    let reply = server.get(visitor, path).await;
    let html = String::from_utf8(reply.body.clone()).expect("UTF-8");
    (reply, html)
}

/// Where the page at this path may connect to, by its policy.
async fn connects(server: &Server, visitor: &impl Visitor, path: &str) -> String {
    let reply = server.get(visitor, path).await;
    let policy = reply.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text");
    let (_, rest) = policy.split_once("connect-src ").expect("a rule");
    rest.split(';').next().unwrap_or_default().to_owned()
}

/// A visitor whose browser speaks German.
struct German;

impl Visitor for German {
    fn headers(&self) -> http::HeaderMap {
        let mut headers = Nobody.headers();
        headers.insert(
            header::ACCEPT_LANGUAGE,
            HeaderValue::from_static("de-AT,de;q=0.9"),
        );
        headers
    }
}

both_engines!(
    async fn the_start_page_is_whole_without_scripts(server: Server) {
        let (reply, html) = page(&server, &Nobody, "/").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\""), "{html}");
        assert!(
            html.contains("Sign in with a passkey") && html.contains("</body></html>"),
            "{html}"
        );
        let (_, german) = page(&server, &German, "/").await;
        assert!(german.contains("<html lang=\"de\""), "{german}");
        assert!(!german.contains("Sign in with a passkey"), "{german}");
    }
);

both_engines!(
    /// Threat model: ENR-27.
    async fn only_the_page_that_signs_may_connect_to_the_signers_of_its_visitor(server: Server) {
        let owner = server.owner().await;
        let added = server
            .post(
                &owner,
                &path::signers(owner.organisation()),
                json!({"name": "AWS", "kind": "aws_iot", "region": "eu-central-1"}),
            )
            .await;
        assert_eq!(added.status, StatusCode::OK, "{added}");
        assert_eq!(
            connects(&server, &owner, "/link").await,
            "'self' https://iot.eu-central-1.amazonaws.com"
        );
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Admin, "Eve").await;
        let hers = SignerRequest {
            name: "AWS".to_owned(),
            kind: serde_json::from_value(json!({"kind": "aws_iot", "region": "us-east-1"})).expect("a kind"),
            least_role: Role::Installer,
        };
        let key = IdempotencyKey::new([7; 16]);
        eve.api
            .add_signer(&elsewhere, &hers, &key)
            .await
            .expect("a signer");
        for page_that_asks in ["/link", "/link/", "/organisation/signers"] {
            assert_eq!(
                connects(&server, &owner, page_that_asks).await,
                "'self' https://iot.eu-central-1.amazonaws.com",
                "{page_that_asks}"
            );
        }
        for other in [
            "/",
            "/fleet",
            "/account",
            "/link/signed-in/sgn_0000000001zzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(connects(&server, &owner, other).await, "'self'", "{other}");
        }
        assert_eq!(connects(&server, &Nobody, "/link").await, "'self'");
        let bad = json!({"name": "AWS", "kind": "aws_iot", "region": "eu-central-1", "endpoint": "https://x; script-src *"});
        let refused = server
            .post(&owner, &path::signers(owner.organisation()), bad)
            .await;
        assert_eq!(refused.problem(), ProblemCode::Invalid);
        // Proxies take headers of few kilobytes.
        for number in 0..30 {
            let host = format!("https://{}.example", vec![format!("h{number}"); 40].join("."));
            let long = json!({"name": "Hub", "kind": "aws_iot", "region": "eu-central-1", "endpoint": host});
            let added = server
                .post(&owner, &path::signers(owner.organisation()), long)
                .await;
            assert_eq!(added.status, StatusCode::OK, "{added}");
        }
        assert!(connects(&server, &owner, "/link").await.len() < 3_100);
    }
);

both_engines!(
    /// Threat model: ENR-31.
    async fn only_the_page_for_plgd_clients_may_connect_to_the_client_in_its_address(server: Server) {
        let owner = server.owner().await;
        let hub = json!({"name": "Hub", "kind": "plgd_hub", "certificate_authority": "https://api.hub.example",
            "sign_in": {"issuer": "https://auth.hub.example", "client_id": "web"}});
        let added = server
            .post(&owner, &path::signers(owner.organisation()), hub)
            .await;
        assert_eq!(added.status, StatusCode::OK, "{added}");
        let hub = "'self' https://api.hub.example https://auth.hub.example";
        for (address, client) in [
            (
                "https%3A%2F%2Fclient.example%3A8443%2F",
                " https://client.example:8443",
            ),
            ("http://localhost:8081", " http://localhost:8081"),
            // The panel itself.
            ("http://localhost:8080", ""),
            ("", ""),
            ("http://client.example", ""),
            ("https://ada@client.example", ""),
            ("*", ""),
            ("https://client.example%20https://evil.example", ""),
            ("https://client.example;%20script-src%20*", ""),
            ("https://client.example%0d%0aX-Other:%201", ""),
        ] {
            let page = format!("/plgd-client?address={address}");
            assert_eq!(
                connects(&server, &owner, &page).await,
                format!("{hub}{client}"),
                "{address}"
            );
        }
        let asked = "address=https://client.example";
        assert_eq!(
            connects(
                &server,
                &owner,
                &format!("/plgd-client/?{asked}&address=https://evil.example")
            )
            .await,
            format!("{hub} https://client.example"),
            "one address"
        );
        for other in ["/", "/fleet", "/account", "/link", "/organisation/signers"] {
            let policy = connects(&server, &owner, &format!("{other}?{asked}")).await;
            assert!(!policy.contains("client.example"), "{other}: {policy}");
        }
        assert_eq!(
            connects(&server, &Nobody, &format!("/plgd-client?{asked}")).await,
            "'self'"
        );
        let viewer = server.member(&owner.organisation(), Role::Viewer, "Vera").await;
        assert_eq!(
            connects(&server, &viewer, &format!("/plgd-client?{asked}")).await,
            "'self'"
        );
    }
);

both_engines!(
    /// Threat model: WEB-1.
    async fn a_page_allows_no_script_but_its_own(server: Server) {
        let (reply, html) = page(&server, &Nobody, "/link").await;
        let policy = reply.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        let nonce = policy
            .split_once("script-src 'self' 'nonce-")
            .and_then(|(_, rest)| rest.split_once("' 'wasm-unsafe-eval';"))
            .map(|(nonce, _)| nonce);
        let nonce = nonce.unwrap_or_else(|| panic!("{policy}"));
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        let (other, _) = page(&server, &Nobody, "/link").await;
        assert_ne!(
            other.headers[header::CONTENT_SECURITY_POLICY],
            reply.headers[header::CONTENT_SECURITY_POLICY],
            "each document has its own"
        );
        assert_eq!(reply.headers[header::CACHE_CONTROL], "private, no-cache");
        assert!(html.contains("<script"), "{html}");
        for (place, _) in html.match_indices("<script") {
            let tag = &html[place..html[place..].find('>').map_or(html.len(), |end| place + end)];
            let own = format!("nonce=\"{nonce}\"");
            assert!(tag.contains("src=") || tag.contains(&own), "{tag}");
        }
    }
);

both_engines!(
    /// Threat model: WEB-2.
    async fn members_come_to_their_fleet_and_see_only_theirs(server: Server) {
        let works = server.organisation("Works").await;
        let other = server.organisation("Other").await;
        let ada = server.member(&works, Role::Operator, "Ada").await;
        let eve = server.member(&other, Role::Owner, "Eve").await;
        let gate = named(&server, &ada, "Gate North").await;

        let (start, _) = page(&server, &ada, "/").await;
        assert_eq!(start.status, StatusCode::FOUND);
        assert_eq!(start.headers[header::LOCATION], "/fleet");
        let (_, fleet) = page(&server, &ada, "/fleet").await;
        // In the table, and in what the island takes over.
        assert!(fleet.contains(">Gate North</a>"), "{fleet}");
        assert!(
            fleet.contains("&quot;name&quot;:&quot;Gate North&quot;"),
            "{fleet}"
        );
        let address = format!("/fleet/{}", gate.id);
        let (device, html) = page(&server, &ada, &address).await;
        assert_eq!(device.status, StatusCode::OK);
        assert!(html.contains("<title>Gate North · Gangway</title>"), "{html}");

        assert_eq!(page(&server, &eve, "/fleet").await.0.status, StatusCode::OK);
        for stranger in ["/fleet", &address] {
            assert!(!page(&server, &eve, stranger).await.1.contains("Gate North"));
            let (_, signed_out) = page(&server, &Nobody, stranger).await;
            assert!(!signed_out.contains("Gate North") && signed_out.contains("Sign in with a passkey"));
        }
        assert_eq!(
            page(&server, &eve, &address).await.0.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            page(&server, &ada, "/fleet/nonsense").await.0.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            page(&server, &Nobody, "/no/such/page").await.0.status,
            StatusCode::NOT_FOUND
        );
    }
);

both_engines!(
    /// Threat model: WEB-1.
    async fn what_a_device_calls_itself_is_text_and_never_markup(server: Server) {
        let works = server.organisation("Works").await;
        let ada = server.member(&works, Role::Operator, "Ada").await;
        let markup = |number| format!("\"</title><script>alert({number})</script><img src=x onerror=x>");
        let device = approved(&server, &ada, |request| {
            request.name = Some(markup(1));
            request.facts.hostname = markup(2);
            request.facts.model = Some(markup(3));
        })
        .await;
        for (place, numbers) in [
            ("/fleet".to_owned(), 1..=1),
            (format!("/fleet/{}", device.id), 1..=3),
        ] {
            let (_, html) = page(&server, &ada, &place).await;
            assert!(
                !html.contains("<script>alert") && !html.contains("<img"),
                "{html}"
            );
            for number in numbers {
                let text = format!("&lt;script&gt;alert({number})");
                assert!(html.contains(&text), "{text}: {html}");
            }
        }
    }
);

both_engines!(
    /// Threat model: WEB-1.
    async fn a_search_in_the_address_cannot_break_out_of_the_page(server: Server) {
        let works = server.organisation("Works").await;
        let ada = server.member(&works, Role::Operator, "Ada").await;
        let (_, html) = page(
            &server,
            &ada,
            "/fleet?query=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        )
        .await;
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;"), "{html}");
    }
);
