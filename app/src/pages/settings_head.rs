//! The head of a page on which admins set something up for an organisation.

use gangway_protocol::organisation::Organisation;
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{Notice, Tone};
use crate::islands::organisation::address_of;

/// The head: the way back, what the page is for, and what it needs.
#[component]
pub(crate) fn SettingsHead(
    /// The organisation that the address names: its page is where one comes from.
    above: Option<Organisation>,
    /// What the page is called.
    title: &'static str,
    /// What it is for.
    lede: &'static str,
    /// What to say where no script can run.
    needs_script: &'static str,
) -> impl IntoView {
    view! {
        {above
            .map(|organisation| {
                view! {
                    <p class="crumb">
                        <a href=address_of(organisation.id.as_str())>
                            <Icon glyph=Glyph::Back />
                            {organisation.name}
                        </a>
                    </p>
                }
            })}
        <div class="page-head">
            <div>
                <h1>{title}</h1>
                <p class="lede">{lede}</p>
            </div>
        </div>
        <noscript>
            <Notice tone=Tone::Warn>
                <p>{needs_script}</p>
            </Notice>
        </noscript>
    }
}
