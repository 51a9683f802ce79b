//! What the device software tells whoever embeds or watches it. `--json` prints exactly these, one object per line;
//! `device/README.md` lists them.

use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::enrolment::ReplaceReason;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Something that happened. Later versions tell more: match with `_` and `..`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The software runs.
    #[non_exhaustive]
    Started {
        /// Origin of the server.
        server: String,
        /// Version of the software.
        software_version: String,
        /// Digest of the device key's SubjectPublicKeyInfo.
        key_sha256: Sha256Hex,
    },
    /// A new code stands: show it, and never log it.
    Code(CodeShown),
    /// The device waits at the server, under the code that was shown last.
    #[non_exhaustive]
    Waiting {
        /// For how long that code is good.
        expires_in_secs: u64,
    },
    /// The code that was shown last is no longer good; another follows.
    #[non_exhaustive]
    CodeWithdrawn {
        /// Why.
        reason: ReplaceReason,
    },
    /// The device has told the server what it joins with; the server decides.
    #[non_exhaustive]
    PermitPresented {
        /// Its half that is no secret: of a registration key or ticket, or the device id.
        lookup: String,
    },
    /// Nobody has decided yet whether the device may join: it asks again.
    #[non_exhaustive]
    InLobby {
        /// In words.
        reason: String,
        /// When.
        retry_in_secs: u64,
    },
    /// The device may not join by what it has, or something broke: it asks again.
    #[non_exhaustive]
    NotJoined {
        /// In words.
        reason: String,
        /// When.
        retry_in_secs: u64,
    },
    /// Somebody tried a wrong code, or gave up in the middle.
    #[non_exhaustive]
    AttemptFailed {
        /// Failed attempts at this code.
        count: u32,
        /// Attempts until it is withdrawn.
        remaining: u32,
    },
    /// Too many failed attempts within an hour: no code is shown for a while.
    #[non_exhaustive]
    Paused {
        /// For how long.
        resumes_in_secs: u64,
    },
    /// Somebody typed the right code and sees this device now.
    #[non_exhaustive]
    Claimed {},
    /// An organisation wants this device: answer yes or no, and name the claim, so that an answer which comes late never
    /// counts for a question that was asked meanwhile.
    #[non_exhaustive]
    ApprovalAsked {
        /// Which question this is.
        claim: ClaimId,
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
        /// Origin of the panel in which it was approved.
        panel: String,
    },
    /// An answer came to a question that does not stand. It changed nothing.
    #[non_exhaustive]
    AnswerRefused {
        /// The question that the answer named.
        claim: ClaimId,
        /// In words.
        reason: String,
    },
    /// The device has a claim, with which it fetches its certificate from AWS itself.
    #[non_exhaustive]
    Provisioning {
        /// Where.
        endpoint: String,
        /// By which template.
        template: String,
    },
    /// The device agreed.
    #[non_exhaustive]
    Accepted {
        /// The organisation's name.
        organisation: String,
        /// The approver's name.
        approver: String,
    },
    /// Somebody said no.
    #[non_exhaustive]
    Refused {
        /// Who.
        by: Refuser,
        /// In words.
        reason: String,
    },
    /// An attempt with the right code ended without a result; the code remains good.
    #[non_exhaustive]
    ClaimEnded {
        /// In words.
        reason: String,
    },
    /// A certificate is verified and written; a session has to prove it yet.
    #[non_exhaustive]
    Installed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
        /// End of its validity.
        not_after: UnixMillis,
    },
    /// A session stands.
    #[non_exhaustive]
    Online {
        /// Who the device is at the server.
        device: DeviceId,
        /// Where it belongs.
        organisation: OrganisationId,
        /// The certificate it was opened with.
        certificate_sha256: Sha256Hex,
    },
    /// A session stands, in which the device may do little or nothing.
    #[non_exhaustive]
    Limited {
        /// Who the device is at the server.
        device: DeviceId,
        /// In words: why, and who can change it.
        reason: String,
    },
    /// A newer certificate has been proved and took the place of the old one.
    #[non_exhaustive]
    Renewed {
        /// Digest of the leaf's DER.
        certificate_sha256: Sha256Hex,
        /// End of its validity.
        not_after: UnixMillis,
    },
    /// The settings that members gave the device.
    Configuration(Configuration),
    /// Somebody looks for the device: blink, beep, print.
    #[non_exhaustive]
    Identify {},
    /// The certificate was revoked; the key is set aside, and a new code follows.
    #[non_exhaustive]
    Revoked {
        /// In words.
        reason: String,
    },
    /// The connection is gone.
    #[non_exhaustive]
    Offline {
        /// In words.
        reason: String,
        /// When the next attempt begins.
        retry_in_secs: u64,
    },
    /// The device is connected to the broker that its credential names, beside its session.
    #[non_exhaustive]
    EndpointConnected {
        /// The broker.
        url: String,
        /// The device's name there.
        client_id: String,
    },
    /// That connection is gone.
    #[non_exhaustive]
    EndpointLost {
        /// The broker.
        url: String,
        /// In words.
        reason: String,
        /// When the next attempt begins.
        retry_in_secs: u64,
    },
    /// Something went wrong.
    Error(Trouble),
}

/// A code as a device shows it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refuser {
    /// The person at the device.
    Person,
    /// The device itself: what the claimant offered is not what the server recorded.
    Device,
    /// The person in the browser.
    Claimant,
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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
        let asked = Event::ApprovalAsked {
            claim: ClaimId::new(UnixMillis(0), [0; 10]),
            organisation: "Harbour Works".to_owned(),
            approver: "Ada".to_owned(),
            panel: "https://panel.example".to_owned(),
        };
        assert_eq!(
            json(&asked),
            r#"{"event":"approval_asked","claim":"clm_00000000000000000000000000","organisation":"Harbour Works","approver":"Ada","panel":"https://panel.example"}"#
        );
        let error = Event::Error(Trouble::new("busy", "The server is busy.", "Wait."));
        assert_eq!(
            json(&error),
            r#"{"event":"error","code":"busy","message":"The server is busy.","remedy":"Wait."}"#
        );
    }

    #[test]
    fn a_line_of_output_is_read_back_as_the_event_that_it_tells() {
        let event = Event::AttemptFailed {
            count: 1,
            remaining: 2,
        };
        assert_eq!(
            serde_json::from_str::<Event>(&json(&event)).expect("an event"),
            event
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
