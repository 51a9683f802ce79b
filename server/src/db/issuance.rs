//! What a new certificate changes, in one trip to the database: the certificate, its device, the approval that it came of.

use gangway_protocol::id::ClaimId;

use super::certificates::Generation;
use super::together::execute_together;
use super::{Conn, DbError, approvals, certificates, devices};

/// Records a new certificate of a device. False when `approval` was withdrawn meanwhile.
///
/// # Errors
/// [`DbError::Unique`] when somebody else has recorded that generation of the key meanwhile.
pub async fn record(
    conn: &mut Conn<'_>,
    new: &Generation,
    approval: Option<&ClaimId>,
) -> Result<bool, DbError> {
    let certificate = &new.certificate;
    let insertion = certificates::insertion(new);
    let certification =
        devices::certification(&certificate.device, &certificate.signer, certificate.not_after);
    let Some(claim) = approval else {
        execute_together(conn, [certification, insertion]).await?;
        return Ok(true);
    };
    let issuing = approvals::issuing(claim, &certificate.sha256, certificate.issued_at);
    let [_, moved, _] = execute_together(conn, [certification, issuing, insertion]).await?;
    Ok(moved > 0)
}
