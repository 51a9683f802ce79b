//! What the device software tells whoever embeds or watches it. `--json` prints exactly these, one object per line;
//! `device/README.md` lists them.

use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::enrolment::ReplaceReason;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;
use serde::Serialize;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The software runs.
    Started {
        /// Origin of the server.
        server: String,
        /// Version of the software.
        software_version: &'static str,
        /// Digest of the device key's SubjectPublicKeyInfo.
        key_sha256: Sha256Hex,
    },
    /// A new code stands: show it, and never log it.
    Code(CodeShown),
    /// The device waits at the server, under the code that was shown last.
    Waiting {
        /// For how long that code is good.
        expires_in_secs: u64,
    },
    /// The code that was shown last is no longer good; another follows.
    CodeWithdrawn {
        /// Why.
        reason: ReplaceReason,
    },
    /// Somebody tried a wrong code, or gave up in the middle.
    AttemptFailed {
        /// Failed attempts at this code.
        count: u32,
        /// Attempts until it is withdrawn.
        remaining: u32,
    },
    /// Too many failed attempts within an hour: no code is shown for a while.
    Paused {
        /// For how long.
        resumes_in_secs: u64,
    },
    /// Somebody typed the right code and sees this device now.
    Claimed {},
    /// An organisation wants this device: answer yes or no.
    ApprovalAsked {
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
        /// Origin of the panel in which it was approved.
        panel: String,
    },
    /// The device agreed.
    Accepted {
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
    },
    /// Somebody said no.
    Refused {
        /// Who.
        by: Refuser,
        /// In words.
        reason: String,
    },
    /// An attempt with the right code ended without a result; the code remains good.
    ClaimEnded {
        /// In words.
        reason: String,
    },
    /// A certificate is verified and written; a session has to prove it yet.
    Installed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
        /// End of its validity.
        not_after: UnixMillis,
    },
    /// A session stands.
    Online {
        /// Who the device is at the server.
        device: DeviceId,
        /// Where it belongs.
        organisation: OrganisationId,
        /// The certificate it was opened with.
        certificate_sha256: Sha256Hex,
    },
    /// A session stands, in which the device may do little or nothing.
    Limited {
        /// Who the device is at the server.
        device: DeviceId,
        /// In words: why, and who can change it.
        reason: String,
    },
    /// A newer certificate has been proved and took the place of the old one.
    Renewed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
        /// End of its validity.
        not_after: UnixMillis,
    },
    /// The settings that members gave the device.
    Configuration(Configuration),
    /// Somebody looks for the device: blink, beep, print.
    Identify {},
    /// The certificate was revoked; the key is set aside, and a new code follows.
    Revoked {
        /// In words.
        reason: String,
    },
    /// The connection is gone.
    Offline {
        /// In words.
        reason: String,
        /// When the next attempt begins.
        retry_in_secs: u64,
    },
    /// Something went wrong.
    Error(Trouble),
}

/// A code as a device shows it.
#[derive(Clone, PartialEq, Serialize)]
pub struct CodeShown {
    /// `BCDF-GHJKLM`.
    pub user_code: SecretString,
    /// The page to open.
    pub verification_uri: String,
    /// The same with the code as its fragment, for a QR code.
    pub verification_uri_complete: SecretString,
    /// For how long it is good.
    pub expires_in_secs: u64,
}

impl CodeShown {
    /// `code` on the page `verification_uri`.
    #[must_use]
    pub fn new(code: &UserCode, verification_uri: &str, expires_in_secs: u64) -> Self {
        Self {
            user_code: SecretString::new(code.display()),
            verification_uri: verification_uri.to_owned(),
            verification_uri_complete: SecretString::new(format!("{verification_uri}#{}", code.fragment())),
            expires_in_secs,
        }
    }
}

impl std::fmt::Debug for CodeShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeShown")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in_secs", &self.expires_in_secs)
            .finish_non_exhaustive()
    }
}

/// Who said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refuser {
    /// The person at the device.
    Person,
    /// The device itself: what the claimant offered is not what the server recorded.
    Device,
    /// The person in the browser.
    Claimant,
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// For programs: a problem code of the protocol, or one of this software.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Trouble {
    /// Puts the three together.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &Event) -> String {
        serde_json::to_string(event).expect("JSON")
    }

    #[test]
    fn what_programs_rely_on_stays() {
        let code = UserCode::read("BCDF-GHJKLM").expect("a code");
        let code = Event::Code(CodeShown::new(&code, "https://panel.example/link", 600));
        assert_eq!(
            json(&code),
            r#"{"event":"code","user_code":"BCDF-GHJKLM","verification_uri":"https://panel.example/link","verification_uri_complete":"https://panel.example/link#BCDFGHJKLM","expires_in_secs":600}"#
        );
        let installed = Event::Installed {
            certificate_sha256: Sha256Hex([0xab; 32]),
            not_after: UnixMillis(7),
        };
        let sha = "ab".repeat(32);
        assert_eq!(
            json(&installed),
            format!(r#"{{"event":"installed","certificate_sha256":"{sha}","not_after":7}}"#)
        );
        let failed = Event::AttemptFailed {
            count: 1,
            remaining: 2,
        };
        assert_eq!(
            json(&failed),
            r#"{"event":"attempt_failed","count":1,"remaining":2}"#
        );
        assert_eq!(json(&Event::Claimed {}), r#"{"event":"claimed"}"#);
        let refused = Event::Refused {
            by: Refuser::Claimant,
            reason: "not mine".to_owned(),
        };
        assert_eq!(
            json(&refused),
            r#"{"event":"refused","by":"claimant","reason":"not mine"}"#
        );
        let error = Event::Error(Trouble::new("busy", "The server is busy.", "Wait."));
        assert_eq!(
            json(&error),
            r#"{"event":"error","code":"busy","message":"The server is busy.","remedy":"Wait."}"#
        );
    }

    /// Threat model: ENR-12.
    #[test]
    fn a_code_is_not_printed_by_debug() {
        let code = UserCode::read("BCDF-GHJKLM").expect("a code");
        let event = Event::Code(CodeShown::new(&code, "https://panel.example/link", 600));
        assert!(!format!("{event:?}").contains("GHJKLM"));
    }
}
