//! What of an organisation's events was sent, and when the rest is.

use gangway_protocol::id::{OrganisationId, WebhookEventId, WebhookId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryAttempt, DeliveryState, WebhookDelivery, WebhookEventType};

use crate::db::{Conn, DbError, parsed, query, row};

/// A delivery with what only the server knows of it.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// As admins see it.
    pub delivery: WebhookDelivery,
    /// In which organisation it happened.
    pub organisation: OrganisationId,
    /// How often it was sent since it was last asked for.
    pub tries: i64,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It got through.
    Delivered,
    /// It is sent again then.
    Again(UnixMillis),
    /// It is not sent again.
    Failed,
    /// Its organisation is not the webhook's business any more.
    Withdrawn,
}

/// Writes down an event for one webhook, which whoever writes it sends until then.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    record: &DeliveryRecord,
    taken_until: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7)",
    )
    .bind(webhook.as_str())
    .bind(record.delivery.event.as_str())
    .bind(record.delivery.kind.as_str())
    .bind(record.organisation.as_str())
    .bind(record.delivery.at.0)
    .bind(&record.delivery.body)
    .bind(taken_until.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// At most `limit` deliveries of a webhook that are due, the longest first.
///
/// # Errors
/// What the database says.
pub async fn due_of(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<DeliveryRecord>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT event, kind, organisation, at, body, state, due_at, tries, attempts FROM webhook_deliveries
         WHERE webhook = $1 AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at LIMIT $3",
    )
    .bind(webhook.as_str())
    .bind(now.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(DeliveryRecord::try_from).collect()
}

/// Takes a delivery that is due: nobody else sends it before then. False when somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn take(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    event: &WebhookEventId,
    now: UnixMillis,
    until: UnixMillis,
) -> Result<bool, DbError> {
    let taken = query(
        "UPDATE webhook_deliveries SET due_at = $4, tries = tries + 1
             WHERE webhook = $1 AND event = $2 AND due_at <= $3",
    )
    .bind(webhook.as_str())
    .bind(event.as_str())
    .bind(now.0)
    .bind(until.0)
    .execute(conn)
    .await?;
    Ok(taken > 0)
}

