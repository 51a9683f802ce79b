//! How a command fails: in words for people, in JSON for programs, and as an exit code for scripts.

use std::process::ExitCode;

use gangway_device::agent::{AgentError, Ended};
use gangway_device::event::{Event, Trouble};
use gangway_device::key::KeyError;
use gangway_device::store::StoreError;

/// Why a command ended without doing what it should. The numbers are the exit codes of `device/README.md`; 2 is clap's,
/// for command lines that cannot be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1: the system did something that nobody reckoned with.
    Unexpected(String),
    /// 3: something that was given cannot be used (the CA file, a key type).
    Settings(String),
    /// 4: the state directory is in use, not writable, damaged, or newer than this software.
    State(StoreError),
    /// 5: a question was not answered with yes.
    NotConfirmed(String),
    /// 6: this system has no such thing (a service manager).
    Unsupported(String),
}

impl Failure {
    pub(crate) fn unexpected(what: &str, error: &dyn std::error::Error) -> Self {
        Self::Unexpected(format!("{what}: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unexpected(_) => 1,
            Self::Settings(_) => 3,
            Self::State(_) => 4,
            Self::NotConfirmed(_) => 5,
            Self::Unsupported(_) => 6,
        })
    }

    pub(crate) fn print(&self, json: bool) {
        let (code, text) = match self {
            Self::Unexpected(text) => ("unexpected", text.clone()),
            Self::Settings(text) => ("settings", text.clone()),
            Self::State(error) => ("state_directory", error.to_string()),
            Self::NotConfirmed(text) => ("not_confirmed", text.clone()),
            Self::Unsupported(text) => ("unsupported", text.clone()),
        };
        if json {
            // Messages of this software say what to do after a semicolon.
            let (message, remedy) = text.split_once("; ").unwrap_or((&text, ""));
            // The exit code says it too, should nobody read this.
            let _unread = crate::screen::print_json(&Event::Error(Trouble::new(code, message, remedy)));
        } else {
            eprintln!("gangway-device: {text}");
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Key(
                error @ (KeyError::RsaIsBrought
                | KeyError::Token(_)
                | KeyError::NotInToken(_)
                | KeyError::Exportable),
            ) => Self::Settings(error.to_string()),
            other => Self::State(other),
        }
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Store(error) => error.into(),
            AgentError::Network(error) => Self::Settings(error.to_string()),
            AgentError::Key(error) => Self::Settings(error.to_string()),
            other => Self::Unexpected(other.to_string()),
        }
    }
}

impl From<Ended> for Failure {
    fn from(error: Ended) -> Self {
        Self::Unexpected(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Unexpected(error.to_string())
    }
}
