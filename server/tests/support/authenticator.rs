//! An authenticator without hardware: it makes and proves passkeys as a browser's would (WebAuthn Level 3 §6), and can be told
//! to misbehave.

use data_encoding::BASE64URL_NOPAD;
use gangway_protocol::json::Verbatim;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// A passkey on the authenticator.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) id: Vec<u8>,
    user_handle: String,
    pkcs8: Vec<u8>,
    /// How often it was used; an authenticator that keeps no count stays at 0.
    pub(crate) counter: u32,
}

impl Credential {
    /// Claims to be a passkey of another one's user.
    pub(crate) fn take_user_of(&mut self, other: &Self) {
        self.user_handle.clone_from(&other.user_handle);
    }
}

/// An authenticator and the browser that it is plugged into.
#[derive(Clone)]
pub(crate) struct Authenticator {
    /// The page's origin, as the browser tells it.
    pub(crate) origin: String,
    /// Whether the person is verified by PIN, finger or face.
    pub(crate) verifies: bool,
    /// Whether the page is inside a foreign one.
    pub(crate) cross_origin: bool,
    /// What it says about the discoverability of what it makes.
    pub(crate) discoverable: bool,
    /// Whether it counts.
    pub(crate) counts: bool,
    pub(crate) credentials: Vec<Credential>,
}

impl Authenticator {
    /// An empty one, with a browser at `origin`.
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            verifies: true,
            cross_origin: false,
            discoverable: true,
            counts: true,
            credentials: Vec::new(),
        }
    }

    /// `navigator.credentials.create()`: from `PublicKeyCredentialCreationOptionsJSON` to `RegistrationResponseJSON`.
    pub(crate) fn create(&mut self, options: &Verbatim) -> Value {
        let asked: Value = options.read().expect("options");
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .expect("a key is made")
            .as_ref()
            .to_vec();
        self.credentials.push(Credential {
            id: Sha256::digest(key(&pkcs8).public_key().as_ref()).to_vec(),
            user_handle: text(&asked["user"]["id"]).to_owned(),
            pkcs8,
            counter: 0,
        });
        self.create_again(options)
    }

    /// Passes the newest passkey off as a new one.
    pub(crate) fn create_again(&self, options: &Verbatim) -> Value {
        let asked: Value = options.read().expect("options");
        let credential = self.credentials.last().expect("there is one");
        let id = &credential.id;
        let mut data = self.authenticator_data(text(&asked["rp"]["id"]), ATTESTED, 0);
        data.extend([0; 16]);
        data.extend([0, 32]);
        data.extend(id);
        data.extend(cose_key(key(&credential.pkcs8).public_key().as_ref()));
        // CTAP2 canonical CBOR of {"fmt": "none", "attStmt": {}, "authData": data}.
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).expect("it is short").to_be_bytes());
        object.extend(data);
        json!({
            "id": encode(id), "rawId": encode(id), "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": self.discoverable } },
            "response": {
                "clientDataJSON": encode(&self.client_data("webauthn.create", &asked)),
                "attestationObject": encode(&object),
                "transports": ["internal", "something-new"],
            },
        })
    }

    /// `navigator.credentials.get()`: from `PublicKeyCredentialRequestOptionsJSON` to `AuthenticationResponseJSON`, with the
    /// newest passkey that may be used.
    pub(crate) fn prove(&mut self, options: &Verbatim) -> Value {
        let asked: Value = options.read().expect("options");
        assert_eq!(asked["userVerification"], "required");
        let allowed: Vec<&str> = asked["allowCredentials"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|credential| text(&credential["id"]))
            .collect();
        let index = self
            .credentials
            .iter()
            .rposition(|credential| allowed.is_empty() || allowed.contains(&encode(&credential.id).as_str()))
            .expect("it has a passkey for this");
        self.prove_with(index, options)
    }

    /// The same with a passkey of the test's choice, allowed or not.
    pub(crate) fn prove_with(&mut self, index: usize, options: &Verbatim) -> Value {
        let asked: Value = options.read().expect("options");
        if self.counts {
            self.credentials[index].counter += 1;
        }
        let credential = self.credentials[index].clone();
        let data = self.authenticator_data(text(&asked["rpId"]), 0, credential.counter);
        let client_data = self.client_data("webauthn.get", &asked);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature = key(&credential.pkcs8)
            .sign(&SystemRandom::new(), &signed)
            .expect("it signs");
        json!({
            "id": encode(&credential.id), "rawId": encode(&credential.id), "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&client_data),
                "authenticatorData": encode(&data),
                "signature": encode(signature.as_ref()),
                "userHandle": credential.user_handle,
            },
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": self.cross_origin,
        })
        .to_string()
        .into_bytes()
    }

    fn authenticator_data(&self, rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(rp_id).to_vec();
        data.push(PRESENT | verified | flags);
        data.extend(counter.to_be_bytes());
        data
    }
}

/// RFC 9053 §7.1.1: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}.
fn cose_key(point: &[u8]) -> Vec<u8> {
    let (x, y) = point[1..].split_at(32);
    [
        &b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..],
        x,
        b"\x22\x58\x20",
        y,
    ]
    .concat()
}

fn key(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new())
        .expect("its own key")
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
