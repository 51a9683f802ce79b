//! A client that nobody has initialised yet: how it is done, and how far it is.

use gangway_protocol::secret::SecretString;
use gangway_signing::{ClientStage, ClientTask, PreSharedKey};
use leptos::prelude::*;

use super::choices::BY_KEY;
use super::state::{Action, ClientPage};
use crate::browser::plgd_client::Wanted;
use crate::components::notice::{Complaint, Notice, Tone};
use crate::components::steps::{Progress, Step, Steps};
use crate::visit::language;

/// Fewest characters of a key: as many bytes as the client uses.
const KEY_LEN: usize = 16;

const STAGES: [ClientStage; 5] = [
    ClientStage::Preparing,
    ClientStage::Asking,
    ClientStage::Signing,
    ClientStage::Finishing,
    ClientStage::Checking,
];

/// How it is to be done.
#[component]
pub(super) fn Initialising(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let host = client_page.host();
    let subject = RwSignal::new(String::new());
    let key = RwSignal::new(String::new());
    let save = RwSignal::new(true);
    let message = RwSignal::new(None::<String>);
    let busy = client_page.is_busy();
    let by_key = move || client_page.chosen.with(|chosen| chosen == BY_KEY);
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        message.set(None);
        if !client_page.chosen.with_untracked(|chosen| chosen == BY_KEY) {
            client_page.begin(Action::Initialise, Wanted::Task(ClientTask::Initialise));
            return;
        }
        let (named, secret) = (subject.get_untracked().trim().to_owned(), key.get_untracked());
        if named.is_empty() || secret.len() < KEY_LEN {
            message.set(Some(t.client_key_short().to_owned()));
            return;
        }
        key.set(String::new());
        let shared = PreSharedKey {
            subject: named,
            key: SecretString::new(secret),
            save: save.get_untracked(),
        };
        client_page.begin(Action::Share, Wanted::Task(ClientTask::Share(shared)));
    };
    let choices = client_page.choices();
    let has_hub = choices.len() > 1;
    let options = choices
        .into_iter()
        .map(|choice| view! { <option value=choice.value>{choice.label}</option> })
        .collect_view();
    view! {
        <form class="stack" on:submit=on_submit>
            <h3>{t.client_initialise_title()}</h3>
            {(!has_hub).then(|| view! { <p class="hint">{t.client_no_hub()}</p> })}
            <div class="field">
                <label for="client-by">{t.client_initialise_by()}</label>
                <select id="client-by" bind:value=client_page.chosen disabled=busy>
                    {options}
                </select>
            </div>
            {move || by_key().then(|| view! { <KeyFields subject key save /> })}
            <Notice tone=Tone::Plain>
                <div class="stack">
                    <p>{t.client_first_come()}</p>
                    {move || (!by_key()).then(|| view! { <p>{t.client_forgets()}</p> })}
                </div>
            </Notice>
            <Complaint message />
            <div class="row">
                <button class="button primary" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                    {t.client_initialise(&host)}
                </button>
            </div>
        </form>
    }
}

#[component]
fn KeyFields(subject: RwSignal<String>, key: RwSignal<String>, save: RwSignal<bool>) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for="client-subject">{t.client_key_subject()}</label>
            <input
                id="client-subject"
                class="mono"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength="128"
                aria-describedby="client-subject-hint"
                bind:value=subject
            />
            <p class="hint" id="client-subject-hint">{t.client_key_subject_hint()}</p>
        </div>
        <div class="field">
            <label for="client-key">{t.client_key()}</label>
            <input
                id="client-key"
                class="mono"
                type="password"
                autocomplete="off"
                maxlength="128"
                aria-describedby="client-key-hint"
                bind:value=key
            />
            <p class="hint" id="client-key-hint">{t.client_key_hint()}</p>
        </div>
        <label class="choice">
            <input type="checkbox" bind:checked=save />
            <span>{t.client_key_save()}</span>
        </label>
    }
}

/// How far something is that takes several steps: initialising by a hub, owning a device by one.
#[component]
pub(super) fn Progressing(client_page: ClientPage) -> impl IntoView {
    let t = language();
    // What was being done is told still when it has ended.
    let shown = RwSignal::new(None::<bool>);
    Effect::new(move |_| {
        match client_page.doing.get() {
            Some(Action::Initialise) => shown.set(Some(false)),
            Some(Action::Own(_)) if client_page.takes_hub() => shown.set(Some(true)),
            Some(_) => shown.set(None),
            None => {}
        };
    });
    let steps = Signal::derive(move || {
        let of_device = shown.get() == Some(true);
        let labels = if of_device {
            [
                t.client_step_preparing(),
                t.client_device_step_asking(),
                t.client_step_signing(),
                t.client_device_step_finishing(),
                t.client_step_checking(),
            ]
        } else {
            [
                t.client_step_preparing(),
                t.client_step_asking(),
                t.client_step_signing(),
                t.client_step_finishing(),
                t.client_step_checking(),
            ]
        };
        STAGES
            .into_iter()
            .zip(labels)
            // Nobody is asked whether a device is owned: the client has said so.
            .take(if of_device { 4 } else { 5 })
            .map(|(stage, label)| Step {
                label,
                note: None,
                progress: progress(client_page, stage),
            })
            .collect::<Vec<_>>()
    });
    let has_begun = move || client_page.course.with(|course| !course.reached.is_empty());
    move || {
        let of_device = shown.get().filter(|_| has_begun())?;
        let label = if of_device {
            t.client_owning()
        } else {
            t.client_progress()
        };
        Some(view! { <Steps label steps /> })
    }
}

fn progress(client_page: ClientPage, stage: ClientStage) -> Progress {
    client_page.course.with(|course| {
        let place = course.reached.iter().position(|(reached, _)| *reached == stage);
        let Some((place, begun)) = place.and_then(|place| Some((place, course.reached.get(place)?.1))) else {
            let is_past = course.reached.last().is_some_and(|(last, _)| *last > stage);
            return if is_past {
                Progress::Done(0)
            } else {
                Progress::Coming
            };
        };
        match (course.reached.get(place + 1), course.ended) {
            (Some((_, next)), _) => Progress::Done(next.since(begun)),
            (None, Some((ended, true))) => Progress::Done(ended.since(begun)),
            (None, Some((_, false))) => Progress::Failed,
            (None, None) => Progress::Running,
        }
    })
}
