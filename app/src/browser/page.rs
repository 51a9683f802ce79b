//! The document and its window: cookies that the page sets itself, the address, focus, dialogs.

use gangway_protocol::path::form;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{
    Document, Element, HtmlDialogElement, HtmlDocument, HtmlElement, HtmlInputElement, HtmlSelectElement,
    Storage, SubmitEvent, Window,
};

use crate::preference::{Language, THEME_COOKIE, Theme, cookie_value};

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

/// The theme that the person sees at present: the chosen one, or what the system prefers.
pub(crate) fn theme_in_effect() -> Theme {
    let chosen = root().and_then(|root| Theme::from_name(&root.get_attribute("data-theme")?));
    chosen.unwrap_or_else(|| {
        let dark = window()
            .and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok().flatten())
            .is_some_and(|query| query.matches());
        if dark { Theme::Dark } else { Theme::Light }
    })
}

/// Sets the language for this and the next visits, by the form at the end of the page: the server draws it anew.
pub(crate) fn set_language(language: Language) {
    let button = format!("footer button[name='language'][value='{}']", language.tag());
    let button = document().and_then(|document| document.query_selector(&button).ok().flatten());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        button.click();
    }
}

/// Has the form that is being sent take a fragment along, if it is one that has this page drawn anew in another language or
/// theme. Browsers keep a fragment over a redirect and send it to nobody (Fetch §4.4).
pub(crate) fn carry_over(event: &SubmitEvent, fragment: &str) {
    let sent = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .filter(|sent| {
            sent.get_attribute("action")
                .is_some_and(|action| action.starts_with(form::APPEARANCE))
        });
    if let Some(sent) = sent {
        let _ = sent.set_attribute("action", &format!("{}#{fragment}", form::APPEARANCE));
    }
}

/// Leaves for another page with a full load.
pub(crate) fn leave_for(address: &str) {
    if let Some(window) = window() {
        let _ = window.location().set_href(address);
    }
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

/// Where a list begins.
pub(crate) fn scroll_to_top() {
    if let Some(window) = window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// The origin of the page, e.g. `https://panel.example`.
pub(crate) fn origin() -> String {
    window()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_default()
}

/// Loads the page anew, as the server has it now.
pub(crate) fn reload() {
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

/// Loads the page anew with this fragment, which the next page takes out of the address again at once.
pub(crate) fn reload_with_fragment(fragment: &str) {
    let query = query();
    let mark = if query.is_empty() { "" } else { "?" };
    let path = window().and_then(|window| window.location().pathname().ok());
    put_address(
        &format!("{}{mark}{query}#{fragment}", path.unwrap_or_default()),
        true,
    );
    reload();
}

/// What somebody typed into the field of this id before the page came alive, or chose in it; empty when there is nothing.
pub(crate) fn typed(id: &str) -> String {
    let value = |field: HtmlElement| match field.dyn_into::<HtmlInputElement>() {
        Ok(field) => Some(field.value()),
        Err(field) => Some(field.dyn_into::<HtmlSelectElement>().ok()?.value()),
    };
    element(id).and_then(value).unwrap_or_default()
}

/// Whether somebody has typed something on the page that leaving it would lose.
pub(crate) fn is_filled_in() -> bool {
    let fields =
        document().and_then(|document| document.query_selector_all("main input:not([type=hidden])").ok());
    fields.is_some_and(|fields| {
        (0..fields.length())
            .filter_map(|place| fields.get(place)?.dyn_into::<HtmlInputElement>().ok())
            .any(|field| field.value() != field.default_value())
    })
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

/// Takes what an authority sent back out of the address, a fragment or a query, and out of the history. It comes with the path.
pub(crate) fn take_return() -> Option<String> {
    let fragment = take_fragment();
    let query = Some(query()).filter(|query| !query.is_empty());
    let path = window()?.location().pathname().ok()?;
    put_address(&path, true);
    let behind = fragment
        .map(|fragment| format!("#{fragment}"))
        .or(query.map(|query| format!("?{query}")));
    Some(format!("{path}{}", behind?))
}

/// Closes the window, where it was opened by a page. Else it stays.
pub(crate) fn close() {
    if let Some(window) = window() {
        let _ = window.close();
    }
}

/// Opens an address in a window of its own beside this one. False where the browser does not.
pub(crate) fn open_window(address: &str, name: &str) -> bool {
    let opened = window().and_then(|window| {
        window
            .open_with_url_and_target_and_features(address, name, "popup,width=520,height=720")
            .ok()
    });
    opened.flatten().is_some()
}

/// Moves the focus, e.g. to a heading when the content below it changes.
pub(crate) fn focus(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
}

/// Moves the focus there unless the person has put it somewhere already.
pub(crate) fn focus_if_free(id: &str) {
    let focused = document().and_then(|document| document.active_element());
    if focused.is_none_or(|element| element.tag_name() == "BODY") {
        focus(id);
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

/// The window; none on the server.
pub(crate) fn window() -> Option<Window> {
    if cfg!(feature = "hydrate") {
        web_sys::window()
    } else {
        None
    }
}

/// What this browser keeps for this site, where it keeps anything.
pub(crate) fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
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
