//! Webhooks as configured for an organisation. Their secrets stand here as they were sealed.

pub mod deliveries;
pub mod outbox;

use gangway_protocol::id::{OrganisationId, WebhookId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{Webhook, WebhookEventType, WebhookState};

use super::{Conn, DbError, parsed, query, row};

/// A webhook with what only the server knows of it.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    /// As its admins see it.
    pub webhook: Webhook,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its secret, sealed.
    pub secret: String,
    /// The one before it, sealed; it counts until [`Webhook::former_secret_until`].
    pub former_secret: Option<String>,
}

/// Adds a webhook.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, record: &WebhookRecord) -> Result<(), DbError> {
    let webhook = &record.webhook;
    query(
        "INSERT INTO webhooks (id, organisation, name, url, events, state, state_since, secret, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(webhook.id.as_str())
    .bind(record.organisation.as_str())
    .bind(&webhook.name)
    .bind(&webhook.url)
    .bind(written(&webhook.events))
    .bind(webhook.state.as_str())
    .bind(webhook.state_since.0)
    .bind(&record.secret)
    .bind(webhook.created_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what a webhook is called, where it sends and what.
///
/// # Errors
/// What the database says.
pub async fn update(conn: &mut Conn<'_>, webhook: &Webhook) -> Result<(), DbError> {
    query("UPDATE webhooks SET name = $2, url = $3, events = $4 WHERE id = $1")
        .bind(webhook.id.as_str())
        .bind(&webhook.name)
        .bind(&webhook.url)
        .bind(written(&webhook.events))
        .execute(conn)
        .await?;
    Ok(())
}

/// Switches a webhook on or off, as somebody says.
///
/// # Errors
/// What the database says.
pub async fn switch(conn: &mut Conn<'_>, webhook: &Webhook) -> Result<(), DbError> {
    query("UPDATE webhooks SET state = $2, state_since = $3, failing_since = $4 WHERE id = $1")
        .bind(webhook.id.as_str())
        .bind(webhook.state.as_str())
        .bind(webhook.state_since.0)
        .bind(webhook.failing_since.map(|since| since.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// How many webhooks the customer of an organisation has, in all its organisations.
///
/// # Errors
/// What the database says.
pub async fn count_of_customer(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM organisations o JOIN organisations c ON c.id = COALESCE(o.root, o.id)
             JOIN organisations l ON l.id = c.id OR l.root = c.id JOIN webhooks w ON w.organisation = l.id WHERE o.id = $1",
    )
    .bind(organisation.as_str())
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Gives a webhook another secret; the present one counts until then as well.
///
/// # Errors
/// What the database says.
pub async fn rotate(
    conn: &mut Conn<'_>,
    id: &WebhookId,
    sealed: &str,
    former_until: UnixMillis,
) -> Result<(), DbError> {
    query("UPDATE webhooks SET former_secret = secret, former_secret_until = $3, secret = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(sealed)
        .bind(former_until.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the former secrets that do not count any more.
///
/// # Errors
/// What the database says.
pub async fn forget_former_secrets(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    query("UPDATE webhooks SET former_secret = NULL, former_secret_until = NULL WHERE former_secret_until <= $1")
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a webhook. Its deliveries go with the next sweep: whoever delivers one of them holds its row, and would wait for this one.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, id: &WebhookId) -> Result<(), DbError> {
    query("DELETE FROM webhooks WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// The webhooks of an organisation. There are at most [`gangway_protocol::webhook::MAX_WEBHOOKS`].
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<WebhookRecord>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT id, organisation, name, url, events, state, state_since, failing_since, secret, former_secret,
             former_secret_until, created_at FROM webhooks WHERE organisation = $1 ORDER BY id",
    )
    .bind(organisation.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(WebhookRecord::try_from).collect()
}

/// One webhook.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &WebhookId) -> Result<Option<WebhookRecord>, DbError> {
    let row: Option<Row> = query(
        "SELECT id, organisation, name, url, events, state, state_since, failing_since, secret, former_secret,
             former_secret_until, created_at FROM webhooks WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(WebhookRecord::try_from).transpose()
}

/// At most `limit` webhooks behind the id `after` for which something is due, in the order of their ids; none of an organisation
/// that is archived.
///
/// # Errors
/// What the database says.
pub async fn due(
    conn: &mut Conn<'_>,
    now: UnixMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<WebhookRecord>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT w.id, w.organisation, w.name, w.url, w.events, w.state, w.state_since, w.failing_since, w.secret,
             w.former_secret, w.former_secret_until, w.created_at
         FROM webhooks w
         WHERE w.id > $1 AND w.state = 'on'
             AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = w.id AND d.due_at <= $2)
             AND (SELECT o.archived_at FROM organisations o WHERE o.id = w.organisation) IS NULL
         ORDER BY w.id LIMIT $3",
    )
    .bind(after)
    .bind(now.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(WebhookRecord::try_from).collect()
}

/// Notes that something got through.
///
/// # Errors
/// What the database says.
pub async fn note_success(conn: &mut Conn<'_>, id: &WebhookId) -> Result<(), DbError> {
    query("UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that something did not get through; tells since when nothing has, while the webhook sends.
///
/// # Errors
/// What the database says.
pub async fn note_failure(
    conn: &mut Conn<'_>,
    id: &WebhookId,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, DbError> {
    let since: Option<(i64,)> = query(
        "UPDATE webhooks SET failing_since = COALESCE(failing_since, $2) WHERE id = $1 AND state = 'on'
             RETURNING failing_since",
    )
    .bind(id.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    Ok(since.map(|(since,)| UnixMillis(since)))
}

/// Switches a webhook off that is on. False when somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn switch_off(
    conn: &mut Conn<'_>,
    id: &WebhookId,
    state: WebhookState,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let switched = query("UPDATE webhooks SET state = $2, state_since = $3 WHERE id = $1 AND state = 'on'")
        .bind(id.as_str())
        .bind(state.as_str())
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(switched > 0)
}

/// The ids of webhooks, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn ids(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<WebhookId>, DbError> {
    let rows: Vec<(String,)> = query("SELECT id FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(|(id,)| parsed(&id, "webhooks.id")).collect()
}

/// Names of events as they are stored: with spaces around them, so that one is found by its name and no other's.
fn written(events: &[WebhookEventType]) -> String {
    let names: String = events.iter().map(|kind| format!(" {}", kind.as_str())).collect();
    match names.is_empty() {
        true => names,
        false => names + " ",
    }
}

fn read(events: &str) -> Vec<WebhookEventType> {
    events
        .split_whitespace()
        .map(WebhookEventType::from_name)
        .collect()
}

row! {
    struct Row {
        id: String,
        organisation: String,
        name: String,
        url: String,
        events: String,
        state: String,
        state_since: i64,
        failing_since: Option<i64>,
        secret: String,
        former_secret: Option<String>,
        former_secret_until: Option<i64>,
        created_at: i64,
    }
}

impl TryFrom<Row> for WebhookRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            organisation: parsed(&row.organisation, "webhooks.organisation")?,
            secret: row.secret,
            former_secret: row.former_secret,
            webhook: Webhook {
                id: parsed(&row.id, "webhooks.id")?,
                name: row.name,
                url: row.url,
                events: read(&row.events),
                state: WebhookState::from_name(&row.state).ok_or(DbError::Corrupt("webhooks.state"))?,
                state_since: UnixMillis(row.state_since),
                failing_since: row.failing_since.map(UnixMillis),
                former_secret_until: row.former_secret_until.map(UnixMillis),
                created_at: UnixMillis(row.created_at),
                secret: None,
            },
        })
    }
}
