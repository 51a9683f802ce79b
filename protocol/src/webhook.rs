//! Webhooks of an organisation: where its events are sent, what of them was sent, and what is sent. How it is signed is
//! Standard Webhooks' (<https://www.standardwebhooks.com>); `docs/webhooks.md` is for those who receive.

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, OrganisationId, WebhookEventId, WebhookId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

/// Most webhooks of an organisation.
pub const MAX_WEBHOOKS: usize = 20;
/// Longest URL, in bytes.
pub const MAX_URL_LEN: usize = 512;
/// Furthest ahead that one can look for certificates that end.
pub const MAX_EXPIRING_DAYS: u32 = 366;
/// How many days before its end a certificate is told of, once each.
pub const EXPIRY_NOTICES: [u32; 3] = [30, 7, 1];
/// What every secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// What a webhook tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WebhookEventType {
    /// A device was enrolled: a session has proved the certificate that somebody's approval led to.
    #[serde(rename = "device.enrolled")]
    Enrolled,
    /// A device has opened a session.
    #[serde(rename = "device.online")]
    Online,
    /// A device's session has ended.
    #[serde(rename = "device.offline")]
    Offline,
    /// A device is kept out for the time being.
    #[serde(rename = "device.suspended")]
    Suspended,
    /// A device was let in again.
    #[serde(rename = "device.resumed")]
    Resumed,
    /// All certificates of a device were revoked.
    #[serde(rename = "device.revoked")]
    Revoked,
    /// A device left the fleet.
    #[serde(rename = "device.retired")]
    Retired,
    /// A device went to another organisation, or came from one.
    #[serde(rename = "device.moved")]
    Moved,
    /// Two machines seem to use a device's key.
    #[serde(rename = "device.alarm")]
    Alarm,
    /// A device's certificate ends soon, and no newer one has taken its place.
    #[serde(rename = "certificate.expiring")]
    Expiring,
    /// Somebody tried the webhook.
    #[serde(rename = "webhook.test")]
    Test,
    /// One that this version does not know.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl WebhookEventType {
    /// Those that a webhook can be asked to tell of.
    pub const ALL: [Self; 10] = [
        Self::Enrolled,
        Self::Online,
        Self::Offline,
        Self::Suspended,
        Self::Resumed,
        Self::Revoked,
        Self::Retired,
        Self::Moved,
        Self::Alarm,
        Self::Expiring,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "device.enrolled",
            Self::Online => "device.online",
            Self::Offline => "device.offline",
            Self::Suspended => "device.suspended",
            Self::Resumed => "device.resumed",
            Self::Revoked => "device.revoked",
            Self::Retired => "device.retired",
            Self::Moved => "device.moved",
            Self::Alarm => "device.alarm",
            Self::Expiring => "certificate.expiring",
            Self::Test => "webhook.test",
            Self::Unknown => "unknown",
        }
    }

    /// The one of this name; [`Self::Unknown`] for one of a newer version.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let known = Self::ALL.into_iter().chain([Self::Test]);
        known
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Unknown)
    }
}

/// Whether a webhook sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It sends.
    On,
    /// Somebody has switched it off.
    Off,
    /// It was switched off by itself: for days nothing got through.
    Failing,
    /// It was switched off by itself: its receiver answered that it is gone (410).
    Gone,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

impl WebhookState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::On, Self::Off, Self::Failing, Self::Gone]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A webhook of an organisation. It tells of what happens there and below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Its name for people.
    pub name: String,
    /// Where it sends to.
    pub url: String,
    /// What it tells of; empty: everything, also what later versions add.
    pub events: Vec<WebhookEventType>,
    /// Whether it sends.
    pub state: WebhookState,
    /// Since when it is in that state.
    pub state_since: UnixMillis,
    /// Since when nothing has got through, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<UnixMillis>,
    /// Until when it signs with the secret before this one as well, after a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_secret_until: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// `whsec_…`, once: in the reply that makes the webhook or rotates its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
}

/// A new webhook: `POST /api/v1/organisations/{id}/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookRequest {
    /// Its name for people.
    pub name: String,
    /// Where it sends to: `https://`, at an address that is public.
    pub url: String,
    /// What it tells of; empty: everything.
    #[serde(default)]
    pub events: Vec<WebhookEventType>,
}

/// Changes to a webhook: `PATCH /api/v1/organisations/{id}/webhooks/{webhook}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct WebhookUpdate {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it sends to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it tells of; empty: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEventType>>,
    /// Whether it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
}

/// What became of an event at a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is sent, or sent again, when its time has come.
    Waiting,
    /// The receiver has answered with 2xx.
    Delivered,
    /// It was tried as often as it is tried.
    Failed,
    /// The organisation it is about is not at or below the webhook's any more.
    Withdrawn,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

impl DeliveryState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
            Self::Unknown => "unknown",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// One time that an event was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// When.
    pub at: UnixMillis,
    /// How long it took.
    pub duration_ms: u32,
    /// The HTTP status of the answer; absent when none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The beginning of the answer, or why none came.
    #[serde(default)]
    pub detail: String,
}

