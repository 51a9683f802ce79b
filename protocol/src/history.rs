//! The history of a device: what the record tells of it.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// What happened to a device: a line of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceEvent {
    /// When.
    pub at: UnixMillis,
    /// What, by its name: `device.approved`, `certificate.issued` and so on. A newer server may know further ones.
    pub action: String,
    /// Who: a member's name, or absent for the device and the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// More, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What is recorded about devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAction {
    /// It came by a permit and waits for a decision.
    EnteredLobby,
    /// A member rejected it there.
    Rejected,
    /// A member approved it, or a permit did.
    Approved,
    /// It agreed to its approval.
    Consented,
    /// The member took the approval back.
    ApprovalWithdrawn,
    /// Nothing came of an approval in time.
    ApprovalLapsed,
    /// A member is having its certificate signed elsewhere.
    SigningBegun,
    /// Nobody knows whether that signer signed.
    ReplyLost,
    /// A certificate was signed for it.
    CertificateIssued,
    /// It installed the certificate.
    CertificateDelivered,
    /// A session proved the certificate for the first time.
    CertificateProven,
    /// No session proved the certificate in time, and it was revoked.
    CertificateNeverProven,
    /// One of its certificates was revoked.
    CertificateRevoked,
    /// A certificate that was revoked was ended at its signer, which is elsewhere.
    EndedAtSigner,
    /// It came with a certificate that no record knows.
    CertificateHeld,
    /// An operator readmitted that certificate.
    CertificateReadmitted,
    /// Its name or labels changed.
    Described,
    /// A member asked for a new certificate.
    RenewalRequested,
    /// It was suspended.
    Suspended,
    /// It was let in again.
    Resumed,
    /// All its certificates were revoked.
    Revoked,
    /// It left the fleet.
    Retired,
    /// It was moved to another organisation of the same customer.
    Moved,
    /// Two machines seem to use its key.
    CloneAlarm,
    /// A member said that it was restored from a backup.
    AlarmDismissed,
}

impl DeviceAction {
    /// All there are.
    pub const ALL: [Self; 25] = [
        Self::EnteredLobby,
        Self::Rejected,
        Self::Approved,
        Self::Consented,
        Self::ApprovalWithdrawn,
        Self::ApprovalLapsed,
        Self::SigningBegun,
        Self::ReplyLost,
        Self::CertificateIssued,
        Self::CertificateDelivered,
        Self::CertificateProven,
        Self::CertificateNeverProven,
        Self::CertificateRevoked,
        Self::EndedAtSigner,
        Self::CertificateHeld,
        Self::CertificateReadmitted,
        Self::Described,
        Self::RenewalRequested,
        Self::Suspended,
        Self::Resumed,
        Self::Revoked,
        Self::Retired,
        Self::Moved,
        Self::CloneAlarm,
        Self::AlarmDismissed,
    ];

    /// The name as recorded and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnteredLobby => "device.entered_lobby",
            Self::Rejected => "device.rejected",
            Self::Approved => "device.approved",
            Self::Consented => "device.consented",
            Self::ApprovalWithdrawn => "device.approval_withdrawn",
            Self::ApprovalLapsed => "device.approval_lapsed",
            Self::SigningBegun => "certificate.signing_begun",
            Self::ReplyLost => "certificate.reply_lost",
            Self::CertificateIssued => "certificate.issued",
            Self::CertificateDelivered => "certificate.delivered",
            Self::CertificateProven => "certificate.proven",
            Self::CertificateNeverProven => "certificate.never_proven",
            Self::CertificateRevoked => "certificate.revoked",
            Self::EndedAtSigner => "certificate.ended_at_signer",
            Self::CertificateHeld => "certificate.held",
            Self::CertificateReadmitted => "certificate.readmitted",
            Self::Described => "device.described",
            Self::RenewalRequested => "device.renewal_requested",
            Self::Suspended => "device.suspended",
            Self::Resumed => "device.resumed",
            Self::Revoked => "device.revoked",
            Self::Retired => "device.retired",
            Self::Moved => "device.moved",
            Self::CloneAlarm => "device.clone_alarm",
            Self::AlarmDismissed => "device.alarm_dismissed",
        }
    }

    /// The action of this name; `None` for one of a newer version.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceAction;

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in DeviceAction::ALL {
            assert_eq!(DeviceAction::from_name(action.as_str()), Some(action));
        }
        assert_eq!(DeviceAction::from_name("device.painted"), None);
    }
}
