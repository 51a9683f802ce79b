//! Benchmarks of Gangway: each figure comes from the real binaries, and every comparison is a ratio within one run.
//!
//! `make bench` prints the table and writes `target/bench.json`. Nothing here is shipped. What each figure means stands in
//! docs/operations.md, under Figures.

mod approver;
mod ceiling;
mod claims;
mod crossings;
mod fleet;
mod fleet_size;
mod flood;
mod forwarder;
mod http;
mod issuance;
mod measurements;
mod memory;
mod pages;
mod relay;
mod report;
mod server;
mod socket;
mod startup;
mod storm;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::report::Report;

#[derive(Parser)]
#[command(about = "Benchmarks of Gangway")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the benchmarks.
    Run(Options),
    /// The raw two-hop TCP forwarder that the relay is compared with: joins connections in pairs.
    Forward,
    /// Sockets that flood a server with Pings, for as long as they are let live.
    Flood {
        /// Where the server listens.
        address: SocketAddr,
    },
}

/// Where the binaries are, and what to run.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// The folder of the two binaries; without it, that of this program.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, value_name = "FILE", default_value = "target/bench.json")]
    json: PathBuf,
    /// An empty PostgreSQL database whose commits wait for the disk; without it, what needs one is left out
    #[arg(long, value_name = "URL", env = "GANGWAY_TEST_POSTGRES_URL")]
    postgres: Option<String>,
    /// Only the benchmarks of these names
    #[arg(long, value_name = "NAME", value_parser = NAMES)]
    only: Vec<String>,
}

const NAMES: [&str; 14] = [
    "measurements",
    "startup",
    "page",
    "relay",
    "flood",
    "waiting",
    "ceiling",
    "issuance",
    "storm",
    "crossings",
    "lean",
    "postgres",
    "fleet",
    "fleet-size",
];

impl Options {
    /// The server.
    pub(crate) fn gangway(&self) -> anyhow::Result<PathBuf> {
        self.binary("gangway")
    }

    /// The device software.
    pub(crate) fn gangway_device(&self) -> anyhow::Result<PathBuf> {
        self.binary("gangway-device")
    }

    fn binary(&self, name: &str) -> anyhow::Result<PathBuf> {
        let own = std::env::current_exe()?;
        let folder = self.binaries.as_deref().or_else(|| own.parent());
        Ok(folder.context("this program is in no folder")?.join(name))
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        // One thread, as the relay has: what is compared is the work, not where the kernel wakes whom.
        Command::Forward => start(&mut Builder::new_current_thread())?.block_on(forwarder::serve()),
        Command::Flood { address } => {
            start(&mut Builder::new_current_thread())?.block_on(flood::pour(address))
        }
        Command::Run(options) => start(&mut Builder::new_multi_thread())?.block_on(run(options)),
    }
}

fn start(runtime: &mut Builder) -> anyhow::Result<Runtime> {
    runtime.enable_all().build().context("starting the runtime")
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut report = Report::open(&options.json)?;
    if options.wants("startup") {
        startup::measure(&options, &mut report).await?;
    }
    if options.wants("page") {
        pages::rendered(&options, &mut report).await?;
    }
    if options.wants("relay") {
        relay::measure(&options, &mut report).await?;
    }
    if options.wants("flood") {
        flood::measure(&options, &mut report).await?;
    }
    if options.wants("waiting") {
        memory::waiting(&options, &mut report).await?;
    }
    if options.wants("ceiling") {
        ceiling::measure(&options, &mut report).await?;
    }
    if options.wants("measurements") {
        measurements::measure(&options, &mut report).await?;
    }
    if options.wants("issuance") || options.wants("storm") {
        // The devices that come of it are the crowd whose sessions are weighed, and who come back after a power cut.
        let (mut folder, enrolled) = issuance::measure(&options, &mut report).await?;
        if options.wants("issuance") {
            folder = memory::sessions(&options, folder, &enrolled, &mut report).await?;
        }
        if options.wants("storm") {
            storm::measure(&options, folder, &enrolled, &mut report).await?;
        }
    }
    if options.wants("crossings") {
        crossings::pace(&options, &mut report).await?;
    }
    if options.wants("lean") {
        crossings::lean(&options, &mut report).await?;
    }
    if options.wants("postgres") {
        crossings::postgres(&options, &mut report).await?;
    }
    if options.wants("fleet") {
        fleet::measure(&options, &mut report).await?;
    }
    if options.wants("fleet-size") {
        fleet_size::measure(&options, &mut report).await?;
    }
    report.write()
}
