//! The page of `gangway-device run`, drawn as text: view, size and instant go in, lines come out.
//!
//! With room for it, the QR code stands beside the code; on a narrow terminal below it; without room it is left out, and
//! then the large letters.

use std::time::Instant;

use super::view::{Code, Scene, View};
use super::wording::{duration, spoken};
use super::{letters, qr};

/// Columns before everything.
const MARGIN: usize = 2;
/// Columns between the left half and the QR code.
const GAP: usize = 3;
/// Lines of text are broken here on wide terminals: longer ones are hard to read.
const MAX_TEXT_WIDTH: usize = 76;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Faint,
    /// The one accent.
    Accent,
    Alarm,
    /// Light on dark whatever the terminal's colours are: for the QR code.
    Light,
    /// Swapped: calls for attention.
    Swapped,
}

/// A line of the page: pieces from left to right.
pub(super) type Line = Vec<(Look, String)>;

/// Draws the page.
pub(super) fn draw(view: &View, width: usize, height: usize, now: Instant) -> Vec<Line> {
    let mut lines = vec![header(view, width, now), Vec::new()];
    let room = height.saturating_sub(lines.len() + 2);
    lines.extend(middle(view, width, room, now));
    lines.truncate(height.saturating_sub(2));
    let footer = footer(view, width, height.saturating_sub(lines.len() + 1), now);
    // The footer stays at the bottom, so that the eye finds it.
    lines.resize(height.saturating_sub(footer.len()), Vec::new());
    let surplus = footer.len().saturating_sub(height);
    lines.extend(footer.into_iter().skip(surplus));
    lines
}

fn header(view: &View, width: usize, now: Instant) -> Line {
    let title = concat!("Gangway device ", env!("CARGO_PKG_VERSION"));
    let gap = width
        .saturating_sub(2 * MARGIN + title.len() + view.name.chars().count())
        .max(2);
    let look = if view.identify_until.is_some_and(|until| now < until) {
        Look::Swapped
    } else {
        Look::Strong
    };
    vec![
        (Look::Plain, " ".repeat(MARGIN)),
        (Look::Faint, title.to_owned()),
        (Look::Plain, " ".repeat(gap)),
        (look, view.name.clone()),
    ]
}

fn middle(view: &View, width: usize, room: usize, now: Instant) -> Vec<Line> {
    if view.identify_until.is_some_and(|until| now < until) {
        return banner(width, "THIS ONE", "Somebody looks for this device in the panel.");
    }
    let wrap_width = width.saturating_sub(2 * MARGIN).min(MAX_TEXT_WIDTH);
    let text = |look: Look, text: &str| indented(look, text, wrap_width);
    match &view.scene {
        Scene::Connecting => text(Look::Plain, "Connecting to the server …"),
        Scene::Waiting => match &view.code {
            Some(code) => code_page(code, width, room),
            None => text(Look::Plain, "Waiting for a code …"),
        },
        Scene::Paused { until } => {
            let left = until.saturating_duration_since(now).as_secs();
            let mut lines = text(Look::Alarm, "Too many wrong codes within an hour.");
            lines.push(Vec::new());
            let rest = format!("The device shows no code for {}.", duration(left));
            lines.extend(text(Look::Plain, &rest));
            lines
        }
        Scene::Claimed => {
            let mut lines = text(Look::Accent, "✓ The code was entered correctly.");
            lines.push(Vec::new());
            lines.extend(text(
                Look::Plain,
                "Somebody looks at this device in the panel and decides whether to add it.",
            ));
            lines
        }
        Scene::Asked {
            organisation,
            approver,
            panel,
            readable_at,
        } => {
            let mut lines = text(Look::Plain, "An organisation wants this device:");
            lines.push(Vec::new());
            lines.extend(text(Look::Strong, organisation));
            lines.extend(text(Look::Plain, &format!("approved by {approver}")));
            lines.extend(text(Look::Faint, &format!("at {panel}")));
            lines.push(Vec::new());
            lines.extend(text(
                Look::Plain,
                "Accept only if you know them: they will manage this device.",
            ));
            lines.push(Vec::new());
            if now < *readable_at {
                lines.extend(text(Look::Faint, "You can answer in a moment."));
                return lines;
            }
            lines.push(vec![
                (Look::Plain, " ".repeat(MARGIN)),
                (Look::Plain, "Accept?   ".to_owned()),
                (Look::Swapped, " y ".to_owned()),
                (Look::Plain, " yes    ".to_owned()),
                (Look::Swapped, " n ".to_owned()),
                (Look::Plain, " no".to_owned()),
            ]);
            lines
        }
        Scene::Joining { organisation } => {
            let mut lines = text(
                Look::Accent,
                &format!("✓ Accepted: this device joins “{organisation}”."),
            );
            lines.push(Vec::new());
            lines.extend(text(
                Look::Plain,
                "Its certificate is made, installed and tried out. This takes a few seconds.",
            ));
            lines
        }
        Scene::Online { device } => {
            let look = if view.retry_at.is_some() {
                Look::Faint
            } else {
                Look::Accent
            };
            let word = if view.retry_at.is_some() {
                "Offline"
            } else {
                "● Online"
            };
            let mut lines = text(look, word);
            lines.push(Vec::new());
            lines.extend(text(Look::Plain, &format!("{device} at {}", view.server)));
            lines
        }
        Scene::Limited { reason } => {
            let mut lines = text(Look::Alarm, "Connected, with limits");
            lines.push(Vec::new());
            lines.extend(text(Look::Plain, reason));
            lines
        }
    }
}

