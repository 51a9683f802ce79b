//! One task with one client: which request is next, and what its answer means.

mod challenge;

use gangway_protocol::signer::{host_of, origin_of};
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::Value;

use super::code::Visit;
use super::configuration::{ClientDocument, HubDocument, keys, keys_address};
use super::device::devices;
use super::error::{malformed, unreachable};
use super::owner::Owner;
use super::send::{self, ToClient};
use super::task::Hub;
use super::{
    ClientAccess, ClientAddress, ClientEnd, ClientError, ClientMode, ClientStage, ClientStep, ClientTask,
    CloudStatus,
};
use crate::access::Access;
use crate::plgd_hub::message;
use crate::sign_in::{SignIn, discovery};
use crate::wallet::Tokens;
use crate::{NoAnswer, Response, Returned, Sending, SignInError, Wallet};
use challenge::Challenge;

/// Most times that a device is looked at after it was told to join or leave a hub.
const MAX_LOOKS: u8 = 20;
/// Between two of them.
const LOOK_MILLIS: u32 = 1_000;

/// One task with one client.
#[derive(Clone, Debug)]
pub struct ClientWork {
    client: ClientAddress,
    hub: Option<Hub>,
    task: ClientTask,
    phase: Phase,
    /// A fresh challenge was asked for after the first one was used.
    is_second: bool,
    /// That was because it had expired.
    had_expired: bool,
    /// Whose token it is, once that is known.
    owner: Option<Owner>,
    hub_says: HubDocument,
    /// The authority's keys, once they are known.
    keys: Value,
}

#[derive(Clone, Debug)]
enum Phase {
    Idle,
    /// The sign-in is renewed.
    Renewing(Box<SignIn>),
    Asking(Question),
    /// The person gets a code for a device.
    Visiting(Box<Visit>),
    /// A device was looked at so many times.
    Waiting(u8),
}

/// What was asked.
#[derive(Clone, Debug)]
enum Question {
    /// The hub's configuration.
    Hub,
    /// The discovery document of the authority.
    Discovery,
    /// The authority's keys.
    Keys,
    /// The client's challenge.
    Challenge,
    /// The signature for it.
    Signature(Challenge),
    /// Whether the client takes the certificate.
    Finish,
    /// Whether the client does what it is told.
    Telling,
    Devices,
    /// How the client stands.
    Standing(Reason),
    /// How a device stands with its hub; it was looked at so many times before.
    Cloud(u8),
}

/// Why the client is asked how it stands.
#[derive(Clone, Debug)]
enum Reason {
    Looking,
    /// It says that it is done.
    Done,
    /// It refused, or did not answer: it may be initialised all the same, or by somebody else.
    Failed {
        error: ClientError,
        /// Whether a fresh challenge may help.
        may_help: bool,
    },
}

impl ClientWork {
    /// A task with a client. `None` where `access` is not of a hub, or a task that takes a hub has none.
    #[must_use]
    pub fn new(client: ClientAddress, access: Option<ClientAccess>, task: ClientTask) -> Option<Self> {
        let hub = match access {
            Some(access) => Some(Hub::of(access)?),
            None if matches!(task, ClientTask::Initialise | ClientTask::Onboard(..)) => return None,
            None => None,
        };
        Some(Self {
            client,
            hub,
            task,
            phase: Phase::Idle,
            is_second: false,
            had_expired: false,
            owner: None,
            hub_says: HubDocument::default(),
            keys: Value::Null,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> ClientStage {
        match &self.phase {
            Phase::Idle | Phase::Renewing(_) | Phase::Visiting(_) => ClientStage::Preparing,
            Phase::Waiting(_) => ClientStage::Checking,
            Phase::Asking(question) => match question {
                Question::Hub | Question::Discovery | Question::Keys => ClientStage::Preparing,
                Question::Challenge | Question::Devices => ClientStage::Asking,
                Question::Signature(_) => ClientStage::Signing,
                Question::Finish | Question::Telling => ClientStage::Finishing,
                Question::Standing(_) | Question::Cloud(_) => ClientStage::Checking,
            },
        }
    }

    /// Whether a challenge had expired, so that a fresh one was asked for.
    #[must_use]
    pub fn had_expired(&self) -> bool {
        self.had_expired
    }

    /// The first step, or the one after [`ClientStep::NeedCredentials`].
    ///
    /// # Errors
    /// When the first request cannot be made.
    pub fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<ClientStep, ClientError> {
        self.phase = Phase::Idle;
        match &self.hub {
            Some(hub) if self.task.needs_token() => {
                let access = Access::of(&hub.backend, &hub.signer, wallet, now);
                self.enter(access, wallet)
            }
            _ => self.first(wallet),
        }
    }

    /// Takes what came of the last request.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<ClientStep, ClientError> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Renewing(renewal) => {
                let signer = self.hub()?.signer.id.clone();
                let access = Access::renewed(renewal, answer, &signer, wallet, now);
                self.enter(access, wallet)
            }
            Phase::Asking(question) => match question {
                Question::Hub => self.hub_told(answer, wallet),
                Question::Discovery => self.discovered(&self.of_authority(answer)?),
                Question::Keys => {
                    self.keys = keys(&self.of_authority(answer)?)?;
                    self.challenge(wallet)
                }
                Question::Challenge => self.challenged(answer, wallet),
                Question::Signature(challenge) => self.signed(&challenge, answer, wallet),
                Question::Finish => self.finished(answer, wallet),
                Question::Telling => {
                    accepted(answer)?;
                    self.told(wallet)
                }
                Question::Devices => Ok(done(ClientEnd::Devices(devices(accepted(answer)?.body())?))),
                Question::Standing(reason) => self.stands(reason, &accepted(answer)?, wallet),
                Question::Cloud(looks) => Ok(self.joined(looks, answer)),
            },
            Phase::Idle | Phase::Visiting(_) | Phase::Waiting(_) => {
                Err(malformed("an answer without a request"))
            }
        }
    }

