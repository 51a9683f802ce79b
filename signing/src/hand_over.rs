//! What becomes of a claim that was handed over to the device.

use gangway_protocol::enrolment::Provisioned;

use crate::NoAnswer;

/// How the device fared with a claim.
#[derive(Clone, Debug)]
pub enum HandedOver {
    /// It has a certificate.
    Provisioned(Box<Provisioned>),
    /// It says that the signer has refused.
    Refused {
        /// For people.
        detail: String,
    },
    /// Whether it has one nobody knows: it failed, or is gone.
    Unclear(NoAnswer),
    /// The device did not get it: it ends by itself.
    Kept,
}
