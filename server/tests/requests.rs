//! How requests have to look, whatever they ask: hosts, kinds of bodies, objects, ids; and how refusals are told.

use axum::body::Body;
use gangway_protocol::account::TokenScope;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{
    BulkJobId, CeremonyId, ClaimId, DeviceId, FeedKeyId, IdentityProviderId, PasskeyId, PermitId, SignerId,
    WebhookEventId, WebhookId,
};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::person::Person;
use crate::support::visitor::{Nobody, Program, Reply};
use crate::support::{Engine, START, Server, both_engines, csr};

both_engines!(
    /// Threat model: WEB-10.
    async fn no_array_is_taken_for_an_object_in_any_body(server: Server) {
        let owner = server.owner().await;
        let sequence = json!(["t", ["read"], owner.organisation(), 3]);
        let reply = server.post(&owner, path::TOKENS, sequence).await;
        assert_eq!(
            (reply.status, reply.problem()),
            (StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::Invalid)
        );
        let description = serde_json::to_value(gangway_server::router::description()).expect("JSON");
        let paths = description["paths"].as_object().expect("paths");
        let mut asked = 0;
        for (place, operations) in paths {
            for (method, operation) in operations.as_object().expect("operations") {
                if operation.get("requestBody").is_none() {
                    continue;
                }
                let place = addressed(place, &owner);
                for body in [json!([]), json!(["x", "y", "z", 1])] {
                    let method: Method = method.to_uppercase().parse().expect("a method");
                    let reply = server.call(&owner, method, &place, Some(body)).await;
                    asked += 1;
                    let problem: Value = serde_json::from_slice(&reply.body).expect("JSON");
                    assert_eq!(
                        (&problem["code"], &problem["field"]),
                        (&json!("invalid"), &json!("body")),
                        "{place}: {reply}"
                    );
                }
            }
        }
        assert!(asked > 20, "the description names the bodies");
    }
);

/// The path with an id of the right form in every place, because ids are looked at before bodies.
fn addressed(place: &str, owner: &Person) -> String {
    let id = match place.split('/').nth(3) {
        Some("devices") => DeviceId::new(START, [0; 10]).to_string(),
        Some("account") => PasskeyId::new(START, [0; 10]).to_string(),
        _ => owner.organisation().to_string(),
    };
    place
        .replace("{id}", &id)
        .replace("{account}", owner.account.id.as_str())
        .replace("{ceremony}", CeremonyId::new(START, [0; 10]).as_str())
        .replace("{claim}", ClaimId::new(START, [0; 10]).as_str())
        .replace("{signer}", SignerId::new(START, [0; 10]).as_str())
        .replace("{webhook}", WebhookId::new(START, [0; 10]).as_str())
        .replace("{provider}", IdentityProviderId::new(START, [0; 10]).as_str())
        .replace("{permit}", PermitId::new(START, [0; 10]).as_str())
        .replace("{job}", BulkJobId::new(START, [0; 10]).as_str())
        .replace("{channel}", "1")
        .replace("{key}", FeedKeyId::new(START, [0; 10]).as_str())
        .replace("{event}", WebhookEventId::new(START, [0; 10]).as_str())
        .replace("{sha256}", &"0".repeat(64))
}

both_engines!(
    async fn bodies_are_json_that_says_so(server: Server) {
        let ask = |kind: Option<&str>, body: &'static str| {
            let mut request = Request::post(path::LINK_INSPECTION);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            request.body(Body::from(body)).expect("a request")
        };
        let unread = r#"{"token": "gw_setup_x"}"#;
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let response = server.send(ask(kind, unread)).await;
            assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
        }
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/Vnd.x+JSON",
        ] {
            let response = server.send(ask(Some(kind), unread)).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{kind}");
        }
        for broken in ["", "{", "{\"token\": \"x\"} and more", "token"] {
            let response = server.send(ask(Some("application/json"), broken)).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{broken}");
        }
    }
);

/// The problem's field and its words.
#[track_caller]
fn told(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply}");
    assert_eq!(reply.problem(), ProblemCode::Invalid);
    let problem: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let text = |name: &str| problem[name].as_str().expect("it is told").to_owned();
    let detail = text("detail");
    for word in [
        "expected",
        "line",
        "column",
        "invalid type",
        "target type",
        "variant",
    ] {
        assert!(!detail.contains(word), "{detail}");
    }
    (text("field"), detail)
}

