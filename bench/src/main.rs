//! Benchmarks of Gangway: each figure comes from the real binaries, and every comparison is a ratio within one run.
//!
//! `make bench` prints the table and writes `target/bench.json`. Nothing here is shipped.

mod ceiling;
mod claims;
mod crossings;
mod forwarder;
mod memory;
mod pages;
mod relay;
mod report;
mod server;
mod socket;
mod startup;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

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
}

/// Where the binaries are, and what to run.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// The server.
    #[arg(long, default_value = "target/release/gangway")]
    gangway: PathBuf,
    /// The device software.
    #[arg(long, default_value = "target/release/gangway-device")]
    gangway_device: PathBuf,
    /// The panel's files.
    #[arg(long, default_value = "dist/pkg")]
    panel: PathBuf,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// Only the benchmarks whose names contain one of these words.
    #[arg(long)]
    only: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    match Arguments::parse().command {
        Command::Forward => runtime.block_on(forwarder::serve()),
        Command::Run(options) => runtime.block_on(run(options)),
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut report = Report::open(&options.json)?;
    let wanted =
        |name: &str| options.only.is_empty() || options.only.iter().any(|word| name.contains(word.as_str()));
    if wanted("size") {
        pages::first_load(&options, &mut report)?;
    }
    if wanted("startup") {
        startup::measure(&options, &mut report).await?;
    }
    if wanted("page") {
        pages::rendered(&options, &mut report).await?;
    }
    if wanted("relay") {
        relay::measure(&options, &mut report).await?;
    }
    if wanted("waiting") {
        memory::waiting(&options, &mut report).await?;
    }
    if wanted("ceiling") {
        ceiling::measure(&options, &mut report).await?;
    }
    if wanted("issuance") {
        ceiling::durable(&options, &mut report).await?;
    }
    if wanted("crossings") {
        crossings::pace(&options, &mut report).await?;
    }
    if wanted("sessions") {
        crossings::sessions(&options, &mut report).await?;
    }
    report.write()
}
