//! `/fleet/jobs`: actions on many devices of an organisation, and how far each is.

use gangway_protocol::account::Account;
use gangway_protocol::bulk::BulkJob;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::{fleets, named_or_first};
use crate::components::notice::TroubleNotice;
use crate::components::organisation_links::organisation_links;
use crate::islands::jobs::BulkJobs;
use crate::pages::fleet::NoFleet;
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn JobsPage() -> impl IntoView {
    view! {
        <Title text=language().jobs() />
        <Preload island="bulk_jobs" />
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
    let places = fleets(&account);
    let chosen = named_or_first(&places, query.get(paths::ORGANISATION_ID).as_deref());
    let links = organisation_links(&places, chosen, |id| address(id, None));
    let chosen = chosen.map(|branch| (branch.organisation.id.clone(), branch.organisation.role));
    let request = PageQuery {
        limit: None,
        after: query.get("after"),
    };
    view! {
        <nav class="crumb" aria-label=t.fleet()>
            <a href=paths::FLEET>{t.fleet()}</a>
        </nav>
        <div class="page-head">
            <div>
                <h1>{t.jobs()}</h1>
                <p class="lede">{t.jobs_lede()}</p>
            </div>
        </div>
        {links}
        <Suspense>
            {move || {
                let (api, chosen, request) = (api.clone(), chosen.clone(), request.clone());
                Suspend::new(async move {
                    let Some((id, role)) = chosen else { return ().into_any() };
                    let page = api.bulk_jobs(&id, &request).await.map_err(Trouble::from);
                    shown(&id, role, page)
                })
            }}
        </Suspense>
    }
}

fn shown(id: &OrganisationId, role: Role, page: Outcome<Page<BulkJob>>) -> AnyView {
    let t = language();
    let page = match page {
        Ok(page) => page,
        Err(trouble) => return view! { <TroubleNotice trouble /> }.into_any(),
    };
    if page.items.is_empty() {
        return view! { <p class="soft">{t.jobs_none()}</p> }.into_any();
    }
    let more = page.next.map(|next| {
        view! {
            <p>
                <a class="button" href=address(id, Some(&next))>{t.jobs_more()}</a>
            </p>
        }
    });
    view! {
        <BulkJobs jobs=page.items may_operate=role.may_operate() />
        {more}
    }
    .into_any()
}

/// The address of this page. What stands in it are ids, which need no escaping.
fn address(id: &OrganisationId, after: Option<&str>) -> String {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    format!("{}?{}={id}{after}", paths::FLEET_JOBS, paths::ORGANISATION_ID)
}
