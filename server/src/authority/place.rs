//! Whether something may still be put into an organisation, and who may change what is there.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;

use super::{Caller, Error, Result};
use crate::db::organisations::tree::{self, Place};
use crate::db::{Conn, organisations};

/// An organisation, if it is open, in a transaction that holds it.
///
/// # Errors
/// [`Error::Conflict`] for one that is archived.
pub async fn open_place(tx: &mut Conn<'_>, id: &OrganisationId) -> Result<Place> {
    let place = tree::find(tx, id).await?.ok_or(Error::NotFound)?;
    if !place.is_open() {
        return Err(Error::Conflict(format!(
            "“{}” is archived: open it again first, or choose another organisation",
            place.name
        )));
    }
    Ok(place)
}

/// Holds an organisation until the transaction ends, for a caller whose role there still allows it.
///
/// # Errors
/// [`Error::NotFound`] when it does not any more.
pub async fn hold_as(
    tx: &mut Conn<'_>,
    caller: &Caller,
    id: &OrganisationId,
    may: fn(Role) -> bool,
) -> Result<()> {
    organisations::bump_revision(tx, id).await?;
    let own = organisations::role_at(tx, id, &caller.account).await?;
    if !own.is_some_and(may) {
        return Err(Error::NotFound);
    }
    Ok(())
}
