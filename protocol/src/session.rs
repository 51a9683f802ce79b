//! The session of an enrolled device: every frame of `protocol.md` §3, and the bytes that the device signs.

use serde::{Deserialize, Serialize};

use crate::device::Facts;
use crate::encoding::{Base64, Sha256Hex};
use crate::error::Problem;
use crate::id::{DeviceId, OrganisationId};
use crate::time::UnixMillis;

/// WebSocket sub-protocol of sessions.
pub const SESSION_SUBPROTOCOL: &str = "gangway.session.v1";
/// Length of the challenge.
pub const NONCE_LEN: usize = 32;
/// Upper bound (exclusive) of the proof counter: what a double holds exactly.
pub const MAX_COUNTER: u64 = 1 << 53;

/// Most series of one `measurements` frame.
pub const MAX_SERIES: usize = 64;
/// Most points of all series of one `measurements` frame: what fits into 32 KiB.
pub const MAX_POINTS: usize = 2_000;
/// Longest name of a series, in characters.
pub const MAX_SERIES_NAME_LEN: usize = 64;

/// What the server sends in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerToDevice {
    /// The first frame.
    Challenge {
        /// 32 random bytes, used once.
        nonce: Base64,
        /// The server's clock.
        server_time: UnixMillis,
    },
    /// The proof is good.
    Welcome {
        /// Who the device is here.
        device: DeviceId,
        /// Where it belongs.
        organisation: OrganisationId,
        /// Its present configuration.
        configuration: Configuration,
        /// From when on it should ask for renewal.
        renew_after: UnixMillis,
        /// The server's clock.
        server_time: UnixMillis,
        /// When present, the only messages that this session may send.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<SessionAbility>>,
    },
    /// A new configuration.
    Configuration {
        /// The whole configuration.
        configuration: Configuration,
    },
    /// The answer to `renew`, or a certificate that the server wants installed.
    Certificate {
        /// PEM blocks, leaf first.
        chain: String,
        /// PEM blocks of the issuers at which the chain must end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trust_anchors: Option<String>,
    },
    /// Ask for renewal now: somebody pressed the button.
    RenewNow {},
    /// Somebody wants to find the device: blink, beep, print.
    Identify {},
    /// The certificate is revoked: set the key aside, make a new one, show a new code.
    Revoked {
        /// For people.
        reason: String,
    },
    /// The connection ends.
    Problem(Problem),
}

/// What a device sends in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeviceToServer {
    /// The answer to the challenge.
    Proof {
        /// PEM blocks, leaf first.
        chain: String,
        /// Over [`proof_message`], by the key of the leaf.
        signature: Base64,
        /// Strictly greater than any sent before, below [`MAX_COUNTER`]; a frame with a larger one is not read.
        #[serde(deserialize_with = "counter_below_max")]
        counter: u64,
        /// Software and platform.
        agent: String,
    },
    /// What the device says about itself.
    Facts {
        /// All of it; replaces what was stated before.
        facts: Facts,
    },
    /// Points of time series.
    Measurements {
        /// The series: at most [`MAX_SERIES`], with at most [`MAX_POINTS`] points in all of them.
        series: Vec<Series>,
    },
    /// Asks for a new certificate.
    Renew {
        /// PKCS#10 in PEM, of the present key or of a new one.
        csr: String,
        /// The current key's signature over [`renewal_message`].
        endorsement: Base64,
    },
    /// The certificate of this digest is verified, written and fsynced.
    Installed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
    },
}

/// What a limited session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionAbility {
    /// Send `renew` and `installed`.
    Renew,
    /// An ability that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Settings that members give a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Configuration {
    /// Grows by one with every change.
    pub revision: u64,
    /// The settings; opaque to Gangway.
    #[serde(default)]
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// Points of one time series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// At most [`MAX_SERIES_NAME_LEN`] characters.
    pub name: String,
    /// Instant and value.
    pub points: Vec<(UnixMillis, f64)>,
}

/// The bytes that a device signs to open a session:
/// `gangway session v1` ‖ 00 ‖ nonce ‖ origin ‖ 00 ‖ SHA-256(leaf DER).
///
/// `origin` is the RFC 6454 §6.2 serialisation of the URL the device was configured with (wss → https, ws → http),
/// never one that the server sent: it binds the proof to the server the device meant.
#[must_use]
pub fn proof_message(nonce: &[u8], origin: &str, leaf: &Sha256Hex) -> Vec<u8> {
    [
        b"gangway session v1\0".as_slice(),
        nonce,
        origin.as_bytes(),
        b"\0",
        &leaf.0,
    ]
    .concat()
}

/// The bytes that the current key signs to endorse a renewal: `gangway renew v1` ‖ 00 ‖ SHA-256(CSR DER).
#[must_use]
pub fn renewal_message(csr_der: &[u8]) -> Vec<u8> {
    [b"gangway renew v1\0".as_slice(), &Sha256Hex::of(csr_der).0].concat()
}

fn counter_below_max<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let counter = u64::deserialize(deserializer)?;
    if counter < MAX_COUNTER {
        Ok(counter)
    } else {
        Err(serde::de::Error::custom("the counter must be below 2^53"))
    }
}
