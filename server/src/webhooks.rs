//! Webhooks of an organisation: added, changed, tried, removed by whoever administers it. What happens is written down for them by
//! `db::webhooks::outbox`; [`delivery`] sends it.
//!
//! Whoever administers an organisation names addresses that this server then connects to. That is why it connects to public ones
//! alone, and to exactly those that it has checked (`gangway_client::Guarded`).

pub mod delivery;
mod retry;
mod secret;
pub mod sweep;
pub mod target;

pub use delivery::Courier;

use gangway_protocol::audit::Action;
use gangway_protocol::id::{OrganisationId, WebhookEventId, WebhookId};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{
    DeliveryState, MAX_WEBHOOKS, Replayed, Webhook, WebhookBody, WebhookData, WebhookDelivery, WebhookDetail,
    WebhookEventType, WebhookRequest, WebhookState, WebhookUpdate,
};

use url::Url;

use crate::authority::{ByAdmin, Error, Result, fit_name, open_place};
use crate::authority::{Caller, Right};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::webhooks::WebhookRecord;
use crate::db::webhooks::deliveries::{self, DeliveryRecord};
use crate::db::{Conn, audit, webhooks, write};
use crate::once::Once;

/// For how long the secret before the present one signs as well: a working day and a night, in which receivers get the new one.
const OVERLAP: i64 = UnixMillis::DAY;

/// Most webhooks of a customer, in all its organisations: an event deep in a tree is told to those of each level above it.
const MAX_OF_CUSTOMER: u64 = 100;

/// The webhooks of an organisation.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for whoever does not administer it: where events go is part of its defences.
pub async fn list(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<Vec<Webhook>> {
    caller
        .require(&context.db, organisation, Right::Administer)
        .await?;
    let mut reader = context.db.reader().await?;
    let records = webhooks::of_organisation(&mut reader.conn(), organisation).await?;
    Ok(records.into_iter().map(|record| record.webhook).collect())
}

/// Adds a webhook. Under the same `key` it is added once, and the same comes back, its secret with it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn add(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: WebhookRequest,
) -> Result<Webhook> {
    let id = WebhookId::new(context.clock.now(), context.random.for_id());
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let (now, id, organisation) = (doing.now, doing.id.clone(), doing.organisation.clone());
    let place = path::webhooks(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let secret = secret::mint(&*context.random);
    let record = WebhookRecord {
        secret: secret::seal(context.ca.key_store(), &id, &secret, &*context.random)?,
        former_secret: None,
        organisation: organisation.clone(),
        webhook: Webhook {
            id,
            name: fit_name("name", &request.name)?,
            url: target::check(&context.config, &request.url)?,
            events: distinct(request.events)?,
            state: WebhookState::On,
            state_since: now,
            failing_since: None,
            former_secret_until: None,
            created_at: now,
            secret: None,
        },
    };
    write!(context.db, |tx| -> Result<Webhook> {
        if let Some(once) = &once
            && let Some(webhook) = once.begin(tx, now).await?
        {
            return Ok(webhook);
        }
        doing.hold(tx).await?;
        open_place(tx, &organisation).await?;
        if webhooks::of_organisation(tx, &organisation).await?.len() >= MAX_WEBHOOKS {
            return Err(Error::Conflict(format!(
                "an organisation has at most {MAX_WEBHOOKS} webhooks: remove one that is not used"
            )));
        }
        if webhooks::count_of_customer(tx, &organisation).await? >= MAX_OF_CUSTOMER {
            return Err(Error::Conflict(format!(
                "a customer has at most {MAX_OF_CUSTOMER} webhooks in all its organisations: remove one that is not used"
            )));
        }
        webhooks::insert(tx, &record).await?;
        let webhook = Webhook {
            secret: Some(secret),
            ..record.webhook.clone()
        };
        if let Some(once) = &once {
            once.end(tx, &webhook).await?;
        }
        doing
            .record(tx, Action::WebhookAdded, &detail(&record.webhook))
            .await?;
        Ok(webhook)
    })
}

/// Changes what `update` names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign webhook as for an unknown one; [`Error::Invalid`].
pub async fn change(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
    update: WebhookUpdate,
) -> Result<Webhook> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let name = update
        .name
        .as_deref()
        .map(|name| fit_name("name", name))
        .transpose()?;
    let url = update
        .url
        .as_deref()
        .map(|url| target::check(&context.config, url))
        .transpose()?;
    let events = update.events.map(distinct).transpose()?;
    write!(context.db, |tx| -> Result<Webhook> {
        let former = hold(tx, &doing).await?.webhook;
        let mut webhook = former.clone();
        webhook.name = name.unwrap_or(webhook.name);
        webhook.url = url.unwrap_or(webhook.url);
        webhook.events = events.unwrap_or(webhook.events);
        let is_on = former.state == WebhookState::On;
        if let Some(on) = update.on.filter(|on| *on != is_on) {
            webhook.state = if on { WebhookState::On } else { WebhookState::Off };
            webhook.state_since = doing.now;
            // Days in which it was off are no days in which nothing got through.
            webhook.failing_since = None;
        }
        if webhook != former {
            webhooks::update(tx, &webhook).await?;
            if webhook.state != former.state {
                webhooks::switch(tx, &webhook).await?;
            }
            doing
                .record(tx, Action::WebhookChanged, &detail(&webhook))
                .await?;
        }
        Ok(webhook)
    })
}

