//! The terminal itself: taken over for the page, given back at the end, on errors and on panics.

use std::io::{self, Write as _};
use std::time::Instant;

use crossterm::style::{Print, force_color_output};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use gangway_device::config::{is_terminal_dumb, wants_no_colour};
use gangway_device::event::Event;
use ratatui::DefaultTerminal;

use super::page::Page;
use super::palette::Palette;
use super::view::View;

/// The page on the terminal. Dropping it gives the terminal back.
pub(crate) struct Terminal {
    view: View,
    palette: Palette,
    screen: DefaultTerminal,
    open: bool,
    rings_for: Option<Instant>,
}

/// Whether the terminal cannot draw pages.
pub(super) fn is_dumb() -> bool {
    is_terminal_dumb()
}

impl Terminal {
    pub(super) fn open(name: &str) -> io::Result<Self> {
        // crossterm would leave out all colours under NO_COLOR, and with them those that make the QR code readable.
        force_color_output(true);
        let mut page = Self {
            view: View::new(name),
            palette: Palette::new(!wants_no_colour()),
            // Gives the terminal back on a panic too: the message would be lost on the alternate screen.
            screen: ratatui::try_init().inspect_err(|_| ratatui::restore())?,
            open: true,
            rings_for: None,
        };
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
        if self.view.identify_until != self.rings_for {
            self.rings_for = self.view.identify_until;
            queue!(self.screen.backend_mut(), Print('\x07'))?;
        }
        let page = Page {
            view: &self.view,
            palette: self.palette,
            now: Instant::now(),
        };
        queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
        self.screen
            .draw(|frame| frame.render_widget(page, frame.area()))?;
        execute!(self.screen.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        self.screen.show_cursor()?;
        ratatui::try_restore()?;
        writeln!(
            io::stdout(),
            "Stopped. The device goes on where it was when it is started again."
        )
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to tell when this fails. The cursor comes back with the screen's own drop.
            let _untold = ratatui::try_restore();
        }
    }
}
