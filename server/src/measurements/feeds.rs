//! Feeds of an organisation, made, changed and removed by those who administer it. A device's own is made by its first
//! measurement ([`session`](super::session)).

use gangway_protocol::audit::Action;
use gangway_protocol::device::check_text;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::measurement::{
    ChannelNumber, Feed, FeedField, FeedRequest, FeedUpdate, Location, MAX_DESCRIPTION_LEN, MAX_FEEDS,
    MAX_FIELD_NAME_LEN, MAX_FIELDS, MAX_KEPT_DAYS, MAX_METADATA_LEN, MAX_UNIT_LEN, NewFeedKeys, Retention,
};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;

use super::Measurements;
use super::keys::Begun;
use crate::authority::{ByAdmin, Caller, Error, Result, Right, fit_name, open_place};
use crate::context::Context;
use crate::db::{Conn, feeds, measurements, write};
use crate::once::Once;

/// At most `limit` feeds of an organisation behind the number `after`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for whoever does not see its fleet.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    after: i64,
    limit: i64,
) -> Result<Vec<Feed>> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    Ok(feeds::of_organisation(&mut reader.conn(), organisation, after, limit).await?)
}

/// A feed.
///
/// # Errors
/// [`Error::NotFound`] for a foreign one as for an unknown one; [`Error::Forbidden`].
pub async fn show(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    channel: ChannelNumber,
) -> Result<Feed> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    of(context, organisation, channel).await
}

/// A feed of this organisation, whoever asks.
pub(super) async fn of(
    context: &Context,
    organisation: &OrganisationId,
    channel: ChannelNumber,
) -> Result<Feed> {
    let mut reader = context.db.reader().await?;
    let found = feeds::find(&mut reader.conn(), channel).await?;
    found
        .filter(|feed| feed.organisation == *organisation)
        .ok_or(Error::NotFound)
}

/// Makes a feed with its first keys, for a program. Under the same `key` it is made once, and the same comes back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn add(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: FeedRequest,
) -> Result<Feed> {
    let now = context.clock.now();
    let doing = ByAdmin::begin(&context.db, now, caller, organisation, ChannelNumber(0)).await?;
    let place = path::feeds(&doing.organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let feed = Feed {
        channel: ChannelNumber(0),
        organisation: doing.organisation.clone(),
        device: None,
        name: fit_name("name", &request.name)?,
        description: fit("description", request.description, MAX_DESCRIPTION_LEN)?,
        fields: fit_fields(request.fields)?,
        location: request.location.map(fit_location).transpose()?,
        metadata: fit("metadata", request.metadata, MAX_METADATA_LEN)?,
        retention: fit_retention(request.retention)?,
        created_at: now,
        keys: None,
    };
    let keys = [
        Begun::write(&*context.random, now),
        Begun::read(&*context.random, now),
    ];
    write!(context.db, |tx| -> Result<Feed> {
        if let Some(once) = &once
            && let Some(feed) = once.begin(tx, now).await?
        {
            return Ok(feed);
        }
        doing.hold(tx).await?;
        open_place(tx, &doing.organisation).await?;
        require_room(tx, &doing.organisation).await?;
        let feed = insert(tx, feed, &keys).await?;
        if let Some(once) = &once {
            once.end(tx, &feed).await?;
        }
        let doing = ByAdmin {
            id: feed.channel,
            ..doing
        };
        doing.record(tx, Action::FeedAdded, &feed.name).await?;
        Ok(feed)
    })
}

/// Writes down a feed that begins with a write key and a read key.
pub(super) async fn insert(tx: &mut Conn<'_>, mut feed: Feed, keys: &[Begun; 2]) -> Result<Feed> {
    feed.channel = feeds::insert(tx, &feed).await?;
    for key in keys {
        key.insert(tx, feed.channel).await?;
    }
    let [write, read] = keys;
    feed.keys = Some(NewFeedKeys {
        write_key: write.secret.clone(),
        read_key: read.secret.clone(),
    });
    Ok(feed)
}

/// Makes sure that an organisation that is held may have another feed.
pub(super) async fn require_room(tx: &mut Conn<'_>, organisation: &OrganisationId) -> Result<()> {
    if feeds::count(tx, organisation).await? >= MAX_FEEDS {
        return Err(Error::Conflict(format!(
            "an organisation has at most {MAX_FEEDS} measurement feeds: remove one that is not used"
        )));
    }
    Ok(())
}

/// Changes what `update` names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign feed as for an unknown one; [`Error::Invalid`].
pub async fn change(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    channel: ChannelNumber,
    update: FeedUpdate,
) -> Result<Feed> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, channel).await?;
    let name = update.name.map(|name| fit_name("name", &name)).transpose()?;
    let description = update
        .description
        .map(|text| fit("description", text, MAX_DESCRIPTION_LEN))
        .transpose()?;
    let fields = update.fields.map(fit_fields).transpose()?;
    let location = update.location.map(fit_location).transpose()?;
    let metadata = update
        .metadata
        .map(|text| fit("metadata", text, MAX_METADATA_LEN))
        .transpose()?;
    let retention = update.retention.map(fit_retention).transpose()?;
    write!(context.db, |tx| -> Result<Feed> {
        let former = hold(tx, &doing).await?;
        let feed = Feed {
            name: name.unwrap_or_else(|| former.name.clone()),
            description: description.unwrap_or_else(|| former.description.clone()),
            fields: fields.unwrap_or_else(|| former.fields.clone()),
            location: location.or(former.location),
            metadata: metadata.unwrap_or_else(|| former.metadata.clone()),
            retention: retention.unwrap_or(former.retention),
            ..former.clone()
        };
        if feed != former {
            feeds::update(tx, &feed).await?;
            doing.record(tx, Action::FeedChanged, &feed.name).await?;
        }
        Ok(feed)
    })
}