/// Removes a webhook and its log.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn remove(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
) -> Result<()> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    write!(context.db, |tx| -> Result<()> {
        let webhook = hold(tx, &doing).await?.webhook;
        webhooks::remove(tx, &doing.id).await?;
        doing.record(tx, Action::WebhookRemoved, &detail(&webhook)).await
    })
}

/// Gives a webhook another secret. The present one signs as well for a day, so that receivers can be changed one after the other.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn rotate_secret(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
) -> Result<Webhook> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let secret = secret::mint(&*context.random);
    let sealed = secret::seal(context.ca.key_store(), &doing.id, &secret, &*context.random)?;
    write!(context.db, |tx| -> Result<Webhook> {
        let mut webhook = hold(tx, &doing).await?.webhook;
        let until = doing.now.plus(OVERLAP);
        webhooks::rotate(tx, &doing.id, &sealed, until).await?;
        webhook.former_secret_until = Some(until);
        doing
            .record(tx, Action::WebhookSecretRotated, &detail(&webhook))
            .await?;
        webhook.secret = Some(secret);
        Ok(webhook)
    })
}

/// Sends a test event now, once, and tells what came back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Conflict`] while it is off; [`Error::NotFound`].
pub async fn test(
    context: &Context,
    courier: &Courier,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
) -> Result<WebhookDelivery> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let now = doing.now;
    let event = WebhookEventId::new(now, context.random.for_id());
    let body = WebhookBody {
        kind: WebhookEventType::Test,
        timestamp: now.rfc3339(),
        data: WebhookData {
            organisation: doing.organisation.clone(),
            device: None,
            detail: WebhookDetail::default(),
        },
    };
    let _place = courier.place_for_test()?;
    let record = DeliveryRecord {
        organisation: doing.organisation.clone(),
        tries: 0,
        delivery: WebhookDelivery {
            event: event.clone(),
            kind: WebhookEventType::Test,
            at: now,
            state: DeliveryState::Waiting,
            next_attempt_at: Some(now.plus(delivery::LEASE)),
            attempts: Vec::new(),
            body: serde_json::to_string(&body).map_err(Error::internal)?,
        },
    };
    let (acting, written) = (doing.clone(), record.clone());
    let webhook = write!(context.db, |tx| -> Result<WebhookRecord> {
        let webhook = hold(tx, &acting).await?;
        open_place(tx, &acting.organisation).await?;
        if webhook.webhook.state != WebhookState::On {
            return Err(Error::Conflict(
                "this webhook is off: switch it on first".to_owned(),
            ));
        }
        if deliveries::is_tested(tx, &acting.id, now).await? {
            return Err(Error::Conflict(
                "a test of this webhook is under way: wait for its answer".to_owned(),
            ));
        }
        deliveries::insert(tx, &acting.id, &written, now.plus(delivery::LEASE)).await?;
        acting
            .record(tx, Action::WebhookTested, &detail(&webhook.webhook))
            .await?;
        Ok(webhook)
    })?;
    delivery::send(context, courier, &webhook, record).await?;
    let mut reader = context.db.reader().await?;
    let found = deliveries::find(&mut reader.conn(), &doing.id, &event).await?;
    Ok(found.ok_or(Error::NotFound)?.delivery)
}

