//! Tasks with a client, with literals for what client, hub and authority say (client-application 2024-10, hub 2025-07).

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gangway_protocol::secret::SecretString;
use http::header::AUTHORIZATION;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::json;

use uuid::Uuid;

use super::*;
use crate::plgd_client::{ClientCa, PreSharedKey};
use crate::{Redirect, SigningError, Target};

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);
const STATE: &str = "7d444840-9dc0-41d1-b245-5ffdce74fad2";
const DEVICE: &str = "00000000-0000-4000-8000-000000000001";
const CLIENT: &str = "https://client.example:8443";
/// uuid5(NAMESPACE_URL, "ada").
const ADA: &str = "8ec5d38c-e51c-5c50-835c-5baa510d4616";
const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";

struct Play {
    work: ClientWork,
    wallet: Wallet,
    key: KeyPair,
}

impl Play {
    fn new(task: ClientTask, ca: ClientCa) -> Self {
        let signer: gangway_protocol::signer::Signer = serde_json::from_value(json!({
            "id": SIGNER, "name": "Hub", "kind": "plgd_hub", "certificate_authority": "https://api.hub.example/x",
            "sign_in": {"issuer": "https://auth.hub.example", "client_id": "web"},
        }))
        .expect("a signer");
        let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"sub": "ada", "hub.owner": "ben"}).to_string());
        let mut wallet = Wallet::default();
        wallet.put_session(
            signer.id.clone(),
            Tokens {
                access_token: SecretString::new(format!("e30.{claims}.t0ken")),
                id_token: None,
                refresh_token: None,
                expires_at: Some(NOW.plus(UnixMillis::HOUR)),
                token_endpoint: "https://auth.hub.example/token".to_owned(),
            },
        );
        let client = ClientAddress::read(CLIENT, "https://panel.example").expect("an address");
        let access = ClientAccess { signer, ca };
        Self {
            work: ClientWork::new(client, Some(access), task).expect("a hub"),
            wallet,
            key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"),
        }
    }

    fn at_the_hub(task: ClientTask) -> Self {
        Self::new(task, ClientCa::Hub)
    }

    fn start(&mut self) -> Sending {
        sending(self.work.start(&self.wallet, NOW))
    }

    fn take(&mut self, status: u16, body: &str) -> Result<ClientStep, ClientError> {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        self.work.answer(Ok(response), &mut self.wallet, NOW)
    }

    fn next(&mut self, body: &str) -> Sending {
        sending(self.take(200, body))
    }

    fn lose(&mut self) -> Result<ClientStep, ClientError> {
        let lost = NoAnswer {
            detail: "Failed to fetch".to_owned(),
        };
        self.work.answer(Err(lost), &mut self.wallet, NOW)
    }

    /// Up to the request for a challenge.
    fn prepared(&mut self) -> Sending {
        let hub = self.start();
        assert_eq!(
            hub.request.uri(),
            "https://api.hub.example/.well-known/configuration"
        );
        let discovery = self.next(r#"{"id":"h","jwtOwnerClaim":"sub"}"#);
        assert_eq!(
            discovery.request.uri(),
            "https://auth.hub.example/.well-known/openid-configuration"
        );
        let keys =
            self.next(r#"{"issuer":"https://auth.hub.example","jwks_uri":"https://auth.hub.example/keys"}"#);
        assert_eq!(keys.request.uri(), "https://auth.hub.example/keys");
        for public in [hub, discovery, keys] {
            assert!(!public.request.headers().contains_key(AUTHORIZATION));
        }
        self.next(r#"{"keys":[{"kid":"1","kty":"EC"}],"more":1}"#)
    }

    fn csr(&self, name: &str) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params
            .serialize_request(&self.key)
            .and_then(|request| request.pem());
        BASE64_STANDARD.encode(pem.expect("a CSR"))
    }

    fn challenge(&self, name: &str) -> String {
        json!({"identityCertificateChallenge": {"certificateSigningRequest": self.csr(name), "state": STATE}})
            .to_string()
    }

    /// What an authority answers.
    fn certificate(key: &KeyPair) -> String {
        let leaf = CertificateParams::default()
            .self_signed(key)
            .expect("a certificate");
        json!({ "certificate": BASE64_STANDARD.encode(leaf.pem()) }).to_string()
    }

    /// Up to the request that gives the client its certificate.
    fn signed(&mut self, name: &str) -> Sending {
        let challenge = self.challenge(name);
        self.next(&challenge);
        let certificate = Self::certificate(&self.key);
        self.next(&certificate)
    }
}

fn sending(step: Result<ClientStep, ClientError>) -> Sending {
    match step {
        Ok(ClientStep::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

fn end(step: Result<ClientStep, ClientError>) -> ClientEnd {
    match step {
        Ok(ClientStep::Done(end)) => *end,
        other => panic!("an end, not {other:?}"),
    }
}

fn body(sending: &Sending) -> Value {
    serde_json::from_slice(sending.request.body()).expect("JSON")
}

fn path(sending: &Sending) -> (String, String) {
    (
        sending.request.method().to_string(),
        sending.request.uri().to_string(),
    )
}

fn configuration(initialised: bool, mode: &str, owner: &str) -> String {
    json!({"version": "0.5.0", "isInitialized": initialised, "deviceAuthenticationMode": mode, "owner": owner,
        "ui": {"defaultDiscoveryTimeout": "2000000000"}, "remoteProvisioning": {"mode": "USER_AGENT", "jwtOwnerClaim": "sub"}})
    .to_string()
}

fn device() -> Uuid {
    DEVICE.parse().expect("a UUID")
}

#[test]
fn a_client_gets_the_hubs_keys_its_certificate_unchanged_and_its_owner() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    let initialise = play.prepared();
    assert_eq!(
        path(&initialise),
        ("POST".to_owned(), format!("{CLIENT}/api/v1/initialize"))
    );
    assert_eq!(
        body(&initialise),
        json!({"jwks": {"keys": [{"kid": "1", "kty": "EC"}]}})
    );
    let bearer = initialise.request.headers()[AUTHORIZATION].clone();
    assert!(bearer.to_str().expect("text").ends_with(".t0ken") && bearer.is_sensitive());
    let csr = play.csr(&format!("uuid:{ADA}"));
    let told = json!({"identityCertificateChallenge": {"certificateSigningRequest": csr, "state": STATE}});
    let sign = play.next(&told.to_string());
    assert_eq!(
        path(&sign),
        (
            "POST".to_owned(),
            "https://api.hub.example/x/api/v1/sign/identity-csr".to_owned()
        )
    );
    assert_eq!(
        body(&sign),
        json!({"certificateSigningRequest": csr}),
        "as it came"
    );
    assert_eq!(sign.request.headers()[AUTHORIZATION], bearer, "the same token");
    assert_eq!((sign.target, sign.is_idempotent), (Target::Elsewhere, false));
    let certificate = Play::certificate(&play.key);
    let finish = play.next(&certificate);
    assert_eq!(
        path(&finish),
        ("POST".to_owned(), format!("{CLIENT}/api/v1/initialize/{STATE}"))
    );
    assert_eq!(body(&finish).to_string(), certificate, "as it came");
    let look = play.next("{}");
    assert_eq!(
        path(&look),
        ("GET".to_owned(), format!("{CLIENT}/.well-known/configuration"))
    );
    assert!(!look.request.headers().contains_key(AUTHORIZATION));
    let ClientEnd::State(state) = end(play.take(200, &configuration(true, "X509", "ada"))) else {
        panic!("a state");
    };
    assert_eq!((state.mode, state.is_yours), (ClientMode::X509, Some(true)));
    assert_eq!(
        (state.version.as_str(), state.discovery_nanos),
        ("0.5.0", Some(2_000_000_000))
    );
}

/// Threat model: ENR-31.
#[test]
fn only_what_a_person_asked_for_takes_a_token_to_the_client() {
    let mut look = Play::at_the_hub(ClientTask::Look);
    let asked = look.start();
    assert!(!asked.request.headers().contains_key(AUTHORIZATION));
    assert!(matches!(
        end(look.take(200, &configuration(false, "UNINITIALIZED", ""))),
        ClientEnd::State(_)
    ));
    let shared = PreSharedKey {
        subject: "me".to_owned(),
        key: SecretString::new("0123456789abcdef".to_owned()),
        save: true,
    };
    let mut share = Play::at_the_hub(ClientTask::Share(shared));
    assert!(!share.start().request.headers().contains_key(AUTHORIZATION));
    let asked = Play::at_the_hub(ClientTask::Reset).start();
    assert!(asked.request.headers().contains_key(AUTHORIZATION));
    assert!(!format!("{asked:?} {:?}", asked.request.headers()).contains("t0ken"));
}

/// Threat model: ENR-31.
#[test]
fn no_authority_sees_a_request_for_somebody_else() {
    for name in ["uuid:00000000-0000-4000-8000-000000000009", "hub", ""] {
        let mut play = Play::at_the_hub(ClientTask::Initialise);
        play.prepared();
        let challenge = play.challenge(name);
        let refused = play.take(200, &challenge).expect_err(name);
        assert!(matches!(refused, ClientError::Request(_)), "{refused}");
    }
    let mut play = Play::at_the_hub(ClientTask::Own(device()));
    play.start();
    let challenge = play.challenge(&format!("uuid:{ADA}"));
    assert!(
        play.take(200, &challenge).is_err(),
        "an owner's certificate for a device"
    );
}

#[test]
fn a_certificate_for_another_key_does_not_reach_the_client() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    let challenge = play.challenge(&format!("uuid:{ADA}"));
    play.next(&challenge);
    let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    assert_eq!(
        play.take(200, &Play::certificate(&other))
            .expect_err("another key"),
        ClientError::Signing(SigningError::OtherKey)
    );
}

#[test]
fn an_expired_challenge_is_followed_by_a_fresh_one_once() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    let ada = format!("uuid:{ADA}");
    let expired = r#"{"code":9,"message":"invalid state"}"#;
    play.signed(&ada);
    assert!(!play.work.had_expired());
    let look = sending(play.take(400, expired));
    assert_eq!(path(&look).0, "GET");
    let again = play.next(&configuration(false, "UNINITIALIZED", ""));
    assert_eq!(
        path(&again),
        ("POST".to_owned(), format!("{CLIENT}/api/v1/initialize"))
    );
    assert!(play.work.had_expired());
    play.signed(&ada);
    sending(play.take(400, expired));
    assert_eq!(
        play.take(200, &configuration(false, "UNINITIALIZED", ""))
            .expect_err("twice"),
        ClientError::Expired
    );
}

#[test]
fn a_lost_answer_is_looked_after_before_anything_is_done_again() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    play.signed(&format!("uuid:{ADA}"));
    let look = sending(play.lose());
    assert_eq!(path(&look).0, "GET");
    let state = end(play.take(200, &configuration(true, "X509", "ada")));
    assert!(matches!(state, ClientEnd::State(state) if state.is_yours == Some(true)));
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    play.signed(&format!("uuid:{ADA}"));
    sending(play.lose());
    let again = play.next(&configuration(false, "UNINITIALIZED", ""));
    assert_eq!(path(&again).1, format!("{CLIENT}/api/v1/initialize"));
    assert!(!play.work.had_expired(), "nothing is said that nobody knows");
}

