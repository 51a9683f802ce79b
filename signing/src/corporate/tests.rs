//! Errands at corporate CAs, with literals for what they say.

mod est;
mod step_ca;
mod vault;

use gangway_protocol::certificate::{KeyKind, UncheckedCsr, join_chain};
use http::StatusCode;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use serde_json::{Value, json};

use super::*;

pub(super) const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
pub(super) const URN: &str =
    "urn:gangway:device:org_0000000001zzzzzzzzzzzzzzzz:dev_0000000001zzzzzzzzzzzzzzzz";
const DEVICE: &str = "dev_0000000001zzzzzzzzzzzzzzzz";

pub(super) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

pub(super) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if !name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params
}

pub(super) fn csr_of(params: &CertificateParams, key: &KeyPair) -> Csr {
    let pem = params.serialize_request(key).and_then(|request| request.pem());
    UncheckedCsr::from_pem(&pem.expect("a CSR"))
        .expect("a CSR")
        .conclude(true)
        .expect("a good one")
}

/// A root, an intermediate below it, and what that signs. All PEM.
pub(super) struct Hierarchy {
    pub(super) root: String,
    pub(super) intermediate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Hierarchy {
    pub(super) fn new() -> Self {
        let ca = |name| {
            let mut params = named(name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.use_authority_key_identifier_extension = true;
            params
        };
        let (root_key, intermediate_key) = (key(), key());
        let root = ca("Works Root").self_signed(&root_key).expect("a root");
        let above = Issuer::new(ca("Works Root"), root_key);
        let intermediate = ca("Works Devices")
            .signed_by(&intermediate_key, &above)
            .expect("an intermediate");
        Self {
            root: root.pem(),
            intermediate: intermediate.pem(),
            issuer: Issuer::new(ca("Works Devices"), intermediate_key),
        }
    }

    pub(super) fn sign(&self, key: &KeyPair, name: &str) -> String {
        let mut params = named(name);
        params.use_authority_key_identifier_extension = true;
        params.signed_by(key, &self.issuer).expect("a certificate").pem()
    }
}

/// PEM as [`join_chain`] writes it.
pub(super) fn normal(pem: &str) -> String {
    join_chain(gangway_protocol::certificate::split_chain(pem).expect("certificates"))
}

pub(super) fn order(csr: Csr) -> CorporateOrder {
    CorporateOrder {
        csr,
        device: DEVICE.parse().expect("an id"),
        urn: URN.to_owned(),
        renews: None,
    }
}

pub(super) fn kind(configuration: Value) -> SignerKind {
    let kind: SignerKind = serde_json::from_value(configuration).expect("a kind");
    kind.check().expect("a good one");
    kind
}

pub(super) fn credential(kind: &SignerKind, file: &Value) -> CorporateCredential {
    CorporateCredential::read(kind, file.to_string().as_bytes()).expect("a credential")
}

/// The signature of these tests is the message's length.
pub(super) fn fresh() -> Fresh<'static> {
    Fresh {
        now: NOW,
        nonce: [7; 16],
        sign: &|message| Some(message.len().to_be_bytes().to_vec()),
    }
}

pub(super) fn sent(step: Result<CorporateStep, CorporateError>) -> Sending {
    match step {
        Ok(CorporateStep::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

pub(super) fn signed(step: Result<CorporateStep, CorporateError>) -> CorporateSigned {
    match step {
        Ok(CorporateStep::Signed(signed)) => *signed,
        other => panic!("a certificate, not {other:?}"),
    }
}

pub(super) fn says(status: u16, body: impl Into<Vec<u8>>) -> Result<Response, Silence> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    Ok(response)
}

pub(super) fn says_json(status: u16, body: &Value) -> Result<Response, Silence> {
    says(status, body.to_string())
}

pub(super) fn silent(was_sent: bool) -> Result<Response, Silence> {
    Err(Silence {
        was_sent,
        detail: "nothing came".to_owned(),
    })
}

fn every_kind() -> [(SignerKind, CorporateCredential); 3] {
    let est = kind(json!({"kind": "est", "url": "https://est.works.example"}));
    let step = kind(json!({"kind": "step_ca", "url": "https://ca.works.example", "provisioner": "gangway"}));
    let vault = kind(json!({"kind": "vault", "url": "https://vault.works.example:8200", "role": "devices"}));
    let of_est = credential(&est, &json!({"username": "gangway", "password": "hunter2-est"}));
    let of_step = credential(&step, &step_ca::jwk());
    let of_vault = credential(&vault, &json!({"role_id": "r", "secret_id": "hunter2-vault"}));
    [(est, of_est), (step, of_step), (vault, of_vault)]
}

fn begun(kind: &SignerKind, credential: &CorporateCredential, csr: Csr) -> Corporate {
    Corporate::signing(kind, credential, order(csr))
        .expect("a good request")
        .expect("a corporate CA")
}

#[test]
fn a_credential_is_read_by_its_kind_and_printed_nowhere() {
    for (kind, credential) in every_kind() {
        let written = credential.write().expect("JSON");
        let again = CorporateCredential::read(&kind, written.expose().as_bytes());
        assert_eq!(again.as_ref(), Ok(&credential));
        let shown = format!(
            "{credential:?} {:?}",
            begun(&kind, &credential, csr_of(&named("x"), &key()))
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains(step_ca::D),
            "{shown}"
        );
    }
    let [(est, _), (step, _), (vault, _)] = every_kind();
    for (kind, wrong) in [
        (&est, json!({"username": "a"})),
        (&est, json!({"username": "a:b", "password": "c"})),
        (&est, json!({"username": "a", "password": "b\nc"})),
        (&est, json!({"username": "a", "password": "b", "token": "c"})),
        (&est, json!({"certificate": "x", "private_key": "y"})),
        (
            &step,
            json!({"kty": "RSA", "kid": "a", "n": "b", "e": "AQAB", "d": "c"}),
        ),
        (
            &step,
            json!({"crv": "P-256", "kid": "a", "x": "b", "y": "c", "d": "d"}),
        ),
        (&vault, json!({"token": ""})),
        (&vault, json!({"role_id": "a"})),
        (&vault, json!("hvs.token")),
        (&SignerKind::Builtin, json!({"token": "a"})),
    ] {
        let unfit = CorporateCredential::read(kind, wrong.to_string().as_bytes()).expect_err("unfit");
        assert!(!unfit.to_string().contains("hvs"), "{unfit}");
    }
}

/// Threat model: ENR-34.
#[test]
fn a_request_that_asks_for_a_ca_or_a_host_is_not_passed_on() {
    let key = key();
    let refused = |params: &CertificateParams| {
        for (kind, credential) in every_kind() {
            let outcome = Corporate::signing(&kind, &credential, order(csr_of(params, &key)));
            assert!(matches!(outcome, Err(CorporateError::Unfit(_))), "{outcome:?}");
        }
    };
    let mut ca = named("x");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    refused(&ca);
    let mut host = named("x");
    host.subject_alt_names = vec![SanType::DnsName(
        "panel.works.example".try_into().expect("a name"),
    )];
    refused(&host);
    let mut two = named("x");
    two.distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 3]), "y");
    refused(&two);
    let mut leaf = named("thermometer-7");
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    for (kind, credential) in every_kind() {
        begun(&kind, &credential, csr_of(&leaf, &key));
    }
}

