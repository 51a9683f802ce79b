//! Keys of feeds: made, replaced with an overlap, ended, by those who administer the feed's organisation.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{FeedKeyId, OrganisationId};
use gangway_protocol::measurement::{
    ChannelNumber, FeedKey, FeedKeyKind, FeedKeyReplacement, FeedKeyRequest, MAX_FIELDS, MAX_OVERLAP_HOURS,
    MAX_READ_KEYS,
};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::feeds::hold;
use crate::authority::secret::SecretKind;
use crate::authority::{ByAdmin, Caller, Error, Result, Right, fit_name};
use crate::context::Context;
use crate::db::feeds::keys;
use crate::db::{Conn, SecretHash, write};
use crate::once::Once;
use crate::rng::Random;

/// Hours for which a key goes on beside the one in its place: a working day and a night.
const OVERLAP_HOURS: u32 = 24;
/// Write keys that are replaced again before their overlap is over.
const MAX_WRITE_KEYS: usize = 10;

/// A key that is about to be written down.
#[derive(Clone)]
pub(super) struct Begun {
    pub(super) secret: SecretString,
    key: FeedKey,
}

impl Begun {
    /// The first write key of a feed.
    pub(super) fn write(random: &dyn Random, now: UnixMillis) -> Self {
        Self::new(random, now, FeedKeyKind::Write, "Write key".to_owned())
    }

    /// The first read key of a feed.
    pub(super) fn read(random: &dyn Random, now: UnixMillis) -> Self {
        Self::new(random, now, FeedKeyKind::Read, "Read key".to_owned())
    }

    fn new(random: &dyn Random, now: UnixMillis, kind: FeedKeyKind, name: String) -> Self {
        let secret = match kind {
            FeedKeyKind::Write => SecretKind::FeedWrite.mint(random),
            FeedKeyKind::Read => SecretKind::FeedRead.mint(random),
        };
        Self {
            secret,
            key: FeedKey {
                id: FeedKeyId::new(now, random.for_id()),
                kind,
                name,
                fields: None,
                created_at: now,
                expires_at: None,
                last_used_at: None,
                secret: None,
            },
        }
    }

    pub(super) async fn insert(&self, tx: &mut Conn<'_>, channel: ChannelNumber) -> Result<()> {
        Ok(keys::insert(tx, channel, &SecretHash::of(&self.secret), &self.key).await?)
    }

    /// As whoever asked for it gets it, once.
    fn shown(self) -> FeedKey {
        FeedKey {
            secret: Some(self.secret),
            ..self.key
        }
    }
}

/// The keys of a feed, oldest first, without their secrets.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for whoever does not administer it.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    channel: ChannelNumber,
) -> Result<Vec<FeedKey>> {
    caller
        .require(&context.db, organisation, Right::Administer)
        .await?;
    super::feeds::of(context, organisation, channel).await?;
    let mut reader = context.db.reader().await?;
    Ok(keys::of_feed(&mut reader.conn(), channel).await?)
}

/// Makes a key. Under the same idempotency key it is made once, and the same comes back, its secret with it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`]; [`Error::Conflict`] when there are too many, or a write key stands.
pub async fn add(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    channel: ChannelNumber,
    request: FeedKeyRequest,
) -> Result<FeedKey> {
    let now = context.clock.now();
    let doing = ByAdmin::begin(&context.db, now, caller, organisation, channel).await?;
    let place = path::feed_keys(&doing.organisation, channel);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let name = fit_name("name", &request.name)?;
    let mut begun = Begun::new(&*context.random, now, request.kind, name);
    begun.key.fields = request.fields.map(fit_fields).transpose()?;
    begun.key.expires_at = request.expires_at;
    if request.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("expires_at", "expires_at is in the future"));
    }
    if request.kind == FeedKeyKind::Write && begun.key.fields.is_some() {
        return Err(Error::invalid("fields", "a write key is for all fields"));
    }
    write!(context.db, |tx| -> Result<FeedKey> {
        if let Some(once) = &once
            && let Some(key) = once.begin(tx, now).await?
        {
            return Ok(key);
        }
        let feed = hold(tx, &doing).await?;
        let standing = keys::of_feed(tx, doing.id).await?;
        let of_kind = |key: &&FeedKey| key.kind == begun.key.kind;
        let is_live = |key: &FeedKey| key.expires_at.is_none_or(|at| at > now);
        match begun.key.kind {
            FeedKeyKind::Write if standing.iter().filter(of_kind).any(is_live) => {
                return Err(Error::Conflict(
                    "this feed has a write key: replace that one".to_owned(),
                ));
            }
            FeedKeyKind::Read if standing.iter().filter(of_kind).count() >= MAX_READ_KEYS => {
                return Err(Error::Conflict(format!(
                    "a feed has at most {MAX_READ_KEYS} read keys: end one that is not used"
                )));
            }
            FeedKeyKind::Write | FeedKeyKind::Read => {}
        }
        begun.insert(tx, doing.id).await?;
        let shown = begun.clone().shown();
        if let Some(once) = &once {
            once.end(tx, &shown).await?;
        }
        let detail = format!("{}: {}", feed.name, begun.key.name);
        doing.record(tx, Action::FeedKeyAdded, &detail).await?;
        Ok(shown)
    })
}

