//! What was revoked here and signed elsewhere has to be ended there. Until then it stands in a list, and is tried as often as it takes.
//!
//! People end what is at AWS or a hub, with their own credentials. The server ends what a corporate CA signed, with the credential that
//! it has for it; EST has no operation for that, so that people there do it, and say so here.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{CorporateError, CorporateRevocation};

use super::{EnrolmentError, note_certificate, tell};
use crate::authority::Member;
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::certificates::{CertificateRecord, SignedBy};
use crate::db::{certificates, signer_credentials, signers, write};
use crate::signers::CorporateCa;

/// Most that one look ends of an organisation; the rest waits for the next, so that a CA is not flooded.
const BATCH: usize = 50;
/// How many are read at a time.
const PAGE: i64 = 100;
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
    let organisations = {
        let mut reader = context.db.reader().await?;
        signer_credentials::organisations(&mut reader.conn()).await?
    };
    for organisation in organisations {
        end_due_of(context, &organisation).await?;
    }
    Ok(())
}

async fn end_due_of(context: &Context, organisation: &OrganisationId) -> Result<(), EnrolmentError> {
    let now = context.clock.now();
    let (mut after, mut left) = (String::new(), BATCH);
    loop {
        let (due, signers) = {
            let mut reader = context.db.reader().await?;
            let conn = &mut reader.conn();
            let due = certificates::endings_due(conn, organisation, now, &after, PAGE).await?;
            (due, signers::of_organisation(conn, organisation).await?)
        };
        let Some(last) = due.last() else {
            return Ok(());
        };
        after = last.sha256.to_string();
        for certificate in due {
            let signer = signers.iter().find(|signer| signer.id == certificate.signer);
            if let Some(signer) = signer.filter(|signer| signer.kind.is_corporate())
                && end(context, signer, certificate, now).await?
            {
                left -= 1;
                if left == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Ends one, if it is its turn. Whether its CA was asked.
async fn end(
    context: &Context,
    signer: &Signer,
    certificate: CertificateRecord,
    now: UnixMillis,
) -> Result<bool, EnrolmentError> {
    let sha256 = certificate.sha256;
    let tries = {
        let mut reader = context.db.reader().await?;
        certificates::ending_tries(&mut reader.conn(), &sha256).await?
    };
    let (tries, not_before) = tries.unwrap_or((0, now));
    if now < not_before {
        return Ok(false);
    }
    let Context {
        db,
        ca,
        clock,
        random,
        ..
    } = context;
    let opened = CorporateCa::open(db, ca.key_store(), signer, &**clock, &**random).await;
    let opened = match opened {
        Ok(Ok(opened)) if !opened.revokes() => return Ok(false),
        Ok(opened) => opened,
        Err(error) => Err(CorporateError::Credential {
            detail: error.to_string(),
        }),
    };
    // Before it is asked: a crash is followed by a pause as well.
    let pause = LONGEST_PAUSE.min(PAUSE << tries.clamp(0, 9));
    write!(context.db, |tx| {
        certificates::postpone_ending(tx, &sha256, now.plus(pause)).await
    })?;
    let outcome = match opened {
        Ok(opened) => opened.revoke(revocation(&certificate)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => note_ended(context, certificate).await?,
        Err(error) => {
            let (device, signer) = (&certificate.device, &signer.id);
            tracing::warn!(%device, %signer, %error, "a revoked certificate could not be ended at its CA yet");
        }
    }
    Ok(true)
}

fn revocation(certificate: &CertificateRecord) -> CorporateRevocation {
    let external_id = match &certificate.signed_by {
        SignedBy::Own(_) => None,
        SignedBy::Other { external_id, .. } => external_id.clone(),
    };
    let reason = certificate
        .revocation
        .as_ref()
        .map(|revocation| revocation.reason);
    CorporateRevocation {
        serial: certificate.serial.clone(),
        external_id,
        reason: reason.unwrap_or(RevocationReason::Unspecified),
    }
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
