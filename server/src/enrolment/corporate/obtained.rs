//! What a corporate CA has signed for a device's key, as it goes on record: to serve, or as revoked.

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::id::{ClaimId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{CorporateError, CorporateSigned};
use x509_cert::der::Decode as _;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::ext::pkix::BasicConstraints;

use super::super::foreign::{Foreign, Use};
use super::super::issuance::{Grounds, Order, note_key};
use super::super::signing::Signed;
use super::super::standing::lock_device;
use super::super::{EnrolmentError, tell};
use super::Asked;
use crate::authority::Member;
use crate::ca::Presented;
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::certificates::CertificateRecord;
use crate::db::{Conn, DbError, approvals, certificates, corporate_attempts, devices, organisations, write};

/// How far a clock may be ahead of the devices' (`docs/protocol.md` §2).
const CLOCK_SKEW: i64 = 10 * UnixMillis::MINUTE;

/// What a CA has signed for the device's key.
#[derive(Clone)]
struct Obtained {
    signed: CorporateSigned,
    presented: Presented,
    /// Why it may not serve, whatever has happened meanwhile.
    fault: Option<&'static str>,
    now: UnixMillis,
}

/// Records what was signed.
pub(super) async fn record(
    context: &Context,
    order: &Order,
    asked: Asked,
    signed: CorporateSigned,
    presented: Presented,
) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    let fault = match context.ca.has_signed(presented.leaf()) {
        true => Some("it returned a certificate of this server’s own CA"),
        false => fault_of(&presented, now),
    };
    let obtained = Obtained {
        signed,
        presented,
        fault,
        now,
    };
    let signer = asked.signer.name.clone();
    let order = order.clone();
    let recorded = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let certificate = match (&order.grounds, &asked.approval) {
            (Grounds::Approval(member), Some(claim)) => {
                obtained
                    .record_for(tx, &order, claim, member, &asked.organisation)
                    .await?
            }
            _ => obtained.record_renewal(tx, &order, asked).await?,
        };
        corporate_attempts::end(tx, &order.device).await?;
        Ok(certificate)
    });
    let certificate = match recorded {
        // Asking again would have another one signed.
        Err(EnrolmentError::Db(DbError::Unique)) => {
            return Err(EnrolmentError::Conflict(
                "the CA returned a certificate that is recorded for another device",
            ));
        }
        recorded => recorded?,
    };
    tell(
        context,
        &certificate.organisation,
        &certificate.device,
        FleetChangeKind::Changed,
    );
    match (certificate.revocation.is_some(), fault) {
        (false, _) => Ok(certificate),
        (true, Some(fault)) => Err(EnrolmentError::Corporate {
            signer,
            error: CorporateError::Refused {
                detail: format!("{fault}; that is on record as revoked"),
            },
        }),
        (true, None) => Err(EnrolmentError::Conflict(
            "this certificate may not serve: the approval has ended, or the device, its key or the member has been excluded \
             meanwhile. It is on record as revoked",
        )),
    }
}

impl Obtained {
    async fn record_for(
        self,
        tx: &mut Conn<'_>,
        order: &Order,
        claim: &ClaimId,
        member: &Member,
        organisation: &OrganisationId,
    ) -> Result<CertificateRecord, EnrolmentError> {
        let role = organisations::role_at(tx, organisation, &member.account).await?;
        let signed = Signed {
            claim: claim.clone(),
            device: order.device.clone(),
            chain: self.signed.chain,
            trust_anchors: self.signed.trust_anchors,
            external_id: self.signed.external_id,
            member: member.clone(),
            may_enrol: self.fault.is_none() && role.is_some_and(Role::may_enrol),
        };
        let recorded = signed.record(tx, &self.presented, self.now).await?.certificate;
        if recorded.revocation.is_some() {
            let (from, to) = (EnrolmentStage::Signing, EnrolmentStage::Consented);
            approvals::advance(tx, claim, from, to, self.now).await?;
        }
        Ok(recorded)
    }

    async fn record_renewal(
        self,
        tx: &mut Conn<'_>,
        order: &Order,
        asked: Asked,
    ) -> Result<CertificateRecord, EnrolmentError> {
        // Where the device is now: it may have been moved while the CA was asked.
        let home = devices::lock(tx, &order.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device
            .organisation;
        let spki = order.csr.spki_sha256();
        let fits = match lock_device(tx, &order.device, &spki).await {
            Ok(_) => true,
            Err(EnrolmentError::Db(error)) => return Err(error.into()),
            Err(_) => false,
        };
        // Some CAs give the same certificate again.
        if let Some(recorded) = certificates::find(tx, self.presented.sha256()).await?
            && recorded.device == order.device
        {
            return Ok(recorded);
        }
        let stands = self.fault.is_none() && fits && is_renewable(tx, &order.grounds).await?;
        if stands {
            note_key(tx, &home, order, self.now).await?;
        }
        let foreign = Foreign {
            presented: &self.presented,
            trust_anchors: self.signed.trust_anchors,
            external_id: self.signed.external_id,
            organisation: home,
            device: order.device.clone(),
            signer: asked.signer.id,
        };
        let purpose = if stands { Use::Renewal } else { Use::Nothing };
        foreign
            .record(tx, purpose, Actor::Device(&order.device), self.now)
            .await
    }
}

/// Whether the certificate that is renewed still is what it was.
async fn is_renewable(tx: &mut Conn<'_>, grounds: &Grounds) -> Result<bool, EnrolmentError> {
    let Grounds::Renewal(current) = grounds else {
        return Ok(false);
    };
    let current = certificates::find(tx, current).await?;
    Ok(current.is_some_and(|current| current.revocation.is_none()))
}

/// Why a certificate may not serve. Whether its issuers stand behind it is for the device, which verifies the chain.
fn fault_of(presented: &Presented, now: UnixMillis) -> Option<&'static str> {
    let extensions = presented
        .leaf()
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let is_ca = extensions
        .iter()
        .filter(|extension| extension.extn_id == BasicConstraints::OID)
        .any(|extension| {
            BasicConstraints::from_der(extension.extn_value.as_bytes())
                .is_ok_and(|constraints| constraints.ca)
        });
    if is_ca {
        return Some("it returned a certificate that may sign others");
    }
    if presented.not_after() <= now {
        return Some("it returned a certificate that has expired already");
    }
    if presented.not_before() > now.plus(CLOCK_SKEW) {
        return Some("it returned a certificate that is not valid yet");
    }
    None
}
