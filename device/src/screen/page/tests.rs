//! The page at the sizes terminals have.

use std::time::{Duration, Instant};

use gangway_device::event::{CodeShown, Event, Trouble};
use gangway_protocol::code::UserCode;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use serde_json::json;

use super::{Line, draw, wrapped};
use crate::screen::question::READABLE;
use crate::screen::view::View;

fn text(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            line.iter()
                .map(|(_, text)| text.as_str())
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect()
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

#[test]
fn an_ordinary_terminal_shows_code_words_picture_and_countdown() {
    let now = Instant::now();
    let lines = text(&draw(&waiting(now), 80, 24, now + Duration::from_secs(19)));
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
    let all = text(&draw(&waiting(now), 40, 24, now)).join("\n");
    assert!(
        all.contains("https://panel.example/link") && all.contains("█▀▀▀▄ ▄▀▀▀▀ █▀▀▀▄ █▀▀▀▀"),
        "{all}"
    );
    let all = text(&draw(&waiting(now), 26, 14, now)).join("\n");
    assert!(all.contains("B C D F - G H J K L M"), "{all}");
    let all = text(&draw(&waiting(now), 16, 8, now)).join("\n");
    assert!(all.contains("BCDF-GHJKLM"), "{all}");
}

#[test]
fn a_tall_narrow_terminal_puts_the_picture_below() {
    let now = Instant::now();
    let lines = text(&draw(&waiting(now), 40, 50, now));
    let all = lines.join("\n");
    assert!(lines.iter().any(|line| line.contains(&"█".repeat(33))), "{all}");
}

#[test]
fn the_question_names_who_wants_the_device() {
    let now = Instant::now();
    let mut view = waiting(now);
    view.apply(&event(json!({"event": "claimed"})), now);
    let asked = json!({
        "event": "approval_asked",
        "claim": "clm_00000000000000000000000000",
        "organisation": "Harbour Authority",
        "approver": "Ada",
        "panel": "https://panel.example",
    });
    view.apply(&event(asked), now);
    let early = text(&draw(&view, 80, 24, now)).join("\n");
    assert!(
        early.contains("approved by Ada") && !early.contains("y accept"),
        "who it is comes before the keys:\n{early}"
    );
    let all = text(&draw(&view, 80, 24, now + READABLE)).join("\n");
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
    let all = text(&draw(&view, 80, 24, now)).join("\n");
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
    let all = text(&draw(&view, 80, 24, now)).join("\n");
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
    assert!(text(&draw(&view, 80, 24, now)).join("\n").contains("THIS ONE"));
    assert!(
        !text(&draw(&view, 80, 24, now + Duration::from_secs(10)))
            .join("\n")
            .contains("THIS ONE")
    );
}

proptest::proptest! {
    /// Whatever the size: as many lines as there are, and the countdown and the keys are never pushed off.
    #[test]
    fn every_size_gets_a_page(width in 1_usize..200, height in 1_usize..80) {
        let now = Instant::now();
        let lines = draw(&waiting(now), width, height, now);
        proptest::prop_assert_eq!(lines.len(), height);
        if width > 30 && height > 6 {
            let all = text(&lines).join("\n");
            proptest::prop_assert!(all.contains("q quit"));
        }
    }

    #[test]
    fn wrapping_loses_nothing_and_keeps_within_the_width(words in proptest::collection::vec("[a-zé]{1,30}", 0..12), width in 1_usize..40) {
        let joined = words.join(" ");
        let lines = wrapped(&joined, width);
        proptest::prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
        let squeezed = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        proptest::prop_assert_eq!(squeezed(&lines.join("")), squeezed(&joined));
    }
}
