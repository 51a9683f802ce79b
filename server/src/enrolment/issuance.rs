//! One certificate per key and generation, however often and however concurrently it is asked for.
//!
//! All of it is one transaction, and many share its commit:
//!
//! 1. It locks the device and looks at what stands. A certificate in the first half of its life is the answer to any
//!    repetition.
//! 2. Otherwise it signs. The key is in this process: that takes less than a statement.
//! 3. It records the certificate as the next generation of its key, which only one racer can.
//!
//! What a corporate CA signs takes longer: its transaction ends with the attempt written down, and `corporate` goes on from there.
//!
//! A signature is told when the transaction has committed, and never before: a crash leaves a certificate that the next
//! request returns, or nothing that anybody has seen (`docs/decisions/0025-one-table-for-all-certificates.md`).

use gangway_protocol::certificate::{Csr, EnrolmentStage};
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId, SignerId};
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use super::corporate::{self, Asked, Cause};
use super::standing::{SIGNER_DISABLED, lock_device, require_standing};
use super::{EnrolmentError, RACE_ATTEMPTS, note_certificate, tell};
use crate::authority::Member;
use crate::ca::{DeviceIdentity, LeafIssuer};
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::certificates::{CertificateRecord, Draft, Generation, Leaf, SignedBy};
use crate::db::devices::DeviceRecord;
use crate::db::{Conn, DbError, approvals, certificates, device_keys, issuance, rules, signers, write};

/// Most certificates of one device within a day, after which none is renewed: its enrolment, a renewal that a member wished
/// for, and some whose installation failed. What is issued beyond need stands in the record and on lists for ever.
const MAX_CERTIFICATES_A_DAY: i64 = 5;

/// A request for a certificate.
#[derive(Clone, Debug)]
pub struct Order {
    /// For which device.
    pub device: DeviceId,
    /// For which key.
    pub csr: Csr,
    /// On whose word.
    pub grounds: Grounds,
    /// By which name the device's own protocol knows it, where that is to stand in the certificate.
    pub known_as: Option<String>,
    /// A corporate CA's reply was lost, and a person wants another certificate all the same.
    pub again: bool,
}

/// On whose word a certificate is issued.
#[derive(Clone, Debug)]
pub enum Grounds {
    /// A member's approval, to which the device has consented.
    Approval(Member),
    /// The device's own, in a session of the certificate with this digest, which has endorsed the CSR.
    Renewal(Sha256Hex),
}

/// Issues a certificate, or returns the one that stands.
///
/// # Errors
/// [`EnrolmentError::Conflict`] before consent or after withdrawal, [`EnrolmentError::KeyRevoked`],
/// [`EnrolmentError::KeyKnown`] when a renewal comes with another device's key; [`EnrolmentError::Corporate`],
/// [`EnrolmentError::Signing`] and [`EnrolmentError::ReplyLost`] where a corporate CA signs.
pub async fn issue(context: &Context, order: &Order) -> Result<CertificateRecord, EnrolmentError> {
    for _ in 0..RACE_ATTEMPTS {
        match try_issue(context, order).await {
            Err(EnrolmentError::Db(DbError::Unique)) => {}
            outcome => return outcome,
        }
    }
    Err(DbError::Busy.into())
}

async fn try_issue(context: &Context, order: &Order) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    // What hinders our own CA hinders nobody whose CA is another one.
    let (ready, unready) = match ready(context, order, now).await {
        Ok(ready) => (Some(ready), None),
        Err(error) => (None, Some(error)),
    };
    let request = order.clone();
    let settled = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        match request.settle(tx, now).await? {
            Step::Stands(record) => Ok(Settled::Stands(record)),
            Step::Sign(place) => {
                let Some((issuer, draft)) = ready else {
                    return Ok(Settled::Unready);
                };
                let leaf = issuer.sign(&draft.to_be_signed)?;
                let record = request.record(tx, place, draft, leaf, now).await?;
                Ok(Settled::Signed(Box::new(record)))
            }
            Step::Ask(asked) => Ok(Settled::Asked(asked)),
        }
    })?;
    match settled {
        Settled::Stands(record) => Ok(*record),
        Settled::Signed(record) => {
            tell(
                context,
                &record.organisation,
                &record.device,
                FleetChangeKind::Changed,
            );
            Ok(*record)
        }
        Settled::Asked(asked) => corporate::finish(context, order, *asked).await,
        Settled::Unready => Err(unready.unwrap_or(EnrolmentError::NotFound)),
    }
}

