//! What was revoked here and signed elsewhere has to be ended there, by somebody who may: the server holds no credentials of any
//! signer. Until then it stands in a list, and is tried as often as it takes.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;

use super::{EnrolmentError, note_certificate};
use crate::authority::Member;
use crate::context::Context;
use crate::db::certificates::CertificateRecord;
use crate::db::{certificates, write};

/// Records that a certificate was ended at its signer. Repeating it changes nothing.
///
/// # Errors
/// [`EnrolmentError::Conflict`] for a certificate of our own CA, or one that was not revoked; [`EnrolmentError::NotFound`].
pub async fn record(
    context: &Context,
    sha256: Sha256Hex,
    member: Member,
) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let mut certificate = certificates::find(tx, &sha256)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        if certificate.ended_at.is_some() {
            return Ok(certificate);
        }
        if !certificate.is_ending_due() {
            return Err(EnrolmentError::Conflict(
                "only a certificate that was signed elsewhere and revoked here is ended at its signer",
            ));
        }
        if certificates::end(tx, &sha256, now).await? {
            note_certificate(tx, &certificate, member.actor(), DeviceAction::EndedAtSigner, now).await?;
        }
        certificate.ended_at = Some(now);
        Ok(certificate)
    })
}
