//! What a device joins with where nobody stands at its screen. Secrets come in files, never on the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use gangway_device::config::service_credential;
use gangway_protocol::permit::DevicePermit;
use gangway_protocol::secret::SecretString;

use super::{Failure, absolute};

/// The name under which a service manager hands over a registration key or a ticket.
const CREDENTIAL: &str = "registration-key";

/// Where it is; without any of these the device shows a code.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Joining {
    /// A file with a registration key (XXXXXXXX-XXXXXXXX): the device joins by it and shows no code.
    #[arg(
        long,
        value_name = "FILE",
        env = "GANGWAY_REGISTRATION_KEY_FILE",
        conflicts_with_all = ["ticket_file", "device_id"]
    )]
    registration_key_file: Option<PathBuf>,
    /// A file with the ticket that came with the software: the device joins the organisation that gave it, and no other.
    #[arg(
        long,
        value_name = "FILE",
        env = "GANGWAY_TICKET_FILE",
        conflicts_with = "device_id"
    )]
    ticket_file: Option<PathBuf>,
    /// The id under which the device was approved before it appeared.
    #[arg(long, value_name = "ID", env = "GANGWAY_DEVICE_ID", requires = "secret_file")]
    device_id: Option<String>,
    /// A file with the secret that belongs to that id.
    #[arg(
        long,
        value_name = "FILE",
        env = "GANGWAY_SECRET_FILE",
        requires = "device_id"
    )]
    secret_file: Option<PathBuf>,
}

impl Joining {
    /// What the device joins with, if it is anything but a code.
    pub(super) fn permit(&self) -> Result<Option<DevicePermit>, Failure> {
        if let (Some(id), Some(file)) = (&self.device_id, &self.secret_file) {
            let secret = SecretString::new(read(file)?);
            let permit = DevicePermit::of_device(id, &secret);
            return permit.map(Some).map_err(|unfit| unusable(file, &unfit));
        }
        let given = self
            .registration_key_file
            .clone()
            .or_else(|| self.ticket_file.clone());
        let Some(file) = given.or_else(|| service_credential(CREDENTIAL)) else {
            return Ok(None);
        };
        let text = SecretString::new(read(&file)?);
        let permit = DevicePermit::of_key(text.expose());
        permit.map(Some).map_err(|unfit| unusable(&file, &unfit))
    }

    /// The arguments that say the same to another process.
    pub(super) fn arguments(&self) -> Result<Vec<String>, Failure> {
        let mut arguments = Vec::new();
        let files = [
            ("--registration-key-file", &self.registration_key_file),
            ("--ticket-file", &self.ticket_file),
            ("--secret-file", &self.secret_file),
        ];
        for (flag, file) in files {
            if let Some(file) = file {
                arguments.extend([flag.to_owned(), absolute(file)?]);
            }
        }
        if let Some(id) = &self.device_id {
            arguments.extend(["--device-id".to_owned(), id.clone()]);
        }
        Ok(arguments)
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::Settings(format!("{} cannot be read: {error}", file.display())))
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Settings(format!("{}: {why}", file.display()))
}
