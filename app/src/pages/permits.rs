//! `/organisation/permits`: how devices join an organisation without a person at the screen, for those who administer it.

use futures_util::future;
use gangway_client::Api;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::path::page as paths;
use gangway_protocol::permit::{Permit, PermitKind};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::administered;
use crate::components::notice::Instead;
use crate::islands::permits::{Lists, Permits, query};
use crate::pages::frame::WithoutAccount;
use crate::pages::settings_head::SettingsHead;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn PermitsPage() -> impl IntoView {
    let t = language();
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    view! {
        <Title text=t.permits() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) => {
                    match administered(&account, asked.as_deref()).into_iter().next() {
                        None => view! { <Instead title=t.permits() words=t.permits_not_allowed() /> }.into_any(),
                        Some(organisation) => view! { <Whole organisation /> }.into_any(),
                    }
                }
            }}
        </main>
    }
}

#[component]
fn Whole(organisation: Organisation) -> impl IntoView {
    let t = language();
    let api = api();
    let above = Some(organisation.clone());
    view! {
        <Preload island="permits" />
        <SettingsHead above title=t.permits() lede=t.permits_lede() needs_script=t.permits_need_script() />
        <Suspense>
            {move || {
                let (api, organisation) = (api.clone(), organisation.clone());
                Suspend::new(async move {
                    let [keys, tickets, devices] = [
                        PermitKind::RegistrationKey,
                        PermitKind::Ticket,
                        PermitKind::Preapproval,
                    ];
                    let (keys, tickets, devices) = future::join3(
                            read(&api, &organisation, keys),
                            read(&api, &organisation, tickets),
                            read(&api, &organisation, devices),
                        )
                        .await;
                    let lists = Lists {
                        keys,
                        tickets,
                        devices,
                    };
                    view! { <Permits organisation lists /> }
                })
            }}
        </Suspense>
    }
}

async fn read(api: &Api, organisation: &Organisation, kind: PermitKind) -> Outcome<Vec<Permit>> {
    let found = api.permits(&organisation.id, &query(kind)).await;
    found.map(|page| page.items).map_err(Trouble::from)
}
