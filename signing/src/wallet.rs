//! Credentials for signers, in memory alone: they stay in the browser or the command line, and never come to our server.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gangway_protocol::id::SignerId;
use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::SignInError;

/// What a credential has to be good for beyond now: the requests of one signing.
const MARGIN: i64 = 30 * UnixMillis::SECOND;

/// What is held for each signer, across crossings. It is never written anywhere.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    held: HashMap<SignerId, Held>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    aws: Option<AwsCredentials>,
    session: Option<Tokens>,
}

impl Wallet {
    /// Keeps credentials of AWS for a signer, in the place of former ones.
    pub fn put_aws(&mut self, signer: SignerId, credentials: AwsCredentials) {
        self.held.entry(signer).or_default().aws = Some(credentials);
    }

    /// Keeps the tokens of a sign-in for a signer, in the place of former ones.
    pub(crate) fn put_session(&mut self, signer: SignerId, tokens: Tokens) {
        self.held.entry(signer).or_default().session = Some(tokens);
    }

    /// Forgets what is kept for a signer: it was refused.
    pub fn forget(&mut self, signer: &SignerId) {
        self.held.remove(signer);
    }

    /// The credentials of AWS for a signer that are good for another signing.
    #[must_use]
    pub fn aws(&self, signer: &SignerId, now: UnixMillis) -> Option<&AwsCredentials> {
        let credentials = self.held.get(signer)?.aws.as_ref()?;
        Some(credentials).filter(|credentials| credentials.is_good(now))
    }

    /// The tokens for a signer that are good for another signing.
    pub(crate) fn tokens(&self, signer: &SignerId, now: UnixMillis) -> Option<&Tokens> {
        self.session(signer).filter(|tokens| tokens.is_good(now))
    }

    /// The tokens for a signer, good or not.
    pub(crate) fn session(&self, signer: &SignerId) -> Option<&Tokens> {
        self.held.get(signer)?.session.as_ref()
    }
}

fn lasts(expires_at: Option<UnixMillis>, now: UnixMillis) -> bool {
    expires_at.is_none_or(|end| now.plus(MARGIN) < end)
}

/// Tokens of a sign-in (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access_token: SecretString,
    pub(crate) id_token: Option<SecretString>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) expires_at: Option<UnixMillis>,
    /// Where they came from.
    pub(crate) token_endpoint: String,
}

impl Tokens {
    pub(crate) fn is_good(&self, now: UnixMillis) -> bool {
        lasts(self.expires_at, now)
    }

    /// The identity token.
    pub(crate) fn identity(&self) -> Result<&SecretString, SignInError> {
        self.id_token.as_ref().ok_or_else(|| SignInError::Misconfigured {
            detail: "the authority gave no identity token".to_owned(),
        })
    }
}

/// What an identity token says. It came from the authority itself and is not verified here: whoever takes it does that.
#[derive(Deserialize)]
pub(crate) struct Claims {
    email: Option<String>,
    preferred_username: Option<String>,
    sub: Option<String>,
}

impl Claims {
    pub(crate) fn of(token: &SecretString) -> Option<Self> {
        payload(token)
    }

    /// A name for whoever signed in.
    pub(crate) fn name(self) -> Option<String> {
        self.email.or(self.preferred_username).or(self.sub)
    }
}

/// The nonce of an identity token, whatever else it says.
pub(crate) fn nonce_of(token: &SecretString) -> Option<String> {
    #[derive(Deserialize)]
    struct Nonce {
        nonce: String,
    }
    payload::<Nonce>(token).map(|claims| claims.nonce)
}

/// A claim of an access token, where that is a JWT and the claim is text (RFC 9068).
pub(crate) fn claim_of(token: &SecretString, name: &str) -> Option<String> {
    let claims: serde_json::Map<String, serde_json::Value> = payload(token)?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// The payload of a JWT (RFC 7519 §3).
fn payload<T: DeserializeOwned>(token: &SecretString) -> Option<T> {
    let payload = token.expose().split('.').nth(1)?;
    json::read(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Credentials of AWS (IAM User Guide, “Temporary security credentials”).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    /// `ASIA…` for temporary ones, `AKIA…` for those of a user.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: SecretString,
    /// Temporary ones have one.
    pub session_token: Option<SecretString>,
    /// When they end, where that is known.
    pub expires_at: Option<UnixMillis>,
}

impl AwsCredentials {
    /// Whether they last for another signing, as far as is known.
    #[must_use]
    pub fn is_good(&self, now: UnixMillis) -> bool {
        lasts(self.expires_at, now)
    }

    /// Reads what AWS shows under “Command line or programmatic access”, in any of its forms: environment variables of each
    /// shell, a profile of the credentials file, or the JSON of a credential process. What is said twice counts last.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn read(text: &str) -> Result<Self, UnreadableCredentials> {
        let mut found = Self {
            access_key_id: String::new(),
            secret_access_key: SecretString::new(String::new()),
            session_token: None,
            expires_at: None,
        };
        for piece in text.split(['\n', '\r', ',', '{', '}', ';']) {
            let piece = piece.trim();
            let piece = ["export ", "set ", "SET ", "$Env:", "$env:"]
                .iter()
                .find_map(|prefix| piece.strip_prefix(prefix))
                .unwrap_or(piece);
            let Some((name, value)) = piece.split_once(['=', ':']) else {
                continue;
            };
            let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
            let (name, value) = (bare(name).to_ascii_lowercase().replace('_', ""), bare(value));
            if value.is_empty() {
                continue;
            }
            match name.strip_prefix("aws").unwrap_or(&name) {
                "accesskeyid" => found.access_key_id = value,
                "secretaccesskey" | "secretkey" => found.secret_access_key = SecretString::new(value),
                "sessiontoken" | "securitytoken" => found.session_token = Some(SecretString::new(value)),
                "expiration" | "credentialexpiration" => found.expires_at = moment(&value),
                _ => {}
            }
        }
        found.check()
    }

    fn check(self) -> Result<Self, UnreadableCredentials> {
        if self.access_key_id.is_empty() || self.secret_access_key.expose().is_empty() {
            return Err(UnreadableCredentials::Incomplete);
        }
        if self.access_key_id.starts_with("ASIA") && self.session_token.is_none() {
            return Err(UnreadableCredentials::NoSessionToken);
        }
        Ok(self)
    }
}

/// A moment as AWS writes it (RFC 3339).
pub(crate) fn moment(text: &str) -> Option<UnixMillis> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(UnixMillis(at.unix_timestamp() * UnixMillis::SECOND))
}

