//! Attended enrolment: every frame between device, server and claimant, and what they seal for each other
//! (`protocol.md` §2). Directions are in the names.

use serde::{Deserialize, Serialize};

use crate::code::Nameplate;
use crate::device::Facts;
use crate::encoding::{Base64, Sha256Hex};
use crate::error::Problem;
use crate::id::ClaimId;
use crate::permit::Lookup;
use crate::secret::SecretString;
use crate::time::UnixMillis;

/// WebSocket sub-protocol of waiting devices.
pub const ENROLMENT_SUBPROTOCOL: &str = "gangway.enrolment.v1";
/// WebSocket sub-protocol of claimants.
pub const CLAIM_SUBPROTOCOL: &str = "gangway.claim.v1";

/// Largest WebSocket message. A chain of three certificates with facts and configuration is about 8 KiB.
pub const MAX_FRAME_LEN: usize = 32 * 1024;
/// Most sealed frames per claim and direction. A crossing takes at most four.
pub const MAX_SEALED_FRAMES: u32 = 64;
/// Most sealed bytes (of base64 text) per claim and direction.
pub const MAX_SEALED_BYTES: usize = 256 * 1024;
/// From a claim to the device's first sealed frame.
pub const CLAIM_OPENING_SECS: u32 = 15;
/// From the device's first sealed frame to the outcome.
pub const CLAIM_OPEN_SECS: u32 = 600;
/// How long a secret lives on the device, by the device's own monotonic clock.
pub const CODE_LIFE_SECS: u32 = 600;
/// Failures after which the device destroys its secret.
pub const MAX_CODE_FAILURES: u32 = 3;
/// Unredeemed answers within an hour after which the device pauses.
pub const MAX_UNREDEEMED_ANSWERS_PER_HOUR: u32 = 30;
/// `hello` and `proof` are due within this time.
pub const HELLO_DUE_SECS: u32 = 10;

/// What a waiting device sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeviceToServer {
    /// 1: opens the conversation.
    Hello {
        /// Software and platform, e.g. `gangway-device/0.1.0 (linux x86_64)`; at most 256 characters.
        agent: String,
        /// From the last `nameplate`, to keep that nameplate across a broken connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<String>,
        /// By what the server finds the permit that the device has: then the server is the claimant, and nobody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lookup: Option<Lookup>,
    },
    /// 4: the device takes no claim at present. Not counted as an attempt.
    Decline {
        /// The claim it declines.
        claim: ClaimId,
        /// `busy`, or `code_unknown` when the nameplate is not its present one.
        code: crate::error::ProblemCode,
    },
    /// 4: the device's half of the key exchange. From here on the guess is spent.
    Answer {
        /// The claim.
        claim: ClaimId,
        /// SPAKE2 message of side A, 33 bytes.
        pake: Base64,
        /// HMAC with the device's confirm key, 32 bytes.
        confirm: Base64,
    },
    /// 6: a sealed message for the claimant.
    Sealed {
        /// The claim.
        claim: ClaimId,
        /// Ciphertext and tag.
        #[serde(rename = "box")]
        sealed: Base64,
    },
    /// 7: how the claim ended on the device.
    Outcome {
        /// The claim.
        claim: ClaimId,
        /// How it ended.
        outcome: Outcome,
    },
    /// 7: the code is spent or expired; the device wants another nameplate.
    Replace {
        /// Why.
        reason: ReplaceReason,
    },
}

