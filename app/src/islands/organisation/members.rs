//! Members of an organisation: added, given another role, removed. Those of the organisations above are named too.

use gangway_protocol::id::AccountId;
use gangway_protocol::organisation::{Member, MemberUpdate, Organisation, Role};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::super::lists::{List, ListTrouble, all, ended, focus_heading};
use crate::browser::page;
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::{Dialog, FormEnd};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::notice::Complaint;
use crate::components::role::{role_name, role_text};
use crate::messages::messages;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// The id of the section's heading.
const TITLE: &str = "members";

/// The section.
#[component]
pub(super) fn Members(
    /// The organisation.
    home: StoredValue<Organisation>,
    /// Who looks.
    visitor: AccountId,
    /// Its own members, as the server read them.
    first: Outcome<Vec<Member>>,
    /// Members of the organisations above, with the name of theirs.
    from_above: Vec<(String, Member)>,
    /// Who may be added.
    known: Vec<(AccountId, String)>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let adding = RwSignal::new(false);
    let visitor = StoredValue::new(visitor);
    let known = StoredValue::new(known);
    let can_add = home.with_value(Organisation::is_open) && known.with_value(|known| !known.is_empty());
    let retry =
        Callback::new(move |()| list.read(async move || api().members(&home.get_value().id, &all()).await));
    view! {
        <section class="section" aria-labelledby=TITLE>
            <div class="section-head">
                <h2 id=TITLE tabindex="-1">{t.members()}</h2>
                {can_add
                    .then(|| {
                        view! {
                            <button class="button" type="button" on:click=move |_| adding.set(true)>
                                <Icon glyph=Glyph::Add />
                                {t.member_add()}
                            </button>
                        }
                    })}
            </div>
            <p class="soft small">{t.members_text()}</p>
            <ListTrouble trouble=list.trouble retry />
            <ul class="lines">
                <For each=move || list.items.get() key=|member| format!("{member:?}") let:member>
                    <Line member list home visitor />
                </For>
                {from_above
                    .into_iter()
                    .map(|(organisation, Member { name, role, .. })| {
                        view! {
                            <li>
                                <Icon glyph=Glyph::Person />
                                <p>
                                    {name} " " <span class="chip">{role_name(t, role)}</span> " "
                                    <span class="soft small">{t.member_from(&organisation)}</span>
                                </p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <Dialog open=adding label=t.member_add()>
                <RoleForm person=None known list home open=adding />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(
    member: Member,
    list: List<Member>,
    home: StoredValue<Organisation>,
    visitor: StoredValue<AccountId>,
) -> impl IntoView {
    let t = language();
    let [changing, leaving] = [(); 2].map(|()| RwSignal::new(false));
    let own = home.with_value(|home| home.role);
    let is_self = visitor.with_value(|visitor| *visitor == member.account);
    let may_change = member.role <= own;
    let question = Question {
        title: if is_self {
            home.with_value(|home| t.member_leave_title(&home.name))
        } else {
            t.member_remove_title(&member.name)
        },
        says: if is_self {
            vec![t.member_leave_says()]
        } else {
            vec![t.member_remove_says()]
        },
        verb: if is_self {
            t.member_leave()
        } else {
            t.member_remove()
        },
        dangerous: true,
    };
    let account = StoredValue::new(member.account.clone());
    let remove = async move || {
        let (id, account) = (home.get_value().id, account.get_value());
        ended(api().remove_member(&id, &account).await)?;
        if is_self {
            page::leave_for(paths::HOME);
            return Ok(());
        }
        list.remove(|member| member.account == account);
        focus_heading(TITLE.to_owned());
        Ok(())
    };
    let (name, role) = (member.name.clone(), member.role);
    let is_suspended = member.suspended_at.is_some();
    let messages = messages();
    let turn = move || {
        let (id, account) = (home.get_value().id, account.get_value());
        leptos::task::spawn_local(async move {
            let api = api();
            let turned = with_fresh_proof(&api, async || {
                if is_suspended {
                    api.resume_member(&id, &account).await
                } else {
                    api.suspend_member(&id, &account).await
                }
            })
            .await;
            match turned {
                Ok(member) => replace(list, &member),
                Err(trouble) => messages.show_trouble(t, trouble),
            }
        });
    };
    let person = StoredValue::new(member);
    let nobody = StoredValue::new(Vec::new());
    view! {
        <li>
            <Icon glyph=Glyph::Person />
            <p>
                {name.clone()} " " <span class="chip">{role_name(t, role)}</span>
                {is_self.then(|| view! { " " <span class="soft small">{t.member_self()}</span> })}
                {is_suspended.then(|| view! { " " <span class="chip warn">{t.member_suspended()}</span> })}
            </p>
            <div class="row">
                {may_change
                    .then(|| {
                        view! {
                            {(!is_self)
                                .then(|| {
                                    let (glyph, label) = if is_suspended {
                                        (Glyph::Play, t.member_resume(&name))
                                    } else {
                                        (Glyph::Pause, t.member_suspend(&name))
                                    };
                                    view! { <IconButton glyph label on_press=turn /> }
                                })}
                            <IconButton glyph=Glyph::Edit label=t.member_change(&name) on_press=move || changing.set(true) />
                            <IconButton
                                glyph=if is_self { Glyph::SignOut } else { Glyph::Trash }
                                label=if is_self { t.member_leave().to_owned() } else { t.member_remove_label(&name) }
                                on_press=move || leaving.set(true)
                            />
                        }
                    })}
            </div>
            <Confirm open=leaving question=Signal::stored(question) answer=remove />
            <Dialog open=changing label=t.member_change(&name)>
                <RoleForm person=Some(person.get_value()) known=nobody list home open=changing />
            </Dialog>
        </li>
    }
}

/// Shows a member as they are now.
fn replace(list: List<Member>, member: &Member) {
    list.items.update(|items| {
        items
            .iter_mut()
            .filter(|item| item.account == member.account)
            .for_each(|item| item.clone_from(member));
    });
}

/// The role of somebody who is a member, or who becomes one.
#[component]
fn RoleForm(
    /// Whose role; nobody's when somebody is to be chosen.
    person: Option<Member>,
    known: StoredValue<Vec<(AccountId, String)>>,
    list: List<Member>,
    home: StoredValue<Organisation>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let own = home.with_value(|home| home.role);
    let role = RwSignal::new(
        person
            .as_ref()
            .map_or(Role::Viewer, |person| person.role)
            .as_str()
            .to_owned(),
    );
    let chosen = RwSignal::new(
        known.with_value(|known| known.first().map(|(id, _)| id.to_string()).unwrap_or_default()),
    );
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let title = match &person {
        Some(person) => t.member_change(&person.name),
        None => t.member_add().to_owned(),
    };
    let is_new = person.is_none();
    let person = StoredValue::new(person);
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let account = match person.get_value() {
            Some(person) => Some(person.account),
            None => chosen.get_untracked().parse().ok(),
        };
        let Some((account, role)) = account
            .zip(Role::from_name(&role.read_untracked()))
            .filter(|_| !busy.get_untracked())
        else {
            return;
        };
        busy.set(true);
        message.set(None);
        let id = home.get_value().id;
        leptos::task::spawn_local(async move {
            let api = api();
            let update = MemberUpdate { role };
            let sent = with_fresh_proof(&api, async || {
                if is_new {
                    api.add_member(&id, &account, &update).await
                } else {
                    api.change_role(&id, &account, &update).await
                }
            })
            .await;
            match sent {
                Ok(member) => {
                    if is_new {
                        known.update_value(|known| known.retain(|(id, _)| *id != member.account));
                        list.push(member);
                    } else {
                        replace(list, &member);
                    }
                    open.set(false);
                    focus_heading(TITLE.to_owned());
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    view! {
        <h2>{title}</h2>
        <form class="stack dialog-field" on:submit=send>
            {is_new
                .then(|| {
                    view! {
                        <div class="field">
                            <label for="member-person">{t.member_person()}</label>
                            <select id="member-person" bind:value=chosen>
                                {known
                                    .get_value()
                                    .into_iter()
                                    .map(|(id, name)| view! { <option value=id.to_string()>{name}</option> })
                                    .collect_view()}
                            </select>
                            <p class="hint">{t.member_add_hint()}</p>
                        </div>
                    }
                })}
            <div class="field">
                <label for="member-role">{t.role()}</label>
                <select id="member-role" aria-describedby="member-role-text" bind:value=role>
                    {Role::ALL
                        .into_iter()
                        .filter(|role| *role <= own)
                        .map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> })
                        .collect_view()}
                </select>
                <p class="hint" id="member-role-text" aria-live="polite">
                    {move || Role::from_name(&role.read()).map(|role| role_text(t, role))}
                </p>
            </div>
            <Complaint message />
            <FormEnd open verb=if is_new { t.member_add_verb() } else { t.save() } busy />
        </form>
    }
}
