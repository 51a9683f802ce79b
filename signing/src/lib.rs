//! Signing back ends: who turns a device's CSR into a certificate, as state machines without input or output.
//!
//! 1. [`Signer::of`] takes the signing endpoint that an organisation has configured, and what is to be signed.
//! 2. [`Signer::start`] gives the first step.
//! 3. [`Signer::answer`] takes what came of a request and gives the next step or, in the end, the certificate.
//!
//! Whoever drives it has the network: the browser sends with fetch, the command line with reqwest, tests with literals. Each
//! request says where it goes: [`Target::Panel`] is Gangway's own API, with the caller's sign-in or token; one that goes
//! elsewhere carries all that it needs, and nothing of ours.
//!
//! With fleet provisioning ([`Step::HandOver`]) the device itself asks the signer, with a claim that the person makes for it:
//! [`Signer::handed_over`] takes what became of that.
//!
//! A request that is not idempotent is never repeated by itself. What became of it is written down at the server before and
//! after (`docs/protocol.md` §4), so that a lost reply is told before anything is signed again.

mod access;
mod advance;
mod asked;
mod at_server;
mod aws_iot;
mod backend;
mod corporate;
mod elsewhere;
mod ending;
mod hand_over;
mod panel;
mod plgd_client;
mod plgd_hub;
mod sign_in;
mod subject;
mod throw_away;
mod trial;
mod wallet;

use gangway_protocol::certificate::{Certificate, Csr};
use gangway_protocol::device::Facts;
use gangway_protocol::enrolment::ProvisioningClaim;
use gangway_protocol::error::{ProblemCode, ProblemDetails};
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;

pub use advance::{Advance, Advanced};
pub use at_server::AtServer;
pub use aws_iot::AwsRefusal;
pub use corporate::{
    Corporate, CorporateCredential, CorporateError, CorporateOrder, CorporateRevocation, CorporateSigned,
    CorporateStep, Fresh, ProvisionerKey, Silence, TlsIdentity, UnfitCredential,
};
pub use elsewhere::Elsewhere;
pub use ending::{Ending, EndingStep};
pub use hand_over::HandedOver;
pub use plgd_client::{
    ClientAccess, ClientAddress, ClientCa, ClientDevice, ClientEnd, ClientError, ClientMode, ClientStage,
    ClientState, ClientStep, ClientTask, ClientWork, CloudStatus, Ownership, PreSharedKey,
    UnfitClientAddress, UnfitRequest,
};
pub use sign_in::{Redirect, Returned, SignIn, SignInError, SignInStep};
pub use subject::{UnfitSubject, common_name};
pub use throw_away::ThrowAway;
pub use trial::{Trial, TrialEnd, TrialStage, TrialStep};
pub use wallet::{AwsCredentials, UnreadableCredentials, Wallet};

use aws_iot::AwsIot;
use backend::Backend;
use plgd_hub::PlgdHub;
use wallet::Tokens;

/// A request to be sent.
pub type Request = http::Request<Vec<u8>>;
/// Its response.
pub type Response = http::Response<Vec<u8>>;

/// What is to be signed.
#[derive(Clone, Debug)]
pub struct Order {
    /// The claim in which it was approved.
    pub claim: ClaimId,
    /// The device.
    pub device: DeviceId,
    /// Its CSR.
    pub csr: Csr,
    /// The organisation that it joins.
    pub organisation: OrganisationId,
    /// Its name there.
    pub name: String,
    /// What it says about itself.
    pub facts: Facts,
    /// The person knows that a reply was lost, and wants another certificate all the same.
    pub again: bool,
}

/// One signing of one device's CSR by one signing endpoint.
#[derive(Clone, Debug)]
pub enum Signer {
    /// Our server: by Gangway's own CA, or by a corporate CA that it asks.
    AtServer(Box<AtServer>),
    /// AWS IoT Core, or a plgd hub.
    Elsewhere(Box<Elsewhere>),
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send this, and hand what came of it to [`Signer::answer`].
    Send(Box<Sending>),
    /// The wallet has no credentials for this signer that are still good. Put some in and start again.
    NeedCredentials {
        /// Why the former ones were refused, for people.
        refused: Option<String>,
    },
    /// The signer was asked, now or before, and nobody knows whether it signed. The person looks for a certificate that nobody
    /// holds and deactivates it; after [`Signer::allow_another`] it may be started again.
    ReplyLost {
        /// What became of the request, if it was this one.
        lost: Option<NoAnswer>,
        /// Where to look: a page of the signer.
        find: String,
    },
    /// Seal this for the device, and hand what became of it to [`Signer::handed_over`].
    HandOver(Box<ProvisioningClaim>),
    /// The certificate, signed and recorded at the server.
    Recorded(Box<Certificate>),
}

/// A request and how it travels. `Debug` shows nothing of what may be secret.
#[derive(Clone)]
pub struct Sending {
    /// The request.
    pub request: Request,
    /// Where to.
    pub target: Target,
    /// Whether it may be sent again when no answer came.
    pub is_idempotent: bool,
}

impl Sending {
    /// To the authority in its URI. What HTTP calls idempotent may be repeated (RFC 9110 §9.2.2).
    fn elsewhere(request: Request) -> Self {
        Self {
            is_idempotent: request.method().is_idempotent(),
            request,
            target: Target::Elsewhere,
        }
    }
}

impl std::fmt::Debug for Sending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sending")
            .field("method", self.request.method())
            .field("uri", self.request.uri())
            .field("target", &self.target)
            .field("is_idempotent", &self.is_idempotent)
            .finish_non_exhaustive()
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To Gangway's own API: the URI is a path.
    Panel,
    /// To the authority in its URI, without cookie, token or referrer of ours.
    Elsewhere,
}

