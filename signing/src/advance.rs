//! A step that a signer is to take, apart from whoever waits for it: a browser loads the code of a back end when it is needed.

use gangway_protocol::time::UnixMillis;

use crate::{HandedOver, NoAnswer, Response, Signer, SigningError, Step, Wallet, malformed};

/// A step to be taken.
#[derive(Clone, Debug)]
pub struct Advance {
    signer: Signer,
    event: Event,
}

#[derive(Clone)]
enum Event {
    Start,
    Answered(Result<Response, NoAnswer>),
    HandedOver(HandedOver),
}

/// Bodies hold tokens and keys.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Answered(Ok(response)) => f.debug_tuple("Answered").field(&response.status()).finish(),
            Self::Answered(Err(lost)) => f.debug_tuple("Answered").field(lost).finish(),
            Self::HandedOver(outcome) => f.debug_tuple("HandedOver").field(outcome).finish(),
        }
    }
}

/// The signer after its step, and what came of it.
#[derive(Clone, Debug)]
pub struct Advanced {
    /// The signer.
    pub signer: Signer,
    /// What it wants next, or why there is no certificate.
    pub outcome: Result<Step, SigningError>,
}

impl Advance {
    /// The first step, or the one after [`Step::NeedCredentials`] or [`Step::ReplyLost`].
    #[must_use]
    pub fn start(signer: Signer) -> Self {
        Self {
            signer,
            event: Event::Start,
        }
    }

    /// The step after a request.
    #[must_use]
    pub fn answered(signer: Signer, answer: Result<Response, NoAnswer>) -> Self {
        Self {
            signer,
            event: Event::Answered(answer),
        }
    }

    /// The step after [`Step::HandOver`].
    #[must_use]
    pub fn handed_over(signer: Signer, outcome: HandedOver) -> Self {
        Self {
            signer,
            event: Event::HandedOver(outcome),
        }
    }

    /// Takes a step of what our server signs, for which no further code is needed.
    ///
    /// # Errors
    /// The step itself, when it is another signer's.
    pub fn take_at_server(self: Box<Self>) -> Result<Advanced, Box<Self>> {
        let Signer::AtServer(mut signing) = self.signer else {
            return Err(self);
        };
        let outcome = match self.event {
            Event::Start => signing.start(),
            Event::Answered(answer) => signing.answer(answer),
            Event::HandedOver(_) => Err(malformed("our server hands nothing over")),
        };
        Ok(Advanced {
            signer: Signer::AtServer(signing),
            outcome,
        })
    }

    /// Takes the step, whoever's it is.
    #[must_use]
    pub fn take(mut self, wallet: &mut Wallet, now: UnixMillis) -> Advanced {
        let outcome = match self.event {
            Event::Start => self.signer.start(wallet, now),
            Event::Answered(answer) => self.signer.answer(answer, wallet, now),
            Event::HandedOver(outcome) => self.signer.handed_over(outcome, wallet, now),
        };
        Advanced {
            signer: self.signer,
            outcome,
        }
    }
}
