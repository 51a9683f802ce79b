//! How the texts of the page look, with colours and without.

use ratatui::style::{Color, Modifier, Style};

pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
/// Foreground and background change places: calls for attention.
pub(super) const SWAPPED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// Light on dark whatever the terminal's colours are, for the QR code. No colour means no decoration; a camera needs light
/// and dark the right way round.
pub(super) const LIGHT: Style = Style::new()
    .fg(Color::Rgb(0xff, 0xff, 0xff))
    .bg(Color::Rgb(0, 0, 0));
/// Deep sea green, legible on light and dark backgrounds.
const ACCENT: Color = Color::Rgb(0x12, 0x8c, 0x7e);

/// The styles that have a colour where the person wants any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// The one accent.
    pub(super) accent: Style,
    /// What went wrong.
    pub(super) alarm: Style,
}

impl Palette {
    pub(super) const fn new(colour: bool) -> Self {
        if colour {
            Self {
                accent: STRONG.fg(ACCENT),
                alarm: Style::new().fg(Color::Red),
            }
        } else {
            Self {
                accent: STRONG,
                alarm: STRONG,
            }
        }
    }
}
