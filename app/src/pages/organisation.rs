//! `/organisation`: the tree of organisations, and of one of them what is below it, who belongs to it and what holds in it.

use std::collections::BTreeMap;

use futures_util::future;
use gangway_client::Api;
use gangway_protocol::account::Account;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, Organisation, Role};
use gangway_protocol::path::page as paths;
use gangway_protocol::webhook::ExpiringQuery;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::audit_view::AuditView;
use crate::branches::{Branch, asked_for, branches};
use crate::components::notice::{Instead, Notice, Tone};
use crate::fleet_view::FleetView;
use crate::islands::lists::all;
use crate::islands::organisation::{OrganisationView, Shown, address_of};
use crate::pages::expiring;
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};

/// How many days before their end certificates are told of on the page: `expiring_count` says the same number.
const EXPIRING_DAYS: u32 = 7;
/// Most organisations whose members are offered to be added.
const MAX_ASKED: usize = 50;

/// The page.
#[component]
pub(crate) fn OrganisationPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.organisation() />
        <main id="main" class="wide" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_administer) => {
                    view! { <Instead title=t.organisation() words=t.organisation_not_allowed() /> }.into_any()
                }
                Ok(account) => view! { <Whole account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Whole(account: Account) -> impl IntoView {
    let t = language();
    let tree = branches(&account.organisations);
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    let chosen = asked_for(&tree, asked.as_deref());
    let content = match chosen.cloned() {
        None => view! { <Instead title=t.organisation() words=t.organisation_none() /> }.into_any(),
        Some(branch) if !branch.organisation.role.may_administer() => {
            view! { <Instead title=t.organisation() words=t.organisation_not_allowed() /> }.into_any()
        }
        Some(branch) => view! { <Chosen account branch tree=tree.clone() /> }.into_any(),
    };
    let current = chosen.map(|branch| branch.organisation.id.clone());
    view! {
        <div class="organisation">
            {(tree.len() > 1).then(|| view! { <Tree tree=tree.clone() current /> })}
            <div>{content}</div>
        </div>
    }
}

/// The organisations of the visitor, each below the one that it belongs to.
#[component]
fn Tree(tree: Vec<Branch>, current: Option<OrganisationId>) -> impl IntoView {
    let t = language();
    view! { <nav class="tree" aria-label=t.organisations()>{level(&tree, 0, current.as_ref())}</nav> }
}

/// A list of the branches of this depth, each with a list of what is below it.
fn level(branches: &[Branch], depth: usize, current: Option<&OrganisationId>) -> AnyView {
    let t = language();
    let lines = branches
        .chunk_by(|_, next| next.depth > depth)
        .filter_map(<[Branch]>::split_first)
        .map(|(Branch { organisation, .. }, below)| {
            let is_open = organisation.is_open();
            let is_current = current == Some(&organisation.id);
            view! {
                <li>
                    <a
                        href=address_of(organisation.id.as_str())
                        class:soft=!is_open
                        aria-current=is_current.then_some("page")
                    >
                        {organisation.name.clone()}
                        {(!is_open).then(|| view! { " " <span class="soft small">{t.organisation_archived()}</span> })}
                    </a>
                    {(!below.is_empty()).then(|| level(below, depth + 1, current))}
                </li>
            }
        })
        .collect_view();
    view! { <ul>{lines}</ul> }.into_any()
}

#[component]
fn Chosen(account: Account, branch: Branch, tree: Vec<Branch>) -> impl IntoView {
    let t = language();
    let api = api();
    let organisation = branch.organisation.clone();
    let above = above(&branch, &tree);
    let fleet = FleetView {
        organisation: organisation.id.to_string(),
        ..FleetView::default()
    };
    let of_it = |page: &str| format!("{page}?{}={}", paths::ORGANISATION_ID, organisation.id);
    let signers = of_it(paths::ORGANISATION_SIGNERS);
    let permits = of_it(paths::ORGANISATION_PERMITS);
    let webhooks = of_it(paths::ORGANISATION_WEBHOOKS);
    let providers = of_it(paths::ORGANISATION_PROVIDERS);
    let is_customer = organisation.parent.is_none();
    let audit = AuditView {
        organisation: organisation.id.to_string(),
        ..AuditView::default()
    };
    let crumbs = above
        .iter()
        .rev()
        .map(|one| view! { <a href=address_of(one.id.as_str())>{one.name.clone()}</a> " / " })
        .collect_view();
    view! {
        <Preload island="organisation_view" />
        {(!above.is_empty()).then(|| view! { <nav class="crumb" aria-label=t.organisation_above()>{crumbs}</nav> })}
        <div class="page-head">
            <h1 id="organisation-title" tabindex="-1">{organisation.name.clone()}</h1>
            <p class="row">
                <a href=fleet.address()>{t.organisation_fleet()}</a>
                <a href=signers>{t.organisation_signers()}</a>
                <a href=permits>{t.organisation_permits()}</a>
                <a href=webhooks>{t.organisation_webhooks()}</a>
                {is_customer.then(|| view! { <a href=providers>{t.organisation_providers()}</a> })}
                <a href=audit.address()>{t.audit_link()}</a>
            </p>
        </div>
        <noscript>
            <Notice tone=Tone::Warn>
                <p>{t.organisation_needs_script()}</p>
            </Notice>
        </noscript>
        <Suspense>
            {move || {
                let (api, account, organisation) = (api.clone(), account.clone(), organisation.clone());
                let (above, tree) = (above.clone(), tree.clone());
                Suspend::new(async move {
                    let id = organisation.id.clone();
                    let (shown, expiring) = future::join(
                            ask(&api, &account, organisation, &above, &tree),
                            expiring_soon(&api, &id),
                        )
                        .await;
                    view! {
                        {(expiring > 0).then(|| view! { <Expiring id count=expiring /> })}
                        <OrganisationView shown />
                    }
                })
            }}
        </Suspense>
    }
}

/// How many certificates end within the next days, there and below. What cannot be read is told where it is listed.
async fn expiring_soon(api: &Api, id: &OrganisationId) -> u64 {
    let query = ExpiringQuery {
        days: Some(EXPIRING_DAYS),
        limit: Some(1),
        after: None,
    };
    let page = api.expiring_devices(id, &query).await;
    page.ok().and_then(|page| page.total).unwrap_or_default()
}

/// That certificates end, with the way to them.
#[component]
fn Expiring(id: OrganisationId, count: u64) -> impl IntoView {
    let t = language();
    view! {
        <Notice tone=Tone::Warn>
            <p>
                <a href=expiring::address(&id, EXPIRING_DAYS, None)>{t.expiring_count(count)}</a>
            </p>
        </Notice>
    }
}

/// The organisations above one, as far as the visitor belongs to them, the nearest first.
fn above(branch: &Branch, tree: &[Branch]) -> Vec<Organisation> {
    let mut found = Vec::new();
    let mut parent = branch.organisation.parent.clone();
    while let Some(next) = tree
        .iter()
        .find(|other| Some(&other.organisation.id) == parent.as_ref())
    {
        parent.clone_from(&next.organisation.parent);
        found.push(next.organisation.clone());
    }
    found
}

async fn ask(
    api: &Api,
    account: &Account,
    organisation: Organisation,
    above: &[Organisation],
    tree: &[Branch],
) -> Shown {
    let all = all();
    // The nearest come first: whoever is added is mostly somebody from above or beside.
    let others = above.iter().chain(
        tree.iter()
            .map(|branch| &branch.organisation)
            .filter(|other| other.id != organisation.id && !above.contains(other)),
    );
    let others = others.filter(|other| other.role.may_administer()).take(MAX_ASKED);
    let elsewhere =
        others.map(async |other| (other, api.members(&other.id, &all).await.map(|page| page.items)));
    let (members, invitations, policy, elsewhere) = future::join4(
        api.members(&organisation.id, &all),
        api.invitations(&organisation.id, &all),
        api.policy(&organisation.id),
        future::join_all(elsewhere),
    )
    .await;
    let members: Outcome<Vec<Member>> = members.map(|page| page.items).map_err(Trouble::from);
    let mut known: BTreeMap<AccountId, String> = BTreeMap::new();
    let mut from_above = Vec::new();
    for (other, found) in elsewhere {
        // A suspended membership gives nothing, here as there.
        let found: Vec<Member> = found
            .unwrap_or_default()
            .into_iter()
            .filter(|member| member.suspended_at.is_none())
            .collect();
        for member in &found {
            known.insert(member.account.clone(), member.name.clone());
        }
        if above.contains(other) {
            from_above.extend(found.into_iter().map(|member| (other.name.clone(), member)));
        }
    }
    for member in members.iter().flatten() {
        known.remove(&member.account);
    }
    let below: Vec<Organisation> = tree
        .iter()
        .map(|branch| &branch.organisation)
        .filter(|other| other.parent.as_ref() == Some(&organisation.id))
        .cloned()
        .collect();
    Shown {
        may_place: above.first().is_some_and(|parent| parent.role.may_administer()),
        targets: targets(&organisation, tree),
        visitor: account.id.clone(),
        below,
        members,
        from_above,
        known: known.into_iter().collect(),
        invitations: invitations.map(|page| page.items).map_err(Trouble::from),
        policy: policy.map_err(Trouble::from),
        organisation,
    }
}

/// Where an organisation may be moved: below another that the visitor administers, outside of itself, in the same tree.
fn targets(organisation: &Organisation, tree: &[Branch]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // Each tree begins with a branch of depth 0; what follows a branch and is deeper is below it.
    let is_it = |branch: &Branch| branch.organisation.id == organisation.id;
    for own in tree
        .chunk_by(|_, next| next.depth > 0)
        .filter(|own| own.iter().any(is_it))
    {
        let mut inside = None;
        for branch in own {
            inside = match inside {
                _ if is_it(branch) => Some(branch.depth),
                Some(depth) if branch.depth > depth => Some(depth),
                _ => None,
            };
            let other = &branch.organisation;
            let is_parent = organisation.parent.as_ref() == Some(&other.id);
            if inside.is_none() && !is_parent && other.is_open() && other.role.may_administer() {
                found.push((other.id.to_string(), branch.path.clone()));
            }
        }
    }
    found
}
