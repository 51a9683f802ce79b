//! Credentials for signers, in memory alone: they stay in the browser or the command line, and never come to our server.

use std::collections::HashMap;

use gangway_protocol::id::SignerId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

/// What a credential has to be good for beyond now: the requests of one signing.
const MARGIN: i64 = 30 * UnixMillis::SECOND;

/// Credentials of each signer, across crossings. It is never written anywhere.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    aws: HashMap<SignerId, AwsCredentials>,
}

impl Wallet {
    /// Keeps credentials for a signer, in the place of former ones.
    pub fn put_aws(&mut self, signer: SignerId, credentials: AwsCredentials) {
        self.aws.insert(signer, credentials);
    }

    /// Forgets what is kept for a signer: it was refused.
    pub fn forget(&mut self, signer: &SignerId) {
        self.aws.remove(signer);
    }

    /// The credentials for a signer that are good for another signing.
    #[must_use]
    pub fn aws(&self, signer: &SignerId, now: UnixMillis) -> Option<&AwsCredentials> {
        self.aws
            .get(signer)
            .filter(|credentials| credentials.is_good(now))
    }
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
        self.expires_at.is_none_or(|end| now.plus(MARGIN) < end)
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
            match name.strip_prefix("aws").unwrap_or(&name) {
                "accesskeyid" => found.access_key_id = value,
                "secretaccesskey" | "secretkey" => found.secret_access_key = SecretString::new(value),
                "sessiontoken" | "securitytoken" => found.session_token = Some(SecretString::new(value)),
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
        AwsCredentials::read("AWS_ACCESS_KEY_ID=AKIAX\nAWS_SECRET_ACCESS_KEY=x").expect("a user's own keys");
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
        fn no_text_makes_the_reader_fail(text in ".{0,300}") {
            let _ = AwsCredentials::read(&text);
        }
    }
}