#[test]
fn a_client_of_somebody_else_says_whose_it_is() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    sending(play.take(400, r#"{"code":9,"message":"already initialized"}"#));
    assert_eq!(
        play.take(200, &configuration(true, "X509", "ben"))
            .expect_err("occupied"),
        ClientError::Occupied {
            owner: "ben".to_owned()
        }
    );
    let mut look = Play::at_the_hub(ClientTask::Look);
    look.start();
    let ClientEnd::State(state) = end(look.take(200, &configuration(true, "X509", "ben"))) else {
        panic!("a state");
    };
    assert!(state.is_occupied());
}

#[test]
fn a_client_that_says_one_thing_and_is_another_is_not_believed() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    play.signed(&format!("uuid:{ADA}"));
    play.next("{}");
    assert_eq!(
        play.take(200, &configuration(true, "PRE_SHARED_KEY", "ada"))
            .expect_err("another mode"),
        ClientError::OtherOutcome
    );
}

#[test]
fn the_hub_says_which_claim_names_the_owner_and_the_client_does_not() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.start();
    play.next(r#"{"jwtOwnerClaim":"hub.owner"}"#);
    play.next(r#"{"issuer":"https://auth.hub.example","jwks_uri":"https://auth.hub.example/keys"}"#);
    play.next(r#"{"keys":[]}"#);
    let challenge = play.challenge(&format!("uuid:{ADA}"));
    assert!(
        play.take(200, &challenge).is_err(),
        "ben's request is named after ben"
    );
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.start();
    let none = play
        .take(200, r#"{"jwtOwnerClaim":"owner"}"#)
        .expect_err("no such claim");
    assert_eq!(
        none,
        ClientError::NoOwner {
            claim: "owner".to_owned()
        }
    );
}

/// Threat model: ENR-31.
#[test]
fn keys_come_from_the_addresses_of_the_signer_alone() {
    for discovery in [
        r#"{"issuer":"https://auth.hub.example","jwks_uri":"https://evil.example/keys"}"#,
        r#"{"issuer":"https://evil.example","jwks_uri":"https://auth.hub.example/keys"}"#,
    ] {
        let mut play = Play::at_the_hub(ClientTask::Initialise);
        play.start();
        play.next("{}");
        assert!(play.take(200, discovery).is_err(), "{discovery}");
    }
}

#[test]
fn the_built_in_ca_is_asked_at_our_own_address_without_the_hubs_token() {
    let organisation = "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id");
    let mut play = Play::new(ClientTask::Initialise, ClientCa::Builtin(organisation));
    play.prepared();
    let challenge = play.challenge(&format!("uuid:{ADA}"));
    let sign = play.next(&challenge);
    assert_eq!(sign.target, Target::Panel);
    assert_eq!(
        sign.request.uri(),
        "/plgd/org_0000000001zzzzzzzzzzzzzzzz/api/v1/sign/identity-csr"
    );
    assert!(!sign.request.headers().contains_key(AUTHORIZATION));
    assert_eq!(
        play.take(403, r#"{"code":7,"message":"your role does not sign"}"#)
            .expect_err("refused"),
        ClientError::BuiltinRefused {
            detail: "your role does not sign".to_owned(),
            status: 403
        }
    );
}

#[test]
fn a_token_that_the_hub_does_not_take_is_asked_for_anew() {
    let mut play = Play::at_the_hub(ClientTask::Initialise);
    play.prepared();
    let challenge = play.challenge(&format!("uuid:{ADA}"));
    play.next(&challenge);
    let refused = play.take(401, r#"{"code":16,"message":"cannot access to /x: expired"}"#);
    assert!(matches!(
        refused,
        Ok(ClientStep::NeedCredentials { refused: Some(_) })
    ));
    assert!(matches!(
        play.work.start(&play.wallet, NOW),
        Ok(ClientStep::NeedCredentials { refused: None })
    ));
}

#[test]
fn a_pre_shared_key_takes_no_hub() {
    let client = ClientAddress::read("http://localhost:8080", "https://panel.example").expect("an address");
    let shared = PreSharedKey {
        subject: "57b3e0a9-7a3e-4e7a-8f0e-2f5d5c7a1b2c".to_owned(),
        key: SecretString::new("0123456789abcdef".to_owned()),
        save: true,
    };
    let task = ClientTask::Share(shared);
    assert!(!format!("{task:?}").contains("0123456789abcdef"));
    let mut work = ClientWork::new(client.clone(), None, task).expect("no hub is needed");
    let mut wallet = Wallet::default();
    let share = sending(work.start(&wallet, NOW));
    assert_eq!(
        body(&share),
        json!({"preSharedKey": {"subjectId": "57b3e0a9-7a3e-4e7a-8f0e-2f5d5c7a1b2c", "key": "0123456789abcdef", "save": true}})
    );
    sending(work.answer(Ok(Response::new(b"{}".to_vec())), &mut wallet, NOW));
    let told = Response::new(configuration(true, "PRE_SHARED_KEY", "").into_bytes());
    assert!(matches!(
        end(work.answer(Ok(told), &mut wallet, NOW)),
        ClientEnd::State(state) if state.is_yours.is_none() && !state.is_occupied()
    ));
    // A device is owned without anybody signing.
    let mut own = ClientWork::new(client.clone(), None, ClientTask::Own(device())).expect("no hub is needed");
    assert!(
        !sending(own.start(&wallet, NOW))
            .request
            .headers()
            .contains_key(AUTHORIZATION)
    );
    assert_eq!(
        end(own.answer(Ok(Response::new(b"{}".to_vec())), &mut wallet, NOW)),
        ClientEnd::Done
    );
    assert!(ClientWork::new(client, None, ClientTask::Initialise).is_none());
}

#[test]
fn a_client_that_does_not_know_the_token_says_so() {
    let mut play = Play::at_the_hub(ClientTask::Disown(device()));
    play.start();
    assert_eq!(
        play.take(401, r#"{"code":16,"message":"invalid kid"}"#)
            .expect_err("refused"),
        ClientError::NotAccepted {
            detail: "invalid kid".to_owned()
        }
    );
    let mut play = Play::at_the_hub(ClientTask::Disown(device()));
    play.start();
    assert_eq!(end(play.take(200, "{}")), ClientEnd::Done);
}

mod devices;
