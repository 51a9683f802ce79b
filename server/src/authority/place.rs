//! Whether something may still be put into an organisation.

use gangway_protocol::id::OrganisationId;

use super::{Error, Result};
use crate::db::Conn;
use crate::db::organisations::tree::{self, Place};

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
