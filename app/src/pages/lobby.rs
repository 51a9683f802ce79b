//! `/fleet/lobby`: devices that came by a permit and wait for a decision, of an organisation and those below it.

use gangway_protocol::account::Account;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::MAX_PAGE_LIMIT;
use gangway_protocol::path::page as paths;
use gangway_protocol::permit::LobbyQuery;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::{fleets, named_or_first};
use crate::components::organisation_links::organisation_links;
use crate::islands::lobby::LobbyList;
use crate::pages::fleet::NoFleet;
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// The query's word for those that were rejected.
const REJECTED: &str = "rejected";

/// The page.
#[component]
pub(crate) fn LobbyPage() -> impl IntoView {
    view! {
        <Title text=language().lobby() />
        <Preload island="lobby_list" />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_see_fleet) => view! { <NoFleet /> }.into_any(),
                Ok(account) => view! { <Listed account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Listed(account: Account) -> impl IntoView {
    let t = language();
    let api = api();
    let query = use_query_map().get_untracked();
    let rejected = query.get(REJECTED).is_some();
    let places = fleets(&account);
    let chosen = named_or_first(&places, query.get(paths::ORGANISATION_ID).as_deref());
    let links = organisation_links(&places, chosen, move |id| address(id, rejected));
    let chosen = chosen.map(|branch| (branch.organisation.id.clone(), branch.organisation.role));
    let states = chosen.as_ref().map(|(id, _)| {
        let link = |of: bool, words: &'static str| {
            let href = address(id, of);
            view! { <a href=href aria-current=(of == rejected).then_some("page")>{words}</a> }
        };
        view! {
            <nav class="row spans" aria-label=t.lobby()>
                {link(false, t.lobby_waiting())} {link(true, t.lobby_rejected())}
            </nav>
        }
    });
    view! {
        <nav class="crumb" aria-label=t.fleet()>
            <a href=paths::FLEET>{t.fleet()}</a>
        </nav>
        <div class="page-head">
            <div>
                <h1>{t.lobby()}</h1>
                <p class="lede">{t.lobby_lede()}</p>
            </div>
        </div>
        {links}
        {states}
        <Suspense>
            {move || {
                let (api, chosen) = (api.clone(), chosen.clone());
                Suspend::new(async move {
                    let Some((organisation, role)) = chosen else { return ().into_any() };
                    let query = LobbyQuery {
                        rejected,
                        limit: Some(MAX_PAGE_LIMIT),
                        after: None,
                    };
                    let first = api.lobby(&organisation, &query).await;
                    let first = first.map(|page| page.items).map_err(Trouble::from);
                    view! { <LobbyList organisation rejected may_enrol=role.may_enrol() first /> }.into_any()
                })
            }}
        </Suspense>
    }
}

/// The address of this page. What stands in it are ids, which need no escaping.
fn address(id: &OrganisationId, rejected: bool) -> String {
    let of = if rejected {
        format!("&{REJECTED}=1")
    } else {
        String::new()
    };
    format!("{}?{}={id}{of}", paths::FLEET_LOBBY, paths::ORGANISATION_ID)
}
