//! What a webhook has sent and has yet to send, with a way to send it again.

use gangway_protocol::id::WebhookId;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryState, ReplayRequest, WebhookDelivery};
use leptos::prelude::*;

use super::{Attempt, event_words};
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::Complaint;
use crate::messages::messages;
use crate::preference::Language;
use crate::trouble::Trouble;
use crate::visit::{language, now};
use crate::visitor::{api, with_fresh_proof};

/// Deliveries that are shown at first, and further ones each time.
const PAGE: u32 = 20;
/// How far back everything that failed is sent again.
const REPLAYED_DAYS: i64 = 7;

/// The log, as far as it is shown.
#[derive(Clone, Copy)]
struct Shown {
    organisation: StoredValue<Organisation>,
    webhook: StoredValue<WebhookId>,
    deliveries: RwSignal<Vec<WebhookDelivery>>,
    next: RwSignal<Option<String>>,
    /// Whether the first page has been read.
    is_read: RwSignal<bool>,
    busy: RwSignal<bool>,
    message: RwSignal<Option<String>>,
}

impl Shown {
    /// Reads the page behind what is shown, or the first one.
    fn read(self, after: Option<String>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        leptos::task::spawn_local(async move {
            let (home, webhook) = (self.organisation.get_value().id, self.webhook.get_value());
            let is_first = after.is_none();
            let query = PageQuery {
                limit: Some(PAGE),
                after,
            };
            let t = language();
            match api().webhook_deliveries(&home, &webhook, &query).await {
                Ok(page) => {
                    // The dialog may have been closed meanwhile.
                    let _ = self.deliveries.try_update(|shown| {
                        if is_first {
                            shown.clear();
                        }
                        shown.extend(page.items);
                    });
                    let _ = self.next.try_set(page.next);
                    let _ = self.is_read.try_set(true);
                    let _ = self.message.try_set(None);
                }
                Err(error) => {
                    let _ = self.message.try_set(Some(Trouble::from(error).words(t)));
                }
            }
            let _ = self.busy.try_set(false);
        });
    }
}

/// The log in its dialog.
#[component]
pub(super) fn WebhookLog(
    name: String,
    organisation: StoredValue<Organisation>,
    id: StoredValue<WebhookId>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let shown = Shown {
        organisation,
        webhook: id,
        deliveries: RwSignal::new(Vec::new()),
        next: RwSignal::new(None),
        is_read: RwSignal::new(false),
        busy: RwSignal::new(false),
        message: RwSignal::new(None),
    };
    Effect::new(move |_| shown.read(None));
    let replay_failed = move |_| {
        leptos::task::spawn_local(async move {
            let api = api();
            let (home, webhook) = (organisation.get_value().id, id.get_value());
            let request = ReplayRequest {
                since: now().plus(-REPLAYED_DAYS * UnixMillis::DAY),
            };
            let replayed =
                with_fresh_proof(&api, async || api.replay_failed(&home, &webhook, &request).await).await;
            match replayed {
                Ok(replayed) => {
                    messages.show(t.webhook_replayed(replayed.count));
                    shown.read(None);
                }
                Err(trouble) => {
                    let _ = shown.message.try_set(trouble.words(t));
                }
            }
        });
    };
    let has_failed = move || {
        let shown = shown.deliveries.read();
        shown
            .iter()
            .any(|delivery| delivery.state == DeliveryState::Failed)
    };
    view! {
        <h2>{t.webhook_log_title(&name)}</h2>
        <div class="stack dialog-field">
            <Complaint message=shown.message />
            {move || {
                let is_empty = shown.is_read.get() && shown.deliveries.read().is_empty();
                is_empty.then(|| view! { <p class="soft">{t.webhook_log_empty()}</p> })
            }}
            <ul class="lines">
                <For each=move || shown.deliveries.get() key=|delivery| format!("{delivery:?}") let:delivery>
                    <Delivery delivery shown />
                </For>
            </ul>
            {move || {
                shown
                    .next
                    .get()
                    .map(|next| {
                        view! {
                            <button class="button" type="button" disabled=shown.busy on:click=move |_| shown.read(Some(next.clone()))>
                                {t.webhook_log_more()}
                            </button>
                        }
                    })
            }}
            <div class="dialog-end">
                {move || {
                    has_failed()
                        .then(|| {
                            view! { <button class="button" type="button" on:click=replay_failed>{t.webhook_replay_failed()}</button> }
                        })
                }}
                <button class="button primary" type="button" on:click=move |_| open.set(false)>{t.done()}</button>
            </div>
        </div>
    }
}

#[component]
fn Delivery(delivery: WebhookDelivery, shown: Shown) -> impl IntoView {
    let t = language();
    let event = StoredValue::new(delivery.event);
    let replay = move |_| {
        leptos::task::spawn_local(async move {
            let api = api();
            let (home, webhook) = (shown.organisation.get_value().id, shown.webhook.get_value());
            let replayed = with_fresh_proof(&api, async || {
                api.replay_delivery(&home, &webhook, &event.get_value()).await
            })
            .await;
            match replayed {
                Ok(_) => shown.read(None),
                Err(trouble) => {
                    let _ = shown.message.try_set(trouble.words(t));
                }
            }
        });
    };
    let (class, word) = state_words(t, delivery.state);
    let may_be_sent = matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Failed);
    let words = event_words(t, delivery.kind);
    view! {
        <li>
            <Icon glyph=Glyph::Bell />
            <div>
                <p>{words} " " <span class=class>{word}</span></p>
                <p class="soft small">
                    <Moment at=delivery.at show=TimeFormat::Minute />
                    {delivery
                        .next_attempt_at
                        .map(|at| view! { " · " {t.webhook_next_attempt()} " " <Moment at show=TimeFormat::Minute /> })}
                </p>
                {delivery.attempts.last().cloned().map(|attempt| view! { <Attempt attempt /> })}
            </div>
            {may_be_sent
                .then(|| {
                    view! {
                        <button class="button" type="button" on:click=replay>
                            {t.webhook_replay()}
                            <span class="hidden-text">" " {words}</span>
                        </button>
                    }
                })}
        </li>
    }
}

fn state_words(t: Language, state: DeliveryState) -> (&'static str, &'static str) {
    match state {
        DeliveryState::Waiting => ("chip warn", t.delivery_waiting()),
        DeliveryState::Delivered => ("chip good", t.delivery_delivered()),
        DeliveryState::Failed => ("chip bad", t.delivery_failed()),
        DeliveryState::Withdrawn => ("chip", t.delivery_withdrawn()),
        DeliveryState::Unknown => ("chip", t.delivery_unknown()),
    }
}
