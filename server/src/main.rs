//! The binary `gangway`.

use std::process::ExitCode;

use clap::Parser as _;
use gangway_server::cli::{Cli, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // An error here means that another part of the program has installed the same provider: nothing is lost.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            eprintln!("gangway: the program cannot start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}
