//! The command line: what there is to say, and which command hears it.

mod answer;
mod failure;
mod joining;
mod key;
mod measure;
mod mqtt;
mod owner;
mod reset;
mod run;
mod service;
mod simulate;
mod status;
mod thermometer;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gangway_device::config::{ServerUrl, Settings, Trust};
use gangway_device::enrolment::Accept;
use gangway_device::facts;
use gangway_device::key::KeyType;

pub(crate) use failure::Failure;

/// Lets this device join a fleet: shows a code that a member of an organisation enters in its panel, keeps the
/// certificate that comes back, and stays connected.
#[derive(Debug, Parser)]
#[command(name = "gangway-device", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the device.
    Run(run::Run),
    /// Show what this device is and whether it runs; with a service also its code.
    Status(status::Status),
    /// Answer the question of a running device.
    Answer(answer::Answer),
    /// Have a running device send what was measured; while it is offline it keeps that.
    Measure(measure::Measure),
    /// Forget everything: key, certificate, membership.
    Reset(reset::Reset),
    /// Run the device whenever the machine runs.
    #[command(subcommand)]
    Service(service::Service),
    /// Run many devices in one process, in memory, for demonstrations and load.
    Simulate(simulate::Simulate),
}

impl Arguments {
    /// Whether programs read the output.
    pub(crate) fn is_json(&self) -> bool {
        match &self.command {
            Command::Run(run) => run.json,
            Command::Status(status) => status.json,
            Command::Simulate(simulate) => simulate.json,
            Command::Answer(_) | Command::Measure(_) | Command::Reset(_) | Command::Service(_) => false,
        }
    }
}

/// Runs the command.
pub(crate) fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Run(run) => run::run(&run),
        Command::Status(status) => status::status(&status),
        Command::Answer(answer) => answer::answer(&answer),
        Command::Measure(measure) => measure::measure(&measure),
        Command::Reset(reset) => reset::reset(&reset),
        Command::Service(service) => service::service(&service),
        Command::Simulate(simulate) => simulate::simulate(&simulate),
    }
}

/// Where the panel is and how to get there.
#[derive(Clone, Debug, Args)]
struct Server {
    /// The panel, for example https://panel.example.
    #[arg(long, value_name = "URL", env = "GANGWAY_SERVER")]
    server: ServerUrl,
    /// Whose certificates the panel may have: the public issuers built in, or those that the operating system trusts.
    #[arg(long, value_enum, default_value_t = WhomToTrust::Public, env = "GANGWAY_TRUST")]
    trust: WhomToTrust,
    /// PEM certificates of issuers to trust besides those.
    #[arg(long, value_name = "FILE", env = "GANGWAY_CA_FILE")]
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhomToTrust {
    /// The public issuers that browsers trust, built in.
    Public,
    /// What the operating system trusts.
    System,
}

impl WhomToTrust {
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::System => "system",
        }
    }
}

/// Where the device keeps what it is.
#[derive(Clone, Debug, Args)]
struct StateDir {
    /// Where the device keeps its key and its certificate.
    #[arg(long, value_name = "DIR", env = "GANGWAY_STATE_DIR", default_value = DEFAULT_STATE_DIR)]
    state_dir: PathBuf,
}

#[cfg(windows)]
pub(crate) const DEFAULT_STATE_DIR: &str = r"C:\ProgramData\Gangway Device";
#[cfg(not(windows))]
pub(crate) const DEFAULT_STATE_DIR: &str = "/var/lib/gangway-device";

/// How the device behaves towards people.
#[derive(Clone, Debug, Args)]
struct Manner {
    /// Who answers when an organisation wants the device: a person, or nobody; somebody is asked unless the devices are simulated.
    #[arg(long, value_enum)]
    accept: Option<WhoAccepts>,
    /// Kind of key to make where there is none yet: p256, p384 or ed25519 (an RSA key is brought as key.pem).
    #[arg(long, value_name = "KIND", default_value = "p256")]
    key_type: KeyType,
    /// How long a code lives, in seconds; ten minutes is the most there is.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(5..=600))]
    code_life_secs: u64,
    /// What the device calls itself, instead of its host name.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The model it states, instead of what the machine says.
    #[arg(long, value_name = "TEXT")]
    model: Option<String>,
    /// The serial number it states, instead of what the machine says.
    #[arg(long, value_name = "TEXT")]
    serial: Option<String>,
    #[command(flatten)]
    mqtt: mqtt::Mqtt,
    #[command(flatten)]
    joining: joining::Joining,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhoAccepts {
    /// Somebody at the device is asked.
    Ask,
    /// Whoever enters the code gets the device.
    Always,
}

impl Manner {
    /// Without a word to the contrary, somebody is there.
    fn who_accepts(&self) -> WhoAccepts {
        self.accept.unwrap_or(WhoAccepts::Ask)
    }
}

impl WhoAccepts {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Always => "always",
        }
    }
}

fn settings(server: &Server, manner: &Manner) -> Result<Settings, Failure> {
    let mut settings = Settings::new(server.server.clone());
    settings.trust = match server.trust {
        WhomToTrust::Public => Trust::Public,
        WhomToTrust::System => Trust::System,
    };
    settings.ca_file.clone_from(&server.ca_file);
    settings.key_type = manner.key_type;
    settings.mqtt = manner.mqtt.settings();
    settings.permit = manner.joining.permit()?;
    settings.code_life = Duration::from_secs(manner.code_life_secs);
    settings.accept = match manner.who_accepts() {
        WhoAccepts::Ask => Accept::Ask,
        WhoAccepts::Always => Accept::Always,
    };
    let stated = |text: &Option<String>| text.as_deref().and_then(facts::fit);
    if let Some(name) = stated(&manner.name) {
        settings.facts.hostname = name;
    }
    settings.facts.model = stated(&manner.model).or(settings.facts.model.take());
    settings.facts.serial = stated(&manner.serial).or(settings.facts.serial.take());
    Ok(settings)
}

/// A path as text that holds in every working directory.
fn absolute(path: &std::path::Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::Settings(format!("{} is not text; choose another path", path.display())))
}

/// A runtime for one device; `simulate` has more threads.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::unexpected("the program cannot run", &error))
}
