//! What the person says: the code, then a decision. From a terminal line by line, from a pipe the same.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use gangway_protocol::code::UserCode;
use tokio::sync::mpsc;

use super::exit::Exit;
use super::report::Report;

/// A pipe that has ended says so at once.
const END_WITHIN: Duration = Duration::from_millis(100);

/// Lines of standard input.
pub(super) struct Lines {
    lines: mpsc::Receiver<String>,
    /// The line after the code, where it has come already.
    ahead: Option<String>,
    /// Whether a person sits there.
    is_terminal: bool,
}

/// What the person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    Yes,
    NotMine,
    Cancel,
}

impl Lines {
    /// Reads on a thread of its own: a read from a terminal cannot be interrupted, and the program must be able to end
    /// while it waits. The thread ends with the input or with the process.
    pub(super) fn of_standard_input() -> Self {
        let (sender, lines) = mpsc::channel(1);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            lines,
            ahead: None,
            is_terminal: std::io::stdin().is_terminal(),
        }
    }

    /// Asks for the code, in a terminal as often as it takes to type one.
    pub(super) async fn code(&mut self, report: &Report) -> Result<UserCode, Exit> {
        loop {
            if self.is_terminal {
                report.ask("Code on the device: ");
            }
            let line = self.lines.recv().await.ok_or_else(|| {
                Exit::usage(
                    "There is no code on standard input. Type or pipe the one that the device shows."
                        .to_owned(),
                )
            })?;
            match UserCode::read(&line) {
                Ok(code) => return Ok(code),
                Err(error) if self.is_terminal => report.note(&format!("That is not a code: {error}.")),
                Err(error) => return Err(Exit::usage(format!("That is not a code: {error}."))),
            }
        }
    }

    /// Refuses an input that has ended after the code, before a device hears of it: nobody could answer what it asks.
    pub(super) async fn require_answer(&mut self) -> Result<(), Exit> {
        if self.is_terminal {
            return Ok(());
        }
        match tokio::time::timeout(END_WITHIN, self.lines.recv()).await {
            Ok(None) => Err(Exit::usage(
                "Standard input ends after the code, and nobody can be asked. Add --yes to approve what the device says, or pipe a second line."
                    .to_owned(),
            )),
            Ok(line) => {
                self.ahead = line;
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// Waits for the answer to the question whether to approve. The end of the input is no answer, hence "cancel".
    /// Cancel safe.
    pub(super) async fn decision(&mut self) -> Decided {
        let line = match self.ahead.take() {
            Some(line) => Some(line),
            None => self.lines.recv().await,
        };
        match line.as_deref().map(str::trim) {
            Some("y" | "Y" | "yes" | "Yes" | "YES") => Decided::Yes,
            Some("n" | "N" | "no" | "No" | "NO") => Decided::NotMine,
            Some(_) | None => Decided::Cancel,
        }
    }
}
