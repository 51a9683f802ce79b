//! The two questions to an authenticator: make a passkey, prove a passkey. What is asked, and whether the reply holds; no
//! database, no accounts.
//!
//! Every passkey is discoverable and every use verifies the person, so that nobody types a name and no password is needed
//! beside it (threat model, ACC-1). webauthn-rs does the checks of WebAuthn Level 3 §7.1 and §7.2; what it leaves to
//! the caller is here.

use gangway_protocol::json::Verbatim;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::authority::Error;
use crate::start_error::StartError;

/// WebAuthn Level 3 §7.1 step 25: longer credential ids are refused.
const MAX_CREDENTIAL_ID_LEN: usize = 1023;
/// Longest assertion that is kept as the proof of an approval. Two kilobytes is a long one.
const MAX_ASSERTION_LEN: usize = 16 * 1024;

/// The relying party.
pub struct Passkeys {
    webauthn: Webauthn,
}

/// Why an authenticator's reply does not count; the text is for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub &'static str);

/// A passkey that has just been made.
pub struct Made {
    /// What verifies it from now on.
    pub passkey: Passkey,
    /// What the authenticator said, as JSON. The person was verified while saying it.
    pub assertion: String,
}

/// A proof that an authenticator gave, not checked yet.
pub struct Proof {
    reply: PublicKeyCredential,
    /// The assertion, as JSON.
    pub assertion: String,
}

impl Passkeys {
    /// The relying party of this URL. Its host is the RP ID: passkeys work there and nowhere else.
    ///
    /// # Errors
    /// When the URL cannot carry passkeys.
    pub fn new(public_url: &Url) -> Result<Self, StartError> {
        let refused = |_| {
            StartError::Refused(format!(
                "public_url is {public_url}, which cannot carry passkeys: it has to be https with a host name, or http://localhost"
            ))
        };
        let host = public_url.domain().unwrap_or_default();
        let builder = WebauthnBuilder::new(host, public_url).map_err(refused)?;
        Ok(Self {
            webauthn: builder.rp_name("Gangway").build().map_err(refused)?,
        })
    }

    /// Asks for a new passkey; gives `PublicKeyCredentialCreationOptionsJSON`, and the state that checks the reply.
    ///
    /// # Errors
    /// Only on faults.
    pub fn start_making(
        &self,
        user_handle: Uuid,
        name: &str,
        known: &[Passkey],
    ) -> Result<(Value, PasskeyRegistration), PasskeyFault> {
        let known: Vec<CredentialID> = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let (options, state) =
            self.webauthn
                .start_passkey_registration(user_handle, name, name, Some(known))?;
        let mut options = serde_json::to_value(options.public_key)?;
        // webauthn-rs asks for `residentKey: discouraged`. Discoverable is what lets a person sign in without a name
        // (WebAuthn Level 3 §5.4.4); `requireResidentKey` says the same to clients of Level 1.
        options["authenticatorSelection"] = json!({
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        });
        Ok((options, state))
    }

    /// Checks the reply to [`Self::start_making`]: `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn finish_making(&self, reply: &Verbatim, state: &PasskeyRegistration) -> Result<Made, Refusal> {
        let reply: RegisterPublicKeyCredential = reply.read().map_err(|_| UNREADABLE)?;
        let passkey = self.webauthn.finish_passkey_registration(&reply, state)?;
        // WebAuthn Level 3 §10.1.3: a client that knows says whether the passkey is discoverable.
        if reply
            .extensions
            .cred_props
            .as_ref()
            .is_some_and(|props| props.rk == Some(false))
        {
            return Err(Refusal(
                "this authenticator cannot keep a passkey that is found without a name: use another one",
            ));
        }
        if passkey.cred_id().len() > MAX_CREDENTIAL_ID_LEN {
            return Err(UNREADABLE);
        }
        let response = &reply.response;
        let assertion = evidence(&json!({
            "id": reply.id,
            "clientDataJSON": base64url(&response.client_data_json),
            "attestationObject": base64url(&response.attestation_object),
        }))?;
        Ok(Made { passkey, assertion })
    }

    /// Asks for a proof: of any passkey that the authenticator finds, or of one of `allowed`. Gives
    /// `PublicKeyCredentialRequestOptionsJSON`, and the state that checks the reply.
    ///
    /// # Errors
    /// Only on faults.
    pub fn start_proving(
        &self,
        allowed: &[Passkey],
    ) -> Result<(Value, DiscoverableAuthentication), PasskeyFault> {
        let (options, state) = self.webauthn.start_discoverable_authentication()?;
        let mut options = serde_json::to_value(options.public_key)?;
        options["allowCredentials"] = allowed
            .iter()
            .map(|passkey| json!({ "type": "public-key", "id": base64url(passkey.cred_id()) }))
            .collect();
        Ok((options, state))
    }

    /// Checks a proof against the passkey it names and brings that passkey up to date.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(
        &self,
        proof: &Proof,
        state: DiscoverableAuthentication,
        passkey: &mut Passkey,
    ) -> Result<(), Refusal> {
        let result = self
            .webauthn
            .finish_discoverable_authentication_v2(&proof.reply, state, &*passkey)?;
        passkey.update_credential(&result).ok_or(UNREADABLE)?;
        Ok(())
    }
}

