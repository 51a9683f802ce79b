//! Where the key is: options of a token, and the provider that they make.

use clap::Args;
#[cfg(feature = "pkcs11")]
use std::path::PathBuf;
#[cfg(feature = "pkcs11")]
use std::sync::Arc;

use gangway_device::config::Settings;
#[cfg(feature = "pkcs11")]
use gangway_device::config::service_credential;
#[cfg(feature = "pkcs11")]
use gangway_device::key::{Token, TokenKeys};

use super::Failure;

/// The name under which a service manager hands over the PIN.
#[cfg(feature = "pkcs11")]
const PIN_CREDENTIAL: &str = "pkcs11-pin";

/// Where the device key is made and kept.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Key {
    /// Keep the key in a token (a TPM, a smart card, an HSM) instead of a file: the PKCS#11 library of its vendor.
    #[cfg(feature = "pkcs11")]
    #[arg(
        long,
        value_name = "FILE",
        env = "GANGWAY_PKCS11_MODULE",
        requires = "pkcs11_token"
    )]
    pkcs11_module: Option<PathBuf>,
    /// The label of the token.
    #[cfg(feature = "pkcs11")]
    #[arg(
        long,
        value_name = "LABEL",
        env = "GANGWAY_PKCS11_TOKEN",
        requires = "pkcs11_module"
    )]
    pkcs11_token: Option<String>,
    /// A file that holds the PIN of the token's user; without it, the service's credential `pkcs11-pin`.
    #[cfg(feature = "pkcs11")]
    #[arg(
        long,
        value_name = "FILE",
        env = "GANGWAY_PKCS11_PIN_FILE",
        requires = "pkcs11_module"
    )]
    pkcs11_pin_file: Option<PathBuf>,
}

#[cfg(feature = "pkcs11")]
impl Key {
    /// Lets the settings have their keys from where the options say.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        let (Some(module), Some(label)) = (&self.pkcs11_module, &self.pkcs11_token) else {
            return Ok(());
        };
        let pin_file = self
            .pkcs11_pin_file
            .clone()
            .or_else(|| service_credential(PIN_CREDENTIAL));
        let pin_file = pin_file.ok_or_else(|| {
            Failure::Settings(
                "the token's PIN is missing; give a file with it as --pkcs11-pin-file, or the service's credential \
                 pkcs11-pin"
                    .to_owned(),
            )
        })?;
        let token = Token {
            module: module.clone(),
            label: label.clone(),
            pin_file,
        };
        let keys = TokenKeys::new(&token).map_err(|error| Failure::Settings(error.to_string()))?;
        settings.keys = Arc::new(keys);
        Ok(())
    }

    /// The options that say the same to another process, with paths that hold everywhere.
    pub(super) fn arguments(&self) -> Result<Vec<String>, Failure> {
        let mut arguments = Vec::new();
        for (flag, path) in [
            ("--pkcs11-module", &self.pkcs11_module),
            ("--pkcs11-pin-file", &self.pkcs11_pin_file),
        ] {
            if let Some(path) = path {
                arguments.extend([flag.to_owned(), super::absolute(path)?]);
            }
        }
        if let Some(token) = &self.pkcs11_token {
            arguments.extend(["--pkcs11-token".to_owned(), token.clone()]);
        }
        Ok(arguments)
    }
}

/// What a unit of systemd needs to know of a token.
#[cfg(all(feature = "pkcs11", target_os = "linux"))]
impl Key {
    /// The library of the token, if the key is to be in one.
    pub(super) fn module(&self) -> Option<&std::path::Path> {
        self.pkcs11_module.as_deref()
    }

    /// The PIN's file and the name of the credential that hands it over in its place.
    pub(super) fn take_pin_file(&mut self) -> Option<(&'static str, PathBuf)> {
        Some((PIN_CREDENTIAL, self.pkcs11_pin_file.take()?))
    }
}

#[cfg(all(not(feature = "pkcs11"), target_os = "linux"))]
impl Key {
    pub(super) fn module(&self) -> Option<&std::path::Path> {
        None
    }

    pub(super) fn take_pin_file(&mut self) -> Option<(&'static str, std::path::PathBuf)> {
        None
    }
}

/// Built without tokens: the key is in a file.
#[cfg(not(feature = "pkcs11"))]
impl Key {
    #[expect(clippy::unnecessary_wraps, reason = "with tokens it can fail")]
    pub(super) fn apply(&self, _settings: &mut Settings) -> Result<(), Failure> {
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "with tokens it can fail")]
    pub(super) fn arguments(&self) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }
}
