//! The document and its window: cookies that the page sets itself, the address, focus, dialogs.

use leptos::prelude::{on_cleanup, window_event_listener};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{
    Document, Element, HtmlAnchorElement, HtmlDialogElement, HtmlDocument, HtmlElement, MouseEvent, Window,
};

use crate::visit::{LANGUAGE_COOKIE, Language, THEME_COOKIE, Theme, cookie_value};

/// Languages and themes are asked for again after a year.
const COOKIE_LIFE_SECS: u32 = 31_536_000;

/// Sets or forgets the theme, at once and for the next visits.
pub(crate) fn set_theme(theme: Option<Theme>) {
    set_cookie(THEME_COOKIE, theme.map(Theme::name));
    let Some(root) = root() else {
        return;
    };
    let _ = match theme {
        Some(theme) => root.set_attribute("data-theme", theme.name()),
        None => root.remove_attribute("data-theme"),
    };
}

/// The theme that the person sees at present.
pub(crate) fn theme_in_effect(chosen: Option<Theme>) -> Theme {
    chosen.unwrap_or_else(|| {
        let dark = window()
            .and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok().flatten())
            .is_some_and(|query| query.matches());
        if dark { Theme::Dark } else { Theme::Light }
    })
}

/// Sets the language for this and the next visits: the page is drawn anew by the server.
pub(crate) fn set_language(language: Language) {
    set_cookie(LANGUAGE_COOKIE, Some(language.tag()));
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

/// Leaves for another page with a full load.
pub(crate) fn leave_for(address: &str) {
    if let Some(window) = window() {
        let _ = window.location().set_href(address);
    }
}

/// Leaves for another page so that going back does not lead here again.
pub(crate) fn leave_at_once_for(address: &str) {
    if let Some(window) = window() {
        let _ = window.location().replace(address);
    }
}

/// Path and query of the page.
#[cfg(feature = "hydrate")]
pub(crate) fn address() -> String {
    let path = window().and_then(|window| window.location().pathname().ok());
    format!("{}?{}", path.unwrap_or_default(), query())
}

/// The query of the page's address, without the question mark.
pub(crate) fn query() -> String {
    let search = window().and_then(|window| window.location().search().ok());
    search.unwrap_or_default().trim_start_matches('?').to_owned()
}

/// Shows another address of this site in the bar, as a further entry of the history or in place of the present one.
pub(crate) fn put_address(address: &str, replace: bool) {
    let Some(history) = window().and_then(|window| window.history().ok()) else {
        return;
    };
    let state = JsValue::NULL;
    let _ = if replace {
        history.replace_state_with_url(&state, "", Some(address))
    } else {
        history.push_state_with_url(&state, "", Some(address))
    };
}

/// Calls `on_move` when the person goes back or forward within the page, and `on_link` with the address of a followed link
/// that leads to the same page with another query. All other links are the browser's.
pub(crate) fn follow_address(on_move: impl Fn() + 'static, on_link: impl Fn(&str) + 'static) {
    let moved = window_event_listener(leptos::ev::popstate, move |_| on_move());
    let clicked = window_event_listener(leptos::ev::click, move |event: MouseEvent| {
        if let Some(address) = query_link(&event) {
            event.prevent_default();
            on_link(&address);
        }
    });
    on_cleanup(move || {
        moved.remove();
        clicked.remove();
    });
}

fn query_link(event: &MouseEvent) -> Option<String> {
    let modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || modified {
        return None;
    }
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let link: HtmlAnchorElement = target.closest("a[href]").ok()??.dyn_into().ok()?;
    let own = window()?.location();
    let stays = link.origin() == own.origin().ok()? && link.pathname() == own.pathname().ok()?;
    let ordinary = link.target().is_empty() && !link.has_attribute("download") && link.hash().is_empty();
    (stays && ordinary).then(|| format!("{}{}", link.pathname(), link.search()))
}

/// Where a list begins.
pub(crate) fn scroll_to_top() {
    if let Some(window) = window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// The title in the browser's tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// The origin of the page, e.g. `https://panel.example`.
pub(crate) fn origin() -> String {
    window()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_default()
}

/// Takes the fragment out of the address and replaces the address at once, so that no history, screenshot or sharing keeps
/// what was in it (threat model, ENR-12). Without the `#`; `None` when there is none.
pub(crate) fn take_fragment() -> Option<String> {
    let window = window()?;
    let location = window.location();
    let fragment = location.hash().ok()?;
    let fragment = fragment
        .strip_prefix('#')
        .filter(|rest| !rest.is_empty())?
        .to_owned();
    let bare = format!(
        "{}{}",
        location.pathname().ok()?,
        location.search().unwrap_or_default()
    );
    let history = window.history().ok()?;
    let state = history.state().unwrap_or_default();
    history.replace_state_with_url(&state, "", Some(&bare)).ok()?;
    Some(fragment)
}

/// What the browser calls itself and its system, as a first name for a passkey: `Firefox on Linux`.
pub(crate) fn browser_name() -> String {
    let agent = window()
        .and_then(|window| window.navigator().user_agent().ok())
        .unwrap_or_default();
    let first = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    // The order matters: Edge also says Chrome, Chrome also says Safari, Android also says Linux.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    [browser, system]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Moves the focus, e.g. to a heading when the content below it changes.
pub(crate) fn focus(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
}

/// Opens a dialog above everything else; the browser keeps the focus inside.
pub(crate) fn open_dialog(dialog: &HtmlDialogElement) {
    if !dialog.open() {
        let _ = dialog.show_modal();
    }
}

/// The element of this id.
pub(crate) fn element(id: &str) -> Option<HtmlElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// The `<html>` element.
pub(crate) fn root() -> Option<Element> {
    document()?.document_element()
}

pub(crate) fn document() -> Option<Document> {
    window()?.document()
}

pub(crate) fn window() -> Option<Window> {
    web_sys::window()
}

fn set_cookie(name: &str, value: Option<&str>) {
    let Some(document) = document().and_then(|document| document.dyn_into::<HtmlDocument>().ok()) else {
        return;
    };
    let present = document.cookie().unwrap_or_default();
    if value.is_none() && cookie_value(&present, name).is_none() {
        return;
    }
    let life = if value.is_some() { COOKIE_LIFE_SECS } else { 0 };
    let _ = document.set_cookie(&format!(
        "{name}={}; Path=/; Max-Age={life}; SameSite=Lax",
        value.unwrap_or_default()
    ));
}
