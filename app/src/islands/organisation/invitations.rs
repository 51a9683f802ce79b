//! Invitations of an organisation: who may join as what, by a link that works once.

use gangway_protocol::organisation::{INVITATION_LIFE, Invitation, InvitationRequest, Organisation, Role};
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::super::lists::{List, ListTrouble, Once, all, ended, focus_heading};
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::{Dialog, FormEnd};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::Complaint;
use crate::components::role::{role_name, role_text};
use crate::components::shown_once::{ShownOnce, StillShown};
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// The section.
#[component]
pub(super) fn Invitations(
    /// Whose they are.
    organisation: Organisation,
    /// As the server read them.
    first: Outcome<Vec<Invitation>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let made = RwSignal::new(None::<String>);
    let title = format!("invitations-{}", organisation.id);
    let labelled = title.clone();
    let organisation = StoredValue::new(organisation);
    let retry = Callback::new(move |()| {
        list.read(async move || {
            api()
                .invitations(&organisation.read_value().id.clone(), &all())
                .await
        });
    });
    view! {
        <section class="section" aria-labelledby=labelled>
            <div class="section-head">
                <h2 id=title tabindex="-1">{t.invitations()}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    <Icon glyph=Glyph::Add />
                    {t.invite()}
                </button>
            </div>
            <p class="soft small">{t.invitations_text()}</p>
            <StillShown says=t.invitation_shown_once() made open />
            <ListTrouble trouble=list.trouble retry />
            <ul class="lines">
                <For each=move || list.items.get() key=|invitation| invitation.id.clone() let:invitation>
                    <Line invitation list organisation />
                </For>
            </ul>
            <Dialog open label=t.invite()>
                <Form list organisation open made />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(
    invitation: Invitation,
    list: List<Invitation>,
    organisation: StoredValue<Organisation>,
) -> impl IntoView {
    let t = language();
    let Invitation {
        id,
        role,
        note,
        expires_at,
        ..
    } = invitation;
    let asked = RwSignal::new(false);
    let question = Question {
        title: t.invitation_withdraw_title(&note),
        says: vec![t.invitation_withdraw_says()],
        verb: t.invitation_withdraw(),
        dangerous: true,
    };
    let id = StoredValue::new(id);
    let withdraw = async move || {
        let (home, id) = (organisation.get_value().id, id.get_value());
        ended(api().withdraw_invitation(&home, &id).await)?;
        list.remove(|invitation| invitation.id == id);
        focus_heading(format!("invitations-{home}"));
        Ok(())
    };
    view! {
        <li>
            <Icon glyph=Glyph::Person />
            <div>
                <p>{note} " " <span class="chip">{role_name(t, role)}</span></p>
                <p class="soft small">{t.expires()} " " <Moment at=expires_at show=TimeFormat::Minute /></p>
            </div>
            <IconButton glyph=Glyph::Trash label=t.withdraw_invitation() on_press=move || asked.set(true) />
            <Confirm open=asked question=Signal::stored(question) answer=withdraw />
        </li>
    }
}

/// The form in the dialog, and then the link.
#[component]
fn Form(
    list: List<Invitation>,
    organisation: StoredValue<Organisation>,
    open: RwSignal<bool>,
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let Organisation { id, role: own, .. } = organisation.get_value();
    let id = StoredValue::new(id);
    let role = RwSignal::new(Role::Operator.as_str().to_owned());
    let note = RwSignal::new(String::new());
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(role) = Role::from_name(&role.read_untracked()).filter(|_| !busy.get_untracked()) else {
            return;
        };
        busy.set(true);
        message.set(None);
        let request = InvitationRequest {
            role,
            note: note.get_untracked().trim().to_owned(),
        };
        let (id, key) = (id.get_value(), once.key(&request));
        leptos::task::spawn_local(async move {
            let api = api();
            match with_fresh_proof(&api, async || api.invite(&id, &request, &key).await).await {
                Ok(mut invitation) => {
                    made.set(invitation.link.take().map(|link| link.expose().to_owned()));
                    list.push(invitation);
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let dismiss = Callback::new(move |()| {
        open.set(false);
        made.set(None);
    });
    let life = u64::try_from(INVITATION_LIFE / UnixMillis::DAY).unwrap_or_default();
    let roles = move || {
        Role::ALL
            .into_iter()
            .filter(|role| *role <= own)
            .map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> })
            .collect_view()
    };
    view! {
        <h2>{t.invite()}</h2>
        {move || made.get().map(|made| view! { <ShownOnce says=t.invitation_shown_once() made dismiss /> })}
        <form class="stack dialog-field" hidden=move || made.read().is_some() on:submit=create>
            <div class="field">
                <label for="invitation-note">{t.invitation_note()}</label>
                <input id="invitation-note" type="text" required maxlength="64" autocomplete="off" bind:value=note />
            </div>
            <div class="field">
                <label for="invitation-role">{t.role()}</label>
                <select id="invitation-role" aria-describedby="invitation-role-text" bind:value=role>
                    {roles()}
                </select>
                <p class="hint" id="invitation-role-text" aria-live="polite">
                    {move || Role::from_name(&role.read()).map(|role| role_text(t, role))}
                </p>
            </div>
            <p class="hint">{t.invitation_life(life)}</p>
            <Complaint message />
            <FormEnd open verb=t.invitation_create() busy />
        </form>
    }
}
