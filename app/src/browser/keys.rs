//! Shortcuts of the keyboard that work on the whole page.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};

use super::page;

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
    if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(event) || !single_keys_are_on() {
        return None;
    }
    // Leaving the page would lose what somebody has typed into it.
    let leaves = matches!((before, key.as_str()), (Some("g"), "f" | "a"));
    if leaves && page::is_filled_in() {
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

/// The name under which the browser keeps that keys without a modifier are off.
const SINGLE_KEYS: &str = "single-keys";

/// Whether keys without a modifier count in this browser.
pub(crate) fn single_keys_are_on() -> bool {
    let kept = page::storage().and_then(|storage| storage.get_item(SINGLE_KEYS).ok().flatten());
    kept.as_deref() != Some("off")
}

/// Switches keys without a modifier on or off, for this browser.
pub(crate) fn switch_single_keys(on: bool) {
    if let Some(storage) = page::storage() {
        // A browser that keeps nothing forgets it with the page.
        let _ = storage.set_item(SINGLE_KEYS, if on { "on" } else { "off" });
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
