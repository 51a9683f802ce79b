//! Measurement feeds: a device's time series, or those of a program; the keys by which others write and read them; and what
//! was measured, as a chart needs it.

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, FeedKeyId, OrganisationId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

/// Most fields of a feed, as many as ThingSpeak has.
pub const MAX_FIELDS: usize = 8;
/// Longest name of a field, in characters: as long as the name of a series in a session.
pub const MAX_FIELD_NAME_LEN: usize = crate::session::MAX_SERIES_NAME_LEN;
/// Longest unit, in characters.
pub const MAX_UNIT_LEN: usize = 16;
/// Longest description of a feed, in characters.
pub const MAX_DESCRIPTION_LEN: usize = 255;
/// Longest metadata of a feed, in characters.
pub const MAX_METADATA_LEN: usize = 4_096;
/// Most read keys of a feed, those whose time is over among them.
pub const MAX_READ_KEYS: usize = 50;
/// Most feeds of an organisation.
pub const MAX_FEEDS: u64 = 100_000;
/// Most days for which measurements are kept, in whatever form: a century.
pub const MAX_KEPT_DAYS: u32 = 36_525;
/// Most points of one answer.
pub const MAX_ANSWERED_POINTS: usize = 10_000;
/// Longest span that one point of an answer may stand for, in seconds: a year.
pub const MAX_RESOLUTION_SECS: u32 = 31_536_000;

/// The number of a feed: an integer, as clients of ThingSpeak expect it of a channel. It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ChannelNumber(pub i64);

impl std::fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A field of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedField {
    /// What is measured, at most [`MAX_FIELD_NAME_LEN`] characters.
    pub name: String,
    /// In which unit, at most [`MAX_UNIT_LEN`] characters; empty where it is not known.
    #[serde(default)]
    pub unit: String,
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Metres above sea level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevation: Option<f64>,
}

/// For how long a feed is kept, where that is shorter than the rules of its organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Retention {
    /// Days for which every value is kept, 1 to [`MAX_KEPT_DAYS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_days: Option<u32>,
    /// Days for which minutes are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute_days: Option<u32>,
    /// Days for which hours are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour_days: Option<u32>,
}

/// A measurement feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feed {
    /// Its number.
    pub channel: ChannelNumber,
    /// Where it belongs: where its device is, if it has one.
    pub organisation: OrganisationId,
    /// The device whose feed it is; absent for a program that only writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What it is called.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Its fields in the order of their numbers, the first is 1; at most [`MAX_FIELDS`].
    pub fields: Vec<FeedField>,
    /// Where it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Whatever its owner wants to keep with it; opaque to Gangway.
    pub metadata: String,
    /// For how long it is kept, where that is shorter than the rules.
    pub retention: Retention,
    /// When it was made.
    pub created_at: UnixMillis,
    /// The present write key and a read key: only in the answer that makes the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<NewFeedKeys>,
}

/// The keys with which a feed begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewFeedKeys {
    /// Writes.
    pub write_key: SecretString,
    /// Reads all fields.
    pub read_key: SecretString,
}

/// Makes a feed: `POST /api/v1/organisations/{id}/feeds`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedRequest {
    /// See [`Feed::name`].
    pub name: String,
    /// See [`Feed::description`].
    #[serde(default)]
    pub description: String,
    /// See [`Feed::fields`].
    #[serde(default)]
    pub fields: Vec<FeedField>,
    /// See [`Feed::location`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// See [`Feed::metadata`].
    #[serde(default)]
    pub metadata: String,
    /// See [`Feed::retention`].
    #[serde(default)]
    pub retention: Retention,
}

/// Changes a feed: `PATCH /api/v1/organisations/{id}/feeds/{channel}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct FeedUpdate {
    /// See [`Feed::name`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`Feed::description`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// See [`Feed::fields`]: all of them. Their numbers are their places, so that a name that changes keeps its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<FeedField>>,
    /// See [`Feed::location`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// See [`Feed::metadata`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// See [`Feed::retention`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// What a key of a feed opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FeedKeyKind {
    /// Writing, and reading everything, as ThingSpeak's do. There is one, and its predecessor for a while.
    Write,
    /// Reading.
    #[default]
    Read,
}

/// A key of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedKey {
    /// Its id.
    pub id: FeedKeyId,
    /// What it opens.
    pub kind: FeedKeyKind,
    /// What it is called, or whom it was given to.
    pub name: String,
    /// The numbers of the fields that it shows; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// When it was last used, to within five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixMillis>,
    /// The key itself: only in the answer that makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
}

/// Makes a key: `POST /api/v1/organisations/{id}/feeds/{channel}/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedKeyRequest {
    /// What it opens; reading, when absent. A write key is made where none stands, as at the feed of a device.
    #[serde(default)]
    pub kind: FeedKeyKind,
    /// See [`FeedKey::name`].
    pub name: String,
    /// See [`FeedKey::fields`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<u8>>,
    /// See [`FeedKey::expires_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
}

/// Replaces a key: `POST /api/v1/organisations/{id}/feeds/{channel}/keys/{key}/replacement`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct FeedKeyReplacement {
    /// Hours for which the former key goes on, at most 744; absent: a day. 0: it ends at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_hours: Option<u32>,
}

/// Longest overlap of a key with the one in its place: a month.
pub const MAX_OVERLAP_HOURS: u32 = 744;

/// What is asked of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct MeasurementQuery {
    /// The number of one field; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<u8>,
    /// Values from this instant on; absent: of the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixMillis>,
    /// Values before this instant; absent: up to now, and what came early with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMillis>,
    /// The span that one point stands for: 0 for each value as it came, else whole minutes. Absent: so that a chart is well filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_secs: Option<u32>,
}

/// What was measured, by field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Measurements {
    /// The feed.
    pub channel: ChannelNumber,
    /// The span that one point stands for; 0: each is a value as it came.
    pub resolution_secs: u32,
    /// The fields that were asked for.
    pub series: Vec<MeasuredSeries>,
}

/// A field and its points, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeasuredSeries {
    /// The number of the field.
    pub field: u8,
    /// What is measured.
    pub name: String,
    /// In which unit.
    pub unit: String,
    /// The points.
    pub points: Vec<MeasuredPoint>,
}

/// A value, or what the values of a span have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeasuredPoint {
    /// When it was measured, or when the span begins.
    pub at: UnixMillis,
    /// The arithmetic mean.
    pub mean: f64,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// How many values it stands for.
    pub count: u64,
}
