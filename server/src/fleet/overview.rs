//! A fleet at a glance, and the hourly count of who is online.

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::overview::{
    FUNNEL_DAYS, FleetOverview, MAX_VERSIONS, NamedCount, PRESENCE_DAYS, SignerCount, WEEKS_AHEAD,
};
use gangway_protocol::time::UnixMillis;

use crate::authority::{Caller, Result};
use crate::context::Context;
use crate::db::fleet::overview::{self, GroupedBy};
use crate::db::{DbError, write};

/// The fleets that the caller sees, or what of them is in an organisation and below it.
///
/// # Errors
/// [`NotFound`](crate::authority::Error::NotFound) or [`Forbidden`](crate::authority::Error::Forbidden) for an organisation that
/// they may not see.
pub async fn show(
    context: &Context,
    caller: &Caller,
    organisation: Option<&OrganisationId>,
) -> Result<FleetOverview> {
    let now = context.clock.now();
    let fleets = caller.chosen_fleets(&context.db, organisation).await?;
    let organisations = caller.chosen_organisations(&context.db, organisation).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let states = overview::grouped(conn, &fleets, GroupedBy::State).await?;
    let versions = overview::grouped(conn, &fleets, GroupedBy::SoftwareVersion).await?;
    let signers = overview::grouped(conn, &fleets, GroupedBy::Signer).await?;
    let ids: Vec<String> = signers.iter().map(|(id, _)| id.clone()).collect();
    let names = overview::signer_names(conn, &ids).await?;
    let (expired, expiring) = overview::expiring(conn, &fleets, now, WEEKS_AHEAD).await?;
    let since = |days: u32| now.plus(-i64::from(days) * UnixMillis::DAY);
    let devices: u64 = states
        .iter()
        .filter(|(state, _)| state != "retired")
        .map(|(_, devices)| devices)
        .sum();
    let told_apart: u64 = versions
        .iter()
        .take(MAX_VERSIONS)
        .map(|(_, devices)| devices)
        .sum();
    Ok(FleetOverview {
        devices,
        online: overview::online(conn, &fleets).await?,
        other_versions: devices.saturating_sub(told_apart),
        versions: versions.into_iter().take(MAX_VERSIONS).map(named).collect(),
        states: states.into_iter().map(named).collect(),
        signers: signers
            .into_iter()
            .filter_map(|counted| signer(counted, &names))
            .collect(),
        expired,
        expiring,
        enrolments: overview::enrolments(conn, &organisations, since(FUNNEL_DAYS)).await?,
        presence: overview::presence(conn, &organisations, since(PRESENCE_DAYS)).await?,
    })
}

fn named((name, devices): (String, u64)) -> NamedCount {
    NamedCount { name, devices }
}

fn signer((id, devices): (String, u64), names: &[(SignerId, String)]) -> Option<SignerCount> {
    let (id, name) = names.iter().find(|(known, _)| known.as_str() == id)?;
    Some(SignerCount {
        id: id.clone(),
        name: name.clone(),
        devices,
    })
}

/// Counts who is online, once an hour, and forgets what is too old to be shown.
pub async fn take_sample(context: &Context) {
    if let Err(error) = sample(context).await {
        tracing::warn!(%error, "who is online was not counted; the next hour will show a gap");
    }
}

async fn sample(context: &Context) -> Result<(), DbError> {
    let now = context.clock.now();
    let hour = UnixMillis(now.0 - now.0.rem_euclid(UnixMillis::HOUR));
    let (counted, newest) = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let newest = overview::newest_sample(conn).await?;
        if newest.is_some_and(|newest| newest >= hour) {
            return Ok(());
        }
        (overview::count_presence(conn).await?, newest)
    };
    let before = now.plus(-i64::from(PRESENCE_DAYS) * UnixMillis::DAY);
    write!(context.db, |tx| {
        overview::keep_presence(tx, hour, &counted).await?;
        if newest.is_some() {
            overview::forget_presence(tx, before).await?;
        }
        Ok(())
    })
}
