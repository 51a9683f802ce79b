//! `/sign-up`: becoming a customer, where the operator lets everybody. What has to be given and proved is up to the island.

use gangway_protocol::account::SignUpMode;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::notice::{Notice, Tone, TroubleNotice};
use crate::islands::setup::Setup;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn SignUpPage() -> impl IntoView {
    let t = language();
    let api = api();
    let signed_in = account().ok().map(|account| account.name);
    view! {
        <Title text=t.sign_up_title() />
        <Preload island="setup" />
        <main id="main" class="narrow" tabindex="-1">
            <Suspense>
                {move || {
                    let (api, signed_in) = (api.clone(), signed_in.clone());
                    Suspend::new(async move {
                        match api.sign_ups().await.map_err(Trouble::from) {
                            Ok(sign_ups) if sign_ups.mode == SignUpMode::Open => view! { <Open signed_in /> }.into_any(),
                            Ok(_) => view! { <Closed /> }.into_any(),
                            Err(trouble) => view! { <TroubleNotice trouble /> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </main>
    }
}

#[component]
fn Open(signed_in: Option<String>) -> impl IntoView {
    let t = language();
    view! {
        <Setup signed_in sign_up=true />
        <noscript>
            <div class="gate">
                <Notice tone=Tone::Warn>
                    <p>{t.sign_in_needs_script()}</p>
                </Notice>
            </div>
        </noscript>
    }
}

#[component]
fn Closed() -> impl IntoView {
    let t = language();
    view! {
        <h1>{t.sign_up_closed()}</h1>
        <p class="lede">{t.sign_up_closed_text()}</p>
        <p class="row gate">
            <a class="button" href=paths::HOME>{t.to_start()}</a>
        </p>
    }
}
