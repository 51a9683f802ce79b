//! What opens over every page, by a button or a key: the palette, and the list of keys.

mod keys;
mod palette;

use gangway_protocol::path::page as paths;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::keys::Keys;
use self::palette::Palette;
use crate::browser::keys::{Shortcut, shortcut};
use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::visit::language;

/// The element that `/` moves to, on pages that have one.
pub(crate) const SEARCH_ID: &str = "search";

/// Where the visitor may go from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// To the account's page.
    pub(crate) account: bool,
    /// To the fleet.
    pub(crate) fleet: bool,
    /// To the code page.
    pub(crate) enrol: bool,
    /// To the organisations and to who signs for them.
    pub(crate) administer: bool,
}

/// Which of them are open.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    palette: RwSignal<bool>,
    keys: RwSignal<bool>,
}

impl Panels {
    pub(super) fn provide() {
        provide_context(Self {
            palette: RwSignal::new(false),
            keys: RwSignal::new(false),
        });
    }
}

/// Opens the palette.
#[island]
pub(crate) fn PaletteButton() -> impl IntoView {
    let t = language();
    let Panels { palette, .. } = expect_context();
    view! {
        <button class="button quiet" type="button" title=t.palette() on:click=move |_| palette.set(true)>
            <Icon glyph=Glyph::Search />
            <span class="hidden-text">{t.palette()}</span>
            <kbd class="wide-only" aria-hidden="true">"Ctrl K"</kbd>
        </button>
    }
}

/// Opens the list of keys.
#[island]
pub(crate) fn KeysButton() -> impl IntoView {
    let t = language();
    let Panels { keys, .. } = expect_context();
    view! { <button type="button" on:click=move |_| keys.set(true)>{t.keys()}</button> }
}

/// Listens for keys, and has both panels once somebody has asked for one: their code is loaded then.
#[island]
pub(crate) fn OverPage(
    /// What keys and palette offer.
    reach: Reach,
) -> impl IntoView {
    let panels: Panels = expect_context();
    listen(panels, reach);
    let draw = RwSignal::new(None::<Draw>);
    Effect::new(move |_| {
        if (panels.palette.get() || panels.keys.get()) && draw.get_untracked().is_none() {
            leptos::task::spawn_local(async move { draw.set(Some(both_panels().await)) });
        }
    });
    move || draw.get().map(|draw| draw(panels, reach))
}

/// Draws both.
type Draw = fn(Panels, Reach) -> AnyView;

/// The code that draws them, which the build puts into a file of its own.
#[lazy]
fn both_panels() -> Draw {
    |Panels { palette, keys }, reach| {
        view! {
            <Palette open=palette keys reach />
            <Keys open=keys />
        }
        .into_any()
    }
}

fn listen(panels: Panels, reach: Reach) {
    let before = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
            let wanted = shortcut(&event, before.get_value().as_deref());
            before.set_value(Some(event.key()));
            let Some(wanted) = wanted else { return };
            if (wanted == Shortcut::Fleet && !reach.fleet) || (wanted == Shortcut::Add && !reach.enrol) {
                return;
            }
            event.prevent_default();
            match wanted {
                Shortcut::Palette => panels.palette.update(|open| *open = !*open),
                Shortcut::Help => panels.keys.set(true),
                Shortcut::Search if page::element(SEARCH_ID).is_some() => page::focus(SEARCH_ID),
                Shortcut::Search => panels.palette.set(true),
                Shortcut::Fleet => page::leave_for(paths::FLEET),
                Shortcut::Add => page::leave_for(paths::LINK),
            }
        });
        on_cleanup(move || handle.remove());
    });
}
