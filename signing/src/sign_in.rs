//! A person signs in for a signer elsewhere, as a state machine without input or output.
//!
//! 1. Where the authority has a discovery document, that is read (OpenID Connect Discovery 1.0).
//! 2. The person goes to the authority and comes back with an authorization code (RFC 6749 §4.1). What binds it to this sign-in
//!    is a verifier that never leaves this memory (RFC 7636), so that the code is worth nothing to whoever else sees it.
//! 3. The code is redeemed for tokens. A plgd hub takes the access token as it is; for AWS the identity token is exchanged for
//!    temporary credentials.
//! 4. What came of it is put into the wallet. A refresh token there renews all of it without the person.

mod cognito;
mod error;
mod oidc;
mod web_identity;

use gangway_protocol::id::SignerId;
use gangway_protocol::signer::{AwsSignIn, Signer, SignerKind, host_of, origin_of};
use gangway_protocol::time::UnixMillis;

pub use error::SignInError;
pub(crate) use error::shown;
pub use oidc::Returned;
pub(crate) use oidc::{Endpoints, Proof, discovered, discovery};

use crate::{AwsCredentials, NoAnswer, Response, Sending, Tokens, Wallet};
use cognito::{Cognito, Identity};
use oidc::Authority;
use web_identity::WebIdentity;

/// One sign-in, or the renewal of one.
#[derive(Clone, Debug)]
pub struct SignIn {
    signer: SignerId,
    authority: Authority,
    exchange: Exchange,
    phase: Phase,
}

/// What tokens are good for.
#[derive(Clone, Debug)]
enum Exchange {
    /// They are the credentials.
    Nothing,
    /// An identity pool gives credentials of AWS for them.
    Cognito(Cognito),
    /// STS does.
    WebIdentity(WebIdentity),
}

#[derive(Clone, Debug)]
enum Phase {
    /// The discovery document is read.
    Discovering {
        proof: Proof,
    },
    /// The person is at the authority.
    Visiting {
        endpoints: Endpoints,
        proof: Proof,
    },
    /// The code is redeemed; without a proof it is a refresh token that is.
    Redeeming {
        endpoints: Endpoints,
        proof: Option<Proof>,
    },
    /// The identity pool is asked who this is.
    Identifying {
        tokens: Tokens,
    },
    /// Credentials are asked for.
    Exchanging,
    Ended,
}

/// Where the authority sends the person back to.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The address, as the authority has to know it.
    pub uri: String,
    /// Whether a fragment is seen there: a page sees it, a program that listens does not.
    pub reads_fragment: bool,
}

impl Redirect {
    /// What comes behind the origin.
    fn path(&self) -> &str {
        let path = self.uri.strip_prefix(origin_of(&self.uri));
        path.filter(|path| !path.is_empty()).unwrap_or("/")
    }
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum SignInStep {
    /// Send this, and hand what came of it to [`SignIn::answer`].
    Send(Box<Sending>),
    /// The person goes there; what comes back is for [`SignIn::returned`].
    Visit {
        /// A page of the authority.
        url: String,
    },
    /// The wallet has what the signer takes.
    Done,
}

impl SignIn {
    /// Begins to sign in for a signer; nothing, where it has no sign-in.
    ///
    /// `random` fills the slice it is given with fresh random bytes of cryptographic quality.
    pub fn begin(
        signer: &Signer,
        redirect: Redirect,
        mut random: impl FnMut(&mut [u8]),
    ) -> Option<(Self, SignInStep)> {
        let (authority, exchange) = authority_and_exchange(signer)?;
        let proof = Proof::new(redirect, &mut random);
        let (phase, step) = match &authority {
            Authority::Discovered(client) => {
                let request = http::Request::get(oidc::discovery(client))
                    .body(Vec::new())
                    .ok()?;
                let step = SignInStep::Send(Box::new(Sending::elsewhere(request)));
                (Phase::Discovering { proof }, step)
            }
            Authority::Known { client, endpoints } => {
                let url = endpoints.visit(client, &proof);
                let endpoints = endpoints.clone();
                (Phase::Visiting { endpoints, proof }, SignInStep::Visit { url })
            }
        };
        let sign_in = Self {
            signer: signer.id.clone(),
            authority,
            exchange,
            phase,
        };
        Some((sign_in, step))
    }

