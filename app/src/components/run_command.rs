//! The command by which a device shows a code.

use leptos::prelude::*;

use super::copy::CopyButton;
use crate::visit::origin;

/// The command for this server. It works within islands alone: it can be copied.
#[component]
pub(crate) fn RunCommand() -> impl IntoView {
    view! { <Command text=format!("gangway-device run --server {}", origin()) /> }
}

/// A command or another line of machine text, with a button to copy it.
#[component]
pub(crate) fn Command(
    /// The line.
    text: String,
) -> impl IntoView {
    view! {
        <div class="command">
            <code>{text.clone()}</code>
            <CopyButton text />
        </div>
    }
}
