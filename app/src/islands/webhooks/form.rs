//! A webhook, filled in: a new one, or other values for one that is there.

use gangway_protocol::organisation::Organisation;
use gangway_protocol::webhook::{
    MAX_URL_LEN, Webhook, WebhookEventType, WebhookRequest, WebhookState, WebhookUpdate,
};
use leptos::prelude::*;

use super::super::lists::{List, Once};
use super::{event_words, read};
use crate::components::dialog::FormEnd;
use crate::components::notice::Complaint;
use crate::components::shown_once::ShownOnce;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// What is filled in.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    url: RwSignal<String>,
    everything: RwSignal<bool>,
    events: StoredValue<Vec<(WebhookEventType, RwSignal<bool>)>>,
    on: RwSignal<bool>,
}

impl Fields {
    fn of(present: Option<&Webhook>) -> Self {
        let chosen = present
            .map(|webhook| webhook.events.as_slice())
            .unwrap_or_default();
        let events = WebhookEventType::ALL
            .into_iter()
            .map(|kind| (kind, RwSignal::new(chosen.contains(&kind))))
            .collect();
        Self {
            name: RwSignal::new(present.map(|webhook| webhook.name.clone()).unwrap_or_default()),
            url: RwSignal::new(present.map(|webhook| webhook.url.clone()).unwrap_or_default()),
            everything: RwSignal::new(chosen.is_empty()),
            events: StoredValue::new(events),
            on: RwSignal::new(present.is_none_or(|webhook| webhook.state == WebhookState::On)),
        }
    }

    /// The events that were chosen: none of them is everything, and `None` is nothing.
    fn events(self) -> Option<Vec<WebhookEventType>> {
        if self.everything.get_untracked() {
            return Some(Vec::new());
        }
        let chosen: Vec<WebhookEventType> = self.events.with_value(|events| {
            let chosen = events.iter().filter(|(_, chosen)| chosen.get_untracked());
            chosen.map(|(kind, _)| *kind).collect()
        });
        (!chosen.is_empty()).then_some(chosen)
    }
}

/// The form in its dialog, and then the secret of a new one, once.
#[component]
pub(super) fn WebhookForm(
    /// The one to change; `None` for a new one.
    present: Option<Webhook>,
    /// Where it stands afterwards.
    list: List<Webhook>,
    /// Whose it is.
    organisation: StoredValue<Organisation>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
    /// The secret, as long as it is shown.
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let fields = Fields::of(present.as_ref());
    let title = match &present {
        Some(webhook) => t.webhook_edit(&webhook.name),
        None => t.webhook_add().to_owned(),
    };
    let is_new = present.is_none();
    let present = StoredValue::new(present);
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let Some(events) = fields.events() else {
            message.set(Some(t.webhook_no_events().to_owned()));
            return;
        };
        busy.set(true);
        message.set(None);
        let home = organisation.get_value().id;
        leptos::task::spawn_local(async move {
            let api = api();
            let (name, url) = (fields.name.get_untracked(), fields.url.get_untracked());
            let saved = match present.get_value() {
                Some(webhook) => {
                    let update = WebhookUpdate {
                        name: Some(name),
                        url: Some(url),
                        events: Some(events),
                        on: Some(fields.on.get_untracked()),
                    };
                    with_fresh_proof(&api, async || {
                        api.change_webhook(&home, &webhook.id, &update).await
                    })
                    .await
                }
                None => {
                    let request = WebhookRequest { name, url, events };
                    let key = once.key(&request);
                    with_fresh_proof(&api, async || api.add_webhook(&home, &request, &key).await).await
                }
            };
            match saved {
                Ok(webhook) => {
                    match webhook.secret {
                        Some(secret) => made.set(Some(secret.expose().to_owned())),
                        None => open.set(false),
                    }
                    read(list, organisation);
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
    let choices = fields.events.with_value(|events| {
        let choices = events.iter().map(|(kind, chosen)| {
            view! {
                <label class="choice" hidden=move || fields.everything.get()>
                    <input type="checkbox" bind:checked=*chosen />
                    <span>{event_words(t, *kind)}</span>
                </label>
            }
        });
        choices.collect_view()
    });
    view! {
        <h2>{title}</h2>
        {move || {
            made.get()
                .filter(|_| is_new)
                .map(|made| view! { <ShownOnce says=t.webhook_secret_shown_once() made dismiss /> })
        }}
        <form class="stack dialog-field" hidden=move || is_new && made.read().is_some() on:submit=save>
            <div class="field">
                <label for="webhook-name">{t.webhook_name()}</label>
                <input id="webhook-name" type="text" required maxlength="64" autocomplete="off" bind:value=fields.name />
            </div>
            <div class="field">
                <label for="webhook-url">{t.webhook_url()}</label>
                <input
                    id="webhook-url"
                    type="url"
                    class="code"
                    required
                    maxlength=MAX_URL_LEN.to_string()
                    autocomplete="off"
                    placeholder="https://hooks.example.com/gangway"
                    aria-describedby="webhook-url-hint"
                    bind:value=fields.url
                />
                <p id="webhook-url-hint" class="hint">{t.webhook_url_hint()}</p>
            </div>
            <fieldset>
                <legend>{t.webhook_events()}</legend>
                <label class="choice">
                    <input type="checkbox" bind:checked=fields.everything />
                    <span>{t.webhook_everything()}</span>
                </label>
                {choices}
            </fieldset>
            {(!is_new)
                .then(|| {
                    view! {
                        <label class="choice">
                            <input type="checkbox" bind:checked=fields.on />
                            <span>{t.webhook_sends()}</span>
                        </label>
                    }
                })}
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}
