//! What is said, and the bytes under its signature: those that Go's `encoding/json` writes of it, with an empty signature, in the order of
//! its fields. The protocol has no other rule for that, and a client in another language has to write the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::id::DeviceId;
use ring::hmac::{self, HMAC_SHA256};
use serde::{Deserialize, Serialize};

use crate::authority::{Error, Result};

/// Longest `deviceID`: ub-common-name of X.520 §6.2.
const MAX_ID_LEN: usize = 64;
/// Longest `ip` and `mac`.
const MAX_ADDRESS_LEN: usize = 128;

/// A device asks for a certificate.
#[derive(Debug, Deserialize)]
pub(super) struct ProvisionRequest {
    /// By which name it is known.
    #[serde(rename = "deviceID", default)]
    pub(super) device_id: String,
    /// Its address, as it sees it.
    #[serde(default)]
    pub(super) ip: String,
    /// Its hardware address.
    #[serde(default)]
    pub(super) mac: String,
    /// Its public key, PEM of a SubjectPublicKeyInfo.
    #[serde(rename = "publicKeyPEM", default)]
    pub(super) public_key_pem: String,
    /// base64 of the HMAC by its secret.
    #[serde(default)]
    pub(super) signature: String,
}

impl ProvisionRequest {
    /// Makes sure that what has to be there is there, and is text.
    ///
    /// # Errors
    /// [`Error::Malformed`], as the protocol answers it.
    pub(super) fn check(&self) -> Result<()> {
        for (name, text) in [
            ("deviceID", &self.device_id),
            ("ip", &self.ip),
            ("publicKeyPEM", &self.public_key_pem),
        ] {
            if text.is_empty() {
                return Err(Error::Malformed(format!("{name} is missing")));
            }
        }
        if self.device_id.chars().count() > MAX_ID_LEN {
            return Err(Error::Malformed(format!(
                "deviceID has more than {MAX_ID_LEN} characters"
            )));
        }
        // It becomes the name in a certificate: nobody else's shall stand there.
        if self.device_id.parse::<DeviceId>().is_ok() {
            return Err(Error::Malformed(
                "deviceID is one that this server gives itself".to_owned(),
            ));
        }
        for (name, text) in [("ip", &self.ip), ("mac", &self.mac)] {
            if text.chars().count() > MAX_ADDRESS_LEN || text.chars().any(char::is_control) {
                return Err(Error::Malformed(format!("{name} is no address")));
            }
        }
        Ok(())
    }

    /// Whether the signature is by this secret.
    pub(super) fn is_signed_by(&self, secret: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(self.signature.as_bytes()) else {
            return false;
        };
        let mut message = Object::default();
        message.text("deviceID", &self.device_id);
        message.text("ip", &self.ip);
        message.text("mac", &self.mac);
        message.text("publicKeyPEM", &self.public_key_pem);
        message.text("signature", "");
        hmac::verify(
            &hmac::Key::new(HMAC_SHA256, secret),
            &message.closed(),
            &signature,
        )
        .is_ok()
    }
}

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Status {
    Approved,
    Waiting,
    Rejected,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Waiting => "Waiting",
            Self::Rejected => "Rejected",
        }
    }
}

/// What a device is answered.
#[derive(Debug, Serialize)]
pub(super) struct ProvisionResponse {
    /// Approved: when it renews at best; otherwise when it asks again.
    #[serde(rename = "retrySec", skip_serializing_if = "is_none")]
    retry_sec: u32,
    status: Status,
    #[serde(rename = "caCert")]
    ca_cert: String,
    #[serde(rename = "clientCert")]
    client_cert: String,
    signature: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(secs: &u32) -> bool {
    *secs == 0
}

impl ProvisionResponse {
    /// There is no certificate. Such an answer has no signature.
    pub(super) fn without(status: Status, retry_sec: u32) -> Self {
        Self {
            retry_sec,
            status,
            ca_cert: String::new(),
            client_cert: String::new(),
            signature: String::new(),
        }
    }

    /// A certificate and its CA's, PEM, signed by the secret of the device; by an empty one for a device that came with its certificate.
    pub(super) fn approved(ca_cert: String, client_cert: String, renew_in_secs: u32, secret: &[u8]) -> Self {
        let mut response = Self {
            retry_sec: renew_in_secs,
            status: Status::Approved,
            ca_cert,
            client_cert,
            signature: String::new(),
        };
        let signature = hmac::sign(&hmac::Key::new(HMAC_SHA256, secret), &response.signed());
        response.signature = STANDARD.encode(signature);
        response
    }

    fn signed(&self) -> Vec<u8> {
        let mut message = Object::default();
        if self.retry_sec != 0 {
            message.number("retrySec", self.retry_sec);
        }
        message.text("status", self.status.as_str());
        message.text("caCert", &self.ca_cert);
        message.text("clientCert", &self.client_cert);
        message.text("signature", "");
        message.closed()
    }
}

/// An object as Go writes it: compact, and with `<`, `>` and `&` escaped, because its JSON may stand in HTML.
#[derive(Default)]
struct Object(String);

impl Object {
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    fn number(&mut self, name: &str, value: u32) {
        self.name(name);
        self.0.push_str(&value.to_string());
    }

    fn closed(mut self) -> Vec<u8> {
        self.0.push('}');
        self.0.into_bytes()
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.quoted(name);
        self.0.push(':');
    }

    fn quoted(&mut self, text: &str) {
        let mut quoted = serde_json::Value::from(text).to_string();
        for escaped in ['<', '>', '&', '\u{2028}', '\u{2029}'] {
            quoted = quoted.replace(escaped, &format!("\\u{:04x}", u32::from(escaped)));
        }
        self.0.push_str(&quoted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `json.Marshal` of Go writes of `struct{ A string }` with this text.
    #[test]
    fn texts_are_written_as_go_writes_them() {
        let mut object = Object::default();
        object.text("A", "<a href=\"x\">&\\\n\r\t\u{1}\u{2028}ü/+=");
        let expected = r#"{"A":"\u003ca href=\"x\"\u003e\u0026\\\n\r\t\u0001\u2028ü/+="}"#;
        assert_eq!(String::from_utf8(object.closed()).expect("text"), expected);
    }

    fn request(signature: &str) -> ProvisionRequest {
        ProvisionRequest {
            device_id: "thermometer-7".to_owned(),
            ip: "192.0.2.7".to_owned(),
            mac: "AA:BB:CC:DD:EE:FF".to_owned(),
            public_key_pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(),
            signature: signature.to_owned(),
        }
    }

    /// By `hmac.new(b"secret", json.dumps(request, separators=(",", ":")).encode(), "sha256")` of Python, whose output Go's equals here.
    #[test]
    fn a_request_is_signed_over_its_fields_in_their_order() {
        let signed = request("roTDqLLGgmmzR+3OV+uKNK4NWUlNoiuQ4D3laIO1P/k=");
        assert!(signed.is_signed_by(b"secret"));
        assert!(!signed.is_signed_by(b"Secret"));
        for forged in ["", "AAAA", "not base64"] {
            assert!(!request(forged).is_signed_by(b"secret"), "{forged}");
        }
    }
}
