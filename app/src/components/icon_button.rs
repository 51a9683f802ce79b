//! A button with nothing but an icon on it. What it does is said to screen readers, and in a tooltip.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// The button.
#[component]
pub(crate) fn IconButton(
    /// What is drawn on it.
    glyph: Glyph,
    /// What it does.
    #[prop(into)]
    label: String,
    /// Called for each press.
    on_press: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <button class="button quiet icon-only" type="button" aria-label=label.clone() title=label on:click=move |_| on_press()>
            <Icon glyph />
        </button>
    }
}
