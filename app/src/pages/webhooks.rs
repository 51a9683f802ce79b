//! `/organisation/webhooks`: where an organisation's events are sent, for those who administer it.

use futures_util::future;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::administered;
use crate::components::notice::Instead;
use crate::islands::lists::all;
use crate::islands::webhooks::Webhooks;
use crate::pages::frame::WithoutAccount;
use crate::pages::settings_head::SettingsHead;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn WebhooksPage() -> impl IntoView {
    let t = language();
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    view! {
        <Title text=t.webhooks() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) => {
                    // What happens below is told above too.
                    let organisations = administered(&account, asked.as_deref());
                    if organisations.is_empty() {
                        view! { <Instead title=t.webhooks() words=t.webhooks_not_allowed() /> }.into_any()
                    } else {
                        view! { <Whole organisations one=asked.is_some() /> }.into_any()
                    }
                }
            }}
        </main>
    }
}

#[component]
fn Whole(
    organisations: Vec<Organisation>,
    /// Whether the address names one.
    one: bool,
) -> impl IntoView {
    let t = language();
    let api = api();
    let above = organisations.first().filter(|_| one).cloned();
    view! {
        <Preload island="webhooks" />
        <SettingsHead above title=t.webhooks() lede=t.webhooks_lede() needs_script=t.webhooks_need_script() />
        <Suspense>
            {move || {
                let (api, organisations) = (api.clone(), organisations.clone());
                Suspend::new(async move {
                    let all = all();
                    let lists = organisations.into_iter().map(async |organisation| {
                        let asked = api.webhooks(&organisation.id, &all).await;
                        (organisation, asked.map(|page| page.items).map_err(Trouble::from))
                    });
                    let lists = future::join_all(lists).await;
                    view! { <Webhooks lists /> }
                })
            }}
        </Suspense>
    }
}
