//! What happens to devices, written down for the webhooks that want to be told, in the transaction that makes it happen: nothing
//! that is acknowledged is lost, and nothing is told that was rolled back.
//!
//! Where no webhook wants it, that costs one look at the webhooks there are, and nothing is written. Nothing here locks.

use std::collections::{BTreeMap, BTreeSet};

use gangway_protocol::device::{OfflineReason, Presence};
use gangway_protocol::id::{DeviceId, ID_RANDOM_LEN, OrganisationId, WebhookEventId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{WebhookBody, WebhookData, WebhookDetail, WebhookDevice, WebhookEventType};
use sha2::{Digest as _, Sha256};

use super::{read, written};
use crate::db::many::execute_many;
use crate::db::presence;
use crate::db::query::texts;
use crate::db::{Conn, DbError, parsed, query, query_of_each};

/// Something that happened to a device.
#[derive(Clone, Debug)]
pub struct Happening {
    /// What.
    pub kind: WebhookEventType,
    /// In which organisation.
    pub organisation: OrganisationId,
    /// To which device.
    pub device: DeviceId,
    /// When.
    pub at: UnixMillis,
    /// What else there is to say.
    pub detail: WebhookDetail,
}

impl Happening {
    /// One of which there is nothing else to say.
    #[must_use]
    pub fn new(
        kind: WebhookEventType,
        organisation: &OrganisationId,
        device: &DeviceId,
        at: UnixMillis,
    ) -> Self {
        Self {
            kind,
            organisation: organisation.clone(),
            device: device.clone(),
            at,
            detail: WebhookDetail::default(),
        }
    }

    /// The same one has the same id, so that what is written again after a failure is one event to receivers.
    fn event(&self, detail: &str) -> WebhookEventId {
        let text = [
            self.kind.as_str(),
            self.organisation.as_str(),
            self.device.as_str(),
            detail,
        ]
        .join(" ");
        let digest = Sha256::digest(text);
        let mut random = [0; ID_RANDOM_LEN];
        random.iter_mut().zip(digest).for_each(|(at, byte)| *at = byte);
        WebhookEventId::new(self.at, random)
    }
}

/// Writes down what happened for every webhook that wants it: those of the organisation and those above.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, happenings: &[Happening]) -> Result<(), DbError> {
    if happenings.is_empty() {
        return Ok(());
    }
    let organisations: BTreeSet<&OrganisationId> = happenings.iter().map(|one| &one.organisation).collect();
    let wanting = wanting(conn, &organisations.into_iter().collect::<Vec<_>>()).await?;
    let told: Vec<(&Happening, Vec<&str>)> = happenings
        .iter()
        .filter_map(|one| {
            let webhooks = wanting.get(&one.organisation)?;
            let webhooks = webhooks.iter().filter(|(_, events)| wants(events, one.kind));
            let webhooks: Vec<&str> = webhooks.map(|(id, _)| id.as_str()).collect();
            (!webhooks.is_empty()).then_some((one, webhooks))
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let devices: BTreeSet<&DeviceId> = told.iter().map(|(one, _)| &one.device).collect();
    let names = names(conn, &devices.into_iter().collect::<Vec<_>>()).await?;
    let mut rows = Vec::new();
    for (one, webhooks) in told {
        let body = WebhookBody {
            kind: one.kind,
            timestamp: one.at.rfc3339(),
            data: WebhookData {
                organisation: one.organisation.clone(),
                device: Some(WebhookDevice {
                    id: one.device.clone(),
                    name: names.get(&one.device).cloned().unwrap_or_default(),
                }),
                detail: one.detail.clone(),
            },
        };
        let unwritable = |_| DbError::Corrupt("an event cannot be written as JSON");
        let detail = serde_json::to_string(&one.detail).map_err(unwritable)?;
        let body = serde_json::to_string(&body).map_err(unwritable)?;
        let event = one.event(&detail);
        rows.extend(webhooks.into_iter().map(|webhook| {
            [
                webhook.into(),
                event.as_str().into(),
                one.kind.as_str().into(),
                one.organisation.as_str().into(),
                one.at.0.into(),
                body.as_str().into(),
            ]
        }));
    }
    execute_many(conn, PUT_ONE, PUT_ALL, rows).await
}

/// As [`put`], for devices that have come or gone. Of a whole fleet at once, as after a restart: where nobody wants it, it is not even
/// looked up where the devices are.
///
/// # Errors
/// What the database says.
pub async fn put_presence(conn: &mut Conn<'_>, changes: &[(DeviceId, Presence)]) -> Result<(), DbError> {
    if changes.is_empty() || !any_wants_presence(conn).await? {
        return Ok(());
    }
    let devices: Vec<DeviceId> = changes.iter().map(|(device, _)| device.clone()).collect();
    let homes = presence::homes(conn, &devices).await?;
    let happenings: Vec<Happening> = changes
        .iter()
        .filter_map(|(device, presence)| of_presence(homes.get(device)?, device, presence))
        .collect();
    put(conn, &happenings).await
}

fn of_presence(home: &OrganisationId, device: &DeviceId, presence: &Presence) -> Option<Happening> {
    let happening = |kind, at| Happening::new(kind, home, device, at);
    match presence {
        Presence::Never => None,
        Presence::Online { since } => Some(happening(WebhookEventType::Online, *since)),
        Presence::Offline { last_seen_at, reason } => {
            Some(gone(happening(WebhookEventType::Offline, *last_seen_at), *reason))
        }
    }
}

fn gone(happening: Happening, reason: OfflineReason) -> Happening {
    Happening {
        detail: WebhookDetail {
            reason: Some(reason.as_str().to_owned()),
            ..WebhookDetail::default()
        },
        ..happening
    }
}

/// Whether any webhook on the server wants to know who comes and goes.
async fn any_wants_presence(conn: &mut Conn<'_>) -> Result<bool, DbError> {
    let containing = |kind: WebhookEventType| format!("%{}%", written(&[kind]));
    let (any,): (bool,) = query(
        "SELECT EXISTS (SELECT 1 FROM webhooks WHERE state = 'on' AND (events = '' OR events LIKE $1 OR events LIKE $2))",
    )
    .bind(containing(WebhookEventType::Online))
    .bind(containing(WebhookEventType::Offline))
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// An empty list wants everything, also what was not there when it was made.
fn wants(events: &[WebhookEventType], kind: WebhookEventType) -> bool {
    events.is_empty() || events.contains(&kind)
}

/// A webhook that sends, by its id, with what it wants.
type Wanting = (String, Vec<WebhookEventType>);

/// The webhooks that send, of each of these organisations and those above it. SQLite takes tables in the order of a CROSS JOIN: it
/// would otherwise look at every webhook there is.
///
/// # Errors
/// What the database says.
pub async fn wanting(
    conn: &mut Conn<'_>,
    organisations: &[&OrganisationId],
) -> Result<BTreeMap<OrganisationId, Vec<Wanting>>, DbError> {
    let rows: Vec<(String, String, String)> = query_of_each(
        "WITH RECURSIVE above (organisation, id, parent) AS (
            SELECT id, id, parent FROM organisations WHERE id IN (SELECT value FROM json_each($1))
            UNION ALL
            SELECT above.organisation, o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT above.organisation, w.id, w.events FROM above CROSS JOIN webhooks w
        WHERE w.organisation = above.id AND w.state = 'on'",
        "WITH RECURSIVE above (organisation, id, parent) AS (
            SELECT id, id, parent FROM organisations WHERE id = ANY($1)
            UNION ALL
            SELECT above.organisation, o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT above.organisation, w.id, w.events FROM above CROSS JOIN webhooks w
        WHERE w.organisation = above.id AND w.state = 'on'",
    )
    .bind(texts(organisations))
    .fetch_all(conn)
    .await?;
    let mut wanting: BTreeMap<OrganisationId, Vec<Wanting>> = BTreeMap::new();
    for (organisation, webhook, events) in rows {
        let organisation = parsed(&organisation, "organisations.id")?;
        wanting
            .entry(organisation)
            .or_default()
            .push((webhook, read(&events)));
    }
    Ok(wanting)
}

/// The names of devices.
///
/// # Errors
/// What the database says.
pub async fn names(
    conn: &mut Conn<'_>,
    devices: &[&DeviceId],
) -> Result<BTreeMap<DeviceId, String>, DbError> {
    let rows: Vec<(String, String)> = query_of_each(
        "SELECT id, name FROM devices WHERE id IN (SELECT value FROM json_each($1))",
        "SELECT id, name FROM devices WHERE id = ANY($1)",
    )
    .bind(texts(devices))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((parsed(&id, "devices.id")?, name)))
        .collect()
}

const PUT_ONE: &str =
    "INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $5) ON CONFLICT (webhook, event) DO NOTHING";
const PUT_ALL: &str =
    "INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state, due_at)
    SELECT v.webhook, v.event, v.kind, v.organisation, v.at, v.body, 'waiting', v.at
    FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[], $6::TEXT[])
        AS v (webhook, event, kind, organisation, at, body)
    ON CONFLICT (webhook, event) DO NOTHING";

/// Devices that are online by the record, for [`put_presence`] when their server has died.
///
/// # Errors
/// What the database says.
pub async fn online(conn: &mut Conn<'_>) -> Result<Vec<(DeviceId, UnixMillis)>, DbError> {
    if !any_wants_presence(conn).await? {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, i64)> =
        query("SELECT device, online_since FROM presence WHERE online_since IS NOT NULL")
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(device, since)| Ok((parsed(&device, "presence.device")?, UnixMillis(since))))
        .collect()
}

/// Removes what nobody needs any more: what happened before then, and what is of webhooks that are gone.
///
/// # Errors
/// What the database says.
pub async fn sweep(conn: &mut Conn<'_>, before: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM webhook_deliveries WHERE at < $1")
        .bind(before.0)
        .execute(conn)
        .await?;
    query(
        "DELETE FROM webhook_deliveries
         WHERE NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = webhook_deliveries.webhook)",
    )
    .execute(conn)
    .await?;
    Ok(())
}
