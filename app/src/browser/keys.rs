//! Shortcuts of the keyboard that work on the whole page.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};

/// What a key on the page asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// Ctrl-K or Cmd-K: the palette.
    Palette,
    /// `/`: search.
    Search,
    /// `?`: the list of keys.
    Help,
    /// `g`, then `f`: the fleet.
    Fleet,
    /// `g`, then `a`: add a device.
    Add,
}

/// What this key asks for, after the key before it. While somebody types in a field only the palette's key counts.
pub(crate) fn shortcut(event: &KeyboardEvent, before: Option<&str>) -> Option<Shortcut> {
    let key = event.key();
    if (event.ctrl_key() || event.meta_key()) && !event.alt_key() && key.eq_ignore_ascii_case("k") {
        return Some(Shortcut::Palette);
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(event) {
        return None;
    }
    match (before, key.as_str()) {
        (Some("g"), "f") => Some(Shortcut::Fleet),
        (Some("g"), "a") => Some(Shortcut::Add),
        (_, "/") => Some(Shortcut::Search),
        (_, "?") => Some(Shortcut::Help),
        _ => None,
    }
}

fn is_typing(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
        .is_some_and(|element| {
            matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
                || element.is_content_editable()
        })
}
