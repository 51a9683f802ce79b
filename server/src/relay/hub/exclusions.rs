//! Who may not be connected any more: suspended, revoked and retired devices lose their sessions, and proofs that are being
//! checked meanwhile come to nothing.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::OfflineReason;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::DeviceId;
use gangway_protocol::session::ServerToDevice;
use gangway_protocol::time::UnixMillis;

use super::super::driver::Driver;
use super::super::frame::close_code;
use super::super::message::problem;
use super::super::record::Role;
use super::{Hub, send};
use crate::clock::{Monotonic, Now};

/// A suspended device tries again hourly.
const SUSPENDED_RETRY_SECS: u32 = 3_600;
/// For how long an exclusion is remembered for proofs that were being checked while it came.
const EXCLUSION_KEPT: i64 = UnixMillis::MINUTE;

/// Why a device may not be connected any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// For the time being.
    Suspended,
    /// Its certificates are revoked: it has to be enrolled anew.
    Revoked {
        /// For people.
        reason: String,
    },
    /// For good.
    Retired,
}

impl Exclusion {
    /// A certificate was revoked for this reason.
    #[must_use]
    pub fn revoked(reason: RevocationReason) -> Self {
        let why = match reason {
            RevocationReason::Unspecified
            | RevocationReason::Superseded
            | RevocationReason::CertificateHold => "",
            RevocationReason::KeyCompromise => ": its key may be known to others",
            RevocationReason::AffiliationChanged => ": the device changed hands",
            RevocationReason::CessationOfOperation => ": the device is out of use",
            RevocationReason::PrivilegeWithdrawn => ": its rights were withdrawn",
        };
        Self::Revoked {
            reason: format!("The certificate of this device was revoked{why}."),
        }
    }
}

/// An exclusion, for proofs that were being checked while it came.
#[derive(Debug)]
pub(super) struct RecentExclusion {
    number: u64,
    at: Monotonic,
    device: DeviceId,
    exclusion: Exclusion,
}

impl Hub {
    /// Ends every session of a device that may not be connected any more.
    pub(crate) fn exclude(
        &mut self,
        device: &DeviceId,
        exclusion: &Exclusion,
        now: Now,
        driver: &mut impl Driver,
    ) {
        self.exclusions.push_back(RecentExclusion {
            number: self.exclusion_count,
            at: now.monotonic,
            device: device.clone(),
            exclusion: exclusion.clone(),
        });
        self.exclusion_count += 1;
        for socket in self.sessions.get(device).cloned().unwrap_or_default() {
            self.send_away(socket, exclusion, now, driver);
        }
    }

    /// Ends the sessions of a device that run on this certificate; without a word when a newer one superseded it.
    pub(crate) fn exclude_certificate(
        &mut self,
        device: &DeviceId,
        certificate: &Sha256Hex,
        exclusion: Option<&Exclusion>,
        now: Now,
        driver: &mut impl Driver,
    ) {
        for socket in self.sessions.get(device).cloned().unwrap_or_default() {
            let role = &self.record(socket).role;
            if matches!(role, Role::Session(session) if session.pass.certificate == *certificate) {
                match exclusion {
                    Some(exclusion) => self.send_away(socket, exclusion, now, driver),
                    None => self.end(socket, close_code::NORMAL, OfflineReason::Superseded, now, driver),
                }
            }
        }
    }

    /// How a device was excluded while its proof was being checked: the database may have admitted it just before.
    pub(super) fn excluded_since(&self, number: u64, device: &DeviceId) -> Option<Exclusion> {
        let mut recent = self.exclusions.iter();
        let found = recent.find(|recent| recent.number >= number && recent.device == *device);
        found.map(|recent| recent.exclusion.clone())
    }

    pub(super) fn forget_exclusions(&mut self, now: Now) {
        while self
            .exclusions
            .front()
            .is_some_and(|recent| now.since(recent.at) >= EXCLUSION_KEPT)
        {
            self.exclusions.pop_front();
        }
    }

    pub(super) fn send_away(
        &mut self,
        socket: u32,
        exclusion: &Exclusion,
        now: Now,
        driver: &mut impl Driver,
    ) {
        let message = match exclusion {
            Exclusion::Suspended => ServerToDevice::Problem(Problem {
                retry_after_secs: Some(SUSPENDED_RETRY_SECS),
                ..problem(
                    ProblemCode::Suspended,
                    "A member of the organisation has suspended this device.",
                )
            }),
            Exclusion::Revoked { reason } => ServerToDevice::Revoked {
                reason: reason.clone(),
            },
            Exclusion::Retired => ServerToDevice::Problem(problem(
                ProblemCode::Retired,
                "A member of the organisation has retired this device.",
            )),
        };
        send(driver, socket, &message);
        self.end(socket, close_code::POLICY, OfflineReason::Excluded, now, driver);
    }
}
