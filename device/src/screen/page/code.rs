//! The page while a code is good: what to open, what to enter, and the picture of both.
//!
//! With room for it, the QR code stands beside the code; on a narrow terminal below it; without room it is left out, and
//! then the large letters.

use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::Paragraph;

use super::{Piece, height, rows, wrapped};
use crate::screen::palette::{LIGHT, Palette, STRONG};
use crate::screen::view::Code;
use crate::screen::wording::spoken;
use crate::screen::{letters, qr};

/// Columns between the text and the QR code.
const GAP: u16 = 2;

pub(super) fn pieces(code: &Code, palette: Palette, width: u16, room: u16) -> Vec<Piece> {
    let picture = qr::lines(&code.link).unwrap_or_default();
    let picture_width = picture.first().map_or(0, |line| rows(line.chars().count()));
    let picture_height = rows(picture.len());
    let picture = |x, y| Piece {
        place: Rect::new(x, y, picture_width, picture_height),
        text: Paragraph::new(Text::from_iter(picture)).style(LIGHT),
    };
    let beside = width.saturating_sub(GAP + picture_width);
    let enough = halves(code).map(letters::width).max().unwrap_or(0);
    let enough = rows(enough.max(code.verification_uri.chars().count()));
    if picture_height > 0 && picture_height <= room && beside >= enough {
        let text = text(code, palette, beside, room);
        return vec![text, picture(beside + GAP, 0)];
    }
    let text = text(code, palette, width, room);
    let below = text.place.height + 1;
    if below + picture_height <= room && picture_width <= width {
        vec![text, picture(0, below)]
    } else {
        vec![text]
    }
}

/// As large as `width` and `room` allow.
fn text(code: &Code, palette: Palette, width: u16, room: u16) -> Piece {
    let address = || Line::styled(code.verification_uri.clone(), STRONG);
    let heading = || {
        vec![
            Line::raw("To add this device, open"),
            address(),
            Line::raw("and enter"),
            Line::default(),
        ]
    };
    let large = |text: &str| letters::large(text).map(|row| Line::styled(row, palette.accent));
    let words = || halves(code).map(|half| Line::raw(spoken(half)));
    let fits = |text: &str| rows(letters::width(text)) <= width;

    let in_one = fits(&code.user_code).then(|| {
        let mut lines = heading();
        lines.extend(large(&code.user_code));
        lines.push(Line::default());
        lines.extend(words());
        lines
    });
    let in_two = halves(code).all(fits).then(|| {
        let mut lines = heading();
        for (half, words) in halves(code).zip(words()) {
            lines.extend(large(half));
            lines.extend([words, Line::default()]);
        }
        lines
    });
    let spaced: Vec<String> = code.user_code.chars().map(String::from).collect();
    let spaced = Line::styled(spaced.join(" "), palette.accent);
    let shown = if rows(spaced.width()) <= width {
        spaced
    } else {
        Line::styled(code.user_code.clone(), palette.accent)
    };
    let small = [heading(), vec![shown.clone()], words().collect()].concat();
    // Hardly any room: the code before everything else.
    let smallest = [vec![shown, address()], words().collect()].concat();

    let place = |lines: Vec<Line<'static>>| {
        let text = wrapped(lines);
        Piece {
            place: Rect::new(0, 0, width, height(&text, width)),
            text,
        }
    };
    [in_one, in_two, Some(small)]
        .into_iter()
        .flatten()
        .map(place)
        .find(|piece| piece.place.height <= room)
        .unwrap_or_else(|| place(smallest))
}

fn halves(code: &Code) -> impl Iterator<Item = &str> {
    code.user_code.split('-')
}