    /// Takes what the person came back with.
    ///
    /// # Errors
    /// [`SignInError::OtherSignIn`] when it belongs to something else; this goes on. Otherwise why it cannot.
    pub fn returned(&mut self, returned: &Returned, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        let (Phase::Visiting(visit), ClientTask::Onboard(device, _)) = (&self.phase, &self.task) else {
            return Err(SignInError::OtherSignIn.into());
        };
        let code = visit.code(returned)?;
        let sending = self.to_client(wallet).onboard(device, &visit.joining, &code)?;
        Ok(self.ask(Question::Telling, sending))
    }

    /// After [`ClientStep::Wait`].
    ///
    /// # Errors
    /// When nobody waited.
    pub fn waited(&mut self, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        match self.phase {
            Phase::Waiting(looks) => self.look_at_device(looks, wallet),
            _ => Err(malformed("nobody waits")),
        }
    }

    fn enter(&mut self, access: Access, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        match access {
            Access::Good => self.first(wallet),
            Access::Renewing(renewal, sending) => {
                self.phase = Phase::Renewing(renewal);
                Ok(ClientStep::Send(sending))
            }
            Access::Wanted { refused } => Ok(ClientStep::NeedCredentials { refused }),
        }
    }

    fn first(&mut self, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        let client = self.to_client(wallet);
        let (question, sending) = match &self.task {
            ClientTask::Look => return self.look(Reason::Looking),
            ClientTask::Own(_) => return self.challenge(wallet),
            ClientTask::Initialise | ClientTask::Onboard(..) => {
                let hub = origin_of(&self.hub()?.configured.certificate_authority);
                (Question::Hub, send::configuration(hub)?)
            }
            ClientTask::Discover { endpoint, nanos } => {
                (Question::Devices, client.devices(endpoint.as_deref(), *nanos)?)
            }
            ClientTask::Share(shared) => (Question::Telling, client.share(shared)?),
            ClientTask::Reset => (Question::Telling, client.reset()?),
            ClientTask::Disown(device) => (Question::Telling, client.disown(device)?),
            ClientTask::Offboard(device) => (Question::Telling, client.offboard(device)?),
        };
        Ok(self.ask(question, sending))
    }

    fn ask(&mut self, question: Question, sending: Sending) -> ClientStep {
        self.phase = Phase::Asking(question);
        ClientStep::Send(Box::new(sending))
    }

    fn look(&mut self, reason: Reason) -> Result<ClientStep, ClientError> {
        let sending = send::configuration(self.client.origin())?;
        Ok(self.ask(Question::Standing(reason), sending))
    }

    fn hub(&self) -> Result<&Hub, ClientError> {
        self.hub.as_ref().ok_or_else(|| malformed("no hub"))
    }