/// At most `limit` lines of a webhook's log, newest first, behind the event `after`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn log(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &WebhookId,
    after: &str,
    limit: i64,
) -> Result<Vec<WebhookDelivery>> {
    caller
        .require(&context.db, organisation, Right::Administer)
        .await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    of(conn, organisation, id).await?;
    let page = deliveries::page(conn, id, after, limit).await?;
    Ok(page.into_iter().map(|record| record.delivery).collect())
}

/// Has one event sent again, as if for the first time.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Conflict`] for one that the webhook may not tell any more; [`Error::NotFound`].
pub async fn replay(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
    event: WebhookEventId,
) -> Result<WebhookDelivery> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    write!(context.db, |tx| -> Result<WebhookDelivery> {
        let (webhook, id) = (hold(tx, &doing).await?.webhook, &doing.id);
        deliveries::find(tx, id, &event).await?.ok_or(Error::NotFound)?;
        if !deliveries::replay(tx, id, &event, doing.now).await? {
            return Err(Error::Conflict(
                "this happened in an organisation that is not below this webhook’s any more".to_owned(),
            ));
        }
        doing
            .record(tx, Action::WebhookReplayed, &detail(&webhook))
            .await?;
        let found = deliveries::find(tx, id, &event).await?;
        Ok(found.ok_or(Error::NotFound)?.delivery)
    })
}

/// Has everything sent again that failed and happened at `since` or later.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn replay_failed(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: WebhookId,
    since: UnixMillis,
) -> Result<Replayed> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    write!(context.db, |tx| -> Result<Replayed> {
        let webhook = hold(tx, &doing).await?.webhook;
        let count = deliveries::replay_failed(tx, &doing.id, since, doing.now).await?;
        if count > 0 {
            doing
                .record(tx, Action::WebhookReplayed, &detail(&webhook))
                .await?;
        }
        Ok(Replayed { count })
    })
}

/// The webhook, whose organisation is held for a caller who still administers it. Who decides where events go decides who knows of the
/// fleet.
async fn hold(tx: &mut Conn<'_>, doing: &ByAdmin<WebhookId>) -> Result<WebhookRecord> {
    doing.hold(tx).await?;
    of(tx, &doing.organisation, &doing.id).await
}

/// A webhook of this organisation.
async fn of(conn: &mut Conn<'_>, organisation: &OrganisationId, id: &WebhookId) -> Result<WebhookRecord> {
    webhooks::find(conn, id)
        .await?
        .filter(|record| record.organisation == *organisation)
        .ok_or(Error::NotFound)
}

fn distinct(mut events: Vec<WebhookEventType>) -> Result<Vec<WebhookEventType>> {
    if events.iter().any(|kind| !WebhookEventType::ALL.contains(kind)) {
        let names: Vec<&str> = WebhookEventType::ALL
            .into_iter()
            .map(WebhookEventType::as_str)
            .collect();
        return Err(Error::invalid(
            "events",
            format!("events are some of {}, or none of them for all", names.join(", ")),
        ));
    }
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

/// Writes down what was done to a webhook.
async fn record(
    tx: &mut Conn<'_>,
    actor: Actor<'_>,
    organisation: &OrganisationId,
    at: UnixMillis,
    action: Action,
    webhook: &Webhook,
) -> Result<()> {
    let entry = Entry {
        scope: Scope::Organisation(organisation),
        at,
        actor,
        action,
        subject: webhook.id.as_str(),
        detail: &detail(webhook),
    };
    Ok(audit::append(tx, &entry).await?)
}

/// A webhook as the record names it. Of its URL only the origin: what stands behind that is often a password, and the record is for ever.
fn detail(webhook: &Webhook) -> String {
    let origin =
        Url::parse(&webhook.url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    let events: Vec<&str> = webhook.events.iter().map(|kind| kind.as_str()).collect();
    let (name, state) = (&webhook.name, webhook.state.as_str());
    format!("{name}: {origin} [{}] {state}", events.join(", "))
}
