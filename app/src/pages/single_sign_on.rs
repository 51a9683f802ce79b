//! `/sign-in/{organisation}`: signing in by an organisation's identity provider; `/single-sign-on/{provider}`: where that sends people back to.

use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::components::notice::{Notice, Tone};
use crate::islands::single_sign_on::{ProviderButtons, SingleSignOnReturn};
use crate::visit::language;
use crate::visitor::api;

/// The page of an organisation.
#[component]
pub(crate) fn SignInAtPage() -> impl IntoView {
    let t = language();
    let api = api();
    let organisation = use_params_map().read_untracked().get("organisation");
    view! {
        <Title text=t.sso_at_title() />
        <main id="main" class="narrow" tabindex="-1">
            <h1>{t.sso_at_title()}</h1>
            <Suspense>
                {move || {
                    let (api, organisation) = (api.clone(), organisation.clone());
                    Suspend::new(async move {
                        let id = organisation.and_then(|id| id.parse().ok());
                        let offers = match id {
                            Some(id) => api.sign_in_offers(&id).await.ok(),
                            None => None,
                        };
                        let providers = offers.map(|offers| offers.providers).unwrap_or_default();
                        if providers.is_empty() {
                            view! {
                                <Notice tone=Tone::Warn>
                                    <p>{t.sso_none()}</p>
                                </Notice>
                            }
                                .into_any()
                        } else {
                            view! {
                                <p class="lede">{t.sso_at_text()}</p>
                                <ProviderButtons providers />
                            }
                                .into_any()
                        }
                    })
                }}
            </Suspense>
            <p>
                <a class="button quiet" href=paths::HOME>{t.sso_passkey_instead()}</a>
            </p>
        </main>
    }
}

/// The page that a provider sends people back to. Each has its own.
#[component]
pub(crate) fn SingleSignOnPage() -> impl IntoView {
    let t = language();
    let provider = use_params_map().read_untracked().get("provider");
    let provider = provider.and_then(|id| id.parse().ok());
    view! {
        <Title text=t.sso_returned_title() />
        <main id="main" class="narrow" tabindex="-1">
            <div class="blank">
                <h1>{t.sso_returned_title()}</h1>
                <p>{t.sso_returned_text()}</p>
                <SingleSignOnReturn provider />
            </div>
        </main>
    }
}
