//! Kinds of values that options take, each read from text: TOML, variables and flags all say it the same way.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use gangway_protocol::account::SignUpMode;
use gangway_protocol::secret::SecretString;
use url::Url;

use super::Network;

/// A kind of value.
pub(crate) trait Value: Sized {
    /// What stands for it in help and documentation.
    const PLACEHOLDER: &'static str;
    /// Whether it must not be shown.
    const SECRET: bool = false;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with the text, to be read after the option's name.
    fn parse(text: &str) -> Result<Self, String>;

    /// What stands where no text was given; none when there has to be some.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Value> Value for Option<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Vec<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(T::parse)
            .collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Value for PathBuf {
    const PLACEHOLDER: &'static str = "PATH";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("is empty".to_owned())
        } else {
            Ok(text.into())
        }
    }
}

impl Value for String {
    const PLACEHOLDER: &'static str = "TEXT";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for SecretString {
    const PLACEHOLDER: &'static str = "SECRET";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text.to_owned()))
    }
}

impl Value for u32 {
    const PLACEHOLDER: &'static str = "NUMBER";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is not a whole number from 0 to {}: `{text}`", Self::MAX))
    }
}

impl Value for bool {
    const PLACEHOLDER: &'static str = "TRUE|FALSE";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is neither `true` nor `false`: `{text}`"))
    }
}

impl Value for Url {
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("is not a URL: `{text}` ({error})"))
    }
}

impl Value for Network {
    const PLACEHOLDER: &'static str = "NETWORKS";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("holds `{text}`, {error}"))
    }
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Value for Listen {
    const PLACEHOLDER: &'static str = "ADDRESS";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("is not an address with a port such as 127.0.0.1:8080: `{text}`");
        let address = match text.rsplit_once(':') {
            Some(("", port)) => (Ipv6Addr::UNSPECIFIED, port.parse().map_err(|_| wrong())?).into(),
            Some(("localhost", port)) => (Ipv4Addr::LOCALHOST, port.parse().map_err(|_| wrong())?).into(),
            _ => text.parse().map_err(|_| wrong())?,
        };
        Ok(Self(address))
    }
}

/// Who may be able to read the file of the CA's encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyReaders {
    /// Its owner.
    Owner,
    /// Its owner and its group.
    Group,
    /// Everybody who reaches it.
    Everybody,
}

impl KeyReaders {
    /// Whether a file of this mode can be read by others than these.
    #[must_use]
    pub fn exceeded_by(self, mode: u32) -> bool {
        let forbidden = match self {
            Self::Owner => 0o077,
            Self::Group => 0o007,
            Self::Everybody => 0,
        };
        mode & forbidden != 0
    }
}

impl Value for KeyReaders {
    const PLACEHOLDER: &'static str = "WHO";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "owner" => Ok(Self::Owner),
            "group" => Ok(Self::Group),
            "everybody" => Ok(Self::Everybody),
            _ => Err(format!("“{text}” is not owner, group or everybody")),
        }
    }
}

impl Value for SignUpMode {
    const PLACEHOLDER: &'static str = "WHO";

    fn parse(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("“{text}” is not closed, invitation or open"))
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Value for LogFormat {
    const PLACEHOLDER: &'static str = "FORMAT";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("is neither `text` nor `json`: `{text}`")),
        }
    }
}
