//! Sends what has been written down for webhooks.
//!
//! 1. The job takes deliveries that are due, webhook by webhook, each in a transaction that keeps others off it for [`LEASE`]: what a
//!    crash interrupts is sent again after that, with the same id.
//! 2. Each is sent within a bounded time to a checked address, at most [`MOST_OF_ONE`] of a webhook and [`MOST`] in all at one time.
//!    A webhook at which something failed last gets one at a time, so that receivers that do not answer take no place from others.
//! 3. What came back decides: 2xx is done, 410 switches the webhook off, anything else is tried again (`retry`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gangway_client::{Guarded, GuardedAnswer, GuardedError, NativeOptionsError, system_lookup};
use gangway_protocol::id::{WebhookEventId, WebhookId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryAttempt, WebhookEventType, WebhookState};

use super::{note, retry, secret, target};
use crate::authority::{Error, Result};
use crate::config::Config;
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::organisations::tree;
use crate::db::webhooks::WebhookRecord;
use crate::db::webhooks::deliveries::{self, DeliveryRecord, Outcome};
use crate::db::{webhooks, write};

/// For how long a delivery is kept from others: several times what sending one takes.
pub(super) const LEASE: i64 = UnixMillis::MINUTE;
/// Deliveries under way at one time: each holds a connection and a few kilobytes.
const MOST: usize = 128;
/// Of one webhook, whose receiver may be small.
const MOST_OF_ONE: usize = 4;
/// Attempts that the log keeps of a delivery: one round of them and what was replayed.
const KEPT_ATTEMPTS: usize = 12;
/// For how long nothing may get through before a webhook is switched off: longer than one event is tried.
const FAILING_FOR: i64 = 5 * UnixMillis::DAY;
/// How often it is looked what has become due, while something is under way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The way to receivers: see [`Guarded`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Courier(Guarded);

impl Courier {
    /// A way by the rules of this configuration.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(config: &Config) -> std::result::Result<Self, NativeOptionsError> {
        let config = config.clone();
        let allowed = Arc::new(move |address| config.allows_webhooks_at(address));
        Guarded::new(None, system_lookup(), allowed).map(Self)
    }
}

/// Sends what is due, until nothing is and nothing is under way.
pub async fn deliver_due(context: &Context, courier: &Courier) {
    if let Err(error) = deliver(context, courier).await {
        tracing::warn!(%error, "events could not be taken to their webhooks; they are tried again");
    }
}

async fn deliver(context: &Context, courier: &Courier) -> Result<()> {
    let mut under_way = FuturesUnordered::new();
    let mut of_each: BTreeMap<WebhookId, usize> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let now = context.clock.now();
        let room = MOST.saturating_sub(under_way.len());
        if room > 0 {
            let busy =
                |webhook: &WebhookRecord| of_each.get(&webhook.webhook.id).copied().unwrap_or_default();
            let (next, taken) = take_due(context, &after, room, busy, now).await?;
            let any = !taken.is_empty();
            for (webhook, record) in taken {
                *of_each.entry(webhook.webhook.id.clone()).or_default() += 1;
                under_way.push(async move {
                    let id = webhook.webhook.id.clone();
                    if let Err(error) = send(context, courier, &webhook, record).await {
                        tracing::warn!(webhook = %id, %error, "what became of an event could not be written down; it is sent again");
                    }
                    id
                });
            }
            // Round and round, so that those at the beginning take nothing from those at the end.
            let is_last = next.is_none();
            after = next.unwrap_or_default();
            if any || !is_last {
                continue;
            }
        }
        let done = match under_way.is_empty() {
            true => return Ok(()),
            false => tokio::time::timeout(LOOK_EVERY, under_way.next()).await,
        };
        if let Ok(Some(id)) = done
            && let Some(count) = of_each.get_mut(&id)
        {
            *count -= 1;
        }
    }
}

