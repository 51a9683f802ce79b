//! The binary `gangway`.

use std::process::ExitCode;

use clap::Parser as _;
use gangway_server::cli::{Cli, run};

/// Rendering a page recurses through its views; without optimisation the fleet takes more than the usual 2 MiB. Only pages that
/// are touched cost memory.
const THREAD_STACK_LEN: usize = 16 * 1024 * 1024;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // An error here means that another part of the program has installed the same provider: nothing is lost.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_LEN)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            eprintln!("gangway: the program cannot start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}
