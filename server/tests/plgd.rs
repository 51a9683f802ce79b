//! plgd's signing API: our CA as plgd's clients and user interfaces know it.

mod access;
mod names;
mod records;
mod sessions;
mod signing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::certificate::split_chain;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use gangway_server::db::accounts::owner_uuid;
use http::StatusCode;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::support::Server;
use crate::support::member::Member;
use crate::support::visitor::{Reply, Visitor};

/// Two OCF devices.
const PUMP: &str = "uuid:5f3a1c2e-9d74-4b10-8f55-0c1d2e3f4a5b";
const VALVE: &str = "uuid:a1b2c3d4-1111-4222-8333-444455556666";

const IDENTITY: &str = "/api/v1/sign/identity-csr";
const GENERAL: &str = "/api/v1/sign/csr";
const RECORDS: &str = "/certificate-authority/api/v1/signing/records";

/// As `both_engines!`, with the API on.
macro_rules! speaking_plgd {
    ($(#[$meta:meta])* async fn $name:ident($server:ident: Server) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn story($server: $crate::support::Server) $body

            async fn on(engine: $crate::support::Engine) {
                let server = $crate::support::Server::start_with(engine, |config| config.plgd_api = true);
                story(server.await).await;
            }

            #[tokio::test]
            async fn sqlite() {
                on($crate::support::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                on($crate::support::Engine::Postgres).await;
            }
        }
    };
}
use speaking_plgd;

/// A CSR for `key` that asks for this common name, or for none.
fn request(key: &KeyPair, common_name: Option<&str>) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    let request = params.serialize_request(key).expect("a CSR");
    request.pem().expect("PEM")
}

/// The address of an organisation, and a place below it.
fn at(organisation: &OrganisationId, place: &str) -> String {
    format!("{}{place}", path::plgd(organisation))
}

/// What a member's own certificates are called.
fn own_name(member: &Member) -> String {
    format!("uuid:{}", owner_uuid(&member.account))
}

impl Server {
    /// Has a CSR signed.
    async fn sign(&self, who: &impl Visitor, place: &str, csr: &str) -> Reply {
        let body = json!({ "certificateSigningRequest": STANDARD.encode(csr) });
        self.post(who, place, body).await
    }

    /// Has an identity signed in the member's organisation.
    async fn identify(&self, member: &Member, key: &KeyPair, common_name: &str) -> Reply {
        let csr = request(key, Some(common_name));
        self.sign(member, &at(&member.organisation, IDENTITY), &csr).await
    }

    /// The records that a member sees.
    async fn records_of(&self, member: &Member, query: &str) -> Vec<Value> {
        let reply = self
            .get(member, &format!("{}{query}", at(&member.organisation, RECORDS)))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        elements(&reply)
            .into_iter()
            .map(|one| one["result"].clone())
            .collect()
    }
}

/// The elements of a stream, as plgd's user interfaces take it apart.
fn elements(reply: &Reply) -> Vec<Value> {
    let text = String::from_utf8(reply.body.clone()).expect("text");
    text.trim()
        .split("\n\n")
        .filter(|element| !element.is_empty())
        .map(|element| serde_json::from_str(element).expect("one JSON value"))
        .collect()
}

/// The chain of an answer, PEM.
#[track_caller]
fn pem_of(reply: &Reply) -> String {
    let body: Value = reply.json();
    let encoded = body["certificate"].as_str().expect("a certificate");
    String::from_utf8(STANDARD.decode(encoded).expect("base64")).expect("PEM")
}

/// The certificates of an answer, leaf first.
#[track_caller]
fn chain_of(reply: &Reply) -> Vec<Certificate> {
    let ders = split_chain(&pem_of(reply)).expect("PEM");
    ders.iter()
        .map(|der| Certificate::from_der(der).expect("a certificate"))
        .collect()
}

/// The serial number of an answer's leaf, hex.
#[track_caller]
fn serial_of(reply: &Reply) -> String {
    let serial = &chain_of(reply)[0].tbs_certificate.serial_number;
    data_encoding::HEXLOWER.encode(serial.as_bytes())
}

/// The message of a refusal with this status and code.
#[track_caller]
fn refusal(reply: &Reply, status: StatusCode, code: i64) -> String {
    assert_eq!(reply.status, status, "{reply}");
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(body["code"], code, "{reply}");
    body["message"].as_str().expect("a message").to_owned()
}

/// Why a request was not signed.
#[track_caller]
fn refused(reply: &Reply) -> String {
    refusal(reply, StatusCode::BAD_REQUEST, 3)
}