/// An event at a webhook: a line of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDelivery {
    /// The event. It is `webhook-id` in every attempt, so that a receiver knows what it has had already.
    pub event: WebhookEventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: WebhookEventType,
    /// When.
    pub at: UnixMillis,
    /// What became of it.
    pub state: DeliveryState,
    /// When it is sent next, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<UnixMillis>,
    /// The last times it was sent, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// The body that is sent, JSON.
    pub body: String,
}

/// Which events are sent again: `POST /api/v1/organisations/{id}/webhooks/{webhook}/replays`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayRequest {
    /// Those that failed and happened then or later.
    pub since: UnixMillis,
}

/// How many events are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replayed {
    /// How many.
    pub count: u64,
}

/// Which devices' certificates end: the query of `GET /api/v1/organisations/{id}/expiring`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct ExpiringQuery {
    /// Within how many days, 1 to [`MAX_EXPIRING_DAYS`]; 30 when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The body of a request to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookBody {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: WebhookEventType,
    /// When: RFC 3339, UTC.
    pub timestamp: String,
    /// What it is about.
    pub data: WebhookData,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookData {
    /// The organisation in which it happened: the webhook's, or one below it.
    pub organisation: OrganisationId,
    /// The device; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<WebhookDevice>,
    /// What else there is to say.
    #[serde(flatten)]
    pub detail: WebhookDetail,
}

/// The device that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDevice {
    /// Its id.
    pub id: DeviceId,
    /// Its name then.
    pub name: String,
}

/// What some events say besides the device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookDetail {
    /// `device.offline`, `device.revoked`: why, by the names of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `device.moved`: `in` or `out`, seen from the organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// `certificate.expiring`: when the certificate ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// `certificate.expiring`: for which of the notices, in days before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in WebhookEventType::ALL {
            assert_eq!(WebhookEventType::from_name(kind.as_str()), kind);
            assert_eq!(
                serde_json::to_string(&kind).expect("JSON"),
                format!("\"{}\"", kind.as_str())
            );
        }
        let later: WebhookEventType = serde_json::from_str("\"device.painted\"").expect("one of later");
        assert_eq!(later, WebhookEventType::Unknown);
        for state in [
            WebhookState::On,
            WebhookState::Off,
            WebhookState::Failing,
            WebhookState::Gone,
        ] {
            assert_eq!(WebhookState::from_name(state.as_str()), Some(state));
        }
    }

    /// What receivers parse, and `docs/webhooks.md` shows.
    #[test]
    fn the_body_is_as_documented() {
        let device = WebhookDevice {
            id: "dev_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "Pump 7".to_owned(),
        };
        let body = |kind, detail| WebhookBody {
            kind,
            timestamp: UnixMillis(1_795_305_780_000).rfc3339(),
            data: WebhookData {
                organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
                device: Some(device.clone()),
                detail,
            },
        };
        let page = include_str!("../../docs/webhooks.md");
        for (body, text) in [
            (
                body(WebhookEventType::Enrolled, WebhookDetail::default()),
                r#"{"type":"device.enrolled","timestamp":"2026-11-22T00:03:00Z","data":{"organisation":"org_0000000001zzzzzzzzzzzzzzzz","device":{"id":"dev_0000000001zzzzzzzzzzzzzzzz","name":"Pump 7"}}}"#,
            ),
            (
                body(
                    WebhookEventType::Offline,
                    WebhookDetail {
                        reason: Some("ping_timeout".to_owned()),
                        ..WebhookDetail::default()
                    },
                ),
                r#"{"type":"device.offline","timestamp":"2026-11-22T00:03:00Z","data":{"organisation":"org_0000000001zzzzzzzzzzzzzzzz","device":{"id":"dev_0000000001zzzzzzzzzzzzzzzz","name":"Pump 7"},"reason":"ping_timeout"}}"#,
            ),
            (
                body(
                    WebhookEventType::Moved,
                    WebhookDetail {
                        direction: Some("in".to_owned()),
                        ..WebhookDetail::default()
                    },
                ),
                r#"{"type":"device.moved","timestamp":"2026-11-22T00:03:00Z","data":{"organisation":"org_0000000001zzzzzzzzzzzzzzzz","device":{"id":"dev_0000000001zzzzzzzzzzzzzzzz","name":"Pump 7"},"direction":"in"}}"#,
            ),
            (
                body(
                    WebhookEventType::Expiring,
                    WebhookDetail {
                        expires_at: Some(UnixMillis(1_795_910_580_000)),
                        days: Some(7),
                        ..WebhookDetail::default()
                    },
                ),
                r#"{"type":"certificate.expiring","timestamp":"2026-11-22T00:03:00Z","data":{"organisation":"org_0000000001zzzzzzzzzzzzzzzz","device":{"id":"dev_0000000001zzzzzzzzzzzzzzzz","name":"Pump 7"},"expires_at":1795910580000,"days":7}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&body).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<WebhookBody>(text).expect("a body"), body);
            assert!(page.contains(text), "docs/webhooks.md shows {text}");
        }
    }
}