/// How a claim ended on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The certificate is installed (not yet proven).
    Enrolled,
    /// Somebody said no: the person at the device, or the claimant.
    Refused,
    /// It broke. The code stays valid if it was redeemed.
    Failed,
    /// The device was told to come again: it waits in the lobby.
    Waiting,
    /// An outcome that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a device asks for another nameplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// Ten minutes are over.
    Expired,
    /// Three failed attempts.
    Attempts,
    /// The code was used (`enrolled` or `refused`).
    Spent,
    /// The person at the device asked for another.
    Asked,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What the server sends a waiting device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerToDevice {
    /// 2: the nameplate under which the device is found.
    Nameplate {
        /// The nameplate.
        nameplate: Nameplate,
        /// How long the server keeps it.
        expires_in_secs: u32,
        /// The page where codes are typed, e.g. `https://panel.example/link`.
        verification_uri: String,
        /// Opaque; give it back in `hello` after a broken connection.
        resume: String,
        /// The server's clock, for the device's check of validity.
        server_time: UnixMillis,
    },
    /// 3: somebody signed in typed the nameplate.
    Claim {
        /// The claim.
        claim: ClaimId,
        /// The nameplate that was typed; the device declines what is not its present one.
        nameplate: Nameplate,
        /// SPAKE2 message of side B, 33 bytes.
        pake: Base64,
    },
    /// 5: the claimant's proof that it knows the code.
    Confirm {
        /// The claim.
        claim: ClaimId,
        /// HMAC with the browser's confirm key, 32 bytes.
        confirm: Base64,
    },
    /// 6: a sealed message of the claimant.
    Sealed {
        /// The claim.
        claim: ClaimId,
        /// Ciphertext and tag.
        #[serde(rename = "box")]
        sealed: Base64,
    },
    /// 6: what the server has recorded; the device compares it with the sealed `offer`.
    Approval {
        /// The claim.
        claim: ClaimId,
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
    },
    /// 6: the claim is over: the claimant left, or the server ended it.
    Closed {
        /// The claim.
        claim: ClaimId,
        /// Why.
        reason: ClosedReason,
    },
    /// The connection ends.
    Problem(Problem),
}

/// Why the server ended a claim on the device's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedReason {
    /// The claimant disconnected.
    Left,
    /// A time limit of the claim.
    Timeout,
    /// A limit on frames or bytes.
    TooLarge,
    /// A newer socket of this device took over.
    Superseded,
    /// The claimant broke the protocol.
    Malformed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What a claimant (browser or command line) sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClaimantToServer {
    /// 3: opens a claim on the nameplate of the URL.
    Claim {
        /// SPAKE2 message of side B, 33 bytes.
        pake: Base64,
    },
    /// 5: proof of knowing the code.
    Confirm {
        /// The claim.
        claim: ClaimId,
        /// HMAC with the browser's confirm key, 32 bytes.
        confirm: Base64,
    },
    /// 6: a sealed message for the device.
    Sealed {
        /// The claim.
        claim: ClaimId,
        /// Ciphertext and tag.
        #[serde(rename = "box")]
        sealed: Base64,
    },
}

/// What the server sends a claimant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerToClaimant {
    /// 3: the claim stands and has gone to the device.
    Accepted {
        /// Its id.
        claim: ClaimId,
    },
    /// 4: the device's half of the key exchange.
    Answer {
        /// The claim.
        claim: ClaimId,
        /// SPAKE2 message of side A, 33 bytes.
        pake: Base64,
        /// HMAC with the device's confirm key, 32 bytes.
        confirm: Base64,
    },
    /// 6: a sealed message of the device.
    Sealed {
        /// The claim.
        claim: ClaimId,
        /// Ciphertext and tag.
        #[serde(rename = "box")]
        sealed: Base64,
    },
    /// 6: what the server sees of the device's connection, after its first sealed frame. Never an address.
    Context {
        /// The device's network against the claimant's.
        network: NetworkComparison,
        /// When this device's connection, or the one it resumed, was first seen.
        first_seen: UnixMillis,
    },
    /// The claim ends.
    Problem(Problem),
}

/// The device's network against the claimant's: equal IPv4 address, or equal IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkComparison {
    /// The same.
    Same,
    /// Different, as with a device in another building, or an attacker's.
    Different,
    /// Not comparable (IPv4 against IPv6, or an address is not known).
    NotComparable,
    /// A finding that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The code of `failed` by which a device says that AWS has refused its provisioning.
