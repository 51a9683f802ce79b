//! Who reaches the API, from which pages, and in which form it refuses and tells what it is.

use gangway_protocol::account::TokenScope;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::{HeaderName, Method, StatusCode, header};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::{DecodePem as _, Encode as _};

use super::{IDENTITY, PUMP, RECORDS, at, refusal, refused, request, speaking_plgd};
use crate::support::visitor::{Nobody, Program, Reply};
use crate::support::{both_engines, csr};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const ELSEWHERE: (HeaderName, &str) = (header::ORIGIN, "https://hub.example");
const CONFIGURATION: &str = "/.well-known/configuration";

/// The origin that may read an answer.
fn open_to(reply: &Reply) -> Option<&str> {
    assert!(!reply.headers.contains_key("access-control-allow-credentials"));
    let origin = reply.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN)?;
    origin.to_str().ok()
}

both_engines!(
    async fn the_api_is_off_unless_the_operator_turns_it_on(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        for place in [RECORDS, IDENTITY, CONFIGURATION, "/api/v1/signing/crl/x"] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let reply = server.call(&ada, method, &at(&home, place), None).await;
                refusal(&reply, StatusCode::NOT_FOUND, 5);
                assert_eq!(open_to(&reply), None);
            }
        }
    }
);

speaking_plgd!(
    async fn refusals_have_the_form_of_plgds(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let (sign, records) = (at(&home, IDENTITY), at(&home, RECORDS));
        let nobody = server.post(&Nobody, &sign, json!({})).await;
        let message = refusal(&nobody, StatusCode::UNAUTHORIZED, 16);
        assert!(
            message.starts_with(&format!("cannot access to {sign}: ")),
            "{message}"
        );
        assert_eq!(nobody.json_of_refusal()["details"], json!([]));
        assert_eq!(nobody.headers[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(nobody.headers["x-content-type-options"], "nosniff");
        let forged = Program(SecretString::new(format!("gw_pat_{}", "a".repeat(52))));
        refusal(&server.get(&forged, &records).await, StatusCode::UNAUTHORIZED, 16);

        for body in [
            json!({}),
            json!({ "certificateSigningRequest": "MAA=" }),
            json!(null),
        ] {
            let message = refused(&server.post(&ada, &sign, body).await);
            assert!(
                message.starts_with("cannot sign identity certificate: "),
                "{message}"
            );
        }
        let large = json!({ "certificateSigningRequest": "A".repeat(70_000) });
        refused(&server.post(&ada, &sign, large).await);
        refusal(
            &server.get(&ada, &sign).await,
            StatusCode::METHOD_NOT_ALLOWED,
            4097,
        );
        refusal(
            &server.get(&ada, &at(&home, "/api/v1/nothing")).await,
            StatusCode::NOT_FOUND,
            5,
        );
        let empty = server.post(&ada, &sign, json!({})).await.json_of_refusal();
        assert_eq!(empty.get("details"), None, "what is empty is left out");
    }
);

impl Reply {
    fn json_of_refusal(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

speaking_plgd!(
    /// Threat model: WEB-12.
    async fn pages_of_other_origins_come_with_a_token_and_never_with_a_cookie(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let program = server.program(&home, &[TokenScope::Enrol]).await;
        let (sign, records) = (at(&home, IDENTITY), at(&home, RECORDS));
        let foreign = [ELSEWHERE, (SITE, "cross-site")];

        let preflight = server
            .call_with(&Nobody, Method::OPTIONS, &sign, None, &foreign)
            .await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert_eq!(open_to(&preflight), Some("*"));
        let allowed = preflight.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str();
        assert!(allowed.is_ok_and(|names| names.contains("authorization")));

        let by_token = server
            .call_with(&program, Method::GET, &records, None, &foreign)
            .await;
        assert_eq!((by_token.status, open_to(&by_token)), (StatusCode::OK, Some("*")));
        let refused = server
            .call_with(&program, Method::POST, &sign, Some(json!({})), &foreign)
            .await;
        assert_eq!(
            (refused.status, open_to(&refused)),
            (StatusCode::BAD_REQUEST, Some("*"))
        );

        for headers in [
            foreign.to_vec(),
            vec![ELSEWHERE, (SITE, "same-site")],
            vec![(SITE, "cross-site")],
        ] {
            let read = server
                .call_with(&ada, Method::GET, &records, None, &headers)
                .await;
            refusal(&read, StatusCode::UNAUTHORIZED, 16);
            assert_eq!(open_to(&read), None);
            let body = Some(json!({ "certificateSigningRequest": "" }));
            let write = server.call_with(&ada, Method::POST, &sign, body, &headers).await;
            refusal(&write, StatusCode::FORBIDDEN, 7);
            assert_eq!(open_to(&write), None);
        }
        let own = server.get(&ada, &records).await;
        assert_eq!((own.status, open_to(&own)), (StatusCode::OK, None));
    }
);

speaking_plgd!(
    async fn a_person_proves_a_passkey_first_and_is_told_so(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        server.clock.advance(6 * UnixMillis::MINUTE);
        let csr = request(&csr::key(), Some(PUMP));
        let reply = server.sign(&ada, &at(&home, IDENTITY), &csr).await;
        refusal(&reply, StatusCode::FORBIDDEN, 7);
        assert_eq!(
            reply.json_of_refusal()["details"][0]["reason"],
            "step_up_required"
        );
        assert_eq!(server.records_of(&ada, "").await.len(), 0);
    }
);

speaking_plgd!(
    async fn the_configuration_says_what_is_so_and_nothing_of_who_is_here(server: Server) {
        let home = server.organisation("Works").await;
        let nowhere = "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id");
        let mut ids = Vec::new();
        for organisation in [&home, &nowhere] {
            for place in [CONFIGURATION, "/.well-known/hub-configuration"] {
                let reply = server.get(&Nobody, &at(organisation, place)).await;
                assert_eq!(open_to(&reply), Some("*"));
                let said: Value = reply.json();
                let mut names: Vec<&str> = said
                    .as_object()
                    .expect("fields")
                    .keys()
                    .map(String::as_str)
                    .collect();
                names.sort_unstable();
                assert_eq!(
                    names,
                    [
                        "buildInfo",
                        "certificateAuthorities",
                        "certificateAuthority",
                        "currentTime",
                        "id",
                        "jwtOwnerClaim"
                    ]
                );
                let base = format!("http://localhost:8080{}", path::plgd(organisation));
                assert_eq!(said["certificateAuthority"], base);
                let root = said["certificateAuthorities"].as_str().expect("PEM");
                let root = Certificate::from_pem(root)
                    .expect("a certificate")
                    .tbs_certificate;
                assert_eq!(root.subject, root.issuer);
                ids.push(said["id"].to_string());
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 2, "each organisation is a hub of its own");
        let unknown = server.get(&Nobody, &format!("/plgd/x{CONFIGURATION}")).await;
        refusal(&unknown, StatusCode::NOT_FOUND, 5);
    }
);

speaking_plgd!(
    async fn the_revocation_list_is_the_one_that_we_serve(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        server.identify(&ada, &csr::key(), PUMP).await;
        let device = PUMP.trim_start_matches("uuid:");
        server
            .delete(&ada, &format!("{}?deviceIdFilter={device}", at(&home, RECORDS)))
            .await;
        let issuer = server.text("SELECT id FROM issuers WHERE slot = 'signing'").await;
        let pem = server
            .text("SELECT certificate FROM issuers WHERE slot = 'signing'")
            .await;
        let key = Certificate::from_pem(pem).expect("a certificate").tbs_certificate;
        let key = key.subject_public_key_info.to_der().expect("DER");
        let name = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_X500, &key);
        let ours = server.get(&Nobody, &path::issuer_crl(&issuer)).await;
        for base in ["/api/v1", "/certificate-authority/api/v1"] {
            let theirs = server
                .get(&Nobody, &at(&home, &format!("{base}/signing/crl/{name}")))
                .await;
            assert_eq!(theirs.status, StatusCode::OK, "{theirs}");
            assert_eq!(theirs.headers[header::CONTENT_TYPE], "application/pkix-crl");
            assert_eq!(theirs.body, ours.body);
        }
        for unknown in ["x", "5f3a1c2e-9d74-4b10-8f55-0c1d2e3f4a5b"] {
            let reply = server
                .get(&Nobody, &at(&home, &format!("/api/v1/signing/crl/{unknown}")))
                .await;
            let message = refusal(&reply, StatusCode::NOT_FOUND, 5);
            assert!(message.starts_with("cannot get revocation list: "), "{message}");
        }
    }
);
