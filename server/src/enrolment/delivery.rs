//! That a device has installed its certificate, on whose word.

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;

use super::{EnrolmentError, tell};
use crate::authority::Member;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::CertificateRecord;
use crate::db::{approvals, audit, certificates, write};

/// Who says that a device has installed its certificate.
#[derive(Clone, Debug)]
pub enum Witness {
    /// The device itself, in a session that it has proved.
    Device,
    /// A member, whose claimant heard it through the sealed channel: the server has not seen what the device said.
    Claimant(Member),
}

/// Records that a certificate is installed, and on whose word. Repeating it changes nothing.
///
/// # Errors
/// [`EnrolmentError::NotFound`] for an unknown certificate.
pub async fn deliver(
    context: &Context,
    sha256: Sha256Hex,
    witness: Witness,
) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    let (record, first) = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let first = certificates::deliver(tx, &sha256, now).await?;
        let record = certificates::find(tx, &sha256)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        if first {
            approvals::follow_certificate(tx, &sha256, EnrolmentStage::Delivered, now).await?;
            let entry = Entry {
                scope: Scope::Organisation(&record.organisation),
                at: now,
                actor: match &witness {
                    Witness::Device => Actor::Device(&record.device),
                    Witness::Claimant(member) => member.actor(),
                },
                action: DeviceAction::CertificateDelivered.into(),
                subject: record.device.as_str(),
                detail: &format!("serial {}", record.serial),
            };
            audit::append(tx, &entry).await?;
        }
        Ok((record, first))
    })?;
    if first {
        tell(
            context,
            &record.organisation,
            &record.device,
            FleetChangeKind::Changed,
        );
    }
    Ok(record)
}
