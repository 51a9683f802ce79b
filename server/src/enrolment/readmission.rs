//! Readmission: a restored backup knows nothing of the certificates issued after it was made. A device that presents one
//! is held until an operator says that it belongs here; then its certificate is recorded again.

use gangway_protocol::certificate::{HeldCertificate, PublicKey};
use gangway_protocol::device::{DeviceState, Facts, FleetChangeKind};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::{DecodePem as _, Encode as _};

use super::standing::summary;
use super::{EnrolmentError, note_certificate, tell};
use crate::authority::Member;
use crate::ca::{CaError, CertificateAuthority, moment};
use crate::context::Context;
use crate::db::certificates::{CertificateRecord, Generation, SignedBy};
use crate::db::devices::Description;
use crate::db::organisations::tree;
use crate::db::{Conn, Db, DbError, certificates, device_keys, devices, held, signers, write};
use crate::relay::Relay;

/// Records a held certificate again, and lets its device in.
///
/// # Errors
/// As [`record`].
pub async fn readmit(
    context: &Context,
    relay: &Relay,
    sha256: Sha256Hex,
    member: Member,
) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    let (record, kind) = record(&context.db, &context.ca, sha256, member, now).await?;
    relay.readmit(&record.device);
    tell(context, &record.organisation, &record.device, kind);
    Ok(record)
}

/// Records a held certificate again. A server on the same database notices within ten seconds, ends the held session, and
/// the device comes back.
///
/// # Errors
/// [`EnrolmentError::NotFound`] when it is not held (any more); [`EnrolmentError::KeyKnown`] or
/// [`EnrolmentError::KeyRevoked`] when its key has met another fate meanwhile.
pub async fn record(
    db: &Db,
    ca: &CertificateAuthority,
    sha256: Sha256Hex,
    member: Member,
    now: UnixMillis,
) -> Result<(CertificateRecord, FleetChangeKind), EnrolmentError> {
    let (held, leaf) = held::find(&mut db.reader().await?.conn(), &sha256)
        .await?
        .ok_or(EnrolmentError::NotFound)?;
    let readmission = Readmission::read(ca, held, leaf)?;
    let outcome = write!(db, |tx| -> Result<_, EnrolmentError> {
        readmission.record(tx, &member, now).await
    });
    match outcome {
        Err(EnrolmentError::Db(DbError::Unique)) => Err(EnrolmentError::Conflict(
            "another certificate has this serial number; revoke the device",
        )),
        outcome => outcome,
    }
}

#[derive(Clone)]
struct Readmission {
    held: HeldCertificate,
    /// As it will stand; the signer is filled in inside the transaction.
    issuer: gangway_protocol::id::IssuerId,
    serial: String,
    issuer_name: String,
    key_kind: String,
    spki_sha256: Sha256Hex,
    not_before: UnixMillis,
    leaf: String,
}

impl Readmission {
    fn read(ca: &CertificateAuthority, held: HeldCertificate, leaf: String) -> Result<Self, EnrolmentError> {
        let unreadable = || CaError::Recorded("a held certificate cannot be read");
        let certificate = Certificate::from_pem(&leaf).map_err(CaError::from)?;
        let recognised = ca.recognise(&certificate).ok_or_else(unreadable)?;
        let tbs = &certificate.tbs_certificate;
        let spki = tbs.subject_public_key_info.to_der().map_err(CaError::from)?;
        let key = PublicKey::from_spki(&spki).map_err(|_| unreadable())?;
        Ok(Self {
            issuer: recognised.issuer,
            serial: data_encoding::HEXLOWER.encode(tbs.serial_number.as_bytes()),
            issuer_name: tbs.issuer.to_string(),
            key_kind: key.kind().to_string(),
            spki_sha256: key.spki_sha256(),
            not_before: moment::from_x509(tbs.validity.not_before),
            leaf,
            held,
        })
    }

