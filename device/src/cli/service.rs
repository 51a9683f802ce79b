//! `gangway-device service`: the device as something that the system starts, and starts again.

#[cfg(all(unix, target_os = "linux"))]
#[path = "service/systemd.rs"]
mod system;
#[cfg(windows)]
#[path = "service/windows.rs"]
mod system;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "service/none.rs"]
mod system;

use clap::{Args, Subcommand};

use super::key::Key;
use super::{Failure, Manner, Server, StateDir, absolute};

#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// Install and start it.
    Install(Install),
    /// Stop and remove it; the state directory stays.
    Uninstall,
    /// What the service manager of Windows starts.
    #[command(hide = true)]
    Serve(Install),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    state: StateDir,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    manner: Manner,
    /// Only print what would be installed.
    #[arg(long)]
    print: bool,
}

pub(crate) fn service(service: &Service) -> Result<(), Failure> {
    match service {
        Service::Install(install) => system::install(install),
        Service::Uninstall => system::uninstall(),
        Service::Serve(install) => system::serve(install),
    }
}

impl Install {
    /// The arguments that say the same to another process.
    fn arguments(&self) -> Result<Vec<String>, Failure> {
        let manner = &self.manner;
        let mut arguments = vec!["--server".to_owned(), self.server.server.to_string()];
        arguments.extend(["--state-dir".to_owned(), absolute(&self.state.state_dir)?]);
        arguments.extend(["--trust".to_owned(), self.server.trust.as_str().to_owned()]);
        arguments.extend(["--accept".to_owned(), manner.who_accepts().as_str().to_owned()]);
        arguments.extend(["--key-type".to_owned(), manner.key_type.to_string()]);
        arguments.extend(["--code-life-secs".to_owned(), manner.code_life_secs.to_string()]);
        if let Some(file) = &self.server.ca_file {
            arguments.extend(["--ca-file".to_owned(), absolute(file)?]);
        }
        arguments.extend(self.key.arguments()?);
        arguments.extend(manner.mqtt.arguments());
        arguments.extend(manner.joining.arguments()?);
        let stated = [
            ("--name", &manner.name),
            ("--model", &manner.model),
            ("--serial", &manner.serial),
        ];
        for (flag, text) in stated {
            if let Some(text) = text {
                arguments.extend([flag.to_owned(), text.clone()]);
            }
        }
        Ok(arguments)
    }
}
