//! What a key opens. A key that is unknown, over, or of an organisation that has switched the interface off opens nothing, and
//! nobody can tell which.

use gangway_protocol::id::FeedKeyId;
use gangway_protocol::measurement::{ChannelNumber, Feed, FeedField, FeedKeyKind};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::{Incoming, Measurements, Stored};
use crate::authority::Result;
use crate::context::Context;
use crate::db::feeds::keys::{self, ShownKey};
use crate::db::{SecretHash, feeds, write};

/// How often the last use of a key is written down.
const NOTE_EVERY: i64 = 5 * UnixMillis::MINUTE;

/// A feed that a key has opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The feed.
    pub feed: Feed,
    /// Whether it may be written.
    pub writes: bool,
    /// The fields that may be read; `None`: all.
    fields: Option<Vec<u8>>,
}

impl Opened {
    /// Whether a field may be read.
    #[must_use]
    pub fn shows(&self, field: u8) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.contains(&field))
    }

    /// Whether everything may be read, what is said beside the numbers among it.
    #[must_use]
    pub fn shows_all(&self) -> bool {
        self.fields.is_none()
    }
}

/// The feed that a key opens to clients of ThingSpeak; `None` for a key that opens none.
///
/// # Errors
/// What the database says.
pub async fn open(context: &Context, secret: &SecretString) -> Result<Option<Opened>> {
    let (now, hash) = (context.clock.now(), SecretHash::of(secret));
    let found = {
        let mut reader = context.db.reader().await?;
        keys::by_secret(&mut reader.conn(), &hash, now).await?
    };
    // Threat model: WEB-14. The rules of the organisation come before its keys.
    let Some(ShownKey { key, feed, .. }) = found.filter(|found| found.policy.thingspeak_api) else {
        return Ok(None);
    };
    if key.last_used_at.is_none_or(|at| now.since(at) >= NOTE_EVERY) {
        note_use(context, &key.id, now).await;
    }
    Ok(Some(Opened {
        feed,
        writes: key.kind == FeedKeyKind::Write,
        fields: key.fields,
    }))
}

/// As [`open`], of one feed alone: a key of another one opens nothing here.
///
/// # Errors
/// What the database says.
pub async fn open_channel(
    context: &Context,
    secret: &SecretString,
    channel: ChannelNumber,
) -> Result<Option<Opened>> {
    let opened = open(context, secret).await?;
    Ok(opened.filter(|opened| opened.feed.channel == channel))
}

/// Stores entries of somebody who has a write key, as often as the feed takes them.
///
/// # Errors
/// [`Error::RateLimited`](crate::authority::Error::RateLimited); [`Error::Invalid`](crate::authority::Error::Invalid) for a time
/// that cannot be.
pub async fn store(
    context: &Context,
    measurements: &Measurements,
    opened: &Opened,
    entries: Vec<Incoming>,
) -> Result<Vec<Option<Stored>>> {
    let now = context.clock.both();
    measurements.rates.spend(opened.feed.channel, now.monotonic)?;
    let used = |entry: &Incoming| {
        let words = entry.remark.as_ref().and_then(|remark| remark.words.keys().max());
        let numbers = entry.values.numbered().map(|(field, _)| field).max();
        numbers.max(words.copied())
    };
    if let Some(last) = entries.iter().filter_map(used).max() {
        name_fields(context, &opened.feed, usize::from(last)).await?;
    }
    measurements.store(opened.feed.channel, entries, now.wall).await
}

/// Gives the fields up to the last that is used names, where nobody has: what has no name is not shown.
async fn name_fields(context: &Context, feed: &Feed, last: usize) -> Result<()> {
    if feed.fields.len() >= last {
        return Ok(());
    }
    let channel = feed.channel;
    write!(context.db, |tx| -> Result<()> {
        // A feed that was removed meanwhile: its entries go with it.
        let Some(mut feed) = feeds::lock(tx, channel).await? else {
            return Ok(());
        };
        for number in feed.fields.len() + 1..=last {
            feed.fields.push(FeedField {
                name: format!("Field {number}"),
                unit: String::new(),
            });
        }
        Ok(feeds::update(tx, &feed).await?)
    })
}

/// A use that could not be noted is no reason to turn somebody away.
async fn note_use(context: &Context, id: &FeedKeyId, now: UnixMillis) {
    let id = id.clone();
    if let Err(error) = write!(context.db, |tx| { keys::note_use(tx, &id, now).await }) {
        tracing::warn!(%error, "the last use of a feed's key was not noted");
    }
}
