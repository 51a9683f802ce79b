//! The calls of the API that a crossing makes, and their answers.

use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReport, ClaimReportReason};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::ClaimId;

use gangway_signing::Sending;

use crate::api::Api;
use crate::error::ApiError;
use crate::transport::TransportError;

/// A call to be made, by [`Api::perform`].
#[derive(Clone, Debug)]
pub enum Call {
    /// Approve the introduced device.
    Approve {
        /// The claim.
        claim: ClaimId,
        /// Everything that is approved.
        request: Box<ApprovalRequest>,
    },
    /// Take the approval back.
    Withdraw {
        /// The claim.
        claim: ClaimId,
    },
    /// Record the device's consent.
    RecordConsent {
        /// The claim.
        claim: ClaimId,
    },
    /// A request of the signing back end, to our own API or to the signer.
    Sign(Box<Sending>),
    /// Record that the device has installed the certificate.
    RecordDelivery {
        /// The certificate.
        certificate: Sha256Hex,
    },
    /// Report why the claim ends for good.
    Report {
        /// The claim.
        claim: ClaimId,
        /// Why.
        reason: ClaimReportReason,
    },
}

/// The answer to a [`Call`] of the same name.
#[derive(Clone)]
pub enum Answer {
    /// To [`Call::Approve`].
    Approve(Result<Approval, ApiError>),
    /// To [`Call::Withdraw`].
    Withdraw(Result<(), ApiError>),
    /// To [`Call::RecordConsent`].
    RecordConsent(Result<(), ApiError>),
    /// To [`Call::Sign`]: any response, or none.
    Sign(Result<gangway_signing::Response, TransportError>),
    /// To [`Call::RecordDelivery`].
    RecordDelivery(Result<(), ApiError>),
    /// To [`Call::Report`].
    Report(Result<(), ApiError>),
}

/// A signer's answer may hold a token or a key.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Approve(outcome) => f.debug_tuple("Approve").field(outcome).finish(),
            Self::Withdraw(outcome) => f.debug_tuple("Withdraw").field(outcome).finish(),
            Self::RecordConsent(outcome) => f.debug_tuple("RecordConsent").field(outcome).finish(),
            Self::Sign(Ok(response)) => f.debug_tuple("Sign").field(&response.status()).finish(),
            Self::Sign(Err(error)) => f.debug_tuple("Sign").field(error).finish(),
            Self::RecordDelivery(outcome) => f.debug_tuple("RecordDelivery").field(outcome).finish(),
            Self::Report(outcome) => f.debug_tuple("Report").field(outcome).finish(),
        }
    }
}

impl Api {
    /// Makes a call for a crossing.
    pub async fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Approve { claim, request } => Answer::Approve(self.approve(&claim, &request).await),
            Call::Withdraw { claim } => Answer::Withdraw(self.withdraw_approval(&claim).await),
            Call::RecordConsent { claim } => {
                Answer::RecordConsent(self.record_consent(&claim).await.map(drop))
            }
            Call::Sign(sending) => Answer::Sign(self.carry(*sending).await),
            Call::RecordDelivery { certificate } => {
                Answer::RecordDelivery(self.record_delivery(&certificate).await.map(drop))
            }
            Call::Report { claim, reason } => {
                Answer::Report(self.report_claim(&claim, &ClaimReport { reason }).await)
            }
        }
    }
}

impl Call {
    /// Whether a crossing repeats it by itself. An approval is the person's to repeat, and a signer elsewhere would sign twice;
    /// the others are idempotent and nobody could decide anything about them.
    pub(super) fn is_repeated(&self) -> bool {
        match self {
            Self::Approve { .. } => false,
            Self::Sign(sending) => sending.is_idempotent,
            _ => true,
        }
    }
}

impl Answer {
    /// Whether the same call may succeed later, and after how many seconds.
    pub(super) fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::Approve(answer) => answer.as_ref().err()?.retry_after_secs(),
            Self::Withdraw(answer)
            | Self::RecordConsent(answer)
            | Self::RecordDelivery(answer)
            | Self::Report(answer) => answer.as_ref().err()?.retry_after_secs(),
            Self::Sign(Err(error)) => ApiError::Offline(error.clone()).retry_after_secs(),
            Self::Sign(Ok(response)) => ApiError::Unexplained {
                status: response.status().as_u16(),
                retry_after_secs: None,
            }
            .retry_after_secs(),
        }
    }
}