/// A moment as AWS's JSON has it: seconds, perhaps with a fraction.
pub(crate) fn since_1970(secs: f64) -> Option<UnixMillis> {
    let since = Duration::try_from_secs_f64(secs).ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}

/// Why pasted credentials are not taken. `Display` is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableCredentials {
    /// A part is missing.
    #[error("an access key id and a secret access key are needed: copy the whole block that AWS shows")]
    Incomplete,
    /// Temporary credentials are worth nothing without it.
    #[error(
        "temporary credentials (ASIA…) need their session token too: copy the whole block that AWS shows"
    )]
    NoSessionToken,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_that_aws_shows_is_read() {
        for text in [
            "export AWS_ACCESS_KEY_ID=\"ASIAX\"\nexport AWS_SECRET_ACCESS_KEY=\"s/e+c=\"\nexport AWS_SESSION_TOKEN=\"t==\"\n",
            "SET AWS_ACCESS_KEY_ID=ASIAX\r\nSET AWS_SECRET_ACCESS_KEY=s/e+c=\r\nSET AWS_SESSION_TOKEN=t==\r\n",
            "$Env:AWS_ACCESS_KEY_ID=\"ASIAX\"\n$Env:AWS_SECRET_ACCESS_KEY=\"s/e+c=\"\n$Env:AWS_SESSION_TOKEN=\"t==\"",
            "[default]\naws_access_key_id = ASIAX\naws_secret_access_key = s/e+c=\naws_session_token = t==\n",
            r#"{"Version": 1, "AccessKeyId": "ASIAX", "SecretAccessKey": "s/e+c=", "SessionToken": "t==", "Expiration": "2026-11-27T12:00:00Z"}"#,
            r#"{"Credentials": {"AccessKeyId": "ASIAX", "SecretKey": "s/e+c=", "SessionToken": "t=="}}"#,
        ] {
            let read = AwsCredentials::read(text).expect(text);
            assert_eq!(read.access_key_id, "ASIAX");
            assert_eq!(read.secret_access_key.expose(), "s/e+c=");
            assert_eq!(read.session_token.expect("a token").expose(), "t==");
            assert_eq!(
                read.expires_at.is_some(),
                text.contains("2026-11-27"),
                "its end is read where it is told"
            );
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        assert_eq!(
            AwsCredentials::read("AWS_ACCESS_KEY_ID=AKIAX"),
            Err(UnreadableCredentials::Incomplete)
        );
        assert_eq!(
            AwsCredentials::read("AWS_ACCESS_KEY_ID=ASIAX\nAWS_SECRET_ACCESS_KEY=x"),
            Err(UnreadableCredentials::NoSessionToken)
        );
        let own = "AWS_ACCESS_KEY_ID=AKIAX\nAWS_SECRET_ACCESS_KEY=x\nAWS_SESSION_TOKEN=\n";
        let own = AwsCredentials::read(own).expect("a user's own keys");
        assert_eq!(own.session_token, None, "nothing is not a token");
        assert_eq!(
            AwsCredentials::read("AWS_ACCESS_KEY_ID=ASIAX\nAWS_SECRET_ACCESS_KEY=x\nAWS_SESSION_TOKEN="),
            Err(UnreadableCredentials::NoSessionToken)
        );
    }

    /// Threat model: ENR-27.
    #[test]
    fn a_wallet_gives_nothing_that_is_about_to_end_and_shows_no_secret() {
        let signer: SignerId = "sgn_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id");
        let mut wallet = Wallet::default();
        wallet.put_aws(
            signer.clone(),
            AwsCredentials {
                access_key_id: "ASIAX".to_owned(),
                secret_access_key: SecretString::new("s3cret".to_owned()),
                session_token: None,
                expires_at: Some(UnixMillis(100_000)),
            },
        );
        assert!(wallet.aws(&signer, UnixMillis(0)).is_some());
        assert!(wallet.aws(&signer, UnixMillis(80_000)).is_none());
        assert!(!format!("{wallet:?}").contains("s3cret"));
        wallet.forget(&signer);
        assert!(wallet.aws(&signer, UnixMillis(0)).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in "(?s).{0,300}") {
            let _ = AwsCredentials::read(&text);
        }
    }
}
