//! The page of `gangway-device run` as a widget: view and instant go in, the cells of an area come out. From top to bottom:
//! header, the middle ([`scene`]), countdown, what happened, keys.

mod code;
mod scene;

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::palette::{FAINT, Palette, STRONG, SWAPPED};
use super::view::{Scene, View};
use super::wording::{clean, duration};

/// Columns before and after everything.
const MARGIN: u16 = 2;
/// The header's line and a blank one.
const HEADER: u16 = 2;
/// Countdown and keys, for which the middle always leaves room.
const COUNTDOWN_AND_KEYS: u16 = 2;

/// What to draw.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) view: &'a View,
    pub(super) palette: Palette,
    pub(super) now: Instant,
}

/// A text and its place in the middle of the page.
struct Piece {
    place: Rect,
    text: Paragraph<'static>,
}

impl Widget for Page<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let inner = area.inner(Margin::new(MARGIN, 0));
        let room = inner.height.saturating_sub(HEADER + COUNTDOWN_AND_KEYS);
        let pieces = scene::pieces(self, inner.width, room);
        let middle = pieces.iter().map(|piece| piece.place.bottom()).max();
        let middle = middle.unwrap_or(0).min(room);

        let (countdown, keys) = (self.countdown(), self.keys());
        let countdown_height = rows(countdown.iter().len());
        let happened = wrapped(self.happened());
        // In little room what happened gives way; a blank line sets it off from the middle.
        let left = inner
            .height
            .saturating_sub(HEADER + middle + 1 + countdown_height + 1);
        let happened_height = height(&happened, inner.width).min(left);
        // `Length` outlasts `Max`: the keys stay at the bottom, so that the eye finds them.
        let [header, middle, countdown_area, happened_area, keys_area] = Layout::vertical([
            Constraint::Max(HEADER),
            Constraint::Fill(1),
            Constraint::Length(countdown_height),
            Constraint::Length(happened_height),
            Constraint::Length(1),
        ])
        .areas(inner);

        self.render_header(header, buffer);
        for Piece { place, text } in pieces {
            let place = Rect {
                x: middle.x.saturating_add(place.x),
                y: middle.y.saturating_add(place.y),
                ..place
            };
            text.render(place.intersection(middle), buffer);
        }
        countdown.render(countdown_area, buffer);
        happened.render(happened_area, buffer);
        keys.render(keys_area, buffer);
    }
}

impl Page<'_> {
    fn is_looked_for(self) -> bool {
        self.view.identify_until.is_some_and(|until| self.now < until)
    }

    /// The program on the left, the device's name on the right.
    fn render_header(self, area: Rect, buffer: &mut Buffer) {
        let title = Span::styled(concat!("Gangway device ", env!("CARGO_PKG_VERSION")), FAINT);
        let look = if self.is_looked_for() { SWAPPED } else { STRONG };
        let [left, right] =
            Layout::horizontal([Constraint::Length(rows(title.width())), Constraint::Fill(1)])
                .spacing(2)
                .areas(area);
        title.render(left, buffer);
        let name = Span::styled(self.view.name.clone(), look);
        Paragraph::new(name).right_aligned().render(right, buffer);
    }

    /// How long the code is good, while one is shown.
    fn countdown(self) -> Option<Line<'static>> {
        let (Scene::Waiting, Some(code)) = (&self.view.scene, &self.view.code) else {
            return None;
        };
        let left = code.expires_at.saturating_duration_since(self.now).as_secs();
        let mut text = format!("valid for {}:{:02}", left / 60, left % 60);
        if code.failures > 0 {
            text += &format!("    wrong attempts: {} of 3", code.failures);
        }
        text += if self.view.retry_at.is_some() {
            "    offline"
        } else {
            "    waiting"
        };
        Some(Line::styled(text, STRONG))
    }

    /// What went wrong and when it is tried again, or the latest line of history.
    fn happened(self) -> Text<'static> {
        let mut text = Text::default();
        if let Some(trouble) = &self.view.trouble {
            let told = format!("{} {}", clean(&trouble.message), trouble.remedy);
            text.push_line(Line::styled(told, self.palette.alarm));
        }
        if let Some(at) = self.view.retry_at {
            let left = at.saturating_duration_since(self.now).as_secs();
            let next = format!("Next attempt in {}.", duration(left));
            text.push_line(Line::styled(next, FAINT));
        } else if let (None, Some(last)) = (&self.view.trouble, self.view.history.last()) {
            text.push_line(Line::styled(last.clone(), FAINT));
        }
        text
    }

    fn keys(self) -> Line<'static> {
        let keys = match (&self.view.scene, &self.view.code) {
            (Scene::Asked { readable_at, .. }, _) if self.now >= *readable_at => {
                "y accept    n refuse    q quit"
            }
            (Scene::Waiting, Some(_)) => "c another code    q quit",
            _ => "q quit",
        };
        Line::styled(keys, FAINT)
    }
}

/// A text that is broken at words where it is wider than its place.
fn wrapped(text: impl Into<Text<'static>>) -> Paragraph<'static> {
    // Blanks at the left stay: large letters begin with them.
    Paragraph::new(text).wrap(Wrap { trim: false })
}

/// Lines that the text takes at this width.
fn height(text: &Paragraph<'_>, width: u16) -> u16 {
    rows(text.line_count(width))
}

/// A number of rows or columns, as terminals count them.
fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
