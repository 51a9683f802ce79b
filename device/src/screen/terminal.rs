//! The terminal itself: taken over for the page, given back at the end, on errors and on panics.

use std::io::{self, Write};
use std::sync::Once;
use std::time::Instant;

use crossterm::style::{
    Attribute, Color, Print, ResetColor, SetAttribute, SetBackgroundColor, SetForegroundColor,
};
use crossterm::terminal::{Clear, ClearType};
use crossterm::{cursor, execute, queue, terminal};
use gangway_device::config::{is_terminal_dumb, wants_no_colour};
use gangway_device::event::Event;

use super::page::{Line, Look, draw};
use super::view::View;

/// Deep sea green, legible on light and dark backgrounds.
const ACCENT: Color = Color::Rgb {
    r: 0x12,
    g: 0x8c,
    b: 0x7e,
};

/// The page on the terminal. Dropping it gives the terminal back.
pub(crate) struct Terminal {
    view: View,
    colour: bool,
    open: bool,
    rings_for: Option<Instant>,
}

/// Whether the terminal cannot draw pages.
pub(super) fn is_dumb() -> bool {
    is_terminal_dumb()
}

impl Terminal {
    pub(super) fn open(name: &str) -> io::Result<Self> {
        give_back_on_panic();
        terminal::enable_raw_mode()?;
        let mut page = Self {
            view: View::new(name),
            colour: !wants_no_colour(),
            open: true,
            rings_for: None,
        };
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        page.draw()?;
        Ok(page)
    }

    pub(super) fn show(&mut self, event: &Event) -> io::Result<()> {
        self.view.apply(event, Instant::now());
        self.draw()
    }

    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        self.view.note(text.to_owned());
        self.draw()
    }

    pub(super) fn keys_count_from(&mut self, at: Instant) {
        self.view.keys_count_from(at);
    }

    pub(super) fn draw(&mut self) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        let lines = draw(
            &self.view,
            usize::from(width),
            usize::from(height),
            Instant::now(),
        );
        let mut out = io::BufWriter::new(io::stdout().lock());
        if self.view.identify_until != self.rings_for {
            self.rings_for = self.view.identify_until;
            write!(out, "\x07")?;
        }
        queue!(out, terminal::BeginSynchronizedUpdate, cursor::MoveTo(0, 0))?;
        let last = lines.len().saturating_sub(1);
        for (place, line) in lines.iter().enumerate() {
            self.write(&mut out, line, usize::from(width))?;
            queue!(out, Clear(ClearType::UntilNewLine))?;
            if place < last {
                queue!(out, Print("\r\n"))?;
            }
        }
        queue!(
            out,
            Clear(ClearType::FromCursorDown),
            terminal::EndSynchronizedUpdate
        )?;
        out.flush()
    }

    /// Writes one line, cut off at the edge so that the terminal does not wrap it.
    fn write(&self, out: &mut impl Write, line: &Line, width: usize) -> io::Result<()> {
        let mut left = width;
        for (look, text) in line {
            let text: String = text.chars().take(left).collect();
            left -= text.chars().count();
            match look {
                Look::Plain => {}
                Look::Strong => queue!(out, SetAttribute(Attribute::Bold))?,
                Look::Faint => queue!(out, SetAttribute(Attribute::Dim))?,
                Look::Swapped => queue!(out, SetAttribute(Attribute::Reverse))?,
                Look::Accent if self.colour => {
                    queue!(out, SetForegroundColor(ACCENT), SetAttribute(Attribute::Bold))?;
                }
                Look::Alarm if self.colour => queue!(out, SetForegroundColor(Color::DarkRed))?,
                Look::Accent | Look::Alarm => queue!(out, SetAttribute(Attribute::Bold))?,
                // No colour means no decoration; a camera needs light and dark the right way round.
                Look::Light => queue!(out, SetForegroundColor(WHITE), SetBackgroundColor(BLACK))?,
            }
            queue!(out, Print(text), SetAttribute(Attribute::Reset), ResetColor)?;
        }
        Ok(())
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        give_back()?;
        writeln!(
            io::stdout(),
            "Stopped. The device goes on where it was when it is started again."
        )
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to tell when this fails.
            let _untold = give_back();
        }
    }
}

const WHITE: Color = Color::Rgb {
    r: 0xff,
    g: 0xff,
    b: 0xff,
};
const BLACK: Color = Color::Rgb { r: 0, g: 0, b: 0 };

fn give_back() -> io::Result<()> {
    execute!(
        io::stdout(),
        ResetColor,
        cursor::Show,
        terminal::LeaveAlternateScreen
    )?;
    terminal::disable_raw_mode()
}

/// A panic message on the alternate screen in raw mode would be lost.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _untold = give_back();
            tell(info);
        }));
    });
}
