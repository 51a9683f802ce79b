//! `gangway-device simulate`: many devices in one process, each with a key of its own, in memory.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use gangway_device::agent::{Agent, Network};
use gangway_device::config::Settings;
use gangway_device::enrolment::Accept;
use gangway_device::event::Event;
use gangway_device::store::Store;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Failure, Manner, Server};
use crate::screen::{code_line, sentence};

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    manner: Manner,
    /// How many devices.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// How many of them start per second; all at once would overflow the server's queue of connections.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Print one JSON object per line, with the index of the device.
    #[arg(long)]
    pub(super) json: bool,
}

/// Lines that wait to be printed. When a reader is slow, the devices wait with them.
const LINES: usize = 4096;
/// Files besides the sockets: libraries, pipes, the runtime's own.
const OTHER_FILES: u64 = 64;
/// Devices start in batches this far apart.
const BATCH: Duration = Duration::from_millis(20);

/// A line of output.
#[derive(Serialize)]
struct Line<'a> {
    index: u32,
    #[serde(flatten)]
    event: &'a Event,
}

pub(crate) fn simulate(simulate: &Simulate) -> Result<(), Failure> {
    allow_files(u64::from(simulate.count) + OTHER_FILES)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(live(simulate))
}

async fn live(simulate: &Simulate) -> Result<(), Failure> {
    let mut settings = super::settings(&simulate.server, &simulate.manner)?;
    if simulate.manner.accept.is_none() {
        // Nobody stands before a thousand screens.
        settings.accept = Accept::Always;
    }
    let network = Network::new(&settings)?;
    let (lines, printer) = mpsc::channel(LINES);
    let printer = tokio::task::spawn_blocking(move || print(printer));

    let mut devices = JoinSet::new();
    let per_batch = u64::from(simulate.rate) * u64::try_from(BATCH.as_millis()).unwrap_or(1) / 1000;
    let mut pace = tokio::time::interval(BATCH);
    let mut index = 0;
    loop {
        tokio::select! {
            _ = pace.tick(), if index < simulate.count => {
                for _ in 0..per_batch.max(1) {
                    if index < simulate.count {
                        let agent = start(&settings, index, &network)?;
                        devices.spawn(watch(agent, index, simulate.json, lines.clone()));
                        index += 1;
                    }
                }
            }
            // Devices go on for ever; they end when nobody reads what they print.
            Some(_) = devices.join_next() => break,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
        }
    }
    devices.shutdown().await;
    drop(lines);
    printer
        .await
        .map_err(|error| Failure::unexpected("the printer", &error))?;
    Ok(())
}

fn start(settings: &Settings, index: u32, network: &Network) -> Result<Agent, Failure> {
    let mut settings = settings.clone();
    settings.facts.hostname = format!("{}-{index:05}", settings.facts.hostname);
    settings.facts.model = settings.facts.model.or_else(|| Some("simulated".to_owned()));
    settings.facts.serial = Some(format!("SIM{index:07}"));
    settings.facts.machine_id = None;
    settings.facts.addresses = None;
    let store = Store::in_memory(settings.key_type)?;
    Ok(Agent::start(settings, store, network)?)
}

async fn watch(mut agent: Agent, index: u32, json: bool, lines: mpsc::Sender<String>) {
    while let Some(event) = agent.next().await {
        let text = if json {
            serde_json::to_string(&Line { index, event: &event }).ok()
        } else if let Event::Code(code) = &event {
            Some(format!("{index:05} {}", code_line(code)))
        } else {
            sentence(&event).map(|text| format!("{index:05} {text}"))
        };
        if let Some(text) = text
            && lines.send(text).await.is_err()
        {
            return;
        }
    }
}

/// Prints in big pieces while there is much to print, and at once when there is not.
fn print(mut lines: mpsc::Receiver<String>) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    while let Some(line) = lines.blocking_recv() {
        let mut written = writeln!(out, "{line}");
        while let Ok(line) = lines.try_recv() {
            written = written.and_then(|()| writeln!(out, "{line}"));
        }
        // A reader that has gone away (a closed pipe) ends the printing, and with it the devices.
        if written.and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// Raises this process's limit on open files as far as it may.
#[cfg(unix)]
fn allow_files(files: u64) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        return Err(Failure::Settings(format!(
            "{files} files would have to be open, and the limit is {}; raise it with `ulimit -Hn {files}` as root",
            limit.maximum.unwrap_or_default()
        )));
    }
    let raised = Rlimit {
        current: Some(files),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| Failure::unexpected("the limit on open files", &error))
}

#[cfg(not(unix))]
fn allow_files(_files: u64) -> Result<(), Failure> {
    Ok(())
}
