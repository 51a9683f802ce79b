//! `gangway-device`: the reference device software as a program. The work is done by the library of the same name; here are
//! its command line, its screen and its exit codes (`device/README.md`).

mod cli;
mod screen;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let json = arguments.is_json();
    match cli::dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            failure.exit_code()
        }
    }
}