/// What the transaction came to.
enum Settled {
    Stands(Box<CertificateRecord>),
    Signed(Box<CertificateRecord>),
    /// A corporate CA is to be asked.
    Asked(Box<Asked>),
    /// Our own CA is to sign, and cannot.
    Unready,
}

/// What signs for our own CA, and what the certificate would say.
async fn ready(
    context: &Context,
    order: &Order,
    now: UnixMillis,
) -> Result<(LeafIssuer, Draft), EnrolmentError> {
    let draft = draft(context, order, now).await?;
    Ok((context.ca.leaf_issuer(&draft.issuer)?, draft))
}

/// What the certificate would say if it came to be signed; made before the transaction, which should be short.
async fn draft(context: &Context, order: &Order, now: UnixMillis) -> Result<Draft, EnrolmentError> {
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let (customer, policy) = rules::of_device(conn, &order.device)
        .await?
        .ok_or(EnrolmentError::NotFound)?;
    let identity = DeviceIdentity {
        organisation: customer,
        device: order.device.clone(),
        known_as: order.known_as.clone(),
    };
    let days = policy.certificate_validity_days;
    Ok(context
        .ca
        .draft(&identity, order.csr.key(), days, now, &*context.random)?)
}

enum Step {
    Stands(Box<CertificateRecord>),
    Sign(Place),
    Ask(Box<Asked>),
}

/// Where a new certificate belongs.
struct Place {
    organisation: OrganisationId,
    signer: SignerId,
    claim: Option<ClaimId>,
    /// Which one of its key it is.
    generation: i64,
}

/// What the grounds of an order amount to.
struct Grant {
    signer: SignerId,
    claim: Option<ClaimId>,
    /// The certificate that the person's approval has led to already.
    issued: Option<Sha256Hex>,
    /// The certificate that answers a renewal: it is too early, or were one too many.
    standing: Option<Box<CertificateRecord>>,
    /// The corporate CA that signs instead of our own.
    corporate: Option<(Signer, Cause)>,
}

impl Grant {
    /// Whether a certificate that stands answers the order. A person who approves a key anew speaks of a device that was
    /// installed anew: what it proved before belongs to the device as it was.
    fn accepts(&self, certificate: &CertificateRecord) -> bool {
        self.claim.is_none()
            || certificate.proven_at.is_none()
            || self.issued.as_ref() == Some(&certificate.sha256)
    }
}

