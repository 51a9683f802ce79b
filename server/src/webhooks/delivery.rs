//! Sends what has been written down for webhooks.
//!
//! 1. The job takes deliveries that are due, webhook by webhook, each in a transaction that keeps others off it for [`LEASE`]: what a
//!    crash interrupts is sent again after that, with the same id.
//! 2. Each is sent within a bounded time to a checked address, at most [`MOST_OF_ONE`] of a webhook, [`MOST_OF_CUSTOMER`] of a customer
//!    and [`MOST`] in all at one time.
//!    A webhook at which something failed last gets one at a time, so that receivers that do not answer take no place from others.
//! 3. What came back decides: 2xx is done, 410 switches the webhook off, anything else is tried again (`retry`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use gangway_client::{Guarded, GuardedAnswer, GuardedError, NativeOptionsError, system_lookup};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{OrganisationId, WebhookEventId, WebhookId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryAttempt, Webhook, WebhookEventType, WebhookState};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{record as record_change, retry, secret, target};
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
/// Of all webhooks of a customer: slow receivers of one leave room to the others.
const MOST_OF_CUSTOMER: usize = 16;
/// Of one webhook, whose receiver may be small.
const MOST_OF_ONE: usize = 4;
/// Tests at one time, beside these.
const MOST_TESTS: usize = 16;
/// Attempts that the log keeps of a delivery: one round of them and what was replayed.
const KEPT_ATTEMPTS: usize = 12;
/// For how long nothing may get through before a webhook is switched off: longer than one event is tried.
const FAILING_FOR: i64 = 5 * UnixMillis::DAY;
/// How often it is looked what has become due, while something is under way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The way to receivers: see [`Guarded`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Courier {
    guarded: Guarded,
    /// Places of tests, which somebody waits for.
    tests: Arc<Semaphore>,
}

impl Courier {
    /// A way by the rules of this configuration.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(config: &Config) -> std::result::Result<Self, NativeOptionsError> {
        let config = config.clone();
        let allowed = Arc::new(move |address| config.allows_webhooks_at(address));
        let guarded = Guarded::new(None, system_lookup(), allowed)?;
        let tests = Arc::new(Semaphore::new(MOST_TESTS));
        Ok(Self { guarded, tests })
    }

    /// A place for a test.
    ///
    /// # Errors
    /// [`Error::Busy`] when others have all of them.
    pub(super) fn place_for_test(&self) -> Result<OwnedSemaphorePermit> {
        self.tests.clone().try_acquire_owned().map_err(|_| Error::Busy {
            detail: "many webhooks are being tested at present; try again in a moment",
            retry_after_secs: 10,
        })
    }
}

/// Sends what is due, until nothing is and nothing is under way.
///
/// Taking and sending are polled as one: what sends may hold a lock of the database, for which what takes would wait for ever if the
/// other stood still meanwhile.
pub async fn deliver_due(context: &Context, courier: &Courier) {
    let under_way = &UnderWay::default();
    stream::unfold(String::new(), |after| next(context, under_way, after))
        .flat_map(stream::iter)
        .for_each_concurrent(None, async |(customer, webhook, record)| {
            let id = webhook.webhook.id.clone();
            if let Err(error) = send(context, courier, &webhook, record).await {
                tracing::warn!(webhook = %id, %error, "what became of an event could not be written down; it is sent again");
            }
            under_way.end(&id, &customer);
        })
        .await;
}

/// Deliveries under way.
#[derive(Default)]
struct UnderWay {
    counts: Mutex<Counts>,
    /// One has ended: there is room.
    ended: Notify,
}

#[derive(Default)]
struct Counts {
    webhooks: BTreeMap<WebhookId, usize>,
    customers: BTreeMap<OrganisationId, usize>,
}

impl UnderWay {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics with it")
    }

    /// How many more of this webhook may be sent.
    fn room_of(&self, webhook: &Webhook, customer: &OrganisationId) -> usize {
        let most = match webhook.failing_since {
            Some(_) => 1,
            None => MOST_OF_ONE,
        };
        let counts = self.counts();
        let of_one = counts.webhooks.get(&webhook.id).copied().unwrap_or_default();
        let of_all = counts.customers.get(customer).copied().unwrap_or_default();
        most.saturating_sub(of_one)
            .min(MOST_OF_CUSTOMER.saturating_sub(of_all))
    }

    fn count(&self) -> usize {
        self.counts().customers.values().sum()
    }

    fn begin(&self, webhook: &WebhookId, customer: &OrganisationId) {
        let mut counts = self.counts();
        *counts.webhooks.entry(webhook.clone()).or_default() += 1;
        *counts.customers.entry(customer.clone()).or_default() += 1;
    }

    fn end(&self, webhook: &WebhookId, customer: &OrganisationId) {
        let mut counts = self.counts();
        less(&mut counts.webhooks, webhook);
        less(&mut counts.customers, customer);
        drop(counts);
        self.ended.notify_one();
    }
}