/// What to open, what to enter, and the picture of both.
fn code_page(code: &Code, width: usize, room: usize) -> Vec<Line> {
    let picture = qr::lines(&code.link).unwrap_or_default();
    let picture_width = picture.first().map_or(0, |line| line.chars().count());
    let beside = width.saturating_sub(MARGIN + GAP + picture_width + 1);
    let enough = code.user_code.split('-').map(letters::width).max().unwrap_or(0);
    if !picture.is_empty()
        && picture.len() <= room
        && beside >= enough.max(code.verification_uri.chars().count())
    {
        return side_by_side(&code_text(code, beside, room), &picture, beside);
    }
    let text_width = width.saturating_sub(2 * MARGIN);
    let mut lines = code_text(code, text_width, room);
    if lines.len() + picture.len() < room && picture_width + MARGIN <= width {
        lines.push(Vec::new());
        for line in picture {
            lines.push(vec![(Look::Plain, " ".repeat(MARGIN)), (Look::Light, line)]);
        }
    }
    lines
}

/// The left half: as large as `width` and `room` allow.
fn code_text(code: &Code, width: usize, room: usize) -> Vec<Line> {
    let line = |look: Look, text: String| vec![(Look::Plain, " ".repeat(MARGIN)), (look, text)];
    let mut lines = vec![line(Look::Plain, "To add this device, open".to_owned())];
    lines.extend(
        wrapped(&code.verification_uri, width)
            .into_iter()
            .map(|text| line(Look::Strong, text)),
    );
    lines.push(line(Look::Plain, "and enter".to_owned()));
    lines.push(Vec::new());

    let words: Vec<Vec<String>> = code
        .user_code
        .split('-')
        .map(|half| wrapped(&spoken(half), width))
        .collect();
    let word_lines: usize = words.iter().map(Vec::len).sum();
    let in_one =
        letters::width(&code.user_code) <= width && lines.len() + letters::HEIGHT + 1 + word_lines <= room;
    let halves: Vec<&str> = code.user_code.split('-').collect();
    let in_two = halves.iter().all(|half| letters::width(half) <= width)
        && lines.len() + halves.len() * (letters::HEIGHT + 1) + word_lines <= room;
    if in_one {
        lines.extend(letters::large(&code.user_code).map(|text| line(Look::Accent, text)));
        lines.push(Vec::new());
        lines.extend(words.into_iter().flatten().map(|text| line(Look::Plain, text)));
    } else if in_two {
        for (half, words) in halves.into_iter().zip(words) {
            lines.extend(letters::large(half).map(|text| line(Look::Accent, text)));
            lines.extend(words.into_iter().map(|text| line(Look::Plain, text)));
            lines.push(Vec::new());
        }
    } else {
        let spaced: Vec<String> = code.user_code.chars().map(String::from).collect();
        let spaced = spaced.join(" ");
        let shown = if spaced.len() <= width {
            spaced
        } else {
            code.user_code.clone()
        };
        if lines.len() + 1 + word_lines > room {
            // Hardly any room: the code before everything else.
            let mut lines = vec![line(Look::Accent, shown)];
            lines.extend(
                wrapped(&code.verification_uri, width)
                    .into_iter()
                    .map(|text| line(Look::Plain, text)),
            );
            return lines;
        }
        lines.push(line(Look::Accent, shown));
        lines.extend(words.into_iter().flatten().map(|text| line(Look::Plain, text)));
    }
    lines
}

