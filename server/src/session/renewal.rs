//! What a device does in its session: renews, says what it has installed, states its facts.

use gangway_protocol::device::{Facts, FleetChangeKind};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::DeviceId;
use gangway_protocol::session::renewal_message;

use super::{GateError, refuse};
use crate::ca::Presented;
use crate::context::Context;
use crate::db::devices::Description;
use crate::db::{DbError, certificates, devices, write};
use crate::enrolment::delivery::{Witness, deliver};
use crate::enrolment::issuance::{Grounds, Order, issue};
use crate::enrolment::{EnrolmentError, check_csr, present, tell};

/// A renewed certificate, as the session sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Digest of its DER.
    pub certificate: Sha256Hex,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// PEM blocks of the issuers at which the chain ends.
    pub trust_anchors: Option<String>,
}

/// Renews `current`, the certificate of a device's session: `csr` is PEM, `endorsement` the current key's signature.
///
/// # Errors
/// [`GateError::Refused`] when the CSR or the endorsement is not acceptable; the session may go on.
pub async fn renew(
    context: &Context,
    device: &DeviceId,
    current: &Sha256Hex,
    csr: &str,
    endorsement: &[u8],
) -> Result<Renewed, GateError> {
    let csr = check_csr(csr).map_err(EnrolmentError::from)?;
    let standing = certificates::find(&mut context.db.reader().await?.conn(), current)
        .await?
        .ok_or(DbError::Missing)?;
    let presented = Presented::parse(&standing.leaf)?;
    // A CSR alone proves its own key; the endorsement proves that the device of the present one wants it.
    if !presented.said(&renewal_message(csr.der()), endorsement) {
        return Err(refuse(
            ProblemCode::ProofInvalid,
            "the endorsement is not the current key's signature over this certificate request",
            None,
        ));
    }
    let order = Order {
        device: device.clone(),
        csr,
        grounds: Grounds::Renewal(*current),
        known_as: presented.known_as(),
        again: false,
    };
    let certificate = present(context, issue(context, &order).await?).map_err(EnrolmentError::from)?;
    Ok(Renewed {
        certificate: certificate.sha256,
        chain: certificate.chain,
        trust_anchors: certificate.trust_anchors,
    })
}

/// Records that a device has installed a certificate of its own.
///
/// # Errors
/// [`GateError::Refused`] for a certificate of somebody else, or of nobody.
pub async fn installed(context: &Context, device: &DeviceId, sha256: &Sha256Hex) -> Result<(), GateError> {
    let own = certificates::find(&mut context.db.reader().await?.conn(), sha256)
        .await?
        .is_some_and(|certificate| certificate.device == *device);
    if !own {
        return Err(refuse(
            ProblemCode::CertificateUnknown,
            "this device has no such certificate",
            None,
        ));
    }
    deliver(context, *sha256, Witness::Device).await?;
    Ok(())
}

/// Records what a device says about itself.
///
/// # Errors
/// [`GateError::Refused`] for facts that may not be shown.
pub async fn set_facts(context: &Context, id: &DeviceId, facts: &Facts) -> Result<(), GateError> {
    facts
        .check()
        .map_err(|error| refuse(ProblemCode::Malformed, error.to_string(), None))?;
    let (owned, facts) = (id.clone(), facts.clone().without_placeholders());
    let changed = write!(context.db, |tx| {
        let record = devices::lock(tx, &owned).await?.ok_or(DbError::Missing)?;
        if record.device.facts == facts {
            return Ok(None);
        }
        let organisation = record.device.organisation;
        let description = Description {
            name: record.device.name,
            labels: record.device.labels,
            facts,
            approver: record.approver,
        };
        devices::describe(tx, &owned, &description).await?;
        Ok(Some(organisation))
    })?;
    if let Some(organisation) = changed {
        tell(context, &organisation, id, FleetChangeKind::Changed);
    }
    Ok(())
}
