//! A button with nothing but an icon on it. What it does is said to screen readers, and in a tooltip.

use leptos::ev::MouseEvent;

use super::icon::{Icon, icon};
use crate::view::{IntoAttribute, View, view};

/// The button. `act` is called for each click.
pub(crate) fn icon_button(
    shows: Icon,
    label: impl IntoAttribute + Clone,
    act: impl FnMut(MouseEvent) + 'static,
) -> View {
    view! {
        <button class="button quiet icon-only" type="button" aria-label=label.clone() title=label on:click=act>
            {icon(shows)}
        </button>
    }
}
