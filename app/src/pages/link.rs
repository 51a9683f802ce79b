//! `/link`: a device comes aboard. All of it moves, so the page is one island.

use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::notice::{Notice, Tone};
use crate::islands::crossing::Crossing;
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::visit::{SignerOrigins, language};
use crate::visitor::account;

/// The page.
#[component]
pub(crate) fn LinkPage() -> impl IntoView {
    let t = language();
    let SignerOrigins {
        origins: reachable,
        has_hub,
        ..
    } = expect_context();
    view! {
        <Title text=t.add_device() />
        // Also while somebody signs in first: it is what comes next.
        <Preload island="crossing" />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_enrol) => view! { <NotAllowed /> }.into_any(),
                Ok(account) => {
                    view! {
                        <noscript>
                            <Notice tone=Tone::Warn>
                                <p>{t.link_needs_script()}</p>
                            </Notice>
                        </noscript>
                        <Crossing account reachable />
                        {has_hub
                            .then(|| {
                                view! {
                                    <p class="aside">
                                        <a href=paths::PLGD_CLIENT>{t.plgd_client_way()}</a>
                                    </p>
                                }
                            })}
                    }
                        .into_any()
                }
            }}
        </main>
    }
}

/// In place of the field: nobody should type a code that leads nowhere.
#[component]
fn NotAllowed() -> impl IntoView {
    let t = language();
    view! {
        <h1>{t.link_title()}</h1>
        <div class="gate">
            <Notice tone=Tone::Warn>
                <p>{t.link_not_allowed()}</p>
                <p>{t.link_not_allowed_text()}</p>
            </Notice>
        </div>
    }
}
