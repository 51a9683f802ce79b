//! `/organisation/identity-providers`: who vouches for people of a customer, for those who administer it.

use futures_util::future;
use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::administered;
use crate::components::notice::Instead;
use crate::islands::identity_providers::IdentityProviders;
use crate::islands::lists::all;
use crate::pages::frame::WithoutAccount;
use crate::pages::settings_head::SettingsHead;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn IdentityProvidersPage() -> impl IntoView {
    let t = language();
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    view! {
        <Title text=t.providers() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) => {
                    let mut customers = administered(&account, asked.as_deref());
                    customers.retain(|organisation| organisation.parent.is_none());
                    let places = account.organisations_where(Role::may_administer).cloned().collect();
                    if customers.is_empty() {
                        view! { <Instead title=t.providers() words=t.providers_not_allowed() /> }.into_any()
                    } else {
                        view! { <Whole customers places one=asked.is_some() /> }.into_any()
                    }
                }
            }}
        </main>
    }
}

#[component]
fn Whole(
    customers: Vec<Organisation>,
    /// Where claims may give roles.
    places: Vec<Organisation>,
    /// Whether the address names one.
    one: bool,
) -> impl IntoView {
    let t = language();
    let api = api();
    let above = customers.first().filter(|_| one).cloned();
    view! {
        <Preload island="identity_providers" />
        <SettingsHead above title=t.providers() lede=t.providers_lede() needs_script=t.providers_need_script() />
        <Suspense>
            {move || {
                let (api, customers, places) = (api.clone(), customers.clone(), places.clone());
                Suspend::new(async move {
                    let all = all();
                    let lists = customers.into_iter().map(async |organisation| {
                        let asked = api.identity_providers(&organisation.id, &all).await;
                        (organisation, asked.map(|page| page.items).map_err(Trouble::from))
                    });
                    let lists = future::join_all(lists).await;
                    view! { <IdentityProviders lists places /> }
                })
            }}
        </Suspense>
    }
}
