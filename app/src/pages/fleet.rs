//! `/fleet`: the fleet table. The view lives in the address; the server searches, filters, sorts and pages.

use futures_util::future::join3;
use gangway_client::Api;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::page::{MAX_PAGE_LIMIT, PageQuery};
use gangway_protocol::path;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::{Branch, branches};
use crate::components::notice::Blank;
use crate::fleet_view::FleetView;
use crate::islands::fleet::{BulkReach, FleetTable};
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// Most organisations of which the signers are asked for: each is a question of its own.
const MAX_PLACES: usize = 8;

/// The page.
#[component]
pub(crate) fn FleetPage() -> impl IntoView {
    view! {
        <Title text=language().fleet() />
        // Also while somebody signs in first: it is what comes next.
        <Preload island="fleet_table" />
        <main id="main" class="wide" tabindex="-1">
            {match account() {
                Ok(account) if !account.may(Role::may_see_fleet) => view! { <NoFleet /> }.into_any(),
                Ok(account) => {
                    let may_enrol = account.may(Role::may_enrol);
                    view! { <Listed organisations=account.organisations may_enrol /> }.into_any()
                }
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
            }}
        </main>
    }
}

/// In place of devices, for those who only add them.
#[component]
pub(crate) fn NoFleet() -> impl IntoView {
    let t = language();
    view! {
        <Blank title=t.fleet_not_allowed() text=t.fleet_not_allowed_text()>
            <a class="button primary" href=path::page::LINK>{t.enter_code()}</a>
        </Blank>
    }
}

/// What the address asks for, listed. The table also shows why it could not be read, so that its controls stand in any case.
#[component]
fn Listed(
    /// Where the visitor is a member.
    organisations: Vec<Organisation>,
    /// Whether they may add devices.
    may_enrol: bool,
) -> impl IntoView {
    let api = api();
    let query = use_query_map().get_untracked();
    let shown = FleetView::read(|name| query.get(name));
    let branches = branches(&organisations);
    let bulk = bulk_reach(&branches);
    let places: Vec<OrganisationId> = branches
        .iter()
        .filter(|branch| branch.depth == 0)
        .map(|branch| branch.organisation.id.clone())
        .collect();
    let organisations: Vec<_> = branches
        .into_iter()
        .map(|branch| (branch.organisation.id.to_string(), branch.path))
        .collect();
    view! {
        <Suspense>
            {move || {
                let (api, shown, organisations) = (api.clone(), shown.clone(), organisations.clone());
                let (bulk, places) = (bulk.clone(), places.clone());
                Suspend::new(async move {
                    let query = shown.to_query();
                    let (devices, signers, views) =
                        join3(api.devices(&query), signers_of(&api, &places), api.saved_views()).await;
                    // Where they cannot be read, the table says why.
                    let views = views.map(|page| page.items).unwrap_or_default();
                    let devices = devices.map_err(Trouble::from);
                    view! { <FleetTable devices shown organisations may_enrol bulk signers views /> }
                })
            }}
        </Suspense>
    }
}

/// Ids and names of the signers that certificates of these organisations may be of. Where they cannot be read, there is no filter
/// by them.
async fn signers_of(api: &Api, places: &[OrganisationId]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for place in places.iter().take(MAX_PLACES) {
        let page = PageQuery {
            limit: Some(MAX_PAGE_LIMIT),
            after: None,
        };
        let signers = api.signers(place, &page).await.map(|page| page.items);
        found.extend(
            signers
                .unwrap_or_default()
                .into_iter()
                .map(|signer| (signer.id.to_string(), signer.name)),
        );
    }
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found.dedup();
    found
}

fn bulk_reach(branches: &[Branch]) -> BulkReach {
    let mut tops = branches.iter().filter(|branch| branch.depth == 0);
    let top = match (tops.next(), tops.next()) {
        (Some(only), None) => Some(only.organisation.id.to_string()),
        _ => None,
    };
    BulkReach {
        homes: branches
            .iter()
            .filter(|branch| branch.organisation.role.may_operate() && branch.organisation.is_open())
            .map(|branch| (branch.organisation.id.to_string(), branch.path.clone()))
            .collect(),
        top,
    }
}
