//! The webhooks of each organisation: added, changed, tried, removed, and what they have sent.

mod form;
mod log;

use gangway_protocol::id::WebhookId;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::webhook::{DeliveryAttempt, Webhook, WebhookDelivery, WebhookEventType, WebhookState};
use leptos::prelude::*;

use self::form::WebhookForm;
use self::log::WebhookLog;
use super::lists::{List, ListTrouble, all, ended, focus_heading};
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Notice, Tone};
use crate::components::shown_once::StillShown;
use crate::messages::messages;
use crate::preference::Language;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// All of them.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn Webhooks(
    /// Those of each organisation that the person administers, as the server read them.
    lists: Vec<(Organisation, Outcome<Vec<Webhook>>)>,
) -> impl IntoView {
    lists
        .into_iter()
        .map(|(organisation, first)| view! { <Section organisation first /> })
        .collect_view()
}

#[component]
fn Section(organisation: Organisation, first: Outcome<Vec<Webhook>>) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let made = RwSignal::new(None::<String>);
    let title = heading(&organisation);
    let labelled = title.clone();
    let name = organisation.name.clone();
    let organisation = StoredValue::new(organisation);
    let retry = Callback::new(move |()| read(list, organisation));
    view! {
        <section class="section" aria-labelledby=labelled>
            <div class="section-head">
                <h2 id=title tabindex="-1">{name}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    <Icon glyph=Glyph::Add />
                    {t.webhook_add()}
                </button>
            </div>
            <StillShown says=t.webhook_secret_shown_once() made open />
            <ListTrouble trouble=list.trouble retry />
            {move || {
                let is_empty = list.items.read().is_empty() && list.trouble.read().is_none();
                is_empty.then(|| view! { <p class="soft">{t.webhooks_none()}</p> })
            }}
            <ul class="lines">
                <For each=move || list.items.get() key=|webhook| format!("{webhook:?}") let:webhook>
                    <Line webhook list organisation made />
                </For>
            </ul>
            <Dialog open label=t.webhook_add()>
                <WebhookForm present=None list organisation open made />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(
    webhook: Webhook,
    list: List<Webhook>,
    organisation: StoredValue<Organisation>,
    /// A secret, as long as it is shown.
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let editing = RwSignal::new(false);
    let reading = RwSignal::new(false);
    let removing = RwSignal::new(false);
    let rotating = RwSignal::new(false);
    let id = StoredValue::new(webhook.id.clone());
    let name = webhook.name.clone();
    let remove_question = Question {
        title: t.webhook_remove_title(&name),
        says: vec![t.webhook_remove_says()],
        verb: t.webhook_remove(),
        dangerous: true,
    };
    let rotate_question = Question {
        title: t.webhook_secret_title(&name),
        says: vec![t.webhook_secret_says_1(), t.webhook_secret_says_2()],
        verb: t.webhook_secret_make(),
        dangerous: false,
    };
    let remove = async move || {
        let (home, id) = (organisation.get_value(), id.get_value());
        ended(api().remove_webhook(&home.id, &id).await)?;
        list.remove(|webhook| webhook.id == id);
        focus_heading(heading(&home));
        Ok(())
    };
    let rotate = async move || {
        let home = organisation.get_value();
        let rotated = api().rotate_webhook_secret(&home.id, &id.get_value()).await?;
        made.set(rotated.secret.map(|secret| secret.expose().to_owned()));
        read(list, organisation);
        Ok(())
    };
    let is_on = webhook.state == WebhookState::On;
    let present = webhook.clone();
    view! {
        <li>
            <Icon glyph=Glyph::Bell />
            <div>
                <p>{name.clone()} " " <StateMark state=webhook.state /></p>
                <p class="soft small">
                    <code class="wrap">{webhook.url}</code>
                </p>
                <p class="soft small">
                    {tells(t, &webhook.events)}
                    {webhook
                        .failing_since
                        .map(|at| view! { " · " {t.webhook_failing_since()} " " <Moment at show=TimeFormat::Minute /> })}
                    {webhook
                        .former_secret_until
                        .map(|at| view! { " · " {t.webhook_secret_until()} " " <Moment at show=TimeFormat::Minute /> })}
                </p>
                <div class="row line-actions">
                    {is_on.then(|| view! { <Test name=name.clone() organisation id list /> })}
                    <button class="button" type="button" on:click=move |_| reading.set(true)>
                        {t.webhook_log()}
                        <span class="hidden-text">" " {name.clone()}</span>
                    </button>
                </div>
            </div>
            <div class="row">
                <IconButton glyph=Glyph::Key label=t.webhook_secret_new(&name) on_press=move || rotating.set(true) />
                <IconButton glyph=Glyph::Edit label=t.webhook_edit(&name) on_press=move || editing.set(true) />
                <IconButton glyph=Glyph::Trash label=t.webhook_remove_label(&name) on_press=move || removing.set(true) />
            </div>
            <Confirm open=removing question=Signal::stored(remove_question) answer=remove />
            <Confirm open=rotating question=Signal::stored(rotate_question) answer=rotate />
            <Dialog open=reading label=t.webhook_log_title(&name)>
                <WebhookLog name=name.clone() organisation id open=reading />
            </Dialog>
            <Dialog open=editing label=t.webhook_edit(&present.name)>
                <WebhookForm present=Some(present.clone()) list organisation open=editing made />
            </Dialog>
        </li>
    }
}

/// A button that sends a test, and what came back.
#[component]
fn Test(
    name: String,
    organisation: StoredValue<Organisation>,
    id: StoredValue<WebhookId>,
    list: List<Webhook>,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let busy = RwSignal::new(false);
    let open = RwSignal::new(false);
    let came_back = RwSignal::new(None::<WebhookDelivery>);
    let press = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let api = api();
            let home = organisation.get_value().id;
            match with_fresh_proof(&api, async || api.test_webhook(&home, &id.get_value()).await).await {
                Ok(delivery) => {
                    came_back.set(Some(delivery));
                    open.set(true);
                }
                Err(trouble) => messages.show_trouble(t, trouble),
            }
            busy.set(false);
        });
    };
    // The line shows since when nothing got through; a test may have changed that.
    Effect::new(move |was: Option<bool>| {
        let is = open.get();
        if was == Some(true) && !is {
            read(list, organisation);
        }
        is
    });
    view! {
        <button class="button" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=press>
            {t.webhook_test()}
            <span class="hidden-text">" " {name.clone()}</span>
        </button>
        <Dialog open label=t.webhook_test_title(&name)>
            <h2>{t.webhook_test_title(&name)}</h2>
            {move || {
                came_back
                    .get()
                    .map(|delivery| {
                        let attempt = delivery.attempts.last().cloned();
                        let passed = attempt
                            .as_ref()
                            .and_then(|attempt| attempt.status)
                            .is_some_and(|status| (200..300).contains(&status));
                        let (tone, says) = if passed {
                            (Tone::Plain, t.webhook_test_passed())
                        } else {
                            (Tone::Bad, t.webhook_test_failed())
                        };
                        view! {
                            <Notice tone>
                                <p role="status">{says}</p>
                                {attempt.map(|attempt| view! { <Attempt attempt /> })}
                            </Notice>
                        }
                    })
            }}
            <div class="dialog-end">
                <button class="button primary" type="button" autofocus on:click=move |_| open.set(false)>{t.done()}</button>
            </div>
        </Dialog>
    }
}