/// One less; nothing is kept of what has none left.
fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The next deliveries to send and behind which webhook to go on; none when nothing is due and nothing is under way.
async fn next(context: &Context, under_way: &UnderWay, mut after: String) -> Option<(Vec<Due>, String)> {
    loop {
        let room = MOST.saturating_sub(under_way.count());
        if room > 0 {
            let taken = take_due(context, &after, room, under_way).await;
            let (behind, taken) = taken
                .inspect_err(|error| tracing::warn!(%error, "events could not be taken to their webhooks; they are tried again"))
                .ok()?;
            // Round and round, so that those at the beginning take nothing from those at the end.
            let is_last = behind.is_none();
            after = behind.unwrap_or_default();
            if !taken.is_empty() {
                return Some((taken, after));
            }
            if !is_last {
                continue;
            }
        }
        if under_way.count() == 0 {
            return None;
        }
        // Whatever comes first: room, or a look at what has become due.
        let _ = tokio::time::timeout(LOOK_EVERY, under_way.ended.notified()).await;
    }
}

/// Whose it is, where it is to be sent, and what.
type Due = (OrganisationId, WebhookRecord, DeliveryRecord);

/// Takes deliveries of the next webhooks behind `after` that are due, as many as there is room for. Says behind which webhook to go on,
/// unless those were the last.
async fn take_due(
    context: &Context,
    after: &str,
    room: usize,
    under_way: &UnderWay,
) -> Result<(Option<String>, Vec<Due>)> {
    let now = context.clock.now();
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
        let place = tree::find(&mut context.db.reader().await?.conn(), &webhook.organisation).await?;
        // Whose organisation there is not any more has nothing to be told.
        let Some(customer) = place.map(|place| place.root) else {
            continue;
        };
        let wanted = under_way.room_of(&webhook.webhook, &customer).min(left);
        if wanted == 0 {
            continue;
        }
        let due = {
            let mut reader = context.db.reader().await?;
            deliveries::due_of(&mut reader.conn(), &webhook.webhook.id, now, count(wanted)).await?
        };
        for mut record in due {
            let (id, event) = (webhook.webhook.id.clone(), record.delivery.event.clone());
            let lease = now.plus(LEASE);
            let is_ours = write!(context.db, |tx| {
                deliveries::take(tx, &id, &event, now, lease).await
            })?;
            if is_ours {
                record.tries += 1;
                record.delivery.next_attempt_at = Some(lease);
                under_way.begin(&webhook.webhook.id, &customer);
                taken.push((customer.clone(), webhook.clone(), record));
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
        let (id, delivery) = (webhook.webhook.id.clone(), record.delivery);
        return write!(context.db, |tx| -> Result<()> {
            let (event, lease) = (&delivery.event, delivery.next_attempt_at);
            Ok(deliveries::settle(tx, &id, event, lease, &delivery.attempts, Outcome::Withdrawn).await?)
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
    let Ok(signatures) = secret::signatures(context.ca.key_store(), webhook, event, body, now) else {
        // As after the restore of a backup beside another key.
        return Ok(Err(GuardedError::Silent(
            "its secret does not open with this server’s encryption key: make a new one".to_owned(),
        )));
    };
    let request = http::Request::post(&webhook.webhook.url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header("webhook-id", event.as_str())
        .header("webhook-timestamp", now.as_secs())
        .header("webhook-signature", signatures)
        .body(body.clone().into_bytes());
    match request {
        Ok(request) => Ok(courier.guarded.send(request).await),
        Err(error) => Ok(Err(GuardedError::Silent(error.to_string()))),
    }
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
    let lease = record.delivery.next_attempt_at;
    let mut attempts = record.delivery.attempts;
    attempts.push(attempt);
    let beyond = attempts.len().saturating_sub(KEPT_ATTEMPTS);
    attempts.drain(..beyond);
    let (webhook, event): (WebhookRecord, WebhookEventId) = (webhook.clone(), record.delivery.event);
    write!(context.db, |tx| -> Result<()> {
        let id = &webhook.webhook.id;
        deliveries::settle(tx, id, &event, lease, &attempts, outcome).await?;
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
            record_change(
                tx,
                Actor::Server,
                &webhook.organisation,
                now,
                Action::WebhookSwitchedOff,
                &switched,
            )
            .await?;
        }
        Ok(())
    })
}