#[test]
fn a_credential_of_another_kind_begins_nothing() {
    let [(est, of_est), (step, of_step), _] = every_kind();
    let csr = csr_of(&named("x"), &key());
    assert_eq!(csr.key().kind(), KeyKind::P256);
    for (kind, credential) in [
        (&est, &of_step),
        (&step, &of_est),
        (&SignerKind::Builtin, &of_est),
    ] {
        let none = Corporate::signing(kind, credential, order(csr.clone()));
        assert!(matches!(none, Ok(None)), "{none:?}");
    }
}

/// Before it is asked to sign, silence says that nothing was signed; after that it says nothing.
#[test]
fn silence_is_unclear_only_once_the_request_that_signs_was_sent() {
    let hierarchy = Hierarchy::new();
    for (kind, credential) in every_kind() {
        let csr = csr_of(&named("x"), &key());
        let first = || {
            let mut ca = begun(&kind, &credential, csr.clone());
            let sending = sent(ca.start(&fresh()));
            assert!(sending.is_idempotent, "{kind:?}");
            ca
        };
        for answer in [
            silent(true),
            silent(false),
            says(502, "a proxy"),
            says(200, "nothing"),
        ] {
            let error = first().answer(answer, &fresh()).expect_err("no answer");
            assert!(matches!(error, CorporateError::Unreachable { .. }), "{error:?}");
        }
        let second = || {
            let mut ca = first();
            let told = match &kind {
                SignerKind::Est(_) => says(200, est::certs_only(&[&hierarchy.root])),
                SignerKind::StepCa(_) => says_json(200, &json!({"crts": [hierarchy.root]})),
                _ => says_json(200, &json!({"auth": {"client_token": "hvs.x"}})),
            };
            let sending = sent(ca.answer(told, &fresh()));
            assert!(!sending.is_idempotent, "{kind:?}");
            ca
        };
        let after = |answer| second().answer(answer, &fresh()).expect_err("no certificate");
        assert!(matches!(after(silent(false)), CorporateError::Unreachable { .. }));
        for answer in [silent(true), says(504, "a proxy"), says(200, "nothing")] {
            assert!(
                matches!(after(answer), CorporateError::Unclear { .. }),
                "{kind:?}"
            );
        }
        let mut redirect = says(307, "").expect("an answer");
        let to = http::HeaderValue::from_static("https://evil.example/");
        redirect.headers_mut().insert(http::header::LOCATION, to);
        let error = after(Ok(redirect));
        assert!(
            matches!(&error, CorporateError::Refused { detail } if detail.contains("https://evil.example/")),
            "{error:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_a_ca_says_is_no_certificate_for_us(
        status in 100_u16..600,
        first in proptest::collection::vec(any::<u8>(), 0..200),
        second in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let csr = csr_of(&named("x"), &key());
        for (kind, credential) in every_kind() {
            let mut ca = begun(&kind, &credential, csr.clone());
            sent(ca.start(&fresh()));
            for body in [&first, &second] {
                match ca.answer(says(status, body.clone()), &fresh()) {
                    Ok(CorporateStep::Send(_)) => {}
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => break,
                }
            }
        }
    }
}
