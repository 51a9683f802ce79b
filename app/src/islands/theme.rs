//! The switch between dark and light.

use gangway_protocol::path::form;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::browser::page;
use crate::preference::Theme;
use crate::visit::language;

/// One button that leads to the other theme. Before it lives it is a form, and the server sends the page again.
#[island]
pub(crate) fn ThemeSwitch(
    /// The page to come back to.
    back: String,
) -> impl IntoView {
    let t = language();
    let switch = move |event: SubmitEvent| {
        event.prevent_default();
        page::set_theme(Some(match page::theme_in_effect() {
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Dark,
        }));
    };
    // Which of the two shows is a matter of style: only that knows what the system prefers.
    view! {
        <form method="post" action=form::APPEARANCE class="theme-switch" on:submit=switch>
            <input type="hidden" name="back" value=back />
            <button type="submit" name="theme" value=Theme::Dark.name() class="to-dark">{t.switch_to_dark()}</button>
            <button type="submit" name="theme" value=Theme::Light.name() class="to-light">{t.switch_to_light()}</button>
        </form>
    }
}
