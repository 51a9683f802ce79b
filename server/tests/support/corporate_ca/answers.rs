//! What each of them answers, to the letter of its documents.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gangway_protocol::certificate::{Csr, PublicKey, UncheckedCsr};
use gangway_server::ca::verify;
use gangway_server::clock::Clock as _;
use http::{HeaderMap, Request, StatusCode, header};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use x509_cert::der::Decode as _;
use x509_cert::request::CertReq;

use super::https::KnownByCertificate;
use super::signing::Statement;
use super::{Dialect, Mood, PROVISIONER, State, lock};
use crate::support::csr;

pub(super) async fn answer(
    Shared(state): Shared<Arc<State>>,
    Extension(known): Extension<KnownByCertificate>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let path = parts.uri.path().to_owned();
    lock(&state.asked).push(path.clone());
    let headers = parts.headers;
    match (state.dialect, parts.method.as_str(), path.as_str()) {
        (Dialect::Est, "GET", "/.well-known/est/devices/cacerts") => {
            certs_only(&[&state.hierarchy.root, &state.hierarchy.intermediate])
        }
        (
            Dialect::Est,
            "POST",
            "/.well-known/est/devices/simpleenroll" | "/.well-known/est/devices/simplereenroll",
        ) => est(&state, &headers, known, &body).await,
        (Dialect::StepCa, "GET", "/roots") => {
            let roots = json!({"crts": [state.hierarchy.root]});
            (StatusCode::CREATED, Json(roots)).into_response()
        }
        (Dialect::StepCa, "POST", "/1.0/sign") => step_sign(&state, &body).await,
        (Dialect::StepCa, "POST", "/1.0/revoke") => step_revoke(&state, &body),
        (Dialect::Vault, "POST", "/v1/auth/approle/login") => vault_login(&read(&body)),
        (Dialect::Vault, "POST", "/v1/pki/sign/devices") => vault_sign(&state, &headers, &read(&body)).await,
        (Dialect::Vault, "POST", "/v1/pki/revoke") => vault_revoke(&state, &headers, &read(&body)),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A mood that needs no certificate, as any server may have it.
async fn in_a_mood(state: &State, mood: Option<Mood>) -> Option<Response> {
    match mood? {
        Mood::GatewayTimeout => Some((StatusCode::GATEWAY_TIMEOUT, "<html>a proxy").into_response()),
        Mood::Garbage => Some("what is this?".into_response()),
        Mood::Endless => Some(Body::from(vec![b'A'; 1 << 20]).into_response()),
        Mood::Redirects => {
            let to = [(header::LOCATION, "https://evil.example/")];
            Some((StatusCode::TEMPORARY_REDIRECT, to).into_response())
        }
        Mood::Waits => {
            state.go_on.notified().await;
            None
        }
        _ => None,
    }
}

/// Headers, and then the end of the connection.
fn no_reply() -> Response {
    let ends = futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("gone")) });
    Body::from_stream(ends).into_response()
}

/// The certificate for a request, in this mood. PEM.
fn sign(state: &State, csr: &Csr, common_name: &str, uris: &[String], mood: Option<Mood>) -> String {
    let other = csr::csr(&csr::key());
    let other = UncheckedCsr::from_pem(&other).and_then(|csr| csr.verify(verify::holds));
    let key: PublicKey = match mood {
        Some(Mood::OtherKey) => other.expect("a CSR").key().clone(),
        _ => csr.key().clone(),
    };
    let says = Statement {
        common_name,
        uris,
        is_ca: mood == Some(Mood::CaCertificate),
        now: state.clock.now(),
    };
    state.hierarchy.sign(&key, &says)
}

