//! The page at the sizes terminals have.

use std::time::{Duration, Instant};

use gangway_device::event::{CodeShown, Event, Trouble};
use gangway_protocol::code::UserCode;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::style::Color;
use ratatui::text::Line;
use serde_json::json;

use super::Page;
use crate::screen::palette::Palette;
use crate::screen::question::READABLE;
use crate::screen::view::View;

fn draw(view: &View, width: u16, height: u16, now: Instant, colour: bool) -> Buffer {
    let palette = Palette::new(colour);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| frame.render_widget(Page { view, palette, now }, frame.area()))
        .expect("drawn");
    terminal.backend().buffer().clone()
}

/// The page's lines as they are read.
fn text(view: &View, width: u16, height: u16, now: Instant) -> Vec<String> {
    let buffer = draw(view, width, height, now, true);
    let line = |row: &[Cell]| {
        let mut hidden = 0;
        let shown = row.iter().filter(|cell| {
            // A wide character hides the cell behind it.
            let is_shown = hidden == 0;
            hidden = if is_shown {
                cell.cell_width() - 1
            } else {
                hidden - 1
            };
            is_shown
        });
        let line: String = shown.map(Cell::symbol).collect();
        line.trim_end().to_owned()
    };
    buffer.content.chunks(usize::from(width)).map(line).collect()
}

fn waiting(now: Instant) -> View {
    let mut view = View::new("thermometer-7");
    let code = UserCode::read("BCDF-GHJKLM").expect("a code");
    view.apply(
        &Event::Code(CodeShown::new(&code, "https://panel.example/link", 600)),
        now,
    );
    view.apply(&event(json!({"event": "waiting", "expires_in_secs": 600})), now);
    view
}

/// An event as the library tells it; its variants grow, so that others cannot build them.
fn event(told: serde_json::Value) -> Event {
    serde_json::from_value(told).expect("an event")
}

fn asked(organisation: &str) -> Event {
    event(json!({
        "event": "approval_asked",
        "claim": "clm_00000000000000000000000000",
        "organisation": organisation,
        "approver": "Ada",
        "panel": "https://panel.example",
    }))
}

#[test]
fn an_ordinary_terminal_shows_code_words_picture_and_countdown() {
    let now = Instant::now();
    let lines = text(&waiting(now), 80, 24, now + Duration::from_secs(19));
    assert_eq!(lines.len(), 24);
    let all = lines.join("\n");
    assert!(lines[0].starts_with("  Gangway device ") && lines[0].ends_with("thermometer-7"));
    for expected in [
        "https://panel.example/link",
        "Bravo Charlie Delta Foxtrot",
        "Golf Hotel Juliett Kilo Lima Mike",
        "valid for 9:41    waiting",
        "c another code    q quit",
    ] {
        assert!(all.contains(expected), "{expected} is missing:\n{all}");
    }
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{all}");
    assert_eq!(
        lines.iter().filter(|line| line.ends_with("██")).count() + 1,
        17,
        "the picture is whole:\n{all}"
    );
}

#[test]
fn a_narrow_terminal_shows_the_code_without_the_picture() {
    let now = Instant::now();
    let all = text(&waiting(now), 40, 24, now).join("\n");
    assert!(
        all.contains("https://panel.example/link") && all.contains("█▀▀▀▄ ▄▀▀▀▀ █▀▀▀▄ █▀▀▀▀"),
        "{all}"
    );
    let all = text(&waiting(now), 26, 14, now).join("\n");
    assert!(all.contains("B C D F - G H J K L M"), "{all}");
    let all = text(&waiting(now), 16, 8, now).join("\n");
    assert!(all.contains("BCDF-GHJKLM"), "{all}");
}

#[test]
fn a_tall_narrow_terminal_puts_the_picture_below() {
    let now = Instant::now();
    let lines = text(&waiting(now), 40, 50, now);
    let all = lines.join("\n");
    assert!(lines.iter().any(|line| line.contains(&"█".repeat(33))), "{all}");
}

#[test]
fn the_question_names_who_wants_the_device() {
    let now = Instant::now();
    let mut view = waiting(now);
    view.apply(&event(json!({"event": "claimed"})), now);
    view.apply(&asked("Harbour Authority"), now);
    let early = text(&view, 80, 24, now).join("\n");
    assert!(
        early.contains("approved by Ada") && !early.contains("y accept"),
        "who it is comes before the keys:\n{early}"
    );
    let all = text(&view, 80, 24, now + READABLE).join("\n");
    for expected in [
        "Harbour Authority",
        "approved by Ada",
        "at https://panel.example",
        "Accept?",
        "y accept    n refuse",
    ] {
        assert!(all.contains(expected), "{expected} is missing:\n{all}");
    }
    assert!(
        !all.contains("BCDF"),
        "the code is not shown while somebody uses it"
    );
}

