//! What a signer takes from the person, before it is asked for anything: there, renewed without the person, or wanted.

use gangway_protocol::id::SignerId;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use crate::backend::Backend;
use crate::sign_in::{SignIn, SignInStep};
use crate::{NoAnswer, Response, Sending, Wallet};

/// How things stand with credentials.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// The wallet has some that are good.
    Good,
    /// They are being renewed: this is to be sent, and what comes of it is for [`Access::renewed`].
    Renewing(Box<SignIn>, Box<Sending>),
    /// The person has to give some.
    Wanted {
        /// Why the former ones were refused, for people.
        refused: Option<String>,
    },
}

impl Access {
    /// How they stand for this signer.
    pub(crate) fn of(backend: &Backend, signer: &Signer, wallet: &Wallet, now: UnixMillis) -> Self {
        if backend.has_credentials(signer, wallet, now) {
            return Self::Good;
        }
        match SignIn::renewal(signer, wallet, now) {
            Some((renewal, sending)) => Self::Renewing(Box::new(renewal), Box::new(sending)),
            None => Self::Wanted { refused: None },
        }
    }

    /// How they stand after an answer to a renewal.
    pub(crate) fn renewed(
        mut renewal: Box<SignIn>,
        answer: Result<Response, NoAnswer>,
        signer: &SignerId,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Self {
        match renewal.answer(answer, wallet, now) {
            Ok(SignInStep::Done) => Self::Good,
            Ok(SignInStep::Send(sending)) => Self::Renewing(renewal, sending),
            // Only a person goes anywhere.
            Ok(SignInStep::Visit { .. }) => Self::Wanted { refused: None },
            Err(error) => Self::refused(error.to_string(), signer, wallet),
        }
    }

    /// The signer did not accept them.
    pub(crate) fn refused(why: String, signer: &SignerId, wallet: &mut Wallet) -> Self {
        wallet.forget(signer);
        Self::Wanted { refused: Some(why) }
    }
}
