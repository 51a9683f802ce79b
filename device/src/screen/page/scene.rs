//! The middle of the page, one for each scene of the view.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::{Page, Piece, code, height, wrapped};
use crate::screen::palette::{FAINT, STRONG, SWAPPED};
use crate::screen::view::Scene;
use crate::screen::wording::duration;

/// Lines of text are broken here on wide terminals: longer ones are hard to read.
const MAX_TEXT_WIDTH: u16 = 76;

/// The middle in `width` columns. Where `room` rows are not enough it gives way as far as it can; the rest is cut off.
pub(super) fn pieces(page: Page<'_>, width: u16, room: u16) -> Vec<Piece> {
    if page.is_looked_for() {
        return vec![banner(
            width,
            "THIS ONE",
            "Somebody looks for this device in the panel.",
        )];
    }
    if let (Scene::Waiting, Some(code)) = (&page.view.scene, &page.view.code) {
        return code::pieces(code, page.palette, width, room);
    }
    let text = wrapped(text(page));
    let width = width.min(MAX_TEXT_WIDTH);
    vec![Piece {
        place: Rect::new(0, 0, width, height(&text, width)),
        text,
    }]
}

fn text(page: Page<'_>) -> Text<'static> {
    let Page { view, palette, now } = page;
    let lines = match &view.scene {
        Scene::Connecting => vec![Line::raw("Connecting to the server …")],
        // The code has a page of its own.
        Scene::Waiting => vec![Line::raw("Waiting for a code …")],
        Scene::Paused { until } => {
            let left = until.saturating_duration_since(now).as_secs();
            vec![
                Line::styled("Too many wrong codes within an hour.", palette.alarm),
                Line::default(),
                Line::raw(format!("The device shows no code for {}.", duration(left))),
            ]
        }
        Scene::Claimed => vec![
            Line::styled("✓ The code was entered correctly.", palette.accent),
            Line::default(),
            Line::raw("Somebody looks at this device in the panel and decides whether to add it."),
        ],
        Scene::Asked {
            organisation,
            approver,
            panel,
            readable_at,
        } => vec![
            Line::raw("An organisation wants this device:"),
            Line::default(),
            Line::styled(organisation.clone(), STRONG),
            Line::raw(format!("approved by {approver}")),
            Line::styled(format!("at {panel}"), FAINT),
            Line::default(),
            Line::raw("Accept only if you know them: they will manage this device."),
            Line::default(),
            if now < *readable_at {
                Line::styled("You can answer in a moment.", FAINT)
            } else {
                Line::from(vec![
                    Span::raw("Accept?   "),
                    Span::styled(" y ", SWAPPED),
                    Span::raw(" yes    "),
                    Span::styled(" n ", SWAPPED),
                    Span::raw(" no"),
                ])
            },
        ],
        Scene::Joining { organisation } => vec![
            Line::styled(
                format!("✓ Accepted: this device joins “{organisation}”."),
                palette.accent,
            ),
            Line::default(),
            Line::raw("Its certificate is made, installed and tried out. This takes a few seconds."),
        ],
        Scene::Online { device } => vec![
            if view.retry_at.is_some() {
                Line::styled("Offline", FAINT)
            } else {
                Line::styled("● Online", palette.accent)
            },
            Line::default(),
            Line::raw(format!("{device} at {}", view.server)),
        ],
        Scene::Limited { reason } => vec![
            Line::styled("Connected, with limits", palette.alarm),
            Line::default(),
            Line::raw(reason.clone()),
        ],
    };
    Text::from(lines)
}

/// A bar across the page, to be seen from afar.
fn banner(width: u16, word: &'static str, text: &'static str) -> Piece {
    let lines = ["", "", word, "", text, "", ""];
    Piece {
        place: Rect::new(0, 0, width, 7),
        text: Paragraph::new(lines.map(Line::raw).to_vec())
            .centered()
            .style(SWAPPED),
    }
}
