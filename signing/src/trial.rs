//! Tries a signer: has it sign a request for a key that nobody keeps, and removes what it signed. Nothing of it is recorded at our
//! server, and no device gets anything.
//!
//! AWS makes the certificate inactive, so that it opens nothing even where the person may not delete it.

use gangway_protocol::certificate::{Csr, leaf_key};
use gangway_protocol::signer::{self, SignerKind};
use gangway_protocol::time::UnixMillis;

use crate::access::Access;
use crate::backend::{Backend, Look, Reply, Search, Signed};
use crate::sign_in::SignIn;
use crate::{NoAnswer, Request, Response, Sending, SigningError, Wallet, malformed};

/// One trial of one signer.
#[derive(Clone, Debug)]
pub struct Trial {
    signer: signer::Signer,
    backend: Backend,
    csr: Csr,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Renewing(Box<SignIn>),
    Signing {
        since: UnixMillis,
    },
    /// The signer's own name for what it signed is looked for.
    Naming {
        since: UnixMillis,
        search: Search,
    },
    Removing,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum TrialStep {
    /// Send this, and hand what came of it to [`Trial::answer`].
    Send(Box<Sending>),
    /// The wallet has no credentials that are still good. Put some in and start again.
    NeedCredentials {
        /// Why the former ones were refused, for people.
        refused: Option<String>,
    },
    /// It signed.
    Done(TrialEnd),
}

/// What became of the certificate that nobody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialEnd {
    /// It is gone.
    Gone,
    /// There is none: what was made is a claim for a device, which ends by itself. The template, its hook and the endpoint show
    /// what they do with a device alone.
    Claim,
    /// It is left at the signer: inactive at AWS, good for nothing without its key at a hub.
    Left {
        /// Why, for people.
        why: String,
        /// Where it is found.
        find: String,
    },
}

/// How far a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrialStage {
    /// Credentials are wanted.
    Credentials,
    /// The signer is asked.
    Signing,
    /// What it signed is removed.
    Removing,
}

impl Trial {
    /// A trial with this request. `None` where nothing is to be tried: the built-in CA, a kind that is not known.
    #[must_use]
    pub fn of(signer: &signer::Signer, csr: Csr) -> Option<Self> {
        let mut signer = signer.clone();
        if let SignerKind::AwsIot(aws) = &mut signer.kind {
            aws.activate = false;
        }
        Some(Self {
            backend: Backend::of(&signer.kind)?,
            signer,
            csr,
            state: State::Idle,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> TrialStage {
        match self.state {
            State::Idle | State::Renewing(_) => TrialStage::Credentials,
            State::Signing { .. } => TrialStage::Signing,
            State::Naming { .. } | State::Removing => TrialStage::Removing,
        }
    }

    /// The first step, or the one after [`TrialStep::NeedCredentials`].
    ///
    /// # Errors
    /// When the request cannot be made.
    pub fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<TrialStep, SigningError> {
        let access = Access::of(&self.backend, &self.signer, wallet, now);
        self.go_on(access, wallet, now)
    }

    fn go_on(&mut self, access: Access, wallet: &Wallet, now: UnixMillis) -> Result<TrialStep, SigningError> {
        match access {
            Access::Good => self.sign(wallet, now),
            Access::Renewing(renewal, sending) => {
                self.state = State::Renewing(renewal);
                Ok(TrialStep::Send(sending))
            }
            Access::Wanted { refused } => Ok(TrialStep::NeedCredentials { refused }),
        }
    }

    /// Takes what came of the last request.
    ///
    /// # Errors
    /// Why the signer did not sign.
    pub fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<TrialStep, SigningError> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Err(malformed("an answer without a request")),
            State::Renewing(renewal) => {
                let access = Access::renewed(renewal, answer, &self.signer.id, wallet, now);
                self.go_on(access, wallet, now)
            }
            State::Signing { since } => match answer.map(|response| self.backend.read(&response)) {
                Ok(Reply::Signed(signed)) => self.signed(signed, since, wallet, now),
                Ok(Reply::Claim(_)) => Ok(TrialStep::Done(TrialEnd::Claim)),
                Ok(Reply::Refused(error)) => Err(error),
                Ok(Reply::Unaccepted(why)) => {
                    self.go_on(Access::refused(why, &self.signer.id, wallet), wallet, now)
                }
                Ok(Reply::Unclear(NoAnswer { detail })) | Err(NoAnswer { detail }) => {
                    Err(SigningError::NoReply { detail })
                }
            },
            State::Naming { since, search } => {
                let found = answer.ok().filter(|response| response.status().is_success());
                self.name(Some((search, found)), since, wallet, now)
            }
            State::Removing => Ok(match answer.map(|response| self.backend.removed(&response)) {
                Ok(Ok(())) => TrialStep::Done(TrialEnd::Gone),
                Ok(Err(why)) => self.left(&why),
                Err(NoAnswer { detail }) => self.left(&detail),
            }),
        }
    }

    fn left(&self, why: &str) -> TrialStep {
        TrialStep::Done(TrialEnd::Left {
            why: why.to_owned(),
            find: self.backend.find(),
        })
    }

    fn sign(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<TrialStep, SigningError> {
        let request = self.backend.ask(&self.signer, &self.csr, wallet, now)?;
        let Some(request) = request else {
            return Ok(TrialStep::NeedCredentials { refused: None });
        };
        self.state = State::Signing { since: now };
        Ok(elsewhere(request))
    }

    fn signed(
        &mut self,
        signed: Signed,
        since: UnixMillis,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<TrialStep, SigningError> {
        if leaf_key(&signed.chain) != Some(self.csr.spki_sha256()) {
            return Err(SigningError::OtherKey);
        }
        match signed.external_id {
            Some(id) => self.remove(&id, wallet, now),
            None => self.name(None, since, wallet, now),
        }
    }

    fn name(
        &mut self,
        seen: Option<(Search, Option<Response>)>,
        since: UnixMillis,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<TrialStep, SigningError> {
        match self
            .backend
            .look(&self.signer, &self.csr, seen, since, wallet, now)?
        {
            Look::Ask(request, search) => {
                self.state = State::Naming { since, search };
                Ok(elsewhere(*request))
            }
            Look::Found(Signed {
                external_id: Some(id),
                ..
            }) => self.remove(&id, wallet, now),
            Look::Found(_) | Look::Nothing => Ok(self.left("it is not among what the signer lists")),
        }
    }

    fn remove(&mut self, id: &str, wallet: &Wallet, now: UnixMillis) -> Result<TrialStep, SigningError> {
        match self.backend.remove(&self.signer, id, wallet, now)? {
            Some(request) => {
                self.state = State::Removing;
                Ok(elsewhere(request))
            }
            None => Ok(self.left("the credentials have ended")),
        }
    }
}

fn elsewhere(request: Request) -> TrialStep {
    TrialStep::Send(Box::new(Sending::elsewhere(request)))
}

#[cfg(test)]
mod tests;
