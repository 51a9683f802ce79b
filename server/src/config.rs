//! Configuration: defaults, then a TOML file, then `GANGWAY_*` variables, then flags; read once, at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use gangway_protocol::secret::SecretString;
use url::Url;

use crate::state::StartError;

/// Everything an operator can choose.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the embedded database, keys and backups are.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The URL under which people and devices reach this server.
    pub public_url: Url,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<SecretString>,
    /// Further origins that devices may have been configured with.
    pub device_origins: Vec<String>,
    /// Key that encrypts the CA's keys at rest; a file in the data directory when absent.
    pub ca_key: Option<SecretString>,
    /// Bounds on what anyone can use up.
    pub caps: Caps,
}

/// Bounds on what anyone can use up. A bench on loopback raises them.
#[derive(Clone, Debug)]
pub struct Caps {
    /// Open connections of all kinds.
    pub connections: u32,
    /// Waiting devices on this node.
    pub waiting_devices: u32,
    /// Waiting devices per address (/64 for IPv6).
    pub waiting_devices_per_address: u32,
    /// Failed codes per account in ten minutes.
    pub failed_codes_per_account: u32,
    /// Failed codes per address in ten minutes.
    pub failed_codes_per_address: u32,
    /// Failed codes per organisation in ten minutes.
    pub failed_codes_per_organisation: u32,
    /// Failed codes on the whole server in ten minutes, after which young accounts are slowed.
    pub failed_codes_total: u32,
    /// Sign-ins, links and recovery codes that one address may try in ten minutes.
    pub sign_in_attempts_per_address: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: 200_000,
            waiting_devices: 100_000,
            waiting_devices_per_address: 256,
            failed_codes_per_account: 5,
            failed_codes_per_address: 30,
            failed_codes_per_organisation: 100,
            failed_codes_total: 1_000,
            sign_in_attempts_per_address: 60,
        }
    }
}

/// Which database the configuration names.
#[derive(Clone, Debug)]
pub enum Database {
    /// The embedded one, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(SecretString),
}

impl Config {
    /// Which database to use.
    #[must_use]
    pub fn database(&self) -> Database {
        match &self.database_url {
            Some(url) => Database::Postgres(url.clone()),
            None => Database::Sqlite(self.data_dir.join("gangway.sqlite3")),
        }
    }

    /// The origin of `public_url` (RFC 6454 §6.2): what browsers and devices sign and send.
    #[must_use]
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// Makes the data directory, for its owner's eyes only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_data_dir(&self) -> Result<(), StartError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.data_dir).map_err(|error| StartError::File {
            what: format!("the data directory {} cannot be made", self.data_dir.display()),
            error,
        })
    }
}
