//! What other commands see of a running device: a small file in the state directory, readable by its owner alone, which
//! `gangway-device status` and `gangway-device answer` read. It is there as long as the device runs.

use std::io;
use std::path::{Path, PathBuf};

use gangway_device::event::Event;
use gangway_device::store::write_private;
use gangway_protocol::id::ClaimId;
use gangway_protocol::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::wording::sentence;

pub(super) const SCREEN: &str = "screen.json";

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// What happened last.
    pub(crate) status: String,
    /// The code, while one is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<PostedCode>,
    /// The question that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<PostedQuestion>,
}

/// A question and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostedQuestion {
    pub(crate) claim: ClaimId,
    pub(crate) text: String,
}

/// Whether codes are in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// They are: the device has no other screen.
    Posted,
    /// They are not: whoever stands before the device sees them.
    Kept,
}

/// A code and where to enter it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostedCode {
    pub(crate) user_code: SecretString,
    pub(crate) verification_uri: String,
}

/// The file.
pub(crate) struct Post {
    path: PathBuf,
    codes: Codes,
    posted: Posted,
}

/// What the device on `state_dir` shows.
pub(crate) fn posted(state_dir: &Path) -> Option<Posted> {
    serde_json::from_slice(&std::fs::read(state_dir.join(SCREEN)).ok()?).ok()
}

impl Post {
    pub(super) fn open(state_dir: &Path, codes: Codes) -> io::Result<Self> {
        let post = Self {
            path: state_dir.join(SCREEN),
            codes,
            posted: Posted::default(),
        };
        post.write()?;
        Ok(post)
    }

    pub(super) fn show(&mut self, event: &Event) -> io::Result<()> {
        let before = self.posted.clone();
        match event {
            Event::Code(code) if self.codes == Codes::Posted => {
                self.posted.code = Some(PostedCode {
                    user_code: code.user_code.clone(),
                    verification_uri: code.verification_uri.clone(),
                });
            }
            Event::CodeWithdrawn { .. }
            | Event::Paused { .. }
            | Event::Installed { .. }
            | Event::Online { .. } => {
                self.posted.code = None;
                self.posted.asked = None;
            }
            Event::ApprovalAsked { claim, .. } => {
                self.posted.asked = sentence(event).map(|text| PostedQuestion {
                    claim: claim.clone(),
                    text,
                });
            }
            Event::Accepted { .. } | Event::Refused { .. } | Event::ClaimEnded { .. } => {
                self.posted.asked = None;
            }
            _ => {}
        }
        if let Some(status) = sentence(event) {
            self.posted.status = status;
        }
        if self.posted == before {
            Ok(())
        } else {
            self.write()
        }
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self) -> io::Result<()> {
        write_private(&self.path, &serde_json::to_vec(&self.posted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangway_device::event::CodeShown;
    use gangway_protocol::code::UserCode;

    #[test]
    fn a_service_shows_its_code_to_its_owner_as_long_as_it_is_good() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut post = Post::open(directory.path(), Codes::Posted).expect("opened");
        let code = UserCode::read("BCDF-GHJKLM").expect("a code");
        post.show(&Event::Code(CodeShown::new(
            &code,
            "https://panel.example/link",
            600,
        )))
        .expect("shown");
        let shown = posted(directory.path()).expect("posted").code.expect("a code");
        assert_eq!(shown.user_code.expose(), "BCDF-GHJKLM");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = std::fs::metadata(directory.path().join(SCREEN)).expect("there");
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
        let withdrawn = r#"{"event":"code_withdrawn","reason":"expired"}"#;
        post.show(&serde_json::from_str(withdrawn).expect("an event"))
            .expect("shown");
        let now = posted(directory.path()).expect("posted");
        assert_eq!(
            (now.code, now.status.as_str()),
            (None, "The code has expired; a new one follows.")
        );
        post.close().expect("closed");
        assert_eq!(posted(directory.path()), None);
    }
}
