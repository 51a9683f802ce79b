//! Permits by the server's own command line, without a browser. What is made there belongs to the organisation's service account.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{OrganisationId, PermitId};
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{ImportOutcome, PermitRequest, PreapprovalImport};
use gangway_protocol::secret::SecretString;

use super::draft::{Draft, Maker};
use super::{described, preapproval};
use crate::authority::Result;
use crate::ca::KeyStore;
use crate::clock::Clock;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{Db, audit, organisations, write};
use crate::people::service;
use crate::rng::Random;

/// What the command line works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The database.
    pub db: &'a Db,
    /// Seals secrets.
    pub key_store: &'a KeyStore,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub random: &'a dyn Random,
}

/// Makes a registration key or a ticket; in the first organisation where none is named, which is made when there is none.
///
/// # Errors
/// What is wrong with it; [`Error::NotFound`](crate::authority::Error::NotFound) for an unknown organisation.
pub async fn make(
    tools: Tools<'_>,
    organisation: Option<OrganisationId>,
    request: PermitRequest,
) -> Result<SecretString> {
    let now = tools.clock.now();
    let (organisation, member) =
        service::command_line_of(tools.db, tools.clock, tools.random, organisation).await?;
    let id = PermitId::new(now, tools.random.for_id());
    let made = Draft::check(request, now)?.seal(tools.key_store, id, tools.random)?;
    let key = made.device_permit.written();
    write!(tools.db, |tx| -> Result<()> {
        organisations::bump_revision(tx, &organisation).await?;
        let maker = Maker {
            account: member.account,
            name: member.name,
            role: Role::Owner,
        };
        let permit = made.insert(tx, &organisation, &maker, None, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: Actor::Server,
            action: Action::PermitMade,
            subject: permit.id.as_str(),
            detail: &described(&permit),
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    Ok(key)
}

/// Enters devices before they appear; in the first organisation where none is named.
///
/// # Errors
/// What is wrong with all of them; what is wrong with one is in the outcome.
pub async fn preapprove(
    tools: Tools<'_>,
    organisation: Option<OrganisationId>,
    request: PreapprovalImport,
) -> Result<ImportOutcome> {
    let (organisation, member) =
        service::command_line_of(tools.db, tools.clock, tools.random, organisation).await?;
    preapproval::import_by_operator(tools, member, organisation, request).await
}
