//! What people and programs see of a running device, and how they answer: a page on a terminal, plain lines, JSON lines,
//! and a file that `gangway-device status` reads.

mod input;
mod letters;
mod page;
mod palette;
mod post;
mod qr;
mod question;
mod terminal;
mod view;
mod wording;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use gangway_device::event::{Event, Trouble};
use gangway_protocol::id::ClaimId;

pub(crate) use input::{Input, Inputs, Wish, leave_answer};
pub(crate) use post::{Posted, posted};
pub(crate) use question::{Answer, Asking, is_named};
pub(crate) use wording::{code_line, sentence};

use crate::cli::DEFAULT_STATE_DIR;
use post::{Codes, Post};
use terminal::Terminal;

/// Files in the state directory by which other commands see a running device and answer it.
#[cfg(target_os = "linux")]
pub(crate) const FILES: [&str; 2] = [post::SCREEN, input::ANSWER];

/// Where events go: to whoever stands before the device, and into a file for other commands.
pub(crate) struct Screen {
    look: Look,
    post: Post,
    /// Where other commands find this device.
    state_dir: PathBuf,
}

/// What the screen looks like.
enum Look {
    /// One JSON object per line.
    Json,
    /// A line for what is worth one.
    Plain,
    /// Lines without codes, for a log.
    Log,
    /// The page.
    Terminal(Box<Terminal>),
}

impl Screen {
    pub(crate) fn json(state_dir: &Path) -> io::Result<Self> {
        Self::new(Look::Json, Codes::Kept, state_dir)
    }

    pub(crate) fn service(state_dir: &Path) -> io::Result<Self> {
        Self::new(Look::Log, Codes::Posted, state_dir)
    }

    /// A page where there is a terminal, lines where there is none, and the way in which people answer there.
    pub(crate) fn for_people(name: &str, asks: bool, state_dir: &Path) -> io::Result<(Self, Inputs)> {
        if io::stdout().is_terminal() && io::stdin().is_terminal() && !terminal::is_dumb() {
            let page = Look::Terminal(Box::new(Terminal::open(name)?));
            return Ok((Self::new(page, Codes::Kept, state_dir)?, Inputs::keys(state_dir)));
        }
        let inputs = if asks {
            Inputs::lines(state_dir)
        } else {
            Inputs::nobody(state_dir)
        };
        Ok((Self::new(Look::Plain, Codes::Kept, state_dir)?, inputs))
    }

    fn new(look: Look, codes: Codes, state_dir: &Path) -> io::Result<Self> {
        Ok(Self {
            look,
            post: Post::open(state_dir, codes)?,
            state_dir: state_dir.to_owned(),
        })
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &Event) -> io::Result<()> {
        let posted = self.post.show(event);
        self.draw(event)?;
        if let Err(error) = posted {
            // A full disk must not end the device; whoever reads the file misses something.
            let text = format!("What the device shows could not be written for other commands: {error}");
            match &mut self.look {
                Look::Terminal(terminal) => terminal.note(&text)?,
                Look::Json | Look::Plain | Look::Log => eprintln!("gangway-device: {text}"),
            }
        }
        Ok(())
    }

    fn draw(&mut self, event: &Event) -> io::Result<()> {
        match &mut self.look {
            Look::Json => print_json(event),
            Look::Plain => {
                if let Event::Code(code) = event {
                    return print_line(&code_line(code));
                }
                print_sentence(event)?;
                match event {
                    Event::ApprovalAsked { claim, .. } => {
                        let tag = question::tag(claim);
                        print_line(&format!("Accept? Type: y {tag}    (or: n {tag})"))
                    }
                    _ => Ok(()),
                }
            }
            Look::Log => {
                // Threat model, ENR-12: standard output is the log there, and codes appear in no log.
                print_sentence(event)?;
                match event {
                    Event::ApprovalAsked { claim, .. } => print_line(&format!(
                        "Answer with: {}",
                        answer_command(&self.state_dir, claim)
                    )),
                    _ => Ok(()),
                }
            }
            Look::Terminal(terminal) => terminal.show(event),
        }
    }

    /// Says something that is no event of the device.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        match &mut self.look {
            Look::Json => {
                let remedy = "Write y or n and the claim of the question: y clm_…";
                print_json(&Event::Error(Trouble::new("input", text, remedy)))
            }
            Look::Plain | Look::Log => print_line(text),
            Look::Terminal(terminal) => terminal.note(text),
        }
    }

    /// From when on keys count for the question that stands.
    pub(crate) fn keys_count_from(&mut self, at: Instant) {
        if let Look::Terminal(terminal) = &mut self.look {
            terminal.keys_count_from(at);
        }
    }

    /// A second has passed.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        self.redraw()
    }

    /// The window has another size.
    pub(crate) fn redraw(&mut self) -> io::Result<()> {
        match &mut self.look {
            Look::Terminal(terminal) => terminal.draw(),
            Look::Json | Look::Plain | Look::Log => Ok(()),
        }
    }

    /// The end: gives the terminal back, takes the file away.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.post.close()?;
        match &mut self.look {
            Look::Terminal(terminal) => terminal.close(),
            Look::Json | Look::Plain | Look::Log => Ok(()),
        }
    }
}

/// The command that answers yes to the question of `claim`.
pub(crate) fn answer_command(state_dir: &Path, claim: &ClaimId) -> String {
    let elsewhere = if state_dir == Path::new(DEFAULT_STATE_DIR) {
        String::new()
    } else {
        format!(" --state-dir {}", state_dir.display())
    };
    let tag = question::tag(claim);
    format!("gangway-device answer yes {tag}{elsewhere}    (or: no {tag})")
}

fn print_sentence(event: &Event) -> io::Result<()> {
    sentence(event).map_or(Ok(()), |text| print_line(&text))
}

/// One JSON object on one line.
pub(crate) fn print_json(event: &Event) -> io::Result<()> {
    print_line(&serde_json::to_string(event)?)
}

fn print_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
