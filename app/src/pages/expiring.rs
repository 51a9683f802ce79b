//! `/organisation/expiring`: devices whose certificates end soon. It needs no script: what can be chosen are links.

use gangway_protocol::account::Account;
use gangway_protocol::device::Device;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::page::Page;
use gangway_protocol::path::page as paths;
use gangway_protocol::webhook::ExpiringQuery;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::branches;
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::TroubleNotice;
use crate::islands::organisation::address_of;
use crate::pages::fleet::NoFleet;
use crate::pages::frame::WithoutAccount;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// Spans to choose from, in days.
const SPANS: [u32; 3] = [7, 30, 90];

/// The page.
#[component]
pub(crate) fn ExpiringPage() -> impl IntoView {
    view! {
        <Title text=language().expiring() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) => {
                    match chosen(&account) {
                        None => view! { <NoFleet /> }.into_any(),
                        Some((id, name)) => view! { <Listed account id name /> }.into_any(),
                    }
                }
            }}
        </main>
    }
}

/// The organisation that the address names, or else the first one whose fleet the visitor sees.
fn chosen(account: &Account) -> Option<(OrganisationId, String)> {
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    branches(&account.organisations)
        .into_iter()
        .filter(|branch| branch.organisation.role.may_see_fleet())
        .find(|branch| {
            asked
                .as_ref()
                .is_none_or(|asked| branch.organisation.id.as_str() == asked)
        })
        .map(|branch| (branch.organisation.id, branch.path))
}

#[component]
fn Listed(
    account: Account,
    id: OrganisationId,
    /// The organisation's, with those above it.
    name: String,
) -> impl IntoView {
    let t = language();
    let api = api();
    let query = use_query_map().get_untracked();
    let days = query
        .get("days")
        .and_then(|days| days.parse().ok())
        .unwrap_or(SPANS[0]);
    let request = ExpiringQuery {
        days: Some(days),
        limit: None,
        after: query.get("after"),
    };
    let spans = SPANS
        .map(|span| {
            let current = (span == days).then_some("page");
            view! { <a href=address(&id, span, None) aria-current=current>{t.days(u64::from(span))}</a> }
        })
        .collect_view();
    let may_administer = account
        .organisations
        .iter()
        .any(|other| other.id == id && other.role.may_administer());
    let home = address_of(id.as_str());
    view! {
        <nav class="crumb" aria-label=t.organisation()>
            {if may_administer { view! { <a href=home>{name}</a> }.into_any() } else { view! { <span>{name}</span> }.into_any() }}
        </nav>
        <div class="page-head">
            <div>
                <h1>{t.expiring()}</h1>
                <p class="lede">{t.expiring_lede()}</p>
            </div>
        </div>
        <nav class="row spans" aria-label=t.expiring_within()>
            <span>{t.expiring_within()}</span>
            {spans}
        </nav>
        <Suspense>
            {move || {
                let (api, id, request, account) = (api.clone(), id.clone(), request.clone(), account.clone());
                Suspend::new(async move {
                    let page = api.expiring_devices(&id, &request).await.map_err(Trouble::from);
                    shown(&account, &id, days, page)
                })
            }}
        </Suspense>
    }
}

fn shown(account: &Account, id: &OrganisationId, days: u32, page: Outcome<Page<Device>>) -> AnyView {
    let t = language();
    let page = match page {
        Ok(page) => page,
        Err(trouble) => return view! { <TroubleNotice trouble /> }.into_any(),
    };
    if page.items.is_empty() {
        return view! { <p class="soft">{t.expiring_none()}</p> }.into_any();
    }
    let names = branches(&account.organisations);
    let lines = page
        .items
        .into_iter()
        .map(|device| {
            let home = names
                .iter()
                .find(|branch| branch.organisation.id == device.organisation)
                .map(|branch| format!(" · {}", branch.path));
            view! {
                <li>
                    <Icon glyph=Glyph::Certificate />
                    <div>
                        <p>
                            <a href=paths::fleet_device(&device.id)>{device.name}</a>
                        </p>
                        <p class="soft small">
                            {t.expiring_ends()} " "
                            {device.certificate_expires_at.map(|at| view! { <Moment at show=TimeFormat::Distance /> })} {home}
                        </p>
                    </div>
                </li>
            }
        })
        .collect_view();
    let more = page.next.map(|next| {
        view! {
            <p>
                <a class="button" href=address(id, days, Some(&next))>{t.expiring_more()}</a>
            </p>
        }
    });
    view! {
        <ul class="lines">{lines}</ul>
        {more}
    }
    .into_any()
}

/// The address of this page. What stands in it are ids, numbers and base64, which need no escaping.
pub(crate) fn address(id: &OrganisationId, days: u32, after: Option<&str>) -> String {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    format!(
        "{}?{}={id}&days={days}{after}",
        paths::ORGANISATION_EXPIRING,
        paths::ORGANISATION_ID
    )
}