/// What came back of one attempt.
#[component]
fn Attempt(attempt: DeliveryAttempt) -> impl IntoView {
    let t = language();
    let status = match attempt.status {
        Some(status) => t.webhook_status(status),
        None => t.webhook_no_answer().to_owned(),
    };
    view! {
        <p class="soft small">
            {status} " · " <Moment at=attempt.at show=TimeFormat::Minute /> " · " {format!("{} ms", attempt.duration_ms)}
        </p>
        {(!attempt.detail.is_empty()).then(|| view! { <p class="soft small"><code class="wrap">{attempt.detail}</code></p> })}
    }
}

/// Why it does not send; nothing where it does.
#[component]
fn StateMark(state: WebhookState) -> impl IntoView {
    let t = language();
    let mark = match state {
        WebhookState::On | WebhookState::Unknown => None,
        WebhookState::Off => Some(("chip", t.webhook_off())),
        WebhookState::Failing => Some(("chip bad", t.webhook_failing())),
        WebhookState::Gone => Some(("chip bad", t.webhook_gone())),
    };
    mark.map(|(class, word)| view! { <span class=class>{word}</span> })
}

fn tells(t: Language, events: &[WebhookEventType]) -> String {
    if events.is_empty() {
        return t.webhook_tells_everything().to_owned();
    }
    let words: Vec<&str> = events.iter().map(|kind| event_words(t, *kind)).collect();
    words.join(", ")
}

fn event_words(t: Language, kind: WebhookEventType) -> &'static str {
    match kind {
        WebhookEventType::Enrolled => t.told_enrolled(),
        WebhookEventType::Online => t.told_online(),
        WebhookEventType::Offline => t.told_offline(),
        WebhookEventType::Suspended => t.told_suspended(),
        WebhookEventType::Resumed => t.told_resumed(),
        WebhookEventType::Revoked => t.told_revoked(),
        WebhookEventType::Retired => t.told_retired(),
        WebhookEventType::Moved => t.told_moved(),
        WebhookEventType::Alarm => t.told_alarm(),
        WebhookEventType::Expiring => t.told_expiring(),
        WebhookEventType::Test => t.told_test(),
        WebhookEventType::Unknown => t.told_unknown(),
    }
}

/// Reads the list of an organisation anew.
fn read(list: List<Webhook>, organisation: StoredValue<Organisation>) {
    list.read(async move || api().webhooks(&organisation.get_value().id, &all()).await);
}

fn heading(organisation: &Organisation) -> String {
    format!("webhooks-{}", organisation.id)
}
