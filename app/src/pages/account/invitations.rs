//! Invitations of an organisation: who may join as what, by a link that works once.

use gangway_client::IdempotencyKey;
use gangway_protocol::organisation::{Invitation, InvitationRequest, Organisation, Role};
use leptos::ev::{Event, SubmitEvent};
use leptos::prelude::*;

use super::{Listed, all, ending, listed, role_name, show_list, shown_once};
use crate::browser::random;
use crate::components::dialog::{dialog, form_end};
use crate::components::icon::{Icon, icon};
use crate::components::icon_button::icon_button;
use crate::components::moment::{Show, moment};
use crate::components::notice::complaint;
use crate::view::{View, target_value, view};
use crate::visit::Language;
use crate::visitor::{api, with_fresh_proof};

/// The section of one organisation, for those who administer it.
pub(super) fn invitations(t: Language, organisation: &Organisation, several: bool) -> View {
    let id = organisation.id.clone();
    let list = listed(move |api| {
        let id = id.clone();
        async move { api.invitations(&id, &all()).await }
    });
    let open = RwSignal::new(false);
    let title = format!("invitations-{}", organisation.id);
    let (home, lines_home) = (organisation.clone(), organisation.clone());
    view! {
        <section class="section" aria-labelledby=title.clone()>
            <div class="section-head">
                <h2 id=title>{t.invitations()} {several.then(|| format!(" · {}", organisation.name))}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>{icon(Icon::Add)} {t.invite()}</button>
            </div>
            <p class="soft small">{t.invitations_text()}</p>
            {show_list(
                t,
                list,
                move |invitations| {
                    let lines = invitations.into_iter().map(|invitation| line(t, list, &lines_home, invitation));
                    view! { <ul class="lines">{lines.collect::<View>()}</ul> }
                },
            )}
            {dialog(open, "", t.invite(), move || form(t, list, &home, open))}
        </section>
    }
}

fn line(t: Language, list: Listed<Invitation>, organisation: &Organisation, invitation: Invitation) -> View {
    let api = api();
    let (home, id) = (organisation.id.clone(), invitation.id);
    let withdraw = ending(t, list, async move || api.withdraw_invitation(&home, &id).await);
    view! {
        <li>
            {icon(Icon::Person)}
            <div>
                <p>{invitation.note} " " <span class="chip">{role_name(t, invitation.role)}</span></p>
                <p class="soft small">{t.expires()} " " {moment(invitation.expires_at, Show::Minute)}</p>
            </div>
            {icon_button(Icon::Trash, t.withdraw_invitation(), withdraw)}
        </li>
    }
}

fn form(t: Language, list: Listed<Invitation>, organisation: &Organisation, open: RwSignal<bool>) -> View {
    let api = api();
    let (id, own) = (organisation.id.clone(), organisation.role);
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| *role <= own).collect();
    let role = RwSignal::new(Role::Operator);
    let note = RwSignal::new(String::new());
    let message = RwSignal::new(None::<String>);
    let made = RwSignal::new(None::<String>);
    // One key for one dialog: a repeated click or a lost reply makes no second invitation.
    let key = StoredValue::new(IdempotencyKey::new(random::bytes()));
    let create = move |event: SubmitEvent| {
        event.prevent_default();
        let (api, id) = (api.clone(), id.clone());
        let request = InvitationRequest {
            role: role.get_untracked(),
            note: note.get_untracked().trim().to_owned(),
        };
        leptos::task::spawn_local(async move {
            match with_fresh_proof(&api, async || api.invite(&id, &request, &key.get_value()).await).await {
                Ok(invitation) => {
                    made.set(invitation.link.map(|link| link.expose().to_owned()));
                    list.refetch();
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
        });
    };
    let choices = roles.clone();
    let choose = move |event: Event| {
        let wanted = target_value(&event);
        if let Some(chosen) = choices.iter().find(|role| role.as_str() == wanted) {
            role.set(*chosen);
        }
    };
    view! {
        <h2>{t.invite()}</h2>
        {shown_once(t, t.invitation_shown_once(), made, open)}
        <form class="stack dialog-field" hidden=move || made.read().is_some() on:submit=create>
            <div class="field">
                <label for="invitation-note">{t.invitation_note()}</label>
                <input id="invitation-note" type="text" required maxlength="64" autocomplete="off" bind:value=note />
            </div>
            <div class="field">
                <label for="invitation-role">{t.role()}</label>
                <select id="invitation-role" on:change=choose>
                    {roles
                        .into_iter()
                        .map(|each| view! { <option value=each.as_str() selected=move || role.get() == each>{role_name(t, each)}</option> })
                        .collect::<View>()}
                </select>
            </div>
            {complaint(message)}
            {form_end(open, t.invitation_create())}
        </form>
    }
}