impl Order {
    /// What stands for the order, or where its certificate belongs.
    async fn settle(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<Step, EnrolmentError> {
        let record = lock_device(tx, &self.device, &self.csr.spki_sha256()).await?;
        let grant = self.authorise(tx, &record, now).await?;
        if let Some(standing) = grant.standing {
            return Ok(Step::Stands(standing));
        }
        let organisation = &record.device.organisation;
        let newest = certificates::newest_of_key(tx, organisation, &self.csr.spki_sha256()).await?;
        let generation = newest.as_ref().map_or(1, |newest| newest.number + 1);
        let mut standing = newest
            .map(|newest| newest.certificate)
            .filter(|newest| is_current(newest, &record, now) && grant.accepts(newest));
        if standing.is_none()
            && grant.corporate.is_some()
            && let Some(issued) = &grant.issued
        {
            // A newer one may have come too late to serve.
            let issued = certificates::find(tx, issued).await?;
            standing = issued.filter(|issued| is_current(issued, &record, now));
        }
        if let Some(standing) = standing {
            if let Some(claim) = &grant.claim {
                approvals::issue(tx, claim, &standing.sha256, now).await?;
            }
            return Ok(Step::Stands(Box::new(standing)));
        }
        if let Some((signer, cause)) = grant.corporate {
            let asked = corporate::begin(tx, self, signer, cause, now).await?;
            return Ok(Step::Ask(Box::new(asked)));
        }
        Ok(Step::Sign(Place {
            organisation: record.device.organisation,
            signer: grant.signer,
            claim: grant.claim,
            generation,
        }))
    }

    async fn record(
        &self,
        tx: &mut Conn<'_>,
        place: Place,
        draft: Draft,
        leaf: Leaf,
        now: UnixMillis,
    ) -> Result<CertificateRecord, EnrolmentError> {
        note_key(tx, &place.organisation, self, now).await?;
        let new = Generation {
            number: place.generation,
            certificate: CertificateRecord {
                sha256: leaf.sha256,
                signed_by: SignedBy::Own(draft.issuer),
                serial: draft.serial,
                organisation: place.organisation,
                device: self.device.clone(),
                signer: place.signer,
                spki_sha256: self.csr.spki_sha256(),
                leaf: leaf.pem,
                subject: draft.subject,
                issuer_name: draft.issuer_name,
                key_kind: self.csr.key().kind().to_string(),
                not_before: draft.not_before,
                not_after: draft.not_after,
                issued_at: now,
                delivered_at: None,
                proven_at: None,
                superseded_at: None,
                grace_until: None,
                revocation: None,
                ended_at: None,
            },
        };
        if !issuance::record(tx, &new, place.claim.as_ref()).await? {
            return Err(EnrolmentError::Conflict(
                "this approval was taken back; enter the device's code again",
            ));
        }
        let record = new.certificate;
        let actor = match &self.grounds {
            Grounds::Approval(member) => member.actor(),
            Grounds::Renewal(_) => Actor::Device(&self.device),
        };
        note_certificate(tx, &record, actor, DeviceAction::CertificateIssued, now).await?;
        Ok(record)
    }

    async fn authorise(
        &self,
        tx: &mut Conn<'_>,
        record: &DeviceRecord,
        now: UnixMillis,
    ) -> Result<Grant, EnrolmentError> {
        match &self.grounds {
            Grounds::Approval(member) => self.authorise_by_approval(tx, member, now).await,
            Grounds::Renewal(certificate) => self.authorise_renewal(tx, record, certificate, now).await,
        }
    }

    async fn authorise_by_approval(
        &self,
        tx: &mut Conn<'_>,
        member: &Member,
        now: UnixMillis,
    ) -> Result<Grant, EnrolmentError> {
        let (approval, signer) = approvals::newest_of_key(tx, &self.device, &self.csr.spki_sha256())
            .await?
            .ok_or(EnrolmentError::Conflict(
                "nobody has approved this key for this device; enter the device's code",
            ))?;
        if approval.account != member.account {
            return Err(EnrolmentError::Conflict(
                "somebody else has approved this device; let them finish, or enter its code yourself",
            ));
        }
        require_standing(&approval, now)?;
        // Nothing is signed before the device has consented (`docs/protocol.md` §2).
        if approval.stage == EnrolmentStage::Approved {
            return Err(EnrolmentError::Conflict(
                "the device has not consented yet; answer the question on its screen",
            ));
        }
        if signer.disabled {
            return Err(EnrolmentError::Conflict(SIGNER_DISABLED));
        }
        if !signer.kind.signs_at_server() {
            return Err(EnrolmentError::Conflict(
                "this approval names a signer elsewhere: have it sign there, and record the certificate",
            ));
        }
        let corporate = match signer.kind.is_corporate() {
            true => {
                let signer = signers::find(tx, &approval.signer).await?;
                let signer = signer.ok_or(DbError::Corrupt("approvals.signer"))?;
                Some((
                    signer,
                    Cause::Approval(Box::new(approval.clone()), member.clone()),
                ))
            }
            false => None,
        };
        Ok(Grant {
            signer: approval.signer,
            claim: Some(approval.claim),
            issued: approval.certificate,
            standing: None,
            corporate,
        })
    }

    async fn authorise_renewal(
        &self,
        tx: &mut Conn<'_>,
        record: &DeviceRecord,
        certificate: &Sha256Hex,
        now: UnixMillis,
    ) -> Result<Grant, EnrolmentError> {
        let current = certificates::find(tx, certificate)
            .await?
            .filter(|current| current.device == self.device)
            .ok_or(EnrolmentError::NotFound)?;
        if current.revocation.is_some() {
            return Err(EnrolmentError::KeyRevoked);
        }
        if current.is_superseded(now) {
            return Err(EnrolmentError::Conflict(
                "a newer certificate of this device has been proved: renew with that one",
            ));
        }
        let corporate = match &current.signed_by {
            SignedBy::Own(_) => None,
            SignedBy::Other { .. } => {
                let signer = signers::find(tx, &current.signer).await?;
                let signer = signer.filter(|signer| signer.kind.is_corporate());
                let cause = Cause::Renewal(Box::new(current.clone()));
                let by_people = EnrolmentError::Conflict(
                    "this certificate was signed elsewhere, where only people can sign: enter the device's code in the panel \
                     for a new one",
                );
                Some((signer.ok_or(by_people)?, cause))
            }
        };
        let signer = current.signer.clone();
        if let Some(standing) = self.answer_without_issuing(tx, record, current, now).await? {
            return Ok(Grant {
                signer,
                claim: None,
                issued: None,
                standing: Some(Box::new(standing)),
                corporate: None,
            });
        }
        let organisation = &record.device.organisation;
        let spki = self.csr.spki_sha256();
        if device_keys::find(tx, organisation, &spki).await?.is_none()
            && device_keys::is_refused_elsewhere(tx, organisation, &spki).await?
        {
            return Err(EnrolmentError::KeyRevoked);
        }
        Ok(Grant {
            signer,
            claim: None,
            issued: None,
            standing: None,
            corporate,
        })
    }

    /// The certificate that answers a renewal in place of a new one, whatever key is asked for: the one that stands while
    /// it is early (`docs/protocol.md` §3), and the presented one when the device has had its share of the day.
    async fn answer_without_issuing(
        &self,
        tx: &mut Conn<'_>,
        record: &DeviceRecord,
        current: CertificateRecord,
        now: UnixMillis,
    ) -> Result<Option<CertificateRecord>, EnrolmentError> {
        let organisation = &record.device.organisation;
        let newest = certificates::newest_of_key(tx, organisation, &self.csr.spki_sha256()).await?;
        if newest.is_some_and(|newest| is_current(&newest.certificate, record, now)) {
            return Ok(None);
        }
        let standing = certificates::standing(tx, &self.device).await?;
        if let Some(standing) = standing.filter(|standing| is_current(standing, record, now)) {
            return Ok(Some(standing));
        }
        let day_ago = now.plus(-UnixMillis::DAY);
        if certificates::count_issued_since(tx, &self.device, day_ago).await? < MAX_CERTIFICATES_A_DAY {
            return Ok(None);
        }
        if now > current.not_after {
            return Err(EnrolmentError::TooManyCertificates);
        }
        Ok(Some(current))
    }
}

/// Notes whose key it is, where a renewal brings a new one.
pub(super) async fn note_key(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    order: &Order,
    now: UnixMillis,
) -> Result<(), DbError> {
    let spki = order.csr.spki_sha256();
    if device_keys::find(tx, organisation, &spki).await?.is_none() {
        device_keys::insert(tx, organisation, &spki, &order.device, now).await?;
    }
    Ok(())
}

/// Whether the certificate answers a repeated request: neither revoked nor superseded, in the first half of its life, and no
/// member has wished for a new one since.
fn is_current(certificate: &CertificateRecord, device: &DeviceRecord, now: UnixMillis) -> bool {
    let life = certificate.not_after.since(certificate.not_before);
    certificate.revocation.is_none()
        && certificate.superseded_at.is_none()
        && now.since(certificate.not_before) < life / 2
        && device.renewal_requested_at.is_none()
}
