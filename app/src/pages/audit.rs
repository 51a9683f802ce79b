//! `/organisation/audit`: the record of an organisation, for its admins. The server draws all of it: filters are a form, pages and
//! exports are links, and nothing needs a script.

mod line;

use std::collections::BTreeMap;

use futures_util::future::{OptionFuture, join3};
use gangway_client::Api;
use gangway_protocol::account::Account;
use gangway_protocol::audit::{Action, AuditEntry, AuditVerification};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Member, Organisation, Role};
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::audit_view::{ALONE, AuditView, YES};
use crate::branches::{Branch, asked_for, branches};
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Blank, Instead, Notice, Tone, TroubleNotice};
use crate::format::{grouped, number};
use crate::islands::lists::all;
use crate::islands::organisation::address_of;
use crate::pages::frame::WithoutAccount;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{account, api};
use line::Line;

const TITLE_ID: &str = "audit-title";

/// The page.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.audit() />
        <main id="main" class="wide" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_administer) => {
                    view! { <Instead title=t.audit() words=t.audit_not_allowed() /> }.into_any()
                }
                Ok(account) => view! { <Whole account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Whole(account: Account) -> impl IntoView {
    let t = language();
    let query = use_query_map().get_untracked();
    let mut shown = AuditView::read(|name| query.get(name));
    let tree = branches(&account.organisations);
    let asked = Some(shown.organisation.as_str()).filter(|asked| !asked.is_empty());
    match asked_for(&tree, asked).cloned() {
        None => view! { <Instead title=t.audit() words=t.organisation_none() /> }.into_any(),
        Some(branch) if !branch.organisation.role.may_administer() => {
            view! { <Instead title=t.audit() words=t.audit_not_allowed() /> }.into_any()
        }
        Some(Branch { organisation, .. }) => {
            shown.organisation = organisation.id.to_string();
            let has_below = tree
                .iter()
                .any(|branch| branch.organisation.parent.as_ref() == Some(&organisation.id));
            let names: BTreeMap<OrganisationId, String> = tree
                .into_iter()
                .map(|branch| (branch.organisation.id, branch.path))
                .collect();
            view! { <Chosen organisation shown names has_below /> }.into_any()
        }
    }
}

#[component]
fn Chosen(
    organisation: Organisation,
    shown: AuditView,
    /// The visitor's organisations, each with its path.
    names: BTreeMap<OrganisationId, String>,
    /// Whether there are organisations below it.
    has_below: bool,
) -> impl IntoView {
    let t = language();
    let api = api();
    let csv = Api::audit_csv_path(&organisation.id, &shown.with(|_| ()).to_query());
    let jsonl = Api::audit_jsonl_path(&organisation.id, &shown.with(|_| ()).to_query());
    let verify = AuditView {
        verify: true,
        ..shown.clone()
    };
    view! {
        <p class="crumb">
            <a href=address_of(organisation.id.as_str())>
                <Icon glyph=Glyph::Back />
                {organisation.name.clone()}
            </a>
        </p>
        <div class="page-head">
            <div>
                <h1 id=TITLE_ID tabindex="-1">{t.audit_of(&organisation.name)}</h1>
                <p class="lede">{t.audit_lede()}</p>
            </div>
        </div>
        <div class="row record-actions">
            <a class="button" href=verify.address()>
                <Icon glyph=Glyph::Check />
                {t.audit_verify()}
            </a>
            <a class="button" href=path::audit_checkpoint(&organisation.id) download="" title=t.audit_checkpoint_hint()>
                <Icon glyph=Glyph::Download />
                {t.audit_checkpoint()}
            </a>
            <a class="button quiet" href=csv download="" title=t.audit_csv_hint()>
                <Icon glyph=Glyph::Download />
                "CSV"
            </a>
            <a class="button quiet" href=jsonl download="" title=t.audit_jsonl_hint()>
                <Icon glyph=Glyph::Download />
                "JSON"
            </a>
        </div>
        <Suspense>
            {move || {
                let (api, shown, names) = (api.clone(), shown.clone(), names.clone());
                let id = organisation.id.clone();
                Suspend::new(async move {
                    let query = shown.to_query();
                    let (page, members, verification) = join3(
                            api.audit(&id, &query),
                            api.members(&id, &all()),
                            OptionFuture::from(shown.verify.then(|| api.verify_audit(&id))),
                        )
                        .await;
                    let members = members.map(|page| page.items).unwrap_or_default();
                    let page = page.map_err(Trouble::from);
                    view! {
                        {verification
                            .map(|verification| {
                                let verification = verification.map_err(Trouble::from);
                                view! { <State verification /> }
                            })}
                        <Filters shown=shown.clone() members has_below />
                        <Listed page shown names />
                    }
                })
            }}
        </Suspense>
    }
}

/// What came of following the chain.
#[component]
fn State(verification: Outcome<AuditVerification>) -> impl IntoView {
    let t = language();
    match verification {
        Err(trouble) => view! { <TroubleNotice trouble /> }.into_any(),
        Ok(AuditVerification::Holds { entries, hash, at }) => {
            let text = t.audit_holds_text(&grouped(&hash.to_string()));
            view! {
                <Notice tone=Tone::Plain>
                    <p role="status">
                        <strong>{t.audit_holds(entries)}</strong>
                        " "
                        {text}
                        " · "
                        <Moment at show=TimeFormat::Minute />
                    </p>
                </Notice>
            }
            .into_any()
        }
        Ok(AuditVerification::Broken { seq, detail, .. }) => view! {
            <Notice tone=Tone::Bad>
                <p role="alert">{t.audit_broken(&number(t, seq))}</p>
                <p class="soft small" lang="en">{detail}</p>
            </Notice>
        }
        .into_any(),
    }
}

/// The form that narrows the list.
#[component]
fn Filters(
    shown: AuditView,
    members: Vec<Member>,
    /// Whether there are organisations below it.
    has_below: bool,
) -> impl IntoView {
    let t = language();
    let mut people: Vec<(String, String)> = members
        .into_iter()
        .map(|member| (member.account.to_string(), member.name))
        .collect();
    people.sort_by(|one, other| one.1.cmp(&other.1));
    if !shown.actor.is_empty() && !people.iter().any(|(id, _)| *id == shown.actor) {
        people.push((shown.actor.clone(), shown.actor.clone()));
    }
    let kept = [
        (paths::ORGANISATION_ID, &shown.organisation),
        ("subject", &shown.subject),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| view! { <input type="hidden" name=name value=value.clone() /> })
    .collect_view();
    let option = |value: String, name: String, chosen: &str| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{name}</option> }
    };
    let chosen = shown.action.clone();
    let actions = families()
        .into_iter()
        .map(|(family, actions)| {
            let name = t.family_name(family).to_owned();
            let whole = option(family.to_owned(), t.audit_all_of(&name), &chosen);
            let each = actions
                .into_iter()
                .map(|action| {
                    option(
                        action.as_str().to_owned(),
                        t.deed_name(action).to_owned(),
                        &chosen,
                    )
                })
                .collect_view();
            view! { <optgroup label=name>{whole} {each}</optgroup> }
        })
        .collect_view();
    let people = people
        .into_iter()
        .map(|(id, name)| option(id, name, &shown.actor))
        .collect_view();
    view! {
        <form class="controls" role="search" method="get" action=paths::ORGANISATION_AUDIT autocomplete="off">
            {kept}
            <select name="action" class="input" aria-label=t.audit_action()>
                <option value="">{t.audit_all_actions()}</option>
                {actions}
            </select>
            <select name="actor" class="input" aria-label=t.audit_actor()>
                <option value="">{t.audit_everybody()}</option>
                {people}
            </select>
            <label class="day">
                <span class="soft small">{t.audit_since()}</span>
                <input type="date" name="since" class="input" value=shown.since.clone() />
            </label>
            <label class="day">
                <span class="soft small">{t.audit_until()}</span>
                <input type="date" name="until" class="input" value=shown.until.clone() />
            </label>
            {has_below
                .then(|| {
                    view! {
                        <label class="choice">
                            <input type="checkbox" name=ALONE value=YES checked=shown.alone />
                            <span>{t.audit_alone()}</span>
                        </label>
                    }
                })}
            <button class="button" type="submit">{t.audit_apply()}</button>
            {shown
                .is_narrowed()
                .then(|| view! { <a class="button quiet" href=shown.widened().address()>{t.audit_widen()}</a> })}
        </form>
        {(!shown.subject.is_empty()).then(|| view! { <p class="soft small">{t.audit_only_subject(&shown.subject)}</p> })}
    }
}