#[test]
fn what_went_wrong_is_told_with_its_remedy_until_a_connection_stands() {
    let now = Instant::now();
    let mut view = View::new("thermometer-7");
    view.apply(
        &Event::Error(Trouble::new("clock", "The dates do not fit.", "Set the clock.")),
        now,
    );
    let offline = json!({"event": "offline", "reason": "The dates do not fit.", "retry_in_secs": 7});
    view.apply(&event(offline), now);
    let all = text(&view, 80, 24, now).join("\n");
    assert!(
        all.contains("The dates do not fit. Set the clock.") && all.contains("Next attempt in 7 seconds."),
        "{all}"
    );
    let online = json!({
        "event": "online",
        "device": DeviceId::new(UnixMillis(0), [1; 10]),
        "organisation": OrganisationId::new(UnixMillis(0), [1; 10]),
        "certificate_sha256": "00".repeat(32),
    });
    view.apply(&event(online), now);
    let all = text(&view, 80, 24, now).join("\n");
    assert!(
        all.contains("● Online") && !all.contains("Set the clock."),
        "{all}"
    );
}

#[test]
fn a_device_that_is_looked_for_shows_itself_for_a_while() {
    let now = Instant::now();
    let mut view = waiting(now);
    view.apply(&event(json!({"event": "identify"})), now);
    assert!(text(&view, 80, 24, now).join("\n").contains("THIS ONE"));
    assert!(
        !text(&view, 80, 24, now + Duration::from_secs(10))
            .join("\n")
            .contains("THIS ONE")
    );
}

#[test]
fn wide_characters_take_the_columns_that_they_take() {
    let now = Instant::now();
    let name = "温度計七号";
    let mut view = View::new(name);
    let header = text(&view, 80, 24, now).remove(0);
    assert!(header.ends_with(name), "{header}");
    assert_eq!(Line::raw(header).width(), 78, "up to the margin");

    view.apply(&asked(&"港湾局".repeat(40)), now);
    let lines = text(&view, 41, 24, now);
    let wanted = "港湾局".repeat(40);
    let all: String = lines.iter().map(|line| line.trim()).collect();
    assert!(all.contains(&wanted), "{}", lines.join("\n"));
    assert!(lines.iter().all(|line| Line::raw(line.as_str()).width() <= 39));
}

#[test]
fn without_colours_only_the_picture_has_any() {
    let now = Instant::now();
    let mut view = waiting(now);
    view.apply(
        &Event::Error(Trouble::new("clock", "The dates do not fit.", "Set the clock.")),
        now,
    );
    let coloured = |colour| {
        let buffer = draw(&view, 80, 24, now, colour);
        let all = buffer.content.iter().map(|cell| (cell.fg, cell.bg));
        let mut all: Vec<_> = all
            .filter(|colours| *colours != (Color::Reset, Color::Reset))
            .collect();
        let picture = (Color::Rgb(0xff, 0xff, 0xff), Color::Rgb(0, 0, 0));
        let before = all.len();
        all.retain(|colours| *colours != picture);
        (before - all.len(), all.len())
    };
    assert_eq!(coloured(false), (33 * 17, 0));
    let (picture, others) = coloured(true);
    assert!(picture == 33 * 17 && others > 0, "{others}");
}

proptest::proptest! {
    /// Whatever the size: a page, and the countdown, the code and the keys are never pushed off.
    #[test]
    fn every_size_gets_a_page(width in 1_u16..200, height in 1_u16..80) {
        let now = Instant::now();
        let lines = text(&waiting(now), width, height, now);
        if width > 30 && height > 6 {
            let all = lines.join("\n");
            let code = ["BCDF-GHJKLM", "B C D F", "█▀▀▀▄ ▄▀▀▀▀ █▀▀▀▄ █▀▀▀▀"];
            proptest::prop_assert!(code.iter().any(|code| all.contains(code)), "{}", all);
            proptest::prop_assert!(all.contains("valid for 10:00") && all.contains("q quit"), "{}", all);
        }
    }

    #[test]
    fn texts_of_others_are_whole_at_every_width(
        words in proptest::collection::vec("[a-zé港]{1,30}", 1..6),
        width in 10_u16..100,
    ) {
        let now = Instant::now();
        let mut view = View::new("x");
        view.apply(&asked(&words.join(" ")), now);
        let lines = text(&view, width, 200, now);
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        proptest::prop_assert!(squeezed(&lines.concat()).contains(&words.concat()), "{}", lines.join("\n"));
    }
}
