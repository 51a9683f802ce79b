//! `/setup`: what one-time links lead to. First run, invitation, recovery. The token is in the fragment, which no browser
//! sends to a server: all of it is up to the island.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::notice::{Notice, Tone};
use crate::islands::setup::Setup;
use crate::parts::Preload;
use crate::visit::language;
use crate::visitor::account;

/// The page.
#[component]
pub(crate) fn SetupPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.setup_title() />
        <Preload island="setup" />
        <main id="main" class="narrow" tabindex="-1">
            <Setup signed_in=account().ok().map(|account| account.name) sign_up=false />
            <noscript>
                <div class="gate">
                    <Notice tone=Tone::Warn>
                        <p>{t.setup_needs_script()}</p>
                    </Notice>
                </div>
            </noscript>
        </main>
    }
}