fn common_name(csr: &Csr) -> String {
    let request = CertReq::from_der(csr.der()).expect("a CSR");
    let subject = request.info.subject.to_string();
    subject.trim_start_matches("CN=").to_owned()
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

/// RFC 7030 §4.2.
async fn est(state: &State, headers: &HeaderMap, known: KnownByCertificate, body: &[u8]) -> Response {
    let expected = format!("Basic {}", BASE64_STANDARD.encode("gangway:hunter2"));
    let is_known = match state.wants_certificate {
        true => known.0,
        false => headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| *value == expected),
    };
    let mood = lock(&state.moods).pop_front();
    if !is_known || mood == Some(Mood::Forbids) {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"estrealm\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    if let Some(answer) = in_a_mood(state, mood).await {
        return answer;
    }
    assert_eq!(headers[header::CONTENT_TYPE], "application/pkcs10");
    let text: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let der = BASE64_STANDARD.decode(text).expect("base64");
    let csr = UncheckedCsr::from_der(&der)
        .and_then(|csr| csr.verify(verify::holds))
        .expect("a CSR");
    match mood {
        Some(Mood::Refuses) => {
            return (StatusCode::BAD_REQUEST, "the subject is not one of ours\n").into_response();
        }
        Some(Mood::Later) => return (StatusCode::ACCEPTED, [(header::RETRY_AFTER, "120")]).into_response(),
        _ => {}
    }
    let leaf = sign(state, &csr, &common_name(&csr), &[], mood);
    match mood {
        Some(Mood::NoReply) => no_reply(),
        _ => certs_only(&[&leaf]),
    }
}

