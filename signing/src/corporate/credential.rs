//! What Gangway's server shows a corporate CA: read from the file that an operator gives, sealed at rest, printed nowhere.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::SignerKind;
use serde::{Deserialize, Serialize};

/// Longest text of a secret: a key in PEM with its chain.
const MAX_LEN: usize = 32 * 1024;

/// A credential, by the kind of CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorporateCredential {
    /// For EST.
    Est(EstCredential),
    /// For step-ca.
    StepCa(ProvisionerKey),
    /// For Vault.
    Vault(VaultCredential),
}

/// RFC 7030 §3.2.3 and §3.3.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum EstCredential {
    /// HTTP Basic.
    Basic {
        /// The user's name.
        username: String,
        /// Their password.
        password: SecretString,
    },
    /// A client certificate of TLS.
    Certificate(TlsIdentity),
}

/// A client certificate of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsIdentity {
    /// PEM, the client's own first.
    pub certificate: String,
    /// PEM.
    pub private_key: SecretString,
}

/// The private key of a JWK provisioner, as a JWK (RFC 7517). What else stands in it says nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionerKey {
    /// By which the CA finds it.
    pub kid: String,
    /// The curve: `P-256`, `P-384` or `Ed25519`.
    pub crv: String,
    /// The public key's first coordinate, base64url.
    pub x: String,
    /// Its second one; Ed25519 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The private key, base64url.
    pub d: SecretString,
}

/// A token, or an AppRole, which gives one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum VaultCredential {
    /// A token. It has to outlive the signer, or be replaced.
    Token {
        /// `hvs.…`
        token: SecretString,
    },
    /// An AppRole.
    AppRole {
        /// Its id.
        role_id: String,
        /// A secret id.
        secret_id: SecretString,
    },
}

/// What of a file cannot be taken. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCredential {
    /// The kind has none that the server would hold.
    #[error("a signer of this kind has no credential that the server holds")]
    Kind,
    /// It is not the JSON that the kind needs.
    #[error("the credential is JSON of the form {form}")]
    Form {
        /// Which form.
        form: &'static str,
    },
    /// A part of it cannot be sent.
    #[error("{field} has 1 to {MAX_LEN} characters, and none that a header or a file of PEM has not")]
    Text {
        /// Which part.
        field: &'static str,
    },
    /// The key is of another kind.
    #[error(
        "the provisioner’s key is a private JWK with kid, x and d: of the curve P-256 or P-384 with y, or Ed25519. `step crypto jwe \
         decrypt` gives it from the encryptedKey of the provisioner"
    )]
    Key,
}

impl CorporateCredential {
    /// Reads the credential for a signer of this kind.
    ///
    /// # Errors
    /// What is wrong with it, without saying any of it.
    pub fn read(kind: &SignerKind, file: &[u8]) -> Result<Self, UnfitCredential> {
        let form = |form| move |_| UnfitCredential::Form { form };
        let credential = match kind {
            SignerKind::Est(_) => json::read(file).map(Self::Est).map_err(form(
                r#"{"username": …, "password": …} or {"certificate": PEM, "private_key": PEM}"#,
            )),
            SignerKind::StepCa(_) => json::read(file)
                .map(Self::StepCa)
                .map_err(|_| UnfitCredential::Key),
            SignerKind::Vault(_) => json::read(file)
                .map(Self::Vault)
                .map_err(form(r#"{"token": …} or {"role_id": …, "secret_id": …}"#)),
            SignerKind::Builtin | SignerKind::AwsIot(_) | SignerKind::PlgdHub(_) | SignerKind::Unknown => {
                Err(UnfitCredential::Kind)
            }
        }?;
        credential.check()?;
        Ok(credential)
    }

    /// What [`Self::read`] reads again.
    ///
    /// # Errors
    /// None that such a value has.
    pub fn write(&self) -> Result<SecretString, serde_json::Error> {
        match self {
            Self::Est(credential) => serde_json::to_string(credential),
            Self::StepCa(key) => serde_json::to_string(key),
            Self::Vault(credential) => serde_json::to_string(credential),
        }
        .map(SecretString::new)
    }

    /// What is shown in the TLS handshake.
    #[must_use]
    pub fn tls_identity(&self) -> Option<&TlsIdentity> {
        match self {
            Self::Est(EstCredential::Certificate(identity)) => Some(identity),
            _ => None,
        }
    }

    /// The key that signs tokens.
    #[must_use]
    pub fn provisioner_key(&self) -> Option<&ProvisionerKey> {
        match self {
            Self::StepCa(key) => Some(key),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), UnfitCredential> {
        match self {
            Self::Est(EstCredential::Basic { username, password }) => {
                // RFC 7617 §2.
                if username.contains(':') {
                    return Err(UnfitCredential::Text { field: "username" });
                }
                check_text("username", username)?;
                check_text("password", password.expose())
            }
            Self::Est(EstCredential::Certificate(identity)) => {
                check_pem("certificate", &identity.certificate)?;
                check_pem("private_key", identity.private_key.expose())
            }
            Self::StepCa(key) => key.check(),
            Self::Vault(VaultCredential::Token { token }) => check_text("token", token.expose()),
            Self::Vault(VaultCredential::AppRole { role_id, secret_id }) => {
                check_text("role_id", role_id)?;
                check_text("secret_id", secret_id.expose())
            }
        }
    }
}

impl ProvisionerKey {
    /// RFC 7518 §3.1, RFC 8037 §3.1.
    pub(super) fn algorithm(&self) -> Option<&'static str> {
        match self.crv.as_str() {
            "P-256" => Some("ES256"),
            "P-384" => Some("ES384"),
            "Ed25519" => Some("EdDSA"),
            _ => None,
        }
    }

    /// A number of the key, as it is in base64url.
    #[must_use]
    pub fn bytes(text: &str) -> Option<Vec<u8>> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()
    }

    fn check(&self) -> Result<(), UnfitCredential> {
        let size = match self.crv.as_str() {
            "P-384" => 48,
            _ => 32,
        };
        let is_number = |text: &str| Self::bytes(text).is_some_and(|bytes| bytes.len() == size);
        let has_y = match self.algorithm() {
            Some("EdDSA") => self.y.is_none(),
            Some(_) => self.y.as_deref().is_some_and(is_number),
            None => false,
        };
        if has_y && is_number(&self.x) && is_number(self.d.expose()) && check_text("kid", &self.kid).is_ok() {
            return Ok(());
        }
        Err(UnfitCredential::Key)
    }
}

/// What goes into a header or a body.
fn check_text(field: &'static str, text: &str) -> Result<(), UnfitCredential> {
    let fits = !text.is_empty() && text.len() <= MAX_LEN && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or(UnfitCredential::Text { field })
}

fn check_pem(field: &'static str, text: &str) -> Result<(), UnfitCredential> {
    let fits = text.len() <= MAX_LEN && text.contains("-----BEGIN ");
    fits.then_some(()).ok_or(UnfitCredential::Text { field })
}