/// Takes deliveries of the next webhooks behind `after` that are due, as many as there is room for. Says behind which webhook to go on,
/// unless those were the last.
async fn take_due(
    context: &Context,
    after: &str,
    room: usize,
    busy: impl Fn(&WebhookRecord) -> usize,
    now: UnixMillis,
) -> Result<(Option<String>, Vec<(WebhookRecord, DeliveryRecord)>)> {
    let mut taken = Vec::new();
    let page = {
        let mut reader = context.db.reader().await?;
        webhooks::due(&mut reader.conn(), now, after, count(MOST)).await?
    };
    let is_last = page.len() < MOST;
    let mut behind = after.to_owned();
    for webhook in page {
        let left = room - taken.len();
        if left == 0 {
            return Ok((Some(behind), taken));
        }
        behind = webhook.webhook.id.to_string();
        let most = match webhook.webhook.failing_since {
            Some(_) => 1,
            None => MOST_OF_ONE,
        };
        let wanted = most.saturating_sub(busy(&webhook)).min(left);
        if wanted == 0 {
            continue;
        }
        let due = {
            let mut reader = context.db.reader().await?;
            deliveries::due_of(&mut reader.conn(), &webhook.webhook.id, now, count(wanted)).await?
        };
        for mut record in due {
            let (id, event) = (webhook.webhook.id.clone(), record.delivery.event.clone());
            let is_ours = write!(context.db, |tx| {
                deliveries::take(tx, &id, &event, now, now.plus(LEASE)).await
            })?;
            if is_ours {
                record.tries += 1;
                taken.push((webhook.clone(), record));
            }
        }
    }
    Ok(((!is_last).then_some(behind), taken))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Sends one delivery that was taken, and writes down what became of it.
///
/// # Errors
/// What the database says.
pub(super) async fn send(
    context: &Context,
    courier: &Courier,
    webhook: &WebhookRecord,
    record: DeliveryRecord,
) -> Result<()> {
    // Threat model: WHK-5.
    if !is_within(context, webhook, &record).await? {
        let (id, event, attempts) = (
            webhook.webhook.id.clone(),
            record.delivery.event,
            record.delivery.attempts,
        );
        return write!(context.db, |tx| -> Result<()> {
            Ok(deliveries::settle(tx, &id, &event, &attempts, Outcome::Withdrawn).await?)
        });
    }
    let begun = context.clock.both();
    let answer = ask(context, courier, webhook, &record, begun.wall).await?;
    let duration = context.clock.both().since(begun.monotonic);
    let (status, detail) = match &answer {
        Ok(answer) => (Some(answer.status), answer.excerpt.replace('\0', "")),
        Err(error) => (None, error.to_string()),
    };
    let attempt = DeliveryAttempt {
        at: begun.wall,
        duration_ms: u32::try_from(duration).unwrap_or_default(),
        status,
        detail,
    };
    settle(context, webhook, record, attempt, answer.ok()).await
}

/// Whether what happened is still the webhook's business: its organisation is at or below the webhook's.
async fn is_within(context: &Context, webhook: &WebhookRecord, record: &DeliveryRecord) -> Result<bool> {
    let mut reader = context.db.reader().await?;
    let above = tree::path(&mut reader.conn(), &record.organisation).await?;
    Ok(above.contains(&webhook.organisation))
}

async fn ask(
    context: &Context,
    courier: &Courier,
    webhook: &WebhookRecord,
    record: &DeliveryRecord,
    now: UnixMillis,
) -> Result<std::result::Result<GuardedAnswer, GuardedError>> {
    // What an operator allowed when the webhook was made may not be allowed any more.
    if target::check(&context.config, &webhook.webhook.url).is_err() {
        return Ok(Err(GuardedError::NotPublic));
    }
    let (event, body) = (&record.delivery.event, &record.delivery.body);
    let signatures = secret::signatures(context.ca.key_store(), webhook, event, body, now)?;
    let request = http::Request::post(&webhook.webhook.url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header("webhook-id", event.as_str())
        .header("webhook-timestamp", now.as_secs())
        .header("webhook-signature", signatures)
        .body(body.clone().into_bytes())
        .map_err(Error::internal)?;
    Ok(courier.0.send(request).await)
}

async fn settle(
    context: &Context,
    webhook: &WebhookRecord,
    record: DeliveryRecord,
    attempt: DeliveryAttempt,
    answer: Option<GuardedAnswer>,
) -> Result<()> {
    let now = context.clock.now();
    let status = attempt.status.unwrap_or_default();
    let [random] = context.random.bytes();
    let pause = match record.delivery.kind {
        // Somebody waits for the answer, and tries again.
        WebhookEventType::Test => None,
        _ => retry::pause(
            record.tries,
            answer.and_then(|answer| answer.retry_after_secs),
            random,
        ),
    };
    let outcome = match (status, pause) {
        (200..=299, _) => Outcome::Delivered,
        (_, Some(pause)) => Outcome::Again(now.plus(pause)),
        (_, None) => Outcome::Failed,
    };
    let mut attempts = record.delivery.attempts;
    attempts.push(attempt);
    let beyond = attempts.len().saturating_sub(KEPT_ATTEMPTS);
    attempts.drain(..beyond);
    let (webhook, event): (WebhookRecord, WebhookEventId) = (webhook.clone(), record.delivery.event);
    write!(context.db, |tx| -> Result<()> {
        let id = &webhook.webhook.id;
        deliveries::settle(tx, id, &event, &attempts, outcome).await?;
        if outcome == Outcome::Delivered {
            return Ok(webhooks::note_success(tx, id).await?);
        }
        let failing_since = webhooks::note_failure(tx, id, now).await?;
        let state = match failing_since {
            _ if status == 410 => WebhookState::Gone,
            Some(since) if now.since(since) >= FAILING_FOR => WebhookState::Failing,
            _ => return Ok(()),
        };
        if webhooks::switch_off(tx, id, state, now).await? {
            let mut switched = webhook.webhook.clone();
            (switched.state, switched.state_since) = (state, now);
            note(
                tx,
                Actor::Server,
                &webhook.organisation,
                now,
                "webhook.switched_off",
                &switched,
            )
            .await?;
        }
        Ok(())
    })
}
