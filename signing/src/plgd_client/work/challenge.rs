//! What a client, or a device by it, wants to have signed: the challenge, the signature for it, and that the client takes it.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::json;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::{ClientWork, Question, Reason, accepted, done};
use crate::access::Access;
use crate::plgd_client::error::malformed;
use crate::plgd_client::{ClientCa, ClientEnd, ClientError, ClientStep, ClientTask, request, send};
use crate::plgd_hub::{message, signed};
use crate::{NoAnswer, Response, Sending, SigningError, Wallet};

/// A request that is being signed.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    state: Uuid,
    /// Whose key the request is for.
    key: Sha256Hex,
}

impl ClientWork {
    /// Asks for one.
    pub(super) fn challenge(&mut self, wallet: &Wallet) -> Result<ClientStep, ClientError> {
        let client = self.to_client(wallet);
        let sending = match &self.task {
            ClientTask::Own(device) => client.own(device)?,
            _ => client.initialise(&self.keys)?,
        };
        Ok(self.ask(Question::Challenge, sending))
    }

    pub(super) fn challenged(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
    ) -> Result<ClientStep, ClientError> {
        let response = match (accepted(answer), &self.task) {
            (Ok(response), _) => response,
            // Somebody may have been faster.
            (Err(error @ ClientError::Refused { .. }), ClientTask::Initialise) => {
                return self.look(Reason::Failed {
                    error,
                    may_help: false,
                });
            }
            (Err(error), _) => return Err(error),
        };
        let wanted = match (&self.task, &self.owner) {
            // The client says what its devices are called: none of them is its owner.
            (ClientTask::Own(device), Some(owner)) if *device == owner.id => {
                return Err(malformed("the client gives a device the name of its owner"));
            }
            (ClientTask::Own(device), _) => *device,
            (_, Some(owner)) => owner.id,
            (_, None) => return Err(malformed("a challenge for nobody")),
        };
        let Some(told) = challenge(&response)? else {
            return match self.task {
                // With a pre-shared key nothing is signed: the device has its owner.
                ClientTask::Own(_) => Ok(done(ClientEnd::Done)),
                _ => Err(malformed("the client gives no request")),
            };
        };
        let csr = told.certificate_signing_request;
        let challenge = Challenge {
            key: request::look(&csr, &wanted)?,
            state: told.state,
        };
        let hub = self.hub()?;
        let sending = match &hub.ca {
            ClientCa::Hub => {
                let tokens = self.tokens(wallet).ok_or_else(|| malformed("no token"))?;
                Sending::elsewhere(hub.api.ask_as_it_is(&csr, tokens)?)
            }
            ClientCa::Builtin(organisation) => send::sign_at_panel(organisation, &csr)?,
        };
        Ok(self.ask(Question::Signature(challenge), sending))
    }

    pub(super) fn signed(
        &mut self,
        challenge: &Challenge,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
    ) -> Result<ClientStep, ClientError> {
        let hub = self.hub()?;
        let response = answer.map_err(|NoAnswer { detail }| SigningError::NoReply { detail })?;
        let (status, detail) = (response.status(), message(&response));
        if status == StatusCode::UNAUTHORIZED && hub.ca == ClientCa::Hub {
            let signer = hub.signer.id.clone();
            let access = Access::refused(detail, &signer, wallet);
            return self.enter(access, wallet);
        }
        if !status.is_success() {
            let status = status.as_u16();
            return Err(match hub.ca {
                ClientCa::Hub => SigningError::Hub { detail, status }.into(),
                ClientCa::Builtin(_) => ClientError::BuiltinRefused { detail, status },
            });
        }
        let certificate = signed(response.body()).map_err(malformed)?;
        request::check_signed(&certificate, &challenge.key)?;
        let client = self.to_client(wallet);
        let sending = match &self.task {
            ClientTask::Own(device) => client.finish_own(device, &challenge.state, &certificate)?,
            _ => client.finish(&challenge.state, &certificate)?,
        };
        Ok(self.ask(Question::Finish, sending))
    }

    pub(super) fn finished(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
    ) -> Result<ClientStep, ClientError> {
        let owns = matches!(self.task, ClientTask::Own(_));
        let error = match accepted(answer) {
            Ok(_) if owns => return Ok(done(ClientEnd::Done)),
            Ok(_) => return self.look(Reason::Done),
            Err(error) => error,
        };
        let has_expired = match &error {
            ClientError::Refused { status, .. } if owns => *status == 404,
            ClientError::Refused { status, detail } => *status == 400 && detail.contains("invalid state"),
            _ => false,
        };
        match (owns, has_expired) {
            (true, true) => self.challenge_anew(ClientError::Expired, wallet),
            (true, false) => Err(error),
            (false, true) => self.look(Reason::Failed {
                error: ClientError::Expired,
                may_help: true,
            }),
            // It may have taken the certificate, and its answer was lost.
            (false, false) => self.look(Reason::Failed {
                may_help: matches!(error, ClientError::Unreachable { .. }),
                error,
            }),
        }
    }

    /// The state works once, so that only a fresh challenge helps: once by itself, then when the person says so.
    pub(super) fn challenge_anew(
        &mut self,
        error: ClientError,
        wallet: &Wallet,
    ) -> Result<ClientStep, ClientError> {
        if std::mem::replace(&mut self.is_second, true) {
            return Err(error);
        }
        self.had_expired = error == ClientError::Expired;
        self.challenge(wallet)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    certificate_signing_request: String,
    /// It goes into a path, so that it may be nothing else than what it has to be.
    state: Uuid,
}

/// What a client wants to have signed, if anything.
fn challenge(response: &Response) -> Result<Option<Told>, ClientError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Challenged {
        identity_certificate_challenge: Option<Told>,
    }
    let challenged: Challenged = json::read(response.body()).map_err(malformed)?;
    Ok(challenged.identity_certificate_challenge)
}
