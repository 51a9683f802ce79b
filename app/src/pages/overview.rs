//! `/fleet/overview`: the fleet at a glance. Pictures are drawn by the server and are tables to whoever does not look.

use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::overview::{FUNNEL_DAYS, FleetOverview, NamedCount, OverviewQuery, PRESENCE_DAYS};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::fleets;
use crate::components::device_state::state_name;
use crate::components::notice::TroubleNotice;
use crate::components::picture::{Bar, Bars, Columns, Curve};
use crate::fleet_view::FleetView;
use crate::format;
use crate::pages::fleet::NoFleet;
use crate::pages::frame::WithoutAccount;
use crate::preference::Language;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    view! {
        <Title text=language().overview() />
        <main id="main" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_see_fleet) => view! { <NoFleet /> }.into_any(),
                Ok(account) => view! { <Seen account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Seen(account: Account) -> impl IntoView {
    let t = language();
    let api = api();
    let places = fleets(&account);
    let asked = use_query_map().get_untracked().get(paths::ORGANISATION_ID);
    let request = OverviewQuery {
        organisation: asked.as_deref().and_then(|id| id.parse().ok()),
    };
    let several = (places.len() > 1).then(|| {
        let all = (String::new(), t.all_organisations().to_owned());
        let choices = std::iter::once(all)
            .chain(places.into_iter().map(|branch| (branch.organisation.id.to_string(), branch.path)))
            .map(|(id, name)| {
                let selected = asked.as_deref().unwrap_or_default() == id;
                view! { <option value=id selected=selected>{name}</option> }
            })
            .collect_view();
        view! {
            <form class="row" method="get" action=paths::FLEET_OVERVIEW>
                <select class="input" name=paths::ORGANISATION_ID aria-label=t.organisation() autocomplete="off">
                    {choices}
                </select>
                <button class="button" type="submit">{t.overview_show()}</button>
            </form>
        }
    });
    view! {
        <nav class="crumb" aria-label=t.fleet()>
            <a href=paths::FLEET>{t.fleet()}</a>
        </nav>
        <div class="page-head">
            <h1>{t.overview()}</h1>
            {several}
        </div>
        <Suspense>
            {move || {
                let (api, request, asked) = (api.clone(), request.clone(), asked.clone().unwrap_or_default());
                Suspend::new(async move {
                    let overview = api.fleet_overview(&request).await.map_err(Trouble::from);
                    shown(overview, &asked)
                })
            }}
        </Suspense>
    }
}

fn shown(overview: Outcome<FleetOverview>, organisation: &str) -> AnyView {
    let t = language();
    let overview = match overview {
        Ok(overview) => overview,
        Err(trouble) => return view! { <TroubleNotice trouble /> }.into_any(),
    };
    // Each number leads to the devices that it counts.
    let leads = |change: &dyn Fn(&mut FleetView)| {
        let mut view = FleetView {
            organisation: organisation.to_owned(),
            ..FleetView::default()
        };
        change(&mut view);
        view.address()
    };
    let states = overview
        .states
        .iter()
        .map(|NamedCount { name, devices }| {
            let (state, words) = (name.clone(), state_name(t, name).to_owned());
            Bar::new(words, *devices).leading(leads(&|view| view.state.clone_from(&state)))
        })
        .collect();
    let versions = overview
        .versions
        .iter()
        .map(|NamedCount { name, devices }| {
            let words = if name.is_empty() {
                t.overview_no_version().to_owned()
            } else {
                name.clone()
            };
            let bar = Bar::new(words, *devices);
            if name.is_empty() {
                bar
            } else {
                bar.leading(leads(&|view| view.version.clone_from(name)))
            }
        })
        .chain(
            (overview.other_versions > 0)
                .then(|| Bar::new(t.overview_other().to_owned(), overview.other_versions)),
        )
        .collect();
    let signers = overview
        .signers
        .iter()
        .map(|signer| {
            let id = signer.id.to_string();
            Bar::new(signer.name.clone(), signer.devices).leading(leads(&|view| view.signer.clone_from(&id)))
        })
        .collect();
    let funnel = overview.enrolments;
    let funnel = [
        (t.funnel_approved(), funnel.approved),
        (t.funnel_issued(), funnel.issued),
        (t.funnel_delivered(), funnel.delivered),
        (t.funnel_proven(), funnel.proven),
        (t.funnel_withdrawn(), funnel.withdrawn),
    ]
    .map(|(words, count)| Bar::new(words.to_owned(), count))
    .to_vec();
    let online = t.overview_online(&format::number(t, overview.online), &t.devices(overview.devices));
    let weeks = weeks(t, &overview);
    view! {
        <p class="overview-online">{online}</p>
        <div class="overview">
            <Curve title=t.overview_presence(&t.days(u64::from(PRESENCE_DAYS))) samples=overview.presence />
            <Columns title=t.overview_expiring().to_owned() columns=weeks />
            <Bars title=t.overview_funnel(&t.days(u64::from(FUNNEL_DAYS))) bars=funnel />
            <Bars title=t.overview_states().to_owned() bars=states />
            <Bars title=t.overview_versions().to_owned() bars=versions />
            <Bars title=t.overview_signers().to_owned() bars=signers />
        </div>
    }
    .into_any()
}

/// What has ended, and the weeks to come.
fn weeks(t: Language, overview: &FleetOverview) -> Vec<Bar> {
    let ahead = overview.expiring.iter().enumerate().map(|(week, devices)| {
        let words = match week {
            0 => t.overview_this_week().to_owned(),
            _ => t.overview_in_weeks(u64::try_from(week).unwrap_or(u64::MAX)),
        };
        Bar::new(words, *devices)
    });
    std::iter::once(Bar::new(t.overview_ended().to_owned(), overview.expired).late())
        .chain(ahead)
        .collect()
}