impl Proof {
    /// Reads `AuthenticationResponseJSON`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read(reply: &Verbatim) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ClientData {
            #[serde(default)]
            cross_origin: bool,
        }
        let reply: PublicKeyCredential = reply.read().map_err(|_| UNREADABLE)?;
        let response = &reply.response;
        let client_data: ClientData =
            serde_json::from_slice(&response.client_data_json).map_err(|_| UNREADABLE)?;
        if reply.raw_id.len() > MAX_CREDENTIAL_ID_LEN {
            return Err(UNREADABLE);
        }
        // WebAuthn Level 3 §7.2 step 14: webauthn-rs checks it at registration alone.
        if client_data.cross_origin {
            return Err(FOREIGN);
        }
        let assertion = evidence(&json!({
            "id": reply.id,
            "clientDataJSON": base64url(&response.client_data_json),
            "authenticatorData": base64url(&response.authenticator_data),
            "signature": base64url(&response.signature),
        }))?;
        Ok(Self { reply, assertion })
    }

    /// The id of the passkey, as stored.
    #[must_use]
    pub fn credential_id(&self) -> String {
        base64url(self.reply.get_credential_id())
    }

    /// Whether the authenticator names this user. Where nobody was asked for, it has to (WebAuthn Level 3 §7.2 step 6).
    #[must_use]
    pub fn is_of(&self, user_handle: &str) -> Option<bool> {
        let named = self.reply.get_user_unique_id()?;
        Some(Uuid::from_slice(named).is_ok_and(|named| named.to_string() == user_handle))
    }
}

/// The id of a passkey, as stored: base64url without padding, as on the wire.
#[must_use]
pub fn credential_id(passkey: &Passkey) -> String {
    base64url(passkey.cred_id())
}

/// A fault of ours: webauthn-rs refused what only we give it, or JSON did not come out of it.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyFault {
    /// webauthn-rs.
    #[error("webauthn-rs: {0}")]
    Webauthn(#[from] WebauthnError),
    /// JSON.
    #[error("passkey options as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

const UNREADABLE: Refusal =
    Refusal("the authenticator's reply could not be read: try again, or use another passkey");
const FOREIGN: Refusal =
    Refusal("this was not done at this server's address: open Gangway at its own address and try again");

impl From<WebauthnError> for Refusal {
    fn from(error: WebauthnError) -> Self {
        use WebauthnError as E;
        match error {
            E::InvalidRPOrigin | E::InvalidRPIDHash | E::CredentialCrossOrigin => FOREIGN,
            E::MismatchedChallenge | E::InvalidClientDataType => {
                Self("this reply belongs to another attempt: try again")
            }
            E::UserNotPresent | E::UserNotVerified => Self(
                "the authenticator did not verify you: it has to ask for a PIN, a fingerprint or your face",
            ),
            E::CredentialPossibleCompromise => Self(
                "this passkey's counter did not go up, as if it had been copied: sign in with another passkey, remove this one and make a new one",
            ),
            E::CredentialBackupEligibilityInconsistent | E::CredentialMayNotBeHardwareBound => {
                Self("this passkey has changed its nature since it was made: remove it and make a new one")
            }
            E::AuthenticationFailure => {
                Self("the passkey's signature is wrong: try again, or use another one")
            }
            _ => UNREADABLE,
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

fn evidence(assertion: &Value) -> Result<String, Refusal> {
    let text = assertion.to_string();
    if text.len() > MAX_ASSERTION_LEN {
        return Err(UNREADABLE);
    }
    Ok(text)
}

impl From<Refusal> for Error {
    fn from(Refusal(words): Refusal) -> Self {
        Self::PasskeyRefused(words)
    }
}
