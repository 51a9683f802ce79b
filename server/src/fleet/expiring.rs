//! Certificates that end soon: listed for whoever looks after a fleet, and told to its webhooks 30, 7 and 1 days before.
//!
//! Notices follow the ends of certificates in their order: for each number of days it is written down how far they have got, in the
//! transaction that tells. So each is given once, also over restarts; a certificate that was renewed meanwhile has another end by then,
//! and one that was issued within the threshold gets no notice for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangway_protocol::device::Device;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{
    EXPIRY_NOTICES, ExpiringQuery, MAX_EXPIRING_DAYS, WebhookDetail, WebhookEventType,
};

use super::{Unacceptable, unacceptable};
use crate::context::Context;
use crate::db::expiry::{self, Expiring, Place, Within};
use crate::db::fleet::MAX_COUNTED;
use crate::db::organisations::tree;
use crate::db::webhooks::outbox::{self, Happening};
use crate::db::{Conn, DbError, write};

/// How far ahead a list looks that does not say.
const DEFAULT_DAYS: u32 = 30;
/// Notices of one transaction.
const BATCH: usize = 500;

/// Which certificates, from where on.
#[derive(Clone, Debug)]
pub struct Request {
    from: UnixMillis,
    until: UnixMillis,
    after: Option<Place>,
    limit: u32,
}

impl Request {
    /// Reads a query string.
    ///
    /// # Errors
    /// The first field that is not acceptable.
    pub fn read(query: &ExpiringQuery, now: UnixMillis) -> Result<Self, Unacceptable> {
        let days = query.days.unwrap_or(DEFAULT_DAYS);
        if !(1..=MAX_EXPIRING_DAYS).contains(&days) {
            return Err(unacceptable("days", format!("days is 1 to {MAX_EXPIRING_DAYS}")));
        }
        let limit = query.limit.unwrap_or(DEFAULT_PAGE_LIMIT);
        if !(1..=MAX_PAGE_LIMIT).contains(&limit) {
            return Err(unacceptable("limit", format!("limit is 1 to {MAX_PAGE_LIMIT}")));
        }
        let place = |after: &str| {
            let (at, device): (i64, String) =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(after).ok()?).ok()?;
            Some(Place(UnixMillis(at), device))
        };
        let unknown = || unacceptable("after", "after is what the page before gave as its next");
        let after = query
            .after
            .as_deref()
            .map(|after| place(after).ok_or_else(unknown));
        Ok(Self {
            from: now,
            until: now.plus(i64::from(days) * UnixMillis::DAY),
            after: after.transpose()?,
            limit,
        })
    }

    /// One page over an organisation and all below it. The first one also tells how many there are.
    ///
    /// # Errors
    /// What the database says.
    pub async fn page(
        &self,
        conn: &mut Conn<'_>,
        organisation: &OrganisationId,
    ) -> Result<Page<Device>, DbError> {
        // What has run out by now is not ending any more.
        let after = self.after.clone().unwrap_or_else(|| behind(self.from));
        let place = tree::find(conn, organisation).await?.ok_or(DbError::Missing)?;
        let part = match place.parent {
            None => None,
            Some(_) => Some(tree::subtree(conn, organisation).await?),
        };
        let within = Within {
            customer: &place.root,
            part: part.as_deref(),
        };
        let fetch = i64::from(self.limit) + 1;
        let mut found = expiry::page(conn, within, &after, self.until, fetch).await?;
        let total = match self.after {
            None => expiry::count(conn, within, self.from, self.until, MAX_COUNTED + 1).await?,
            Some(_) => 0,
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| written(&place_of(last)));
        Ok(Page {
            total: self.after.is_none().then_some(total.min(MAX_COUNTED)),
            total_is_more: total > MAX_COUNTED,
            ..Page::new(found, next)
        })
    }
}

/// Behind every certificate that ends then.
fn behind(at: UnixMillis) -> Place {
    Place(at, "~".to_owned())
}

fn place_of(device: &Device) -> Place {
    Place(
        device.certificate_expires_at.unwrap_or(UnixMillis(i64::MAX)),
        device.id.to_string(),
    )
}

fn written(place: &Place) -> String {
    // A number and a text have a JSON form.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(place.0.0, &place.1)).unwrap_or_default())
}

/// Tells webhooks of the certificates that come within one of the thresholds.
pub async fn give_notice(context: &Context) {
    let now = context.clock.now();
    // The nearest first: who was not told for a while, because the server was off, is told the most urgent.
    let mut days = EXPIRY_NOTICES;
    days.sort_unstable();
    let mut nearer = now;
    for days in days {
        let until = now.plus(i64::from(days) * UnixMillis::DAY);
        if let Err(error) = give_notice_of(context, days, nearer, until).await {
            tracing::error!(days, %error, "could not tell which certificates end soon");
            return;
        }
        nearer = until;
    }
}

/// Tells of those that end behind `from`, until then, and that were not told of before.
async fn give_notice_of(
    context: &Context,
    days: u32,
    from: UnixMillis,
    until: UnixMillis,
) -> Result<(), DbError> {
    loop {
        let at = context.clock.now();
        let told = write!(context.db, |tx| {
            let told = expiry::noticed(tx, days).await?;
            let after = told.map_or_else(|| behind(from), |told| told.max(behind(from)));
            if after >= behind(until) {
                // After a clock that was ahead was set right, what it passed over is told when it is time.
                if after > behind(until) {
                    expiry::note_noticed(tx, days, &behind(until)).await?;
                }
                return Ok(0);
            }
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let found = expiry::following(tx, &after, until, limit).await?;
            let count = found.len();
            let place = match found.last() {
                Some(last) if count == BATCH => Place(last.at, last.device.to_string()),
                _ => behind(until),
            };
            let devices: Vec<&DeviceId> = found.iter().map(|one| &one.device).collect();
            let issued = expiry::newest_issued(tx, &devices).await?;
            // Where certificates live no longer than this, each would be told of as soon as it is there.
            let life = i64::from(days) * UnixMillis::DAY + UnixMillis::HOUR;
            let lived = |one: &&Expiring| {
                let issued = issued.get(&one.device);
                issued.is_none_or(|issued| one.at.since(*issued) > life)
            };
            let happenings: Vec<Happening> = found
                .iter()
                .filter(lived)
                .map(|one| notice(one, days, at))
                .collect();
            outbox::put(tx, &happenings).await?;
            expiry::note_noticed(tx, days, &place).await?;
            Ok(count)
        })?;
        if told < BATCH {
            return Ok(());
        }
    }
}

fn notice(expiring: &Expiring, days: u32, at: UnixMillis) -> Happening {
    Happening {
        detail: WebhookDetail {
            expires_at: Some(expiring.at),
            days: Some(days),
            ..WebhookDetail::default()
        },
        ..Happening::new(
            WebhookEventType::Expiring,
            &expiring.organisation,
            &expiring.device,
            at,
        )
    }
}
