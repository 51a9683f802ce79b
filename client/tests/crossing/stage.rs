//! The stage on which crossings are played: a device with a code and a key, a server that relays, and the notes of what
//! was sent and called. What the server answers to calls is up to each story.

use std::collections::VecDeque;

use gangway_client::crossing::{Answer, Call, Crossing, Decision, Effect, Input, Stage};
use gangway_client::{ApiError, TransportError};
use gangway_protocol::certificate::{SignatureAlgorithm, SignatureCheck};
use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::ClaimantToServer;
use gangway_protocol::error::ProblemDetails;
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Channel, Device};
use gangway_protocol::time::UnixMillis;
use gangway_signing::Wallet;
use serde_json::{Value, json};

pub const PANEL: &str = "https://panel.example";
pub const CLAIM: &str = "clm_0000000001zzzzzzzzzzzzzzzz";
pub const ORGANISATION: &str = "org_0000000001zzzzzzzzzzzzzzzz";
pub const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";
pub const DEVICE: &str = "dev_0000000001zzzzzzzzzzzzzzzz";
pub const CODE: &str = "BCDF-GHJKLM";

/// A crossing with everything around it.
pub struct Play {
    pub crossing: Crossing,
    pub now: UnixMillis,
    /// What the device opened, as JSON, in order.
    pub heard: Vec<Value>,
    /// Types of the frames that reached the server.
    pub frames: Vec<&'static str>,
    /// Calls that the server has not answered.
    pub calls: VecDeque<Call>,
    pub closed: bool,
    /// The person's credentials for signers elsewhere.
    pub wallet: Wallet,
    pub key: rcgen::KeyPair,
    pub csr: String,
    code: UserCode,
    effects: VecDeque<Effect>,
    handshake: Option<Device>,
    channel: Option<Channel>,
    /// The introduction that the device will make.
    pub introduction: Value,
    /// What the server makes of the two addresses.
    pub network: &'static str,
    /// Whether the driver verifies signatures by itself.
    pub verifies: bool,
    pub awaits_verification: bool,
}

impl Play {
    /// A person types `typed` while the device shows [`CODE`].
    pub fn start(typed: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let csr = device_csr(&key);
        let code = UserCode::read(typed).expect("a code");
        let now = UnixMillis(1_800_000_000_000);
        let (crossing, effects) = Crossing::start(&code, PANEL, now, random(1));
        Self {
            crossing,
            now,
            heard: Vec::new(),
            frames: Vec::new(),
            calls: VecDeque::new(),
            closed: false,
            wallet: Wallet::default(),
            introduction: json!({
                "type": "introduction",
                "csr": csr,
                "facts": {
                    "hostname": "thermometer-7", "os": "linux", "os_version": "Debian GNU/Linux 12", "arch": "x86_64",
                    "serial": "T7-0042", "software": "gangway-device", "software_version": "0.1.0",
                },
                "link": "https://panel.example/link",
                "accepts": ["certificate", "something_of_tomorrow"],
            }),
            network: "same",
            key,
            csr,
            code: UserCode::read(CODE).expect("a code"),
            effects: effects.into(),
            handshake: None,
            channel: None,
            verifies: true,
            awaits_verification: false,
        }
    }

    /// Plays on until something has to be decided.
    pub fn run(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::OpenSocket { path } => {
                    assert_eq!(path, "/api/v1/enrolment/BCDF/claim");
                    self.input(Input::SocketOpened);
                }
                Effect::Send(text) => self.relay(&text),
                Effect::CloseSocket => {
                    assert!(!self.closed, "closed twice");
                    self.closed = true;
                }
                Effect::VerifyCsr(csr) if self.verifies => {
                    let good = verify(csr.signature_check());
                    self.input(Input::CsrVerified { good });
                }
                Effect::VerifyCsr(_) => self.awaits_verification = true,
                Effect::Call(call) => self.calls.push_back(*call),
                Effect::Advance(advance) => {
                    let advanced = advance.take(&mut self.wallet, self.now);
                    self.input(Input::Advanced(Box::new(advanced)));
                }
            }
        }
    }

    /// Something happens; its effects wait for [`Play::run`].
    pub fn input(&mut self, input: Input) {
        self.effects.extend(self.crossing.handle(input, self.now));
    }

    /// Something happens and is played out.
    pub fn happens(&mut self, input: Input) {
        self.input(input);
        self.run();
    }

    /// Time passes, told by ticks.
    pub fn wait_secs(&mut self, secs: i64) {
        for _ in 0..secs {
            self.now = self.now.plus(UnixMillis::SECOND);
            self.happens(Input::Tick);
        }
    }

    /// The device seals a message.
    pub fn device_says(&mut self, message: &Value) {
        let Some(channel) = self.channel.as_mut() else {
            return;
        };
        if let Ok(sealed) = channel.seal(message) {
            self.server_says(&json!({"type": "sealed", "claim": CLAIM, "box": sealed}));
        }
    }

    /// A frame of the server.
    pub fn server_says(&mut self, frame: &Value) {
        self.happens(Input::Frame(frame.to_string()));
    }

    /// The server answers the oldest call.
    pub fn answers(&mut self, answer: Answer) {
        self.calls.pop_front().expect("a call to answer");
        self.happens(Input::Answered(Box::new(answer)));
    }

    pub fn stage(&self) -> &Stage {
        &self.crossing.view().stage
    }

    /// What the device heard last.
    pub fn last_heard(&self) -> &Value {
        self.heard.last().expect("the device has heard something")
    }

    fn relay(&mut self, text: &str) {
        assert!(!self.closed, "a frame after the end: {text}");
        match serde_json::from_str(text).expect("a frame of the protocol") {
            ClaimantToServer::Claim { pake } => {
                self.frames.push("claim");
                let claim: ClaimId = CLAIM.parse().expect("an id");
                let (device, answer) =
                    Device::answer(&self.code, &claim, &pake, random(2)).expect("a message of side B");
                self.handshake = Some(device);
                self.server_says(&json!({"type": "accepted", "claim": CLAIM}));
                self.server_says(&json!({"type": "answer", "claim": CLAIM, "pake": answer.pake, "confirm": answer.confirm}));
            }
            ClaimantToServer::Confirm { claim, confirm } => {
                self.frames.push("confirm");
                assert_eq!(claim.as_str(), CLAIM);
                let device = self.handshake.take().expect("one confirm per answer");
                self.channel = Some(device.on_confirm(&confirm).expect("the right code"));
                let introduction = self.introduction.clone();
                self.device_says(&introduction);
                self.server_says(
                    &json!({"type": "context", "network": self.network, "first_seen": 1_799_999_990_000_i64}),
                );
            }
            ClaimantToServer::Sealed { claim, sealed } => {
                self.frames.push("sealed");
                assert_eq!(claim.as_str(), CLAIM);
                let message = self.open(&sealed);
                self.heard.push(message);
            }
        }
    }

    fn open(&mut self, sealed: &Base64) -> Value {
        let channel = self
            .channel
            .as_mut()
            .expect("nothing is sealed before the handshake");
        channel.open(sealed).expect("boxes of the claimant open")
    }
}