fn side_by_side(left: &[Line], picture: &[String], width: usize) -> Vec<Line> {
    (0..left.len().max(picture.len()))
        .map(|place| {
            let mut line = left.get(place).cloned().unwrap_or_default();
            let used: usize = line.iter().map(|(_, text)| text.chars().count()).sum();
            if let Some(part) = picture.get(place) {
                line.push((
                    Look::Plain,
                    " ".repeat((MARGIN + width + GAP).saturating_sub(used)),
                ));
                line.push((Look::Light, part.clone()));
            }
            line
        })
        .collect()
}

fn banner(width: usize, word: &str, text: &str) -> Vec<Line> {
    let inner = width.saturating_sub(2 * MARGIN);
    let bar = || {
        vec![
            (Look::Plain, " ".repeat(MARGIN)),
            (Look::Swapped, " ".repeat(inner)),
        ]
    };
    let centred = |text: &str| {
        let text: String = text.chars().take(inner).collect();
        vec![
            (Look::Plain, " ".repeat(MARGIN)),
            (Look::Swapped, format!("{text:^inner$}")),
        ]
    };
    vec![bar(), bar(), centred(word), bar(), centred(text), bar(), bar()]
}

/// The countdown, what happened, and which keys there are. In little room the middle gives way.
fn footer(view: &View, width: usize, room: usize, now: Instant) -> Vec<Line> {
    let inner = width.saturating_sub(2 * MARGIN);
    let line = |look: Look, text: String| vec![(Look::Plain, " ".repeat(MARGIN)), (look, text)];
    let mut lines = Vec::new();
    if let (Scene::Waiting, Some(code)) = (&view.scene, &view.code) {
        let left = code.expires_at.saturating_duration_since(now).as_secs();
        let mut countdown = format!("valid for {}:{:02}", left / 60, left % 60);
        if code.failures > 0 {
            countdown += &format!("    wrong attempts: {} of 3", code.failures);
        }
        countdown += if view.retry_at.is_some() {
            "    offline"
        } else {
            "    waiting"
        };
        lines.push(line(Look::Strong, countdown));
    }
    let mut what = Vec::new();
    if let Some(trouble) = &view.trouble {
        let text = format!("{} {}", super::wording::clean(&trouble.message), trouble.remedy);
        what.extend(indented(Look::Alarm, &text, inner));
    }
    if let Some(at) = view.retry_at {
        let left = at.saturating_duration_since(now).as_secs();
        what.extend(indented(
            Look::Faint,
            &format!("Next attempt in {}.", duration(left)),
            inner,
        ));
    } else if let (None, Some(last)) = (&view.trouble, view.history.last()) {
        what.extend(indented(Look::Faint, last, inner));
    }
    what.truncate(room.saturating_sub(lines.len() + 1));
    lines.extend(what);
    let keys = match (&view.scene, &view.code) {
        (Scene::Asked { readable_at, .. }, _) if now >= *readable_at => "y accept    n refuse    q quit",
        (Scene::Waiting, Some(_)) => "c another code    q quit",
        _ => "q quit",
    };
    lines.push(line(Look::Faint, keys.to_owned()));
    lines
}

fn indented(look: Look, text: &str, width: usize) -> Vec<Line> {
    wrapped(text, width)
        .into_iter()
        .map(|line| vec![(Look::Plain, " ".repeat(MARGIN)), (look, line)])
        .collect()
}

/// Breaks a text at spaces; a word that is longer than a line is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        let last = lines
            .last_mut()
            .map(|line| line.chars().count())
            .unwrap_or_default();
        if last > 0 && last + 1 + rest.len() > width {
            lines.push(String::new());
        }
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let space = usize::from(used > 0);
            if used + space + rest.len() <= width {
                if space == 1 {
                    line.push(' ');
                }
                line.extend(rest);
                break;
            }
            let tail = rest.split_off(width.min(rest.len()));
            line.extend(rest);
            lines.push(String::new());
            rest = tail;
        }
    }
    lines
}

#[cfg(test)]
#[path = "page/tests.rs"]
mod tests;
