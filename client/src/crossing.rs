//! The claimant's whole side of an attended enrolment (`protocol.md` §2 and §4) as one state machine without input or
//! output: the panel in the browser and `gangway link` in the terminal drive the same one.
//!
//! 1. [`Crossing::start`] takes the code; the driver opens the claim socket and feeds every frame, and a tick each second.
//! 2. The device's confirmation is checked first: a wrong code is told to the person and nothing more is sent.
//! 3. The introduction's facts and CSR are checked ([`Effect::VerifyCsr`]); then the person reviews ([`Stage::Reviewing`]).
//! 4. [`Input::Approve`] posts the approval; the `offer` with the names that the server recorded goes to the device.
//! 5. The device's `consent` is recorded at the server. Nothing is signed before it.
//! 6. The signer signs; the certificate is recorded at the server before it is sealed for the device. A signer elsewhere may
//!    want credentials first, or the person's word after a lost reply. Once it is asked, the end of the socket waits for what
//!    comes of that: what was signed is recorded before any failure is told.
//! 7. The device's `installed` is recorded. The driver watches for its first session and says so with [`Input::Online`].
//!
//! "Not mine" and "cancel" tell the device, withdraw the approval and report, in this order, whatever is under way. A driver
//! has to go on until [`View::told`] says how that ended.

mod call;
mod checking;
mod ending;
mod failure;
mod opening;
mod settling;
mod state;
mod turn;
mod view;

use gangway_protocol::certificate::UncheckedCsr;
use gangway_protocol::code::UserCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use gangway_protocol::seal::Claimant;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{Advance, Advanced};

pub use call::{Answer, Call};
pub use failure::{Failure, Retry};
pub use settling::credential;
pub use view::{Obstacle, Progress, Review, Stage, Step, Told, View, Warning};

use ending::Ending;
use state::State;
use turn::{InFlight, Turn};

/// From the start to the device's introduction: the relay allows 15 s from the claim on, the rest is for connecting.
const OPENING_MILLIS: i64 = 30 * UnixMillis::SECOND;

/// One attempt to enrol the device that shows a code.
#[derive(Debug)]
pub struct Crossing {
    /// Origin of the panel, e.g. `https://panel.example`.
    panel: String,
    state: State,
    view: View,
    /// The call of the API that has not been answered yet.
    in_flight: Option<InFlight>,
    /// Until when the present part of the conversation must be over.
    deadline: Option<UnixMillis>,
}

/// What happens to a crossing.
#[derive(Clone, Debug)]
pub enum Input {
    /// The socket that [`Effect::OpenSocket`] asked for is open.
    SocketOpened,
    /// It could not be opened.
    SocketFailed {
        /// Why, for people.
        detail: String,
    },
    /// A text frame came.
    Frame(String),
    /// The socket is closed.
    SocketClosed,
    /// The outcome of [`Effect::VerifyCsr`].
    CsrVerified {
        /// Whether the signature is good.
        good: bool,
    },
    /// The outcome of [`Effect::Call`].
    Answered(Box<Answer>),
    /// The person approves.
    Approve(Box<Decision>),
    /// The person says that this is not their device.
    NotMine,
    /// The person changed their mind.
    Cancel,
    /// The outcome of [`Effect::Advance`].
    Advanced(Box<Advanced>),
    /// The answer to [`Obstacle::Credentials`]: the wallet has some.
    CredentialsGiven,
    /// The answer to [`Obstacle::ReplyLost`]: the person has looked, and wants another certificate.
    SignAgain,
    /// A second has passed.
    Tick,
    /// The device has opened a session with its certificate.
    Online,
}

/// What the driver has to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open the claim socket with sub-protocol `gangway.claim.v1`.
    OpenSocket {
        /// Its path at the panel.
        path: String,
    },
    /// Send this text frame.
    Send(String),
    /// Close the socket; no frame is wanted from it any more.
    CloseSocket,
    /// Verify [`UncheckedCsr::signature_check`] and say [`Input::CsrVerified`].
    VerifyCsr(Box<UncheckedCsr>),
    /// Call the API ([`crate::Api::perform`]) and say [`Input::Answered`].
    Call(Box<Call>),
    /// Take this step with the wallet that the driver keeps, and say [`Input::Advanced`]. The code of a signer elsewhere may be
    /// loaded first.
    Advance(Box<Advance>),
}

/// What the person decided with "approve".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Into which organisation.
    pub organisation: OrganisationId,
    /// Who signs.
    pub signer: Signer,
    /// The name to give the device; absent: its host name.
    pub name: Option<String>,
    /// Labels to give it.
    pub labels: Vec<String>,
    /// The answer to [`Obstacle::KeyKnown`]: give the device that has this key a new certificate.
    pub replace: bool,
}

impl Crossing {
    /// Begins an attempt with a code.
    ///
    /// `panel` is the origin of the panel (RFC 6454 §6.2). `random` fills the slice it is given with fresh random bytes of
    /// cryptographic quality.
    pub fn start(
        code: &UserCode,
        panel: &str,
        now: UnixMillis,
        random: impl FnMut(&mut [u8]),
    ) -> (Self, Vec<Effect>) {
        let (claimant, pake) = Claimant::start(code, random);
        let crossing = Self {
            panel: panel.to_owned(),
            state: State::opening(claimant, pake),
            view: View::new(now),
            in_flight: None,
            deadline: Some(now.plus(OPENING_MILLIS)),
        };
        let path = path::claim_socket(code.nameplate());
        (crossing, vec![Effect::OpenSocket { path }])
    }

    /// What people should see now.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Takes what happened at `now` and gives what to do, in order.
    pub fn handle(&mut self, input: Input, now: UnixMillis) -> Vec<Effect> {
        let mut turn = Turn::new(
            now,
            &self.panel,
            &mut self.view,
            &mut self.in_flight,
            &mut self.deadline,
        );
        // Every transition consumes the state; what stands here meanwhile is seen by nobody.
        let state = std::mem::replace(&mut self.state, State::Ended(Ending::empty()));
        self.state = state.step(input, &mut turn);
        turn.effects
    }
}
