//! `/fleet/lobby`: devices that came by a permit and wait for a decision, of an organisation and those below it.

use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::MAX_PAGE_LIMIT;
use gangway_protocol::path::page as paths;
use gangway_protocol::permit::LobbyQuery;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::branches;
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
    let places: Vec<_> = branches(&account.organisations)
        .into_iter()
        .filter(|branch| branch.organisation.role.may_see_fleet())
        .collect();
    let asked = query.get(paths::ORGANISATION_ID);
    let chosen = places
        .iter()
        .find(|branch| {
            asked
                .as_ref()
                .is_none_or(|asked| branch.organisation.id.as_str() == asked)
        })
        .or(places.first())
        .map(|branch| (branch.organisation.id.clone(), branch.organisation.role));
    let address = |id: &str, rejected: bool| {
        let more = if rejected {
            format!("&{REJECTED}=1")
        } else {
            String::new()
        };
        format!("{}?{}={id}{more}", paths::FLEET_LOBBY, paths::ORGANISATION_ID)
    };
    let others = (places.len() > 1).then(|| {
        let links = places
            .iter()
            .map(|branch| {
                let id = &branch.organisation.id;
                let current = chosen.as_ref().is_some_and(|(chosen, _)| chosen == id);
                let href = address(id.as_str(), rejected);
                view! { <a href=href aria-current=current.then_some("page")>{branch.path.clone()}</a> }
            })
            .collect_view();
        view! { <nav class="row spans" aria-label=t.organisation()>{links}</nav> }
    });
    let states = chosen.as_ref().map(|(id, _)| {
        let link = |of: bool, words: &'static str| {
            let href = address(id.as_str(), of);
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
        {others}
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
