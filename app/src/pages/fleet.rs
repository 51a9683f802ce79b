//! `/fleet`: the fleet table. The view lives in the address; the server searches, filters, sorts and pages.

use gangway_protocol::organisation::Organisation;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::frame::WithoutAccount;
use crate::fleet_view::FleetView;
use crate::islands::fleet::FleetTable;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn FleetPage() -> impl IntoView {
    view! {
        <Title text=language().fleet() />
        // Also while somebody signs in first: it is what comes next.
        <Preload island="fleet_table" />
        <main id="main" class="wide" tabindex="-1">
            {match account() {
                Ok(account) => view! { <Listed organisations=account.organisations /> }.into_any(),
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
            }}
        </main>
    }
}

/// What the address asks for, listed. The table also shows why it could not be read, so that its controls stand in any case.
#[component]
fn Listed(
    /// Where the visitor is a member.
    organisations: Vec<Organisation>,
) -> impl IntoView {
    let api = api();
    let query = use_query_map().get_untracked();
    let shown = FleetView::read(|name| query.get(name));
    let organisations: Vec<_> = organisations
        .into_iter()
        .map(|organisation| (organisation.id.to_string(), organisation.name))
        .collect();
    view! {
        <Suspense>
            {move || {
                let (api, shown, organisations) = (api.clone(), shown.clone(), organisations.clone());
                Suspend::new(async move {
                    let devices = api.devices(&shown.to_query()).await.map_err(Trouble::from);
                    view! { <FleetTable devices shown organisations /> }
                })
            }}
        </Suspense>
    }
}
