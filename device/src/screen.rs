//! What people and programs see of a running device, and how they answer: a page on a terminal, plain lines, JSON lines, or
//! a file that `gangway-device status` reads where a service has no screen.

mod input;
mod letters;
mod page;
mod post;
mod qr;
mod terminal;
mod view;
mod wording;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use gangway_device::event::Event;

pub(crate) use input::{Input, Inputs, Wish, leave_answer};
pub(crate) use post::{Posted, posted};
pub(crate) use wording::{code_line, sentence, shown_time};

use post::Post;
use terminal::Terminal;

/// Where events go.
pub(crate) enum Screen {
    /// One JSON object per line.
    Json,
    /// A line for what is worth one. `asks`: questions are answered here.
    Plain { asks: bool },
    /// Lines without codes for the log, and a file with them.
    Service(Post),
    /// The page.
    Terminal(Box<Terminal>),
}

impl Screen {
    pub(crate) fn json() -> Self {
        Self::Json
    }

    pub(crate) fn service(state_dir: &Path) -> io::Result<Self> {
        Ok(Self::Service(Post::open(state_dir)?))
    }

    /// A page where there is a terminal, lines where there is none, and the way in which people answer there.
    pub(crate) fn for_people(name: &str, asks: bool) -> io::Result<(Self, Inputs)> {
        if io::stdout().is_terminal() && io::stdin().is_terminal() && !terminal::is_dumb() {
            return Ok((Self::Terminal(Box::new(Terminal::open(name)?)), Inputs::keys()));
        }
        Ok((
            Self::Plain { asks },
            if asks { Inputs::lines() } else { Inputs::nobody() },
        ))
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &Event) -> io::Result<()> {
        match self {
            Self::Json => print_json(event),
            Self::Plain { asks } => {
                if let Event::Code(code) = event {
                    return print_line(&code_line(code));
                }
                if let Some(text) = sentence(event) {
                    print_line(&text)?;
                }
                if *asks && matches!(event, Event::ApprovalAsked { .. }) {
                    print_line("Accept? [y/N]")?;
                }
                Ok(())
            }
            Self::Service(post) => {
                post.show(event)?;
                // threat model, ENR-12: standard output is the log there, and codes appear in no log.
                match sentence(event) {
                    Some(text) => print_line(&text),
                    None => Ok(()),
                }
            }
            Self::Terminal(terminal) => terminal.show(event),
        }
    }

    /// Says something that is no event.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Json => writeln!(io::stderr(), "{text}"),
            Self::Plain { .. } | Self::Service(_) => print_line(text),
            Self::Terminal(terminal) => terminal.note(text),
        }
    }

    /// A second has passed.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        self.redraw()
    }

    /// The window has another size.
    pub(crate) fn redraw(&mut self) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.draw(),
            Self::Json | Self::Plain { .. } | Self::Service(_) => Ok(()),
        }
    }

    /// The end: gives the terminal back, takes the file away.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.close(),
            Self::Service(post) => post.close(),
            Self::Json | Self::Plain { .. } => Ok(()),
        }
    }
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