    /// The token of whoever is signed in. Whether it lasts was looked at in the beginning.
    fn tokens<'a>(&self, wallet: &'a Wallet) -> Option<&'a Tokens> {
        wallet.session(&self.hub.as_ref()?.signer.id)
    }

    fn to_client<'a>(&'a self, wallet: &'a Wallet) -> ToClient<'a> {
        ToClient {
            client: &self.client,
            tokens: self.tokens(wallet).filter(|_| self.task.needs_token()),
        }
    }

    fn of_authority(&self, answer: Result<Response, NoAnswer>) -> Result<Response, ClientError> {
        let who = host_of(&self.hub()?.configured.sign_in.issuer).to_owned();
        answer.map_err(|NoAnswer { detail }| SignInError::Unanswered { who, detail }.into())
    }

    fn hub_told(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
    ) -> Result<ClientStep, ClientError> {
        // A hub that does not say takes the claim that all take by default; what else it does not say is missed later.
        self.hub_says = answer
            .ok()
            .and_then(|response| HubDocument::read(&response))
            .unwrap_or_default();
        let hub = self.hub()?;
        let issuer = if matches!(self.task, ClientTask::Onboard(..)) {
            self.hub_says.clone().joining(&hub.configured)?.client
        } else {
            hub.configured.sign_in.clone()
        };
        if let Some(tokens) = self.tokens(wallet) {
            let claim = self.hub_says.jwt_owner_claim.as_deref();
            self.owner = Some(Owner::of(&tokens.access_token, claim)?);
        }
        let sending = send::get(&discovery(&issuer))?;
        Ok(self.ask(Question::Discovery, sending))
    }

    fn discovered(&mut self, response: &Response) -> Result<ClientStep, ClientError> {
        let hub = self.hub()?;
        if let ClientTask::Onboard(_, pass) = &self.task {
            let joining = self.hub_says.clone().joining(&hub.configured)?;
            let (visit, url) = Visit::begin(joining, pass, response)?;
            self.phase = Phase::Visiting(Box::new(visit));
            return Ok(ClientStep::Visit { url });
        }
        let sending = send::get(&keys_address(response, &hub.configured)?)?;
        Ok(self.ask(Question::Keys, sending))
    }

    fn told(&mut self, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        match self.task {
            ClientTask::Share(_) | ClientTask::Reset => self.look(Reason::Done),
            ClientTask::Onboard(..) | ClientTask::Offboard(_) => self.look_at_device(0, wallet),
            _ => Ok(done(ClientEnd::Done)),
        }
    }

    fn stands(
        &mut self,
        reason: Reason,
        response: &Response,
        wallet: &Wallet,
    ) -> Result<ClientStep, ClientError> {
        let document = ClientDocument::read(response)?;
        // Before the hub was asked, the client's own word says which claim counts: it is only shown.
        let owner = self.owner.clone().or_else(|| {
            let tokens = self.tokens(wallet)?;
            Owner::of(&tokens.access_token, document.owner_claim()).ok()
        });
        let state = document.state(owner.map(|owner| owner.is(document.owner())));
        let is_ours = state.is_initialised && state.is_yours == Some(true);
        let is_as_asked = match self.task {
            ClientTask::Look => true,
            ClientTask::Share(_) => state.is_initialised && state.mode == ClientMode::PreSharedKey,
            ClientTask::Reset => !state.is_initialised,
            _ => is_ours,
        };
        match reason {
            _ if is_as_asked => Ok(done(ClientEnd::State(state))),
            _ if state.is_occupied() => Err(ClientError::Occupied { owner: state.owner }),
            Reason::Failed { error, may_help } if may_help && !state.is_initialised => {
                self.challenge_anew(error, wallet)
            }
            Reason::Failed { error, .. } => Err(error),
            Reason::Looking | Reason::Done => Err(ClientError::OtherOutcome),
        }
    }

    fn look_at_device(&mut self, looks: u8, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        let (ClientTask::Onboard(device, _) | ClientTask::Offboard(device)) = &self.task else {
            return Err(malformed("nothing to look at"));
        };
        let sending = self.to_client(wallet).cloud(device)?;
        Ok(self.ask(Question::Cloud(looks), sending))
    }

    fn joined(&mut self, looks: u8, answer: Result<Response, NoAnswer>) -> ClientStep {
        let status = match answer {
            Ok(response) if response.status().is_success() => CloudStatus::read(response.body()),
            _ => CloudStatus::Unknown,
        };
        let is_under_way = match status {
            CloudStatus::Moving => true,
            CloudStatus::Registered => matches!(self.task, ClientTask::Offboard(_)),
            _ => false,
        };
        if is_under_way && looks < MAX_LOOKS {
            self.phase = Phase::Waiting(looks + 1);
            return ClientStep::Wait { millis: LOOK_MILLIS };
        }
        done(ClientEnd::Cloud(status))
    }
}

fn done(end: ClientEnd) -> ClientStep {
    ClientStep::Done(Box::new(end))
}

/// The client's answer, if it tells success.
fn accepted(answer: Result<Response, NoAnswer>) -> Result<Response, ClientError> {
    let response = answer.map_err(unreachable)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED => Err(ClientError::NotAccepted {
            detail: message(&response),
        }),
        status => Err(ClientError::Refused {
            detail: message(&response),
            status: status.as_u16(),
        }),
    }
}

#[cfg(test)]
mod tests;
