//! A certificate that somebody else has signed, as it goes on record: to serve, or as revoked, because it exists.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::{EnrolmentError, note_certificate};
use crate::ca::Presented;
use crate::db::audit::Actor;
use crate::db::certificates::{CertificateRecord, Generation, Revoked, SignedBy};
use crate::db::{Conn, DbError, certificates, devices, issuance};

/// What is known of it, beside what stands in it.
pub(super) struct Foreign<'a> {
    pub(super) presented: &'a Presented,
    pub(super) trust_anchors: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) organisation: OrganisationId,
    pub(super) device: DeviceId,
    pub(super) signer: SignerId,
}

/// What it is for.
pub(super) enum Use<'a> {
    /// An approval that waits for it.
    Approval(&'a ClaimId),
    /// The renewal of another one.
    Renewal,
    /// It may not serve.
    Nothing,
}

impl Foreign<'_> {
    /// Records it as the next generation of its key.
    pub(super) async fn record(
        self,
        tx: &mut Conn<'_>,
        purpose: Use<'_>,
        actor: Actor<'_>,
        now: UnixMillis,
    ) -> Result<CertificateRecord, EnrolmentError> {
        let presented = self.presented;
        let spki = presented.key().spki_sha256();
        let newest = certificates::newest_of_key(tx, &self.organisation, &spki).await?;
        let tbs = &presented.leaf().tbs_certificate;
        let new = Generation {
            number: newest.map_or(1, |newest| newest.number + 1),
            certificate: CertificateRecord {
                sha256: *presented.sha256(),
                signed_by: SignedBy::Other {
                    above: presented.above(),
                    trust_anchors: self.trust_anchors,
                    external_id: self.external_id,
                },
                serial: presented.serial(),
                organisation: self.organisation,
                device: self.device,
                signer: self.signer,
                spki_sha256: spki,
                leaf: presented.pem(),
                subject: tbs.subject.to_string(),
                issuer_name: tbs.issuer.to_string(),
                key_kind: presented.key().kind().to_string(),
                not_before: presented.not_before(),
                not_after: presented.not_after(),
                issued_at: now,
                delivered_at: None,
                proven_at: None,
                superseded_at: None,
                grace_until: None,
                revocation: None,
                ended_at: None,
            },
        };
        let claim = match purpose {
            Use::Approval(claim) => Some(claim),
            Use::Renewal | Use::Nothing => None,
        };
        if !issuance::record(tx, &new, claim).await? {
            return Err(DbError::Busy.into());
        }
        let certificate = new.certificate;
        note_certificate(tx, &certificate, actor, DeviceAction::CertificateIssued, now).await?;
        match purpose {
            Use::Approval(_) | Use::Renewal => Ok(certificate),
            Use::Nothing => revoke(tx, certificate, actor, now).await,
        }
    }
}

/// It exists, so that its signer has to hear of it.
async fn revoke(
    tx: &mut Conn<'_>,
    certificate: CertificateRecord,
    actor: Actor<'_>,
    now: UnixMillis,
) -> Result<CertificateRecord, EnrolmentError> {
    let revoked = Revoked {
        at: now,
        reason: RevocationReason::CessationOfOperation,
    };
    certificates::revoke_one(tx, &certificate.sha256, revoked).await?;
    devices::refresh_expiry(tx, &certificate.device).await?;
    note_certificate(tx, &certificate, actor, DeviceAction::CertificateRevoked, now).await?;
    let recorded = certificates::find(tx, &certificate.sha256).await?;
    Ok(recorded.ok_or(DbError::Corrupt("certificates: a new one is gone"))?)
}