/// No response came: the network failed, or a browser hides what did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct NoAnswer {
    /// What is known of it, for diagnostics.
    pub detail: String,
}

impl Signer {
    /// A signing of this order by the endpoint that its organisation has configured.
    ///
    /// # Errors
    /// [`SigningError::Unsupported`].
    pub fn of(signer: &signer::Signer, order: Order) -> Result<Self, SigningError> {
        if signer.kind.signs_at_server() {
            return Ok(Self::AtServer(Box::new(AtServer::new(&signer.kind, order))));
        }
        let backend = Backend::of(&signer.kind).ok_or(SigningError::Unsupported)?;
        let elsewhere = Elsewhere::new(signer.clone(), backend, order);
        Ok(Self::Elsewhere(Box::new(elsewhere)))
    }

    /// The first step, or the one after [`Step::NeedCredentials`]. `now` dates requests that are signed themselves.
    ///
    /// # Errors
    /// When the request cannot be made from this CSR.
    pub fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<Step, SigningError> {
        match self {
            Self::AtServer(signing) => signing.start(),
            Self::Elsewhere(elsewhere) => elsewhere.start(wallet, now),
        }
    }

    /// After [`Step::ReplyLost`]: the person wants another certificate all the same.
    pub fn allow_another(&mut self) {
        match self {
            Self::AtServer(signing) => signing.allow_another(),
            Self::Elsewhere(elsewhere) => elsewhere.allow_another(),
        }
    }

    /// Takes what came of the last request.
    ///
    /// # Errors
    /// Why there is no certificate.
    pub fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        match self {
            Self::AtServer(signing) => signing.answer(answer),
            Self::Elsewhere(elsewhere) => elsewhere.answer(answer, wallet, now),
        }
    }

    /// After [`Step::HandOver`]: what became of the claim.
    ///
    /// # Errors
    /// Why there is no certificate.
    pub fn handed_over(
        &mut self,
        outcome: HandedOver,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        match self {
            Self::AtServer(_) => Err(malformed("our server hands nothing over")),
            Self::Elsewhere(elsewhere) => elsewhere.handed_over(outcome, wallet, now),
        }
    }
}

/// Why there is no certificate. `Display` is for people.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SigningError {
    /// Gangway's server says why.
    #[error("{}", .0.detail.as_deref().unwrap_or(&.0.title))]
    Problem(Box<ProblemDetails>),
    /// Something answered that did not say why.
    #[error("the signing endpoint answered with HTTP status {status} and without an explanation")]
    Unexplained {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is in a form that this version does not understand.
    #[error("the signing endpoint's answer could not be understood ({detail})")]
    Malformed {
        /// What could not be read.
        detail: String,
    },
    /// Gangway's server could not be asked.
    #[error("the server cannot be reached ({0})")]
    Unanswered(NoAnswer),
    /// The signer was asked, and what it said is not known.
    #[error("the signer did not answer, or refused in a way that a browser does not tell ({detail})")]
    NoReply {
        /// What is known of it.
        detail: String,
    },
    /// It was not ended at its signer.
    #[error("it was not ended there: {detail}")]
    NotEnded {
        /// What the signer says.
        detail: String,
    },
    /// AWS says why.
    #[error("{0}")]
    Aws(AwsRefusal),
    /// A plgd hub says why.
    #[error("the hub does not sign this request: {detail}")]
    Hub {
        /// What it says.
        detail: String,
        /// The HTTP status.
        status: u16,
    },
    /// The signer takes no keys of this kind.
    #[error("{signer} takes no {key} keys: the device has to make another one")]
    KeyKind {
        /// Who.
        signer: &'static str,
        /// Which kind.
        key: String,
    },
    /// This program does not know how to use that kind of signer.
    #[error("this version of Gangway cannot use that kind of signer: update it, or choose another signer")]
    Unsupported,
    /// The template wants to know what the device does not state.
    #[error(
        "the provisioning template’s parameter {parameter} is the device’s {fact}, and this device states none: choose another \
         signer"
    )]
    Unstated {
        /// The parameter.
        parameter: String,
        /// What is not stated.
        fact: &'static str,
    },
    /// The device could not fetch its certificate.
    #[error("the device could not fetch its certificate: {detail}")]
    NotProvisioned {
        /// What the device says.
        detail: String,
    },
    /// The device handed in what the signer has not made.
    #[error("the device handed in a certificate that the signer has not made")]
    OtherCertificate,
    /// A certificate, but for another key.
    #[error("the signing endpoint returned a certificate for another key")]
    OtherKey,
}

impl SigningError {
    /// Whether the same signing may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(
                problem.code,
                ProblemCode::Busy
                    | ProblemCode::RateLimited
                    | ProblemCode::Timeout
                    | ProblemCode::ShuttingDown
                    | ProblemCode::Unavailable
            ),
            Self::Unexplained { status } | Self::Hub { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Unanswered(_) | Self::NoReply { .. } => true,
            Self::Aws(refusal) => refusal.is_temporary(),
            Self::NotProvisioned { .. } => true,
            Self::NotEnded { .. }
            | Self::Unstated { .. }
            | Self::KeyKind { .. }
            | Self::Malformed { .. }
            | Self::Unsupported
            | Self::OtherCertificate
            | Self::OtherKey => false,
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> SigningError {
    SigningError::Malformed {
        detail: error.to_string(),
    }
}
