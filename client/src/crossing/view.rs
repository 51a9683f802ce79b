//! What people see of a crossing, as values: the stage it is in, what there is to review, and when each step was done.

use gangway_protocol::device::{DeviceSummary, Facts};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::enrolment::NetworkComparison;
use gangway_protocol::id::ClaimId;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use super::failure::Failure;
use crate::error::ApiError;

/// A crossing as it should be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Where it is.
    pub stage: Stage,
    /// The introduced device, once it is known and checked.
    pub review: Option<Box<Review>>,
    /// What hinders the approval that the person gave last, or the signer.
    pub obstacle: Option<Obstacle>,
    /// The claim, once the server has accepted it.
    pub claim: Option<ClaimId>,
    /// The device as the server knows it, once it is approved.
    pub device: Option<DeviceSummary>,
    /// The certificate, once it is signed.
    pub certificate: Option<Sha256Hex>,
    /// The five steps.
    pub progress: Progress,
    /// After an end without success: whether the server has heard of it what it must.
    pub told: Told,
}

/// Whether the server has heard what it must about an end: that an approval is taken back, that a device is a stranger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// There is something left to say, or the crossing has not ended.
    Open,
    /// It knows everything.
    All,
    /// It did not hear everything: it could not be reached, or it refused.
    NotAll,
}

/// Where a crossing is.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Looking for the device, exchanging keys, checking its introduction.
    Connecting,
    /// The person decides.
    Reviewing,
    /// The server is being asked.
    Approving,
    /// The device shows who wants it, and asks.
    AwaitingConsent,
    /// The signer is at work.
    Signing,
    /// The device fetches its certificate from the signer itself.
    Provisioning,
    /// The device verifies and stores the certificate.
    Installing,
    /// The device has stored it; its first session is awaited.
    Installed,
    /// The device has opened a session with it.
    Online,
    /// It ended without success.
    Failed(Failure),
}

impl View {
    /// Whether the person can still cancel: afterwards a certificate is under way, and revoking is the way to undo.
    #[must_use]
    pub fn can_cancel(&self) -> bool {
        match self.stage {
            Stage::Connecting | Stage::Reviewing | Stage::Approving | Stage::AwaitingConsent => true,
            Stage::Signing => self.obstacle.as_ref().is_some_and(Obstacle::is_of_signing),
            _ => false,
        }
    }
}

/// What there is to review before approving. All of it but the network and the time is stated by the device, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What the device says about itself.
    pub facts: Facts,
    /// Kind of its key, e.g. `P-256`.
    pub key: String,
    /// Digest of its public key.
    pub spki_sha256: Sha256Hex,
    /// Its network against the network of this place.
    pub network: NetworkComparison,
    /// When its connection was first seen.
    pub first_seen: UnixMillis,
    /// It can fetch its certificate itself with a claim ([`Signer`] with a provisioning template).
    pub provisions: bool,
    /// What a careful person would stop at.
    pub warnings: Vec<Warning>,
}

/// Something that a careful person would stop at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The device told its people to go to another panel than this one.
    OtherPanel {
        /// The link that it showed.
        link: String,
    },
    /// The device is on another network than this place.
    OtherNetwork,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherPanel { link } => write!(
                f,
                "The device shows the address {link}, which is not this panel’s."
            ),
            Self::OtherNetwork => {
                f.write_str("The device is on another network than you are. Is it really in front of you?")
            }
        }
    }
}

/// What hinders an approval or a signature; the person can do something about it and go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// A fresh passkey assertion is needed.
    StepUp,
    /// The key belongs to this active device: replace its certificate, or leave it.
    KeyKnown(DeviceSummary),
    /// The device cannot fetch its certificate itself, as this signer wants it.
    NoProvisioning {
        /// Who.
        signer: Box<Signer>,
    },
    /// Another reason.
    Refused(ApiError),
    /// The signer needs credentials.
    Credentials {
        /// Who.
        signer: Box<Signer>,
        /// Why the former ones were refused.
        refused: Option<String>,
    },
    /// The signer was asked, and nobody knows whether it signed.
    ReplyLost {
        /// Who.
        signer: Box<Signer>,
        /// What became of the request, if it was this attempt's.
        lost: Option<String>,
        /// A page of the signer where a certificate that nobody holds is found.
        find: String,
    },
}

impl Obstacle {
    /// Whether it stands in the way of the signer, after everybody has agreed.
    #[must_use]
    pub fn is_of_signing(&self) -> bool {
        matches!(self, Self::Credentials { .. } | Self::ReplyLost { .. })
    }
}

/// The steps that people follow, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Both sides know the code.
    CodeAccepted,
    /// The person here approved the device, and the device agreed to the organisation.
    IdentityChecked,
    /// The certificate is signed and recorded.
    CertificateSigned,
    /// The device has stored it.
    Installed,
    /// The device has opened a session with it.
    Online,
}

impl Step {
    /// A stable name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeAccepted => "code_accepted",
            Self::IdentityChecked => "identity_checked",
            Self::CertificateSigned => "certificate_signed",
            Self::Installed => "installed",
            Self::Online => "online",
        }
    }

    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::CodeAccepted,
        Self::IdentityChecked,
        Self::CertificateSigned,
        Self::Installed,
        Self::Online,
    ];
}

/// When each step was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the crossing started.
    pub started_at: UnixMillis,
    done_at: [Option<UnixMillis>; 5],
}

impl Progress {
    /// When a step was done.
    #[must_use]
    pub fn done_at(&self, step: Step) -> Option<UnixMillis> {
        self.done_at[place(step)]
    }

    /// The first step that is not done: the one under way, or the one that failed.
    #[must_use]
    pub fn current(&self) -> Option<Step> {
        Step::ALL.into_iter().find(|step| self.done_at(*step).is_none())
    }

    pub(super) fn mark(&mut self, step: Step, now: UnixMillis) {
        self.done_at[place(step)].get_or_insert(now);
    }
}

impl View {
    pub(super) fn new(now: UnixMillis) -> Self {
        Self {
            stage: Stage::Connecting,
            review: None,
            obstacle: None,
            claim: None,
            device: None,
            certificate: None,
            progress: Progress {
                started_at: now,
                done_at: [None; 5],
            },
            told: Told::Open,
        }
    }
}

fn place(step: Step) -> usize {
    match step {
        Step::CodeAccepted => 0,
        Step::IdentityChecked => 1,
        Step::CertificateSigned => 2,
        Step::Installed => 3,
        Step::Online => 4,
    }
}