/// Makes another key in the place of one, which goes on for a while.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Conflict`] for one whose time is over.
pub async fn replace(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    channel: ChannelNumber,
    id: FeedKeyId,
    request: FeedKeyReplacement,
) -> Result<FeedKey> {
    let now = context.clock.now();
    let doing = ByAdmin::begin(&context.db, now, caller, organisation, channel).await?;
    let hours = request.overlap_hours.unwrap_or(OVERLAP_HOURS);
    if hours > MAX_OVERLAP_HOURS {
        return Err(Error::invalid(
            "overlap_hours",
            format!("overlap_hours is at most {MAX_OVERLAP_HOURS}"),
        ));
    }
    // Drawn before the transaction, which may run again.
    let fresh = [FeedKeyKind::Write, FeedKeyKind::Read]
        .map(|kind| Begun::new(&*context.random, now, kind, String::new()));
    write!(context.db, |tx| -> Result<FeedKey> {
        let feed = hold(tx, &doing).await?;
        let standing = keys::of_feed(tx, doing.id).await?;
        let former = standing.iter().find(|key| key.id == id).ok_or(Error::NotFound)?;
        if former.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::Conflict(
                "the time of this key is over: make another one".to_owned(),
            ));
        }
        let of_kind = standing.iter().filter(|key| key.kind == former.kind).count();
        let most = match former.kind {
            FeedKeyKind::Write => MAX_WRITE_KEYS,
            FeedKeyKind::Read => MAX_READ_KEYS,
        };
        if of_kind >= most {
            return Err(Error::Conflict(
                "this feed has too many keys: end those that are not used".to_owned(),
            ));
        }
        let [write, read] = fresh;
        let mut begun = match former.kind {
            FeedKeyKind::Write => write,
            FeedKeyKind::Read => read,
        };
        begun.key.name.clone_from(&former.name);
        begun.key.fields.clone_from(&former.fields);
        begun.key.expires_at = former.expires_at;
        begun.insert(tx, doing.id).await?;
        keys::expire(tx, &former.id, now.plus(i64::from(hours) * UnixMillis::HOUR)).await?;
        let detail = format!("{}: {}", feed.name, former.name);
        doing.record(tx, Action::FeedKeyReplaced, &detail).await?;
        Ok(begun.shown())
    })
}

/// Ends a key at once.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn remove(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    channel: ChannelNumber,
    id: FeedKeyId,
) -> Result<()> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, channel).await?;
    write!(context.db, |tx| -> Result<()> {
        let feed = hold(tx, &doing).await?;
        if !keys::remove(tx, doing.id, &id).await? {
            return Err(Error::NotFound);
        }
        doing.record(tx, Action::FeedKeyRemoved, &feed.name).await
    })
}

fn fit_fields(mut fields: Vec<u8>) -> Result<Vec<u8>> {
    fields.sort_unstable();
    fields.dedup();
    let last = u8::try_from(MAX_FIELDS).unwrap_or(u8::MAX);
    if fields.is_empty() || fields.iter().any(|field| !(1..=last).contains(field)) {
        return Err(Error::invalid(
            "fields",
            format!("fields are numbers from 1 to {MAX_FIELDS}; leave them out for all"),
        ));
    }
    Ok(fields)
}