both_engines!(
    async fn malformed_ids_and_fields_are_told_as_other_bad_values_in_our_own_words(server: Server) {
        let owner = server.owner().await;
        let token = |change: fn(&mut Value)| {
            let mut body = json!({ "name": "t", "scopes": ["read"], "organisation": owner.organisation(), "valid_days": 3 });
            change(&mut body);
            server.post(&owner, path::TOKENS, body)
        };
        assert_eq!(
            told(&token(|body| body["organisation"] = json!("org_x")).await),
            (
                "organisation".to_owned(),
                "organisation is not an id that starts with `org_`".to_owned()
            )
        );
        let (field, detail) = told(&token(|body| body["valid_days"] = json!("3")).await);
        assert_eq!(field, "valid_days");
        assert!(
            detail.starts_with("valid_days does not have the form"),
            "{detail}"
        );
        assert_eq!(
            told(&token(|body| body["scopes"] = json!(["read", "rule"])).await).0,
            "scopes[1]"
        );
        let nameless = token(|body| {
            body.as_object_mut().expect("an object").remove("name");
        });
        assert_eq!(
            told(&nameless.await),
            ("name".to_owned(), "name is missing".to_owned())
        );
        assert_eq!(told(&token(|body| *body = json!(3)).await).0, "body");

        for (place, field) in [
            (format!("{}?organisation=x", path::DEVICES), "organisation"),
            (format!("{}?limit=many", path::DEVICES), "limit"),
            (format!("{}?limit=1&limit=2", path::DEVICES), "limit"),
            (format!("{}?device=x", path::CERTIFICATES), "device"),
        ] {
            assert_eq!(told(&server.get(&owner, &place).await).0, field, "{place}");
        }
    }
);

both_engines!(
    async fn tokens_are_challenged_as_rfc_6750_wants_it(server: Server) {
        let challenge = |reply: &Reply| {
            let value = reply.headers.get(header::WWW_AUTHENTICATE)?.to_str().ok()?;
            Some((reply.status.as_u16(), value.to_owned()))
        };
        let of = |status: u16, value: &str| Some((status, value.to_owned()));
        let nobody = server.get(&Nobody, path::ACCOUNT).await;
        assert_eq!(challenge(&nobody), of(401, "Bearer"));
        let unknown = Program(SecretString::new("gw_pat_unknown".to_owned()));
        let unknown = server.get(&unknown, path::ACCOUNT).await;
        assert_eq!(challenge(&unknown), of(401, "Bearer error=\"invalid_token\""));
        let basic = [(header::AUTHORIZATION, "Basic eDp5")];
        let basic = server
            .call_with(&Nobody, Method::GET, path::ACCOUNT, None, &basic)
            .await;
        assert_eq!(challenge(&basic), of(401, "Bearer error=\"invalid_token\""));

        let enrols = server.terminal(&[TokenScope::Enrol]).await;
        let reads = server.get(&enrols, path::DEVICES).await;
        assert_eq!(challenge(&reads), of(403, "Bearer error=\"insufficient_scope\""));
        let tokens = server.get(&enrols, path::TOKENS).await;
        assert_eq!(challenge(&tokens), of(403, "Bearer error=\"insufficient_scope\""));

        let home = server.organisation("Works").await;
        let viewer = server.member(&home, Role::Viewer, "Vera").await;
        let refused = server.get(&viewer, &path::invitations(&home)).await;
        assert_eq!(
            (refused.status, challenge(&refused)),
            (StatusCode::FORBIDDEN, None)
        );
    }
);