/// What the person decides in every story that does not say otherwise.
pub fn decision() -> Decision {
    Decision {
        organisation: ORGANISATION.parse().expect("an id"),
        signer: serde_json::from_value(json!({"id": SIGNER, "name": "Built-in CA", "kind": "builtin"}))
            .expect("a signer"),
        name: Some("Thermometer 7".to_owned()),
        labels: vec!["roof".to_owned()],
        replace: false,
    }
}

pub fn approved() -> Answer {
    Answer::Approve(Ok(serde_json::from_value(json!({
        "claim": CLAIM,
        "device": device_summary(),
        "organisation": ORGANISATION,
        "organisation_name": "Alpine Weather",
        "approver": "Ada",
        "signer": SIGNER,
        "stage": "approved",
        "approved_at": 1_800_000_001_000_i64,
    }))
    .expect("an approval")))
}

pub fn device_summary() -> Value {
    json!({"id": DEVICE, "name": "Thermometer 7", "state": {"name": "enrolling", "since": 1_800_000_001_000_i64}})
}

/// The signer's answer: a certificate for the key of `csr`.
pub fn signed(csr: &str) -> Answer {
    let spki = gangway_protocol::certificate::UncheckedCsr::from_pem(csr)
        .expect("a CSR")
        .conclude(true)
        .expect("a good one")
        .spki_sha256();
    let body = json!({
        "sha256": certificate(), "serial": "0a1b", "device": DEVICE, "organisation": ORGANISATION, "spki_sha256": spki,
        "subject": "CN=dev_0", "issuer": "CN=Gangway", "key": "P-256", "signer": SIGNER,
        "not_before": 1_800_000_000_000_i64, "not_after": 1_807_776_000_000_i64,
        "chain": "-----BEGIN CERTIFICATE-----\nLEAF\n-----END CERTIFICATE-----\n",
        "trust_anchors": "-----BEGIN CERTIFICATE-----\nROOT\n-----END CERTIFICATE-----\n",
        "issued_at": 1_800_000_002_000_i64,
    });
    response(201, &body)
}

/// Any response to a signing request.
pub fn response(status: u16, body: &Value) -> Answer {
    let mut response = http::Response::new(body.to_string().into_bytes());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    Answer::Sign(Ok(response))
}

pub fn certificate() -> Sha256Hex {
    Sha256Hex::of(b"leaf")
}

/// A problem of the API.
pub fn problem(status: u16, code: &str) -> ApiError {
    let details: ProblemDetails = serde_json::from_value(json!({
        "type": "about:blank", "title": code, "status": status, "code": code,
        "detail": format!("It is {code}."), "device": (code == "key_known").then(device_summary),
    }))
    .expect("problem details");
    ApiError::Problem(Box::new(details))
}

pub fn offline() -> TransportError {
    TransportError::Unreachable {
        detail: "connection refused".to_owned(),
    }
}

fn device_csr(key: &rcgen::KeyPair) -> String {
    let parameters = rcgen::CertificateParams::new(vec![]).expect("parameters");
    let csr = parameters.serialize_request(key).expect("a CSR");
    csr.pem().expect("PEM")
}

/// What an authority of somebody else signs for this key, PEM.
pub fn signed_elsewhere(key: &rcgen::KeyPair) -> String {
    let parameters = rcgen::CertificateParams::new(vec![]).expect("parameters");
    parameters.self_signed(key).expect("a certificate").pem()
}

fn verify(check: SignatureCheck<'_>) -> bool {
    assert_eq!(check.algorithm, SignatureAlgorithm::EcdsaSha256);
    ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_ASN1, check.key.bits())
        .verify(check.message, check.signature)
        .is_ok()
}

/// Bytes that differ from each other; tests need no more.
fn random(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut next = seed;
    move |bytes| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(seed | 1);
            *byte = next;
        }
    }
}