pub const PROVISIONING_REFUSED: &str = "provisioning_refused";

/// What the device seals for the claimant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(
    target_pointer_width = "64",
    expect(
        clippy::large_enum_variant,
        reason = "one lives for a moment per crossing; none is kept"
    )
)]
pub enum DeviceToClaimant {
    /// Who the device says it is, and its CSR.
    Introduction {
        /// PKCS#10 in PEM.
        csr: String,
        /// What it says about itself; unverified.
        facts: Facts,
        /// The `verification_uri` that the device showed; the claimant warns if it is not its own.
        link: String,
        /// Kinds of credential it can take.
        accepts: Vec<CredentialKind>,
    },
    /// The decision at the device. Nothing is signed before it.
    Consent {
        /// Yes or no.
        accepted: bool,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What the device obtained with a provisioning claim. The claimant records it, and seals it as a certificate.
    Provisioned(Box<Provisioned>),
    /// Verified, written and fsynced beside the old credential.
    Installed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
    },
    /// The device could not install the credential.
    Failed {
        /// For programs, e.g. `chain_invalid`.
        code: String,
        /// For people: cause and remedy.
        message: String,
    },
}

/// What a device obtained by fleet provisioning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// PEM blocks, leaf first.
    pub chain: String,
    /// AWS's id of the certificate.
    pub certificate_id: String,
    /// The thing that AWS made for the device, where its template makes one. It is the device's MQTT client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// `deviceConfiguration` of the template: settings for the device.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub configuration: serde_json::Map<String, serde_json::Value>,
}

/// A kind of credential that a device can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A certificate for its own key.
    Certificate,
    /// AWS's temporary claim credential, with which it provisions itself.
    ProvisioningClaim,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What the claimant seals for the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClaimantToDevice {
    /// Who wants the device; the device compares it with the server's `approval`, shows it and asks.
    Offer {
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
        /// The panel's origin, e.g. `https://panel.example`.
        panel: String,
    },
    /// What the device came for. Ignored before a consent.
    Credential(Box<Credential>),
    /// Nobody has decided yet: the device closes the connection and comes again. Only a server says so, for a permit.
    Wait {
        /// For the device's screen.
        reason: String,
        /// When it comes again, with the same key.
        retry_after_secs: u32,
    },
    /// "Not mine", or the person cancelled.
    Refusal {
        /// For the device's screen.
        reason: String,
    },
}

/// A credential, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Credential {
    /// A certificate for the device's own key.
    Certificate {
        /// PEM blocks, leaf first.
        chain: String,
        /// PEM blocks of the issuers at which the chain must end; absent: not checked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trust_anchors: Option<String>,
        /// Where to connect with it.
        endpoints: Vec<Endpoint>,
        /// Settings for the device, opaque to the relay.
        #[serde(default)]
        configuration: serde_json::Map<String, serde_json::Value>,
    },
    /// AWS's temporary claim credential.
    ProvisioningClaim(ProvisioningClaim),
}

/// AWS's temporary claim credential, with which a device provisions itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProvisioningClaim {
    /// PEM.
    pub certificate: String,
    /// PEM; crosses only sealed.
    pub private_key: SecretString,
    /// When it stops working.
    pub expires_at: UnixMillis,
    /// The account's data endpoint: host, or host and port.
    pub endpoint: String,
    /// Provisioning template.
    pub template: String,
    /// Parameters of the template.
    #[serde(default)]
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// PEM blocks to trust when connecting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<String>,
}

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// What it is: `session` for Gangway's own.
    pub name: String,
    /// `wss://`, `mqtts://`, `coaps+tcp://`…
    pub url: String,
    /// PEM blocks of the issuers to trust when connecting; absent: the device's own list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<String>,
    /// The device's name there, where the protocol has one (MQTT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}
