//! `gangway-device reset`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::owner::act_as_owner;
use super::{Failure, StateDir};

#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    state: StateDir,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn reset(reset: &Reset) -> Result<(), Failure> {
    let directory = &reset.state.state_dir;
    act_as_owner(directory)?;
    if !directory.is_dir() {
        println!(
            "There is nothing to forget: {} does not exist.",
            directory.display()
        );
        return Ok(());
    }
    if !reset.yes {
        confirm(&format!(
            "This destroys the key and the certificate in {}; the device has to be enrolled again. Go on? [y/N] ",
            directory.display()
        ))?;
    }
    gangway_device::store::reset(directory)?;
    println!("Done: this device is new again. In the panel, its former self can be retired.");
    Ok(())
}

fn confirm(question: &str) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::NotConfirmed(
            "there is nobody to ask; give --yes to reset without a question".to_owned(),
        ));
    }
    print!("{question}");
    std::io::stdout().flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::NotConfirmed("nothing was changed".to_owned())),
    }
}
