//! What was revoked here and signed elsewhere has to be ended there. Until then it stands in a list, and is tried as often as it takes.
//!
//! People end what is at AWS or a hub, with their own credentials. The server ends what a corporate CA signed, with the credential that
//! it has for it; EST has no operation for that, so that people there do it, and say so here.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{CorporateError, CorporateRevocation};

use super::{EnrolmentError, note_certificate, tell};
use crate::authority::Member;
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::certificates::{CertificateRecord, SignedBy};
use crate::db::{DbError, certificates, signers, write};
use crate::signers::CorporateCa;

/// Most that one look ends; the rest waits for the next, so that a CA is not flooded.
const BATCH: i64 = 50;
/// After a failure; twice as long after each further one.
const PAUSE: i64 = UnixMillis::MINUTE;
/// The longest pause.
const LONGEST_PAUSE: i64 = 6 * UnixMillis::HOUR;

/// Ends at corporate CAs what is due there.
pub async fn end_at_corporate_cas(context: &Context) {
    if let Err(error) = end_due(context).await {
        tracing::error!(%error, "could not look what is to be ended at corporate CAs");
    }
}

async fn end_due(context: &Context) -> Result<(), EnrolmentError> {
    let now = context.clock.now();
    let due = {
        let mut reader = context.db.reader().await?;
        certificates::endings_due_at_corporate(&mut reader.conn(), now, BATCH).await?
    };
    for (certificate, tries) in due {
        // Before it is asked: another server leaves it alone, and a crash is followed by a pause.
        let pause = LONGEST_PAUSE.min(PAUSE << tries.clamp(0, 9));
        let sha256 = certificate.sha256;
        write!(context.db, |tx| {
            certificates::postpone_ending(tx, &sha256, now.plus(pause)).await
        })?;
        match revoke_there(context, &certificate).await? {
            Ok(true) => note_ended(context, certificate).await?,
            Ok(false) => {}
            Err(error) => {
                let (device, signer) = (&certificate.device, &certificate.signer);
                tracing::warn!(%device, %signer, %error, "a revoked certificate could not be ended at its CA yet");
            }
        }
    }
    Ok(())
}

/// Whether it is ended there; not, where the CA has no way to be asked.
async fn revoke_there(
    context: &Context,
    certificate: &CertificateRecord,
) -> Result<Result<bool, CorporateError>, EnrolmentError> {
    let Context {
        db,
        ca,
        clock,
        random,
        ..
    } = context;
    let signer = signers::find(&mut db.reader().await?.conn(), &certificate.signer).await?;
    let signer = signer.ok_or(DbError::Corrupt("certificates.signer"))?;
    let asked = match CorporateCa::open(db, ca.key_store(), &signer, &**clock, &**random).await {
        Ok(Ok(asked)) => asked,
        Ok(Err(error)) => return Ok(Err(error)),
        Err(error) => {
            let detail = error.to_string();
            return Ok(Err(CorporateError::Unreachable { detail }));
        }
    };
    if !asked.revokes() {
        return Ok(Ok(false));
    }
    let external_id = match &certificate.signed_by {
        SignedBy::Own(_) => None,
        SignedBy::Other { external_id, .. } => external_id.clone(),
    };
    let reason = certificate
        .revocation
        .as_ref()
        .map(|revocation| revocation.reason);
    let revocation = CorporateRevocation {
        serial: certificate.serial.clone(),
        external_id,
        reason: reason.unwrap_or(RevocationReason::Unspecified),
    };
    Ok(asked.revoke(revocation).await.map(|()| true))
}

async fn note_ended(context: &Context, certificate: CertificateRecord) -> Result<(), EnrolmentError> {
    let now = context.clock.now();
    let (organisation, device) = (certificate.organisation.clone(), certificate.device.clone());
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        if certificates::end(tx, &certificate.sha256, now).await? {
            note_certificate(tx, &certificate, Actor::Server, DeviceAction::EndedAtSigner, now).await?;
        }
        Ok(())
    })?;
    tell(context, &organisation, &device, FleetChangeKind::Changed);
    Ok(())
}

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
