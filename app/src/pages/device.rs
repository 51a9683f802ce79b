//! `/fleet/{device}`: one device with all that is known about it and all that can be done with it.

use futures_util::future::join;
use gangway_protocol::account::Account;
use gangway_protocol::device::DeviceDetail;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::history::DeviceEvent;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::branches::branches;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::TroubleNotice;
use crate::islands::crossing::ARRIVED;
use crate::islands::device::{DeviceView, Rights};
use crate::pages::fleet::NoFleet;
use crate::pages::frame::WithoutAccount;
use crate::pages::not_found::NothingHere;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// Lines of the history at first: all that an enrolment writes, and a little more.
const LINES: u32 = 8;

/// The page.
#[component]
pub(crate) fn DevicePage() -> impl IntoView {
    view! {
        <main id="main" tabindex="-1">
            {match account() {
                Ok(account) => view! { <Known account /> }.into_any(),
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
            }}
        </main>
    }
}

/// The device of the address, for a member.
#[component]
fn Known(account: Account) -> impl IntoView {
    let api = api();
    let id = use_params_map().read_untracked().get("device");
    let arrived = use_query_map().read_untracked().get(ARRIVED).is_some();
    // An id that is none leads nowhere, as an unknown one does.
    let id: Outcome<DeviceId> = id
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Trouble::code(ProblemCode::NotFound));
    let asked = async move {
        let id = id?;
        let page = PageQuery {
            limit: Some(LINES),
            after: None,
        };
        let (detail, history) = join(api.device(&id), api.device_events(&id, &page)).await;
        Outcome::Ok((detail?, history?))
    };
    view! {
        <Suspense>
            {Suspend::new(async move {
                match asked.await {
                    Ok((detail, history)) => {
                        let account = account.clone();
                        view! { <Found account detail history arrived /> }.into_any()
                    }
                    Err(trouble) if trouble.is(ProblemCode::NotFound) => view! { <NothingHere /> }.into_any(),
                    Err(trouble) if trouble.is(ProblemCode::Forbidden) => view! { <NoFleet /> }.into_any(),
                    Err(trouble) => view! { <TroubleNotice trouble /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Found(account: Account, detail: DeviceDetail, history: Page<DeviceEvent>, arrived: bool) -> impl IntoView {
    let t = language();
    let role = account
        .organisations
        .iter()
        .find(|organisation| organisation.id == detail.device.organisation)
        .map(|organisation| organisation.role);
    let rights = Rights {
        operate: role.is_some_and(Role::may_operate),
        enrol: role.is_some_and(Role::may_enrol),
    };
    let homes = homes(&account, &detail.device.organisation);
    // An installer sees what it has enrolled, but has no fleet to go back to.
    let sees_fleet = account.may(Role::may_see_fleet);
    view! {
        <Title text=detail.device.name.clone() />
        <Preload island="device_view" />
        {sees_fleet.then(|| view! { <p class="crumb"><a href=paths::FLEET><Icon glyph=Glyph::Back /> {t.fleet()}</a></p> })}
        <DeviceView detail history rights homes arrived />
    }
}

/// Where a device may be moved: id and path of each organisation in the tree of its own in which the visitor runs devices.
fn homes(account: &Account, present: &OrganisationId) -> Vec<(String, String)> {
    let trees = branches(&account.organisations);
    let trees = trees.chunk_by(|_, next| next.depth > 0);
    trees
        .filter(|tree| tree.iter().any(|branch| branch.organisation.id == *present))
        .flatten()
        .map(|branch| (&branch.organisation, &branch.path))
        .filter(|(organisation, _)| {
            organisation.is_open() && organisation.role.may_operate() && organisation.id != *present
        })
        .map(|(organisation, path)| (organisation.id.to_string(), path.clone()))
        .collect()
}
