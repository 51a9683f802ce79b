//! Feeds that the operator makes on the command line, for programs that only write.

use gangway_protocol::audit::Action;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::measurement::{ChannelNumber, Feed, Retention};

use super::feeds::{insert, require_room};
use super::keys::Begun;
use crate::authority::{Error, Result, fit_name, open_place};
use crate::clock::Clock;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{Db, DbError, audit, feeds, organisations, write};
use crate::people::service::{Fresh, named_or_first};
use crate::rng::Random;

/// Makes a feed with a write key and a read key, in the organisation that is named or in the first one.
///
/// # Errors
/// [`Error::NotFound`] when the organisation does not exist; what is wrong with the name.
pub async fn create_feed(
    db: &Db,
    clock: &dyn Clock,
    random: &dyn Random,
    name: &str,
    organisation: Option<OrganisationId>,
) -> Result<Feed> {
    let now = clock.now();
    let name = fit_name("name", name)?;
    let fresh = Fresh::new(now, random);
    let keys = [Begun::write(random, now), Begun::read(random, now)];
    write!(db, |tx| -> Result<Feed> {
        let organisation = match named_or_first(tx, organisation, &fresh, now).await {
            Err(DbError::Missing) => return Err(Error::NotFound),
            found => found?,
        };
        organisations::bump_revision(tx, &organisation).await?;
        open_place(tx, &organisation).await?;
        require_room(tx, &organisation).await?;
        let feed = Feed {
            channel: ChannelNumber(0),
            organisation,
            device: None,
            name,
            description: String::new(),
            fields: Vec::new(),
            location: None,
            metadata: String::new(),
            retention: Retention::default(),
            created_at: now,
            keys: None,
        };
        let feed = insert(tx, feed, &keys).await?;
        let entry = Entry {
            scope: Scope::Organisation(&feed.organisation),
            at: now,
            actor: Actor::Server,
            action: Action::FeedAdded,
            subject: &feed.channel.to_string(),
            detail: &feed.name,
        };
        audit::append(tx, &entry).await?;
        Ok(feed)
    })
}

/// Removes a feed whose keys could not be shown to anybody.
///
/// # Errors
/// What the database says.
pub async fn remove_unseen(db: &Db, clock: &dyn Clock, feed: &Feed) -> Result<()> {
    let (now, feed) = (clock.now(), feed.clone());
    write!(db, |tx| -> Result<()> {
        feeds::remove(tx, feed.channel).await?;
        let entry = Entry {
            scope: Scope::Organisation(&feed.organisation),
            at: now,
            actor: Actor::Server,
            action: Action::FeedRemoved,
            subject: &feed.channel.to_string(),
            detail: "its keys could not be shown",
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