/// Removes a feed, its keys, and what was measured.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn remove(
    context: &Context,
    store: &Measurements,
    caller: &Caller,
    organisation: OrganisationId,
    channel: ChannelNumber,
) -> Result<()> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, channel).await?;
    write!(context.db, |tx| -> Result<()> {
        let feed = hold(tx, &doing).await?;
        feeds::remove(tx, doing.id).await?;
        doing.record(tx, Action::FeedRemoved, &feed.name).await
    })?;
    // What is left behind where this fails, the sweep finds: a channel without a feed.
    let _writing = store.writing.lock().await;
    Ok(write!(store.db, |tx| {
        measurements::remove_channel(tx, channel.0).await
    })?)
}

/// Holds the organisation and the feed, for a caller who still administers it.
pub(super) async fn hold(tx: &mut Conn<'_>, doing: &ByAdmin<ChannelNumber>) -> Result<Feed> {
    doing.hold(tx).await?;
    let feed = feeds::lock(tx, doing.id).await?;
    feed.filter(|feed| feed.organisation == doing.organisation)
        .ok_or(Error::NotFound)
}

fn fit(field: &'static str, text: String, max_len: usize) -> Result<String> {
    check_text(field, &text, max_len)?;
    Ok(text)
}

fn fit_fields(fields: Vec<FeedField>) -> Result<Vec<FeedField>> {
    if fields.len() > MAX_FIELDS {
        return Err(Error::invalid(
            "fields",
            format!("a feed has at most {MAX_FIELDS} fields"),
        ));
    }
    for field in &fields {
        check_text("fields", &field.name, MAX_FIELD_NAME_LEN)?;
        check_text("fields", &field.unit, MAX_UNIT_LEN)?;
    }
    Ok(fields)
}

fn fit_location(location: Location) -> Result<Location> {
    let is_there = location.latitude.abs() <= 90.0
        && location.longitude.abs() <= 180.0
        && location.elevation.is_none_or(f64::is_finite);
    if !is_there {
        return Err(Error::invalid(
            "location",
            "latitude is -90 to 90 degrees, longitude -180 to 180",
        ));
    }
    Ok(location)
}

fn fit_retention(retention: Retention) -> Result<Retention> {
    for days in [retention.raw_days, retention.minute_days, retention.hour_days] {
        if days.is_some_and(|days| !(1..=MAX_KEPT_DAYS).contains(&days)) {
            return Err(Error::invalid(
                "retention",
                format!("what is measured is kept for 1 to {MAX_KEPT_DAYS} days"),
            ));
        }
    }
    Ok(retention)
}