    /// Renews what has ended, where the wallet has what that takes.
    pub(crate) fn renewal(signer: &Signer, wallet: &Wallet, now: UnixMillis) -> Option<(Self, Sending)> {
        let (authority, exchange) = authority_and_exchange(signer)?;
        let held = wallet.session(&signer.id)?;
        let mut renewal = Self {
            signer: signer.id.clone(),
            authority,
            exchange,
            phase: Phase::Ended,
        };
        if let Some(refresh) = &held.refresh_token {
            let endpoints = Endpoints::to_redeem_at(&held.token_endpoint);
            let sending = Sending::elsewhere(endpoints.refresh(renewal.authority.client(), refresh)?);
            renewal.phase = Phase::Redeeming {
                endpoints,
                proof: None,
            };
            return Some((renewal, sending));
        }
        if !held.is_good(now) || matches!(renewal.exchange, Exchange::Nothing) {
            return None;
        }
        match renewal.exchanging(held.clone()) {
            Ok(SignInStep::Send(sending)) => Some((renewal, *sending)),
            _ => None,
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
    ) -> Result<SignInStep, SignInError> {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        let who = self.asked(&phase);
        let response = answer.map_err(|answer| SignInError::Unanswered {
            who,
            detail: answer.detail,
        })?;
        match phase {
            Phase::Visiting { .. } | Phase::Ended => Err(SignInError::OtherSignIn),
            Phase::Discovering { proof } => {
                let endpoints = oidc::discovered(self.authority.client(), &response)?;
                let url = endpoints.visit(self.authority.client(), &proof);
                self.phase = Phase::Visiting { endpoints, proof };
                Ok(SignInStep::Visit { url })
            }
            Phase::Redeeming { endpoints, proof } => {
                let former = wallet.session(&self.signer);
                let tokens = endpoints.redeemed(&response, proof.as_ref(), former, now)?;
                wallet.put_session(self.signer.clone(), tokens.clone());
                self.exchanging(tokens)
            }
            Phase::Identifying { tokens } => {
                let Exchange::Cognito(cognito) = &self.exchange else {
                    return Err(SignInError::OtherSignIn);
                };
                let identity = Identity::read(&response)?;
                let request = cognito.credentials(&identity, tokens.identity()?)?;
                self.phase = Phase::Exchanging;
                Ok(SignInStep::Send(Box::new(Sending::elsewhere(request))))
            }
            Phase::Exchanging => {
                let credentials: AwsCredentials = match &self.exchange {
                    Exchange::Nothing => return Err(SignInError::OtherSignIn),
                    Exchange::Cognito(_) => cognito::read(&response)?,
                    Exchange::WebIdentity(_) => web_identity::read(&response)?,
                };
                wallet.put_aws(self.signer.clone(), credentials);
                Ok(SignInStep::Done)
            }
        }
    }

    /// Takes what the person came back with.
    ///
    /// # Errors
    /// [`SignInError::OtherSignIn`] when it belongs to another sign-in; this one goes on. Otherwise why it cannot.
    pub fn returned(&mut self, returned: &Returned) -> Result<SignInStep, SignInError> {
        let Phase::Visiting { endpoints, proof } = &self.phase else {
            return Err(SignInError::OtherSignIn);
        };
        let code = endpoints.returned(returned, proof)?;
        let request = endpoints.redeem(self.authority.client(), &code, proof);
        let request = request.ok_or_else(|| error::malformed("the authority", "its addresses"))?;
        self.phase = Phase::Redeeming {
            endpoints: endpoints.clone(),
            proof: Some(proof.clone()),
        };
        Ok(SignInStep::Send(Box::new(Sending::elsewhere(request))))
    }

    /// Asks for what the tokens are exchanged for.
    fn exchanging(&mut self, tokens: Tokens) -> Result<SignInStep, SignInError> {
        let request = match &self.exchange {
            Exchange::Nothing => return Ok(SignInStep::Done),
            Exchange::Cognito(cognito) => {
                let request = cognito.identity(tokens.identity()?)?;
                self.phase = Phase::Identifying { tokens };
                request
            }
            Exchange::WebIdentity(identity) => {
                let request = identity.assume(tokens.identity()?)?;
                self.phase = Phase::Exchanging;
                request
            }
        };
        Ok(SignInStep::Send(Box::new(Sending::elsewhere(request))))
    }

    /// Who is being asked, for people.
    fn asked(&self, phase: &Phase) -> String {
        let url = match (phase, &self.exchange) {
            (Phase::Redeeming { endpoints, .. }, _) => endpoints.token(),
            (Phase::Identifying { .. } | Phase::Exchanging, Exchange::Cognito(cognito)) => cognito.origin(),
            (Phase::Exchanging, Exchange::WebIdentity(identity)) => identity.origin(),
            _ => self.authority.address(),
        };
        host_of(url).to_owned()
    }
}

/// Where people sign in for a signer, and what becomes of their tokens.
fn authority_and_exchange(signer: &Signer) -> Option<(Authority, Exchange)> {
    match &signer.kind {
        SignerKind::PlgdHub(hub) => Some((Authority::Discovered(hub.sign_in.clone()), Exchange::Nothing)),
        SignerKind::AwsIot(aws) => match aws.sign_in.as_ref()? {
            AwsSignIn::Cognito(cognito) => Some((
                Authority::of_managed_login(cognito),
                Exchange::Cognito(Cognito::new(cognito.clone())),
            )),
            AwsSignIn::WebIdentity(identity) => Some((
                Authority::Discovered(identity.client.clone()),
                Exchange::WebIdentity(WebIdentity::new(identity, &aws.region)),
            )),
            AwsSignIn::Unknown => None,
        },
        SignerKind::Builtin
        | SignerKind::Est(_)
        | SignerKind::StepCa(_)
        | SignerKind::Vault(_)
        | SignerKind::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