/// The families of what an organisation's record holds, in the order in which they are told, with the actions of each.
fn families() -> Vec<(&'static str, Vec<Action>)> {
    const OF_ORGANISATIONS: [&str; 10] = [
        "device.",
        "certificate.",
        "enrolment.",
        "member.",
        "invitation.",
        "organisation.",
        "signer.",
        "token.",
        "webhook.",
        "plgd.",
    ];
    OF_ORGANISATIONS
        .map(|family| (family, Action::meant_by(family)))
        .into()
}

#[component]
fn Listed(
    page: Outcome<Page<AuditEntry>>,
    shown: AuditView,
    names: BTreeMap<OrganisationId, String>,
) -> impl IntoView {
    let t = language();
    let page = match page {
        Err(trouble) => return view! { <TroubleNotice trouble /> }.into_any(),
        Ok(page) => page,
    };
    if page.items.is_empty() {
        let (title, text) = if shown.is_narrowed() {
            (t.audit_none_found(), t.audit_none_found_text())
        } else {
            (t.audit_empty(), t.audit_empty_text())
        };
        return view! {
            <Blank title text>
                {(shown.is_narrowed() || !shown.after.is_empty())
                    .then(|| view! { <a class="button" href=shown.widened().address()>{t.audit_widen()}</a> })}
            </Blank>
        }
        .into_any();
    }
    let several = page
        .items
        .iter()
        .any(|entry| entry.organisation.as_str() != shown.organisation);
    let older = page.next.map(|after| AuditView {
        after,
        ..shown.with(|_| ())
    });
    let head = [
        Some(t.audit_when()),
        Some(t.audit_action()),
        Some(t.audit_subject()),
        Some(t.audit_actor()),
        several.then(|| t.audit_where()),
    ]
    .into_iter()
    .flatten()
    .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
    .collect_view();
    let rows = page
        .items
        .into_iter()
        .map(|entry| {
            let place = several.then(|| names.get(&entry.organisation).cloned().unwrap_or_default());
            view! { <Line entry shown=shown.clone() place /> }
        })
        .collect_view();
    view! {
        <table class="record" role="table" aria-label=t.audit_listed()>
            <thead role="rowgroup">
                <tr role="row">{head}</tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <nav class="pages" aria-label=t.audit_listed()>
            {(!shown.after.is_empty())
                .then(|| view! { <a class="button" href=shown.with(|_| ()).address()>{t.audit_newest()}</a> })}
            {older
                .map(|older| {
                    view! {
                        <a class="button" href=older.address()>
                            {t.audit_older()}
                            <Icon glyph=Glyph::Next />
                        </a>
                    }
                })}
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preference::Language;

    #[test]
    fn every_family_that_is_offered_has_actions_and_a_name_of_its_own() {
        let mut names: Vec<&str> = Vec::new();
        for (family, actions) in families() {
            assert!(!actions.is_empty(), "{family}");
            let name = Language::English.family_name(family);
            assert!(!names.contains(&name), "{family}");
            names.push(name);
        }
    }
}