/// Writes down what became of a delivery, with its attempts, if it is still taken until `lease`: what was replayed or taken by somebody
/// else meanwhile is theirs.
///
/// # Errors
/// What the database says.
pub async fn settle(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    event: &WebhookEventId,
    lease: Option<UnixMillis>,
    attempts: &[DeliveryAttempt],
    outcome: Outcome,
) -> Result<(), DbError> {
    let attempts = serde_json::to_string(attempts).map_err(|_| DbError::Corrupt("attempts"))?;
    let (state, due_at) = match outcome {
        Outcome::Delivered => (DeliveryState::Delivered, None),
        Outcome::Again(at) => (DeliveryState::Waiting, Some(at.0)),
        Outcome::Failed => (DeliveryState::Failed, None),
        Outcome::Withdrawn => (DeliveryState::Withdrawn, None),
    };
    query(
        "UPDATE webhook_deliveries SET attempts = $3, state = $4, due_at = $5 WHERE webhook = $1 AND event = $2 AND due_at = $6",
    )
    .bind(webhook.as_str())
    .bind(event.as_str())
    .bind(attempts)
    .bind(state.as_str())
    .bind(due_at)
    .bind(lease.map(|lease| lease.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody waits for the answer to a test.
///
/// # Errors
/// What the database says.
pub async fn is_tested(conn: &mut Conn<'_>, webhook: &WebhookId, now: UnixMillis) -> Result<bool, DbError> {
    let row: Option<(String,)> = query(
        "SELECT event FROM webhook_deliveries WHERE webhook = $1 AND due_at > $2 AND kind = $3 LIMIT 1",
    )
    .bind(webhook.as_str())
    .bind(now.0)
    .bind(WebhookEventType::Test.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Has a delivery sent again, as if for the first time. False when there is none, or it is withdrawn.
///
/// # Errors
/// What the database says.
pub async fn replay(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    event: &WebhookEventId,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let replayed = query(
        "UPDATE webhook_deliveries SET state = 'waiting', due_at = $3, tries = 0
             WHERE webhook = $1 AND event = $2 AND state <> 'withdrawn'",
    )
    .bind(webhook.as_str())
    .bind(event.as_str())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(replayed > 0)
}

/// Has everything sent again that failed and happened since then; says how much.
///
/// # Errors
/// What the database says.
pub async fn replay_failed(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    since: UnixMillis,
    now: UnixMillis,
) -> Result<u64, DbError> {
    query(
        "UPDATE webhook_deliveries SET state = 'waiting', due_at = $3, tries = 0
             WHERE webhook = $1 AND state = 'failed' AND at >= $2",
    )
    .bind(webhook.as_str())
    .bind(since.0)
    .bind(now.0)
    .execute(conn)
    .await
}

/// One delivery.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    event: &WebhookEventId,
) -> Result<Option<DeliveryRecord>, DbError> {
    let row: Option<Row> = query(
        "SELECT event, kind, organisation, at, body, state, due_at, tries, attempts FROM webhook_deliveries
         WHERE webhook = $1 AND event = $2",
    )
    .bind(webhook.as_str())
    .bind(event.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(DeliveryRecord::try_from).transpose()
}

/// At most `limit` deliveries of a webhook, newest first, behind the event `after`.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    after: &str,
    limit: i64,
) -> Result<Vec<DeliveryRecord>, DbError> {
    // Behind every id: `~` comes after all of their characters.
    let after = if after.is_empty() { "~" } else { after };
    let rows: Vec<Row> = query(
        "SELECT event, kind, organisation, at, body, state, due_at, tries, attempts FROM webhook_deliveries
         WHERE webhook = $1 AND event < $2 ORDER BY event DESC LIMIT $3",
    )
    .bind(webhook.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(DeliveryRecord::try_from).collect()
}

/// The newest delivery of a webhook that is one too many, when it keeps `kept` of those that are over.
///
/// # Errors
/// What the database says.
pub async fn first_beyond(
    conn: &mut Conn<'_>,
    webhook: &WebhookId,
    kept: i64,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = query(
        "SELECT event FROM webhook_deliveries WHERE webhook = $1 AND due_at IS NULL ORDER BY event DESC LIMIT 1 OFFSET $2",
    )
    .bind(webhook.as_str())
    .bind(kept)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(event,)| event))
}

/// Removes a delivery of a webhook and all older ones, but those that are still to be sent.
///
/// # Errors
/// What the database says.
pub async fn remove_up_to(conn: &mut Conn<'_>, webhook: &WebhookId, event: &str) -> Result<(), DbError> {
    query("DELETE FROM webhook_deliveries WHERE webhook = $1 AND event <= $2 AND due_at IS NULL")
        .bind(webhook.as_str())
        .bind(event)
        .execute(conn)
        .await?;
    Ok(())
}

row! {
    struct Row {
        event: String,
        kind: String,
        organisation: String,
        at: i64,
        body: String,
        state: String,
        due_at: Option<i64>,
        tries: i64,
        attempts: String,
    }
}

impl TryFrom<Row> for DeliveryRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let corrupt = DbError::Corrupt;
        Ok(Self {
            organisation: parsed(&row.organisation, "webhook_deliveries.organisation")?,
            tries: row.tries,
            delivery: WebhookDelivery {
                event: parsed(&row.event, "webhook_deliveries.event")?,
                kind: WebhookEventType::from_name(&row.kind),
                at: UnixMillis(row.at),
                state: DeliveryState::from_name(&row.state).ok_or(corrupt("webhook_deliveries.state"))?,
                next_attempt_at: row.due_at.map(UnixMillis),
                attempts: serde_json::from_str(&row.attempts)
                    .map_err(|_| corrupt("webhook_deliveries.attempts"))?,
                body: row.body,
            },
        })
    }
}