    async fn record(
        self,
        tx: &mut Conn<'_>,
        member: &Member,
        now: UnixMillis,
    ) -> Result<(CertificateRecord, FleetChangeKind), EnrolmentError> {
        let kind = self.settle_device(tx, member, now).await?;
        if !held::readmit(tx, &self.held.sha256, now).await? {
            return Err(EnrolmentError::NotFound);
        }
        let organisation = &self.held.organisation;
        let signer = signers::usable_at(tx, organisation)
            .await?
            .into_iter()
            .find(|signer| signer.kind.is_builtin())
            .ok_or(EnrolmentError::Conflict(
                "this organisation has no signer any more",
            ))?;
        let newest = certificates::newest_of_key(tx, organisation, &self.spki_sha256).await?;
        let number = newest.map_or(1, |newest| newest.number + 1);
        let certificate = CertificateRecord {
            sha256: self.held.sha256,
            signed_by: SignedBy::Own(self.issuer),
            serial: self.serial,
            organisation: self.held.organisation,
            device: self.held.device,
            signer: signer.id,
            spki_sha256: self.spki_sha256,
            leaf: self.leaf,
            subject: self.held.subject,
            issuer_name: self.issuer_name,
            key_kind: self.key_kind,
            not_before: self.not_before,
            not_after: self.held.not_after,
            // For the record it begins now: it is the newest of its device, and has its time to be proved.
            issued_at: now,
            delivered_at: None,
            proven_at: None,
            superseded_at: None,
            grace_until: None,
            ended_at: None,
            revocation: None,
        };
        let new = Generation { number, certificate };
        certificates::insert(tx, &new).await?;
        let record = new.certificate;
        devices::refresh_expiry(tx, &record.device).await?;
        note_certificate(
            tx,
            &record,
            member.actor(),
            DeviceAction::CertificateReadmitted,
            now,
        )
        .await?;
        Ok((record, kind))
    }

    /// The device that the certificate names: as the backup knew it, or anew.
    async fn settle_device(
        &self,
        tx: &mut Conn<'_>,
        member: &Member,
        now: UnixMillis,
    ) -> Result<FleetChangeKind, EnrolmentError> {
        let HeldCertificate {
            organisation,
            device: id,
            ..
        } = &self.held;
        if tree::find(tx, organisation)
            .await?
            .is_some_and(|place| !place.is_open())
        {
            return Err(EnrolmentError::Conflict(
                "this organisation is archived and takes no devices; open it again first",
            ));
        }
        let kind = match devices::lock(tx, id).await? {
            Some(known) if known.device.organisation != *organisation => {
                return Err(EnrolmentError::NotFound);
            }
            Some(known) => {
                match known.device.state {
                    DeviceState::Enrolling { .. } | DeviceState::Active { .. } => {}
                    state => devices::set_state(tx, id, &state.approve(now)?).await?,
                }
                FleetChangeKind::Changed
            }
            None => {
                devices::insert(tx, id, organisation, &Self::description(id, member), now).await?;
                FleetChangeKind::Added
            }
        };
        match device_keys::find(tx, organisation, &self.spki_sha256).await? {
            Some(key) if key.refused => Err(EnrolmentError::KeyRevoked),
            Some(key) if key.device != *id => {
                let owner = devices::find(tx, &key.device)
                    .await?
                    .ok_or(DbError::Corrupt("device_keys.device"))?;
                Err(EnrolmentError::KeyKnown(Box::new(summary(&owner.device))))
            }
            Some(_) => Ok(kind),
            None => {
                device_keys::insert(tx, organisation, &self.spki_sha256, id, now).await?;
                Ok(kind)
            }
        }
    }

    /// Of a device that the backup did not know: it states its facts in its next session, and a member names it.
    fn description(id: &gangway_protocol::id::DeviceId, member: &Member) -> Description {
        const TAIL: usize = 6;
        let tail = id.as_str().len().saturating_sub(TAIL);
        Description {
            name: format!("readmitted {}", id.as_str().get(tail..).unwrap_or_default()),
            labels: Vec::new(),
            facts: Facts::default(),
            approver: member.account.clone(),
        }
    }
}