async fn status_of(server: &Server, head: &str) -> u16 {
    let spawned = server.spawn();
    let mut stream = TcpStream::connect(spawned.address).await.expect("it accepts");
    let request = format!("{head}connection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.expect("it can be read");
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.expect("a status")
}

both_engines!(
    /// Threat model: WEB-10.
    async fn a_request_names_its_host_once_and_properly(server: Server) {
        for head in [
            "GET /livez HTTP/1.1\r\n",
            "GET /livez HTTP/1.1\r\nhost: a.example\r\nhost: a.example\r\n",
            "GET /livez HTTP/1.1\r\nhost: \r\n",
            "GET /livez HTTP/1.1\r\nhost: a.example/\r\n",
            "GET /livez HTTP/1.1\r\nhost: a example\r\n",
            "GET /livez HTTP/1.1\r\nhost: a.example:port\r\n",
            "GET /livez HTTP/1.0\r\nhost: a@b\r\n",
        ] {
            assert_eq!(status_of(&server, head).await, 400, "{head}");
        }
        for head in [
            "GET /livez HTTP/1.1\r\nhost: a.example:8080\r\n",
            "GET /livez HTTP/1.1\r\nhost: [::1]:8080\r\n",
            "GET http://b.example/livez HTTP/1.1\r\nhost: a.example\r\n",
            "GET /livez HTTP/1.0\r\n",
        ] {
            assert_eq!(status_of(&server, head).await, 200, "{head}");
        }
    }
);

both_engines!(
    async fn an_export_that_fails_at_once_is_a_problem_and_no_file(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        ada.enrol(&server, &csr::key()).await;
        server.execute("UPDATE devices SET facts = '{}'", &[]).await;
        let reply = server.get(&ada, path::DEVICES_CSV).await;
        assert_eq!(
            (reply.status, reply.problem()),
            (StatusCode::INTERNAL_SERVER_ERROR, ProblemCode::Internal)
        );
    }
);

async fn strict_transport(url: &str, below: bool) -> Option<String> {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.public_url = url.parse().expect("a URL");
        config.hsts_subdomains = below;
    });
    let reply = server.await.get(&Nobody, path::LIVEZ).await;
    let value = reply.headers.get(header::STRICT_TRANSPORT_SECURITY)?;
    Some(value.to_str().expect("it is text").to_owned())
}

#[tokio::test]
async fn strict_transport_holds_for_names_below_unless_the_operator_says_no() {
    assert_eq!(
        strict_transport("https://panel.example", true).await.as_deref(),
        Some("max-age=63072000; includeSubDomains")
    );
    assert_eq!(
        strict_transport("https://example.com", false).await.as_deref(),
        Some("max-age=63072000")
    );
    assert_eq!(strict_transport("http://localhost:8080", true).await, None);
}

#[tokio::test]
async fn whom_to_tell_about_a_weakness_is_said_where_the_operator_said_it() {
    let silent = Server::start(Engine::Sqlite).await;
    let reply = silent.get(&Nobody, path::SECURITY_TXT).await;
    assert_eq!(reply.problem(), ProblemCode::NotFound);
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.security_contact = vec!["mailto:security@example.com".to_owned()];
    });
    let reply = server.await.get(&Nobody, path::SECURITY_TXT).await;
    assert_eq!(reply.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(
        String::from_utf8_lossy(&reply.body),
        "Contact: mailto:security@example.com\nExpires: 2027-07-14T08:00:00Z\n\
         Canonical: http://localhost:8080/.well-known/security.txt\n"
    );
}

#[tokio::test]
async fn the_description_is_compressed_and_kept_until_it_changes() {
    let server = Server::start(Engine::Sqlite).await;
    let ask = async |further: &[(http::HeaderName, &str)]| {
        server
            .call_with(&Nobody, Method::GET, path::OPENAPI, None, further)
            .await
    };
    let plain = ask(&[]).await;
    assert!(plain.headers.get(header::CONTENT_ENCODING).is_none());
    let gzip = ask(&[(header::ACCEPT_ENCODING, "gzip, br")]).await;
    assert_eq!(gzip.headers[header::CONTENT_ENCODING], "gzip");
    assert!(gzip.body.len() * 4 < plain.body.len(), "it is worth it");
    for reply in [&plain, &gzip] {
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(reply.headers[header::VARY], "accept-encoding");
    }
    let tag = |reply: &Reply| reply.headers[header::ETAG].to_str().expect("text").to_owned();
    assert_ne!(tag(&plain), tag(&gzip), "one tag, one sequence of bytes");
    let again = ask(&[(header::IF_NONE_MATCH, &tag(&plain))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(tag(&again), tag(&plain));
    let other = ask(&[(header::IF_NONE_MATCH, "\"another\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
}
