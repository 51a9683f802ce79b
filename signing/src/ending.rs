//! Ends certificates at their signer, because they were revoked here: deactivated at AWS, removed from a hub's records, which puts
//! them on its revocation list.
//!
//! 1. The signer is asked for the certificate by its own name for it, and what it shows is compared with the one that is
//!    recorded: a name that somebody recorded wrongly ends nothing of others.
//! 2. The signer ends it. Doing that twice is harmless.
//! 3. Our server is told.

use gangway_protocol::certificate::{Certificate, split_chain};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::path;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;

use crate::access::Access;
use crate::backend::Backend;
use crate::sign_in::SignIn;
use crate::{NoAnswer, Response, Sending, SigningError, Target, Wallet, malformed, panel};

/// The end of one certificate at its signer.
#[derive(Clone, Debug)]
pub struct Ending {
    signer: signer::Signer,
    backend: Backend,
    certificate: Sha256Hex,
    /// The signer's own name for it.
    name: Option<String>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Renewing(Box<SignIn>),
    /// The signer is asked for the certificate.
    Finding,
    /// It ends it.
    Ending,
    /// Our server is told.
    Telling,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum EndingStep {
    /// Send this, and hand what came of it to [`Ending::answer`].
    Send(Box<Sending>),
    /// The wallet has no credentials that are still good. Put some in and start again.
    NeedCredentials {
        /// Why the former ones were refused, for people.
        refused: Option<String>,
    },
    /// It is ended, and our server knows.
    Done,
}

impl Ending {
    /// For this certificate. `None` where nothing is to be ended elsewhere.
    #[must_use]
    pub fn of(signer: &signer::Signer, certificate: &Certificate) -> Option<Self> {
        Some(Self {
            backend: Backend::of(&signer.kind)?,
            signer: signer.clone(),
            certificate: certificate.sha256,
            name: certificate.external_id.clone(),
            state: State::Idle,
        })
    }

    /// The first step, or the one after [`EndingStep::NeedCredentials`].
    ///
    /// # Errors
    /// When the request cannot be made.
    pub fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<EndingStep, SigningError> {
        let access = Access::of(&self.backend, &self.signer, wallet, now);
        self.go_on(access, wallet, now)
    }

    fn go_on(
        &mut self,
        access: Access,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<EndingStep, SigningError> {
        match access {
            Access::Good => self.find(wallet, now),
            Access::Renewing(renewal, sending) => {
                self.state = State::Renewing(renewal);
                Ok(EndingStep::Send(sending))
            }
            Access::Wanted { refused } => Ok(EndingStep::NeedCredentials { refused }),
        }
    }

    /// Takes what came of the last request.
    ///
    /// # Errors
    /// Why it is not ended.
    pub fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<EndingStep, SigningError> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Err(malformed("an answer without a request")),
            State::Renewing(renewal) => {
                let access = Access::renewed(renewal, answer, &self.signer.id, wallet, now);
                self.go_on(access, wallet, now)
            }
            State::Finding => {
                let response = answer.map_err(no_reply)?;
                match self.backend.shown(&response) {
                    Shown::Unaccepted(why) => {
                        self.go_on(Access::refused(why, &self.signer.id, wallet), wallet, now)
                    }
                    Shown::Refused(error) => Err(error),
                    // Whoever removed it there has ended it.
                    Shown::Gone => self.tell(),
                    Shown::These { shown, lists } => {
                        let ours = shown
                            .into_iter()
                            .find(|(_, chain)| leaf(chain) == Some(self.certificate));
                        match (ours, &self.name) {
                            (Some((name, _)), _) => self.end(&name, wallet, now),
                            // What is recorded as the signer's name for it is the name of another.
                            (None, Some(_)) if !lists => Err(SigningError::OtherKey),
                            (None, _) => self.tell(),
                        }
                    }
                }
            }
            State::Ending => {
                let response = answer.map_err(no_reply)?;
                match self.backend.ended(&response) {
                    Ok(()) => self.tell(),
                    Err(why) => Err(SigningError::NotEnded { detail: why }),
                }
            }
            State::Telling => {
                panel::accepted(answer)?;
                Ok(EndingStep::Done)
            }
        }
    }

    fn find(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<EndingStep, SigningError> {
        let request = self
            .backend
            .show(&self.signer, self.name.as_deref(), wallet, now)?;
        Ok(match request {
            Some(request) => {
                self.state = State::Finding;
                EndingStep::Send(Box::new(Sending::elsewhere(request)))
            }
            None => EndingStep::NeedCredentials { refused: None },
        })
    }

    fn end(&mut self, name: &str, wallet: &Wallet, now: UnixMillis) -> Result<EndingStep, SigningError> {
        Ok(match self.backend.end(&self.signer, name, wallet, now)? {
            Some(request) => {
                self.state = State::Ending;
                EndingStep::Send(Box::new(Sending::elsewhere(request)))
            }
            None => EndingStep::NeedCredentials { refused: None },
        })
    }

    fn tell(&mut self) -> Result<EndingStep, SigningError> {
        let request = http::Request::put(path::certificate_ending(self.certificate))
            .body(Vec::new())
            .map_err(malformed)?;
        self.state = State::Telling;
        Ok(EndingStep::Send(Box::new(Sending {
            request,
            target: Target::Panel,
            is_idempotent: true,
        })))
    }
}

/// What a signer shows when it is asked for a certificate.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// These, by its own names for them, PEM.
    These {
        /// Name and chain of each.
        shown: Vec<(String, String)>,
        /// They are all that there are: what is not among them is gone.
        lists: bool,
    },
    /// It has no such certificate any more.
    Gone,
    /// It does not accept the credentials, and says why.
    Unaccepted(String),
    /// It refused.
    Refused(SigningError),
}

fn no_reply(answer: NoAnswer) -> SigningError {
    SigningError::NoReply {
        detail: answer.detail,
    }
}

/// Digest of the leaf of a chain.
fn leaf(chain: &str) -> Option<Sha256Hex> {
    let leaf = split_chain(chain).ok()?.into_iter().next()?;
    Some(Sha256Hex::of(&leaf))
}

#[cfg(test)]
mod tests;
