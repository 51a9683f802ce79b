//! A device that has a permit, up to the certificate in its hands.

use gangway_protocol::device::Facts;
use gangway_protocol::enrolment::{ClaimantToDevice, Credential, CredentialKind, DeviceToClaimant, Outcome};
use gangway_protocol::id::ClaimId;
use gangway_protocol::permit::DevicePermit;
use gangway_protocol::seal::{Channel, Device};
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::relay::socket::{ENROLMENT, Socket};
use crate::support::csr;
use crate::support::member::facts;
use crate::support::{Server, Spawned};

/// What became of an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Became {
    /// It has its certificate: the chain.
    Joined(String),
    /// It comes again after so many seconds.
    Waits(u32),
    /// It was refused, in words.
    Refused(String),
    /// The server has another secret.
    Mismatch,
    /// A problem, by its code.
    Problem(String),
}

/// A device with its key.
pub(super) struct Applicant {
    pub(super) key: KeyPair,
    pub(super) facts: Facts,
}

impl Applicant {
    pub(super) fn new(hostname: &str) -> Self {
        Self {
            key: csr::key(),
            facts: facts(hostname),
        }
    }

    /// Asks to join.
    pub(super) async fn ask(&self, server: &Spawned, device_permit: &DevicePermit) -> Became {
        self.ask_until(server, device_permit, Until::Installed).await
    }

    /// Asks to join, and goes away in the middle.
    pub(super) async fn ask_until(
        &self,
        server: &Spawned,
        device_permit: &DevicePermit,
        until: Until,
    ) -> Became {
        let mut socket = Socket::open(server, ENROLMENT).await;
        let lookup = serde_json::to_value(&device_permit.lookup).expect("JSON");
        socket
            .say(json!({"type": "hello", "agent": "test", "lookup": lookup}))
            .await;
        socket.hear_a("nameplate").await;
        let opening = socket.hear().await;
        if opening["type"] == "problem" {
            return Became::Problem(opening["code"].as_str().expect("a code").to_owned());
        }
        let claim: ClaimId = opening["claim"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("a claim");
        let pake = serde_json::from_value(opening["pake"].clone()).expect("bytes");
        let (half, answer) = Device::answer(device_permit, &claim, &pake, random).expect("an answer");
        socket
            .say(json!({"type": "answer", "claim": claim, "pake": answer.pake, "confirm": answer.confirm}))
            .await;
        let confirm = socket.hear().await;
        if confirm["type"] == "closed" {
            return Became::Mismatch;
        }
        let confirm = serde_json::from_value(confirm["confirm"].clone()).expect("bytes");
        let mut talk = Talk {
            channel: half.on_confirm(&confirm).expect("the server knows the secret"),
            socket,
            claim,
        };
        talk.say(&DeviceToClaimant::Introduction {
            csr: csr::csr(&self.key),
            facts: self.facts.clone(),
            link: "https://panel.example/link".to_owned(),
            accepts: vec![CredentialKind::Certificate],
        })
        .await;
        let approver = match talk.hear().await {
            ClaimantToDevice::Offer { approver, .. } => approver,
            ClaimantToDevice::Wait { retry_after_secs, .. } => {
                talk.end(Outcome::Waiting).await;
                return Became::Waits(retry_after_secs);
            }
            ClaimantToDevice::Refusal { reason } => {
                talk.end(Outcome::Refused).await;
                return Became::Refused(reason);
            }
            ClaimantToDevice::Credential(_) => panic!("nothing is signed before the consent"),
        };
        assert!(!approver.is_empty());
        if until == Until::Offered {
            return Became::Waits(0);
        }
        talk.say(&DeviceToClaimant::Consent {
            accepted: true,
            reason: None,
        })
        .await;
        let chain = match talk.hear().await {
            ClaimantToDevice::Credential(credential) => match *credential {
                Credential::Certificate { chain, .. } => chain,
                Credential::ProvisioningClaim(_) => panic!("our own CA signs"),
            },
            ClaimantToDevice::Refusal { reason } => return Became::Refused(reason),
            other => panic!("{other:?} instead of a certificate"),
        };
        if until == Until::Certified {
            return Became::Waits(0);
        }
        let sha256 = leaf_digest(&chain);
        talk.say(&DeviceToClaimant::Installed {
            certificate_sha256: sha256,
        })
        .await;
        talk.end(Outcome::Enrolled).await;
        Became::Joined(chain)
    }
}

/// How far a device comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// It goes away with the offer.
    Offered,
    /// It goes away with the certificate.
    Certified,
    /// To the end.
    Installed,
}

struct Talk {
    socket: Socket,
    channel: Channel,
    claim: ClaimId,
}

impl Talk {
    async fn say(&mut self, message: &DeviceToClaimant) {
        let sealed = self.channel.seal(message).expect("it is sealed");
        self.socket
            .say(json!({"type": "sealed", "claim": self.claim, "box": sealed}))
            .await;
    }

    async fn hear(&mut self) -> ClaimantToDevice {
        loop {
            let message: Value = self.socket.hear().await;
            if message["type"] == "sealed" {
                let sealed = serde_json::from_value(message["box"].clone()).expect("bytes");
                return self.channel.open(&sealed).expect("it opens");
            }
            assert_eq!(message["type"], "approval", "{message}");
        }
    }

    async fn end(mut self, outcome: Outcome) {
        self.socket
            .say(json!({"type": "outcome", "claim": self.claim, "outcome": outcome}))
            .await;
        self.socket.close().await;
    }
}

fn leaf_digest(chain: &str) -> gangway_protocol::encoding::Sha256Hex {
    gangway_server::ca::Presented::parse(chain)
        .map(|presented| *presented.sha256())
        .expect("a chain")
}

fn random(bytes: &mut [u8]) {
    use gangway_server::rng::{Random as _, SystemRandom};
    SystemRandom.fill(bytes);
}

impl Server {
    /// The states of the fleet's devices, sorted.
    pub(super) async fn states(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self.query("SELECT state FROM devices ORDER BY state").await;
        rows.into_iter().map(|(state,)| state).collect()
    }
}