/// RFC 7030 §4.1.3, as OpenSSL writes such messages.
fn certs_only(certificates: &[&str]) -> Response {
    let mut openssl = Command::new("openssl")
        .args([
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            "/dev/stdin",
            "-outform",
            "PEM",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let mut input = openssl.stdin.take().expect("its standard input");
    input
        .write_all(certificates.concat().as_bytes())
        .expect("it reads");
    drop(input);
    let output = openssl.wait_with_output().expect("it ends");
    let pem = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let headers = [
        (
            header::CONTENT_TYPE.as_str(),
            "application/pkcs7-mime; smime-type=certs-only",
        ),
        ("content-transfer-encoding", "base64"),
    ];
    (headers, format!("{}\r\n", lines.join("\r\n"))).into_response()
}

fn step_error(status: StatusCode, message: &str) -> Response {
    let body = json!({"status": status.as_u16(), "message": message});
    (status, Json(body)).into_response()
}

/// The claims of a token that its provisioner signed, for this path, once.
fn token(state: &State, body: &Value, path: &str) -> Option<Value> {
    let jwk: Value = serde_json::from_str(PROVISIONER).expect("JSON");
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
    let (signed, signature) = body["ott"].as_str()?.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let head: Value = serde_json::from_slice(&decoded(head)?).ok()?;
    let number = |name: &str| decoded(jwk[name].as_str().expect("a number")).expect("base64url");
    let point = [vec![4], number("x"), number("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decoded(signature)?)
        .ok()?;
    let claims: Value = serde_json::from_slice(&decoded(claims)?).ok()?;
    let now = state.clock.now().0 / 1000;
    let is_good = head == json!({"alg": "ES256", "kid": jwk["kid"], "typ": "JWT"})
        && claims["iss"] == "gangway"
        && claims["aud"] == format!("{}{path}", state.url)
        && claims["nbf"].as_i64()? <= now
        && claims["exp"].as_i64()? > now;
    let id = claims["jti"].as_str()?.to_owned();
    let mut used = lock(&state.tokens);
    let is_new = !used.contains(&id);
    used.push(id);
    (is_good && is_new).then_some(claims)
}

/// `api/sign.go`.
async fn step_sign(state: &State, body: &[u8]) -> Response {
    let mood = lock(&state.moods).pop_front();
    if let Some(answer) = in_a_mood(state, mood).await {
        return answer;
    }
    let body = read(body);
    let csr = UncheckedCsr::from_pem(body["csr"].as_str().expect("a CSR"));
    let csr = csr.and_then(|csr| csr.verify(verify::holds)).expect("a CSR");
    let unauthorized = "The request lacked necessary authorization to be completed.";
    let Some(claims) = token(state, &body, "/1.0/sign").filter(|_| mood != Some(Mood::Forbids)) else {
        return step_error(StatusCode::UNAUTHORIZED, unauthorized);
    };
    let wanted = common_name(&csr);
    if mood == Some(Mood::Refuses) || claims["sub"] != wanted {
        return step_error(
            StatusCode::FORBIDDEN,
            "The request was forbidden by the certificate authority.",
        );
    }
    if mood == Some(Mood::Later) {
        return step_error(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    }
    let uris: Vec<String> = serde_json::from_value(claims["sans"].clone()).expect("names");
    let leaf = sign(state, &csr, &wanted, &uris, mood);
    if mood == Some(Mood::NoReply) {
        return no_reply();
    }
    let above = &state.hierarchy.intermediate;
    let body =
        json!({"crt": leaf, "ca": above, "certChain": [leaf, above], "tlsOptions": {"minVersion": 1.2}});
    (StatusCode::CREATED, Json(body)).into_response()
}

/// `api/revoke.go`.
fn step_revoke(state: &State, body: &[u8]) -> Response {
    let body = read(body);
    let claims = token(state, &body, "/1.0/revoke");
    if claims.is_none_or(|claims| claims["sub"] != body["serial"]) {
        return step_error(
            StatusCode::UNAUTHORIZED,
            "The request lacked necessary authorization to be completed.",
        );
    }
    if body["passive"] != true {
        return step_error(
            StatusCode::NOT_IMPLEMENTED,
            "non-passive revocation not implemented",
        );
    }
    lock(&state.revoked).push(body["serial"].as_str().expect("a number").to_owned());
    Json(json!({"status": "ok"})).into_response()
}

fn vault_error(status: StatusCode, errors: &[&str]) -> Response {
    (status, Json(json!({ "errors": errors }))).into_response()
}

/// API of the auth method AppRole.
fn vault_login(body: &Value) -> Response {
    if *body != json!({"role_id": "gangway", "secret_id": "hunter2"}) {
        return vault_error(StatusCode::BAD_REQUEST, &["invalid role or secret ID"]);
    }
    let auth = json!({"client_token": "hvs.fake", "policies": ["default"], "lease_duration": 1200, "renewable": true});
    Json(json!({"request_id": "a", "auth": auth, "data": null, "warnings": null})).into_response()
}

fn is_vaults(headers: &HeaderMap) -> bool {
    headers
        .get("x-vault-token")
        .is_some_and(|token| token == "hvs.fake")
}

/// API of the PKI secrets engine, “Sign certificate”.
async fn vault_sign(state: &State, headers: &HeaderMap, body: &Value) -> Response {
    let mood = lock(&state.moods).pop_front();
    if let Some(answer) = in_a_mood(state, mood).await {
        return answer;
    }
    if !is_vaults(headers) || mood == Some(Mood::Forbids) {
        return vault_error(
            StatusCode::FORBIDDEN,
            &["1 error occurred:\n\t* permission denied\n\n"],
        );
    }
    let csr = UncheckedCsr::from_pem(body["csr"].as_str().expect("a CSR"));
    let csr = csr.and_then(|csr| csr.verify(verify::holds)).expect("a CSR");
    match mood {
        Some(Mood::Refuses) => {
            return vault_error(
                StatusCode::BAD_REQUEST,
                &["common name x not allowed by this role"],
            );
        }
        Some(Mood::Later) => return vault_error(StatusCode::SERVICE_UNAVAILABLE, &["Vault is sealed"]),
        _ => {}
    }
    // A role with use_csr_common_name=false.
    let common_name = body["common_name"].as_str().expect("a name");
    let leaf = sign(state, &csr, common_name, &[], mood);
    if mood == Some(Mood::NoReply) {
        return no_reply();
    }
    let above = &state.hierarchy.intermediate;
    let data = json!({
        "certificate": leaf.trim_end(), "issuing_ca": above, "ca_chain": [above, state.hierarchy.root],
        "serial_number": format!("fa:{:02x}", state.hierarchy.signed()), "expiration": 1_807_776_000,
    });
    Json(json!({"request_id": "a", "lease_id": "", "renewable": false, "data": data, "warnings": null}))
        .into_response()
}

/// “Revoke certificate”.
fn vault_revoke(state: &State, headers: &HeaderMap, body: &Value) -> Response {
    if !is_vaults(headers) {
        return vault_error(StatusCode::FORBIDDEN, &["permission denied"]);
    }
    lock(&state.revoked).push(body["serial_number"].as_str().expect("a number").to_owned());
    Json(json!({"data": {"revocation_time": 1_800_000_000, "state": "revoked"}})).into_response()
}
