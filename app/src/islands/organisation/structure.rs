//! An organisation's place in the tree: renamed, moved, archived, and what is below it.

use gangway_protocol::organisation::{Organisation, OrganisationRequest, OrganisationUpdate};
use leptos::prelude::*;

use super::super::lists::Once;
use super::{address_of, show};
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::{Dialog, FormEnd};
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api, with_fresh_proof};

/// What can be done in a dialog of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Name,
    Place,
    Below,
}

/// The buttons below the heading, and the list of what is below.
#[component]
pub(super) fn Structure(
    /// The organisation.
    home: StoredValue<Organisation>,
    /// Whether the visitor decides where it stands.
    may_place: bool,
    /// Those right below it.
    below: Vec<Organisation>,
    /// Where it may be moved.
    targets: Vec<(String, String)>,
) -> impl IntoView {
    let t = language();
    let is_open = home.with_value(Organisation::is_open);
    let [name, place, inner] = [(); 3].map(|()| RwSignal::new(false));
    let archiving = RwSignal::new(false);
    let targets = StoredValue::new(targets);
    let can_move = may_place && is_open && targets.with_value(|targets| !targets.is_empty());
    let question = Question {
        title: t.organisation_archive_title(&home.with_value(|home| home.name.clone())),
        says: vec![t.organisation_archive_says_1(), t.organisation_archive_says_2()],
        verb: t.organisation_archive(),
        dangerous: true,
    };
    let archive = async move || {
        show(&api().archive_organisation(&home.get_value().id).await?);
        Ok(())
    };
    view! {
        <div class="row">
            {is_open
                .then(|| {
                    view! {
                        <button class="button" type="button" on:click=move |_| name.set(true)>
                            <Icon glyph=Glyph::Edit />
                            {t.organisation_rename()}
                        </button>
                    }
                })}
            {can_move
                .then(|| {
                    view! {
                        <button class="button" type="button" on:click=move |_| place.set(true)>
                            {t.organisation_move()}
                        </button>
                    }
                })}
            {(may_place && is_open)
                .then(|| {
                    view! {
                        <button class="button" type="button" on:click=move |_| archiving.set(true)>
                            {t.organisation_archive()}
                        </button>
                    }
                })}
        </div>
        {(!is_open).then(|| view! { <Archived home may_place /> })}
        <section class="section" aria-labelledby="below">
            <div class="section-head">
                <h2 id="below">{t.organisations_below()}</h2>
                {is_open
                    .then(|| {
                        view! {
                            <button class="button" type="button" on:click=move |_| inner.set(true)>
                                <Icon glyph=Glyph::Add />
                                {t.organisation_add()}
                            </button>
                        }
                    })}
            </div>
            <p class="soft small">{t.organisations_below_text()}</p>
            {below.is_empty().then(|| view! { <p class="soft">{t.organisations_none_below()}</p> })}
            <ul class="lines">
                {below
                    .into_iter()
                    .map(|one| {
                        let archived = !one.is_open();
                        view! {
                            <li>
                                <Icon glyph=Glyph::Fleet />
                                <p>
                                    <a href=address_of(one.id.as_str())>{one.name}</a>
                                    {archived.then(|| view! { " " <span class="chip">{t.organisation_archived()}</span> })}
                                </p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
        <Dialog open=name label=t.organisation_rename()>
            <ChangeForm change=Change::Name home targets open=name />
        </Dialog>
        <Dialog open=place label=t.organisation_move()>
            <ChangeForm change=Change::Place home targets open=place />
        </Dialog>
        <Dialog open=inner label=t.organisation_add()>
            <ChangeForm change=Change::Below home targets open=inner />
        </Dialog>
        <Confirm open=archiving question=Signal::stored(question) answer=archive />
    }
}

/// Says that nothing goes into it, with the way back.
#[component]
fn Archived(home: StoredValue<Organisation>, may_place: bool) -> impl IntoView {
    let t = language();
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let open = move |_| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let api = api();
            let id = home.get_value().id;
            match with_fresh_proof(&api, async || api.open_organisation(&id).await).await {
                Ok(opened) => show(&opened),
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    view! {
        <Notice tone=Tone::Warn>
            <p>{t.organisation_is_archived()}</p>
            {may_place
                .then(|| {
                    view! {
                        <div class="row">
                            <button class="button" type="button" disabled=busy on:click=open>
                                {t.organisation_open()}
                            </button>
                        </div>
                    }
                })}
            <Complaint message />
        </Notice>
    }
}

#[component]
fn ChangeForm(
    change: Change,
    home: StoredValue<Organisation>,
    targets: StoredValue<Vec<(String, String)>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let once = Once::new();
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let first = match change {
        Change::Name => home.with_value(|home| home.name.clone()),
        Change::Place => {
            targets.with_value(|targets| targets.first().map(|(id, _)| id.clone()).unwrap_or_default())
        }
        Change::Below => String::new(),
    };
    let value = RwSignal::new(first);
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let (id, value) = (home.get_value().id, value.get_untracked().trim().to_owned());
        leptos::task::spawn_local(async move {
            let api = api();
            let made: Result<Organisation, CeremonyTrouble> = match change {
                Change::Below => {
                    let request = OrganisationRequest {
                        parent: id,
                        name: value,
                    };
                    let key = once.key(&request);
                    with_fresh_proof(&api, async || api.create_organisation(&request, &key).await).await
                }
                Change::Name | Change::Place => {
                    let update = OrganisationUpdate {
                        parent: (change == Change::Place).then(|| value.parse().ok()).flatten(),
                        name: (change == Change::Name).then_some(value),
                    };
                    with_fresh_proof(&api, async || api.change_organisation(&id, &update).await).await
                }
            };
            match made {
                Ok(organisation) => show(&organisation),
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let (title, verb) = match change {
        Change::Name => (t.organisation_rename(), t.save()),
        Change::Place => (t.organisation_move(), t.organisation_move()),
        Change::Below => (t.organisation_add(), t.organisation_make()),
    };
    view! {
        <h2>{title}</h2>
        <form class="stack dialog-field" on:submit=send>
            {if change == Change::Place {
                view! {
                    <div class="field">
                        <label for="organisation-target">{t.organisation_target()}</label>
                        <select id="organisation-target" bind:value=value>
                            {targets
                                .get_value()
                                .into_iter()
                                .map(|(id, path)| view! { <option value=id>{path}</option> })
                                .collect_view()}
                        </select>
                        <p class="hint">{t.organisation_move_hint()}</p>
                    </div>
                }
                    .into_any()
            } else {
                view! {
                    <div class="field">
                        <label for="organisation-name">{t.organisation_name_label()}</label>
                        <input id="organisation-name" type="text" required maxlength="64" autocomplete="off" bind:value=value />
                        {(change == Change::Below).then(|| view! { <p class="hint">{t.organisation_add_hint()}</p> })}
                    </div>
                }
                    .into_any()
            }}
            <Complaint message />
            <FormEnd open verb busy />
        </form>
    }
}
