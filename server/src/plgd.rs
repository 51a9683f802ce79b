//! plgd's signing API as a service: our CA signs for plgd's clients and for the OCF devices that they own
//! (`docs/decisions/0030-plgd-api.md`).
//!
//! 1. [`names`]: who may be called what. plgd reads the common name of a certificate and nothing else, so that it decides who
//!    somebody is.
//! 2. [`signing`]: a request is signed in the transaction that records it; what stood for the same name and key is revoked.
//! 3. [`records`]: what stands is listed, revoked and forgotten, by whoever had it signed or runs the organisation's devices.
//!
//! What is signed here is no device of a fleet: it stands in a table of its own and opens no session.

pub mod names;
pub mod records;
pub mod signing;

use gangway_protocol::audit::Action;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;
use uuid::Uuid;

use crate::authority::Member;
use crate::db::audit::{Entry, Scope};
use crate::db::plgd::PlgdRecord;
use crate::db::{Conn, DbError, audit};

/// What the record calls a certificate that was signed here.
const ISSUED: Action = Action::PlgdCertificateIssued;
/// What the record calls one that was revoked.
pub const REVOKED: Action = Action::PlgdCertificateRevoked;

/// The UUID under which an organisation is a hub of its own: plgd knows its servers by one.
#[must_use]
pub fn hub_uuid(organisation: &OrganisationId) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, organisation.as_str().as_bytes())
}

/// Records what happened to a certificate.
async fn note(
    tx: &mut Conn<'_>,
    certificate: &PlgdRecord,
    member: &Member,
    action: Action,
    at: UnixMillis,
) -> Result<(), DbError> {
    let entry = Entry {
        scope: Scope::Organisation(&certificate.organisation),
        at,
        actor: member.actor(),
        action,
        subject: &certificate.record.to_string(),
        detail: &format!(
            "{}, serial {}, SHA-256 {}",
            certificate.common_name, certificate.serial, certificate.sha256
        ),
    };
    audit::append(tx, &entry).await
}
