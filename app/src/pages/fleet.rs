//! `/fleet`: the fleet table. The view lives in the address; the server searches, filters, sorts and pages.

use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::path;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::branches;
use crate::components::notice::Blank;
use crate::fleet_view::FleetView;
use crate::islands::fleet::FleetTable;
use crate::pages::frame::WithoutAccount;
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
    let organisations: Vec<_> = branches(&organisations)
        .into_iter()
        .map(|branch| (branch.organisation.id.to_string(), branch.path))
        .collect();
    view! {
        <Suspense>
            {move || {
                let (api, shown, organisations) = (api.clone(), shown.clone(), organisations.clone());
                Suspend::new(async move {
                    let devices = api.devices(&shown.to_query()).await.map_err(Trouble::from);
                    view! { <FleetTable devices shown organisations may_enrol /> }
                })
            }}
        </Suspense>
    }
}
