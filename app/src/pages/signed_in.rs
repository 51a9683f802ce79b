//! `/link/signed-in/{signer}`: where the authority of a signer sends people back to, in a window of its own. What it sent with them goes to
//! the window that waits for it.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::islands::signed_in::SignedIn;
use crate::parts::Preload;
use crate::visit::language;

/// The page.
#[component]
pub(crate) fn SignedInPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.signed_in_title() />
        <Preload island="signed_in" />
        <main id="main" class="narrow" tabindex="-1">
            <div class="blank">
                <h1>{t.signed_in_title()}</h1>
                <p>{t.signed_in_text()}</p>
                <SignedIn />
            </div>
        </main>
    }
}
