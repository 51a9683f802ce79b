//! The code with which a device joins a hub (OAuth 2.0 authorization code, RFC 6749 §4.1). The hub redeems it, with a secret of
//! its own, so that there is no verifier of ours: whoever sees the code can use it. It comes back behind `#`, which no browser
//! sends to a server, and is bound to this page by a state.

use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::host_of;

use super::ClientError;
use super::configuration::Joining;
use crate::sign_in::{Endpoints, Proof, discovered};
use crate::{Redirect, Response, Returned, SignInError};

/// What binds a code to this page.
#[derive(Clone, Debug)]
pub struct Pass(Proof);

impl Pass {
    pub(super) fn new(redirect: Redirect, random: &mut impl FnMut(&mut [u8])) -> Self {
        Self(Proof::new(redirect, random))
    }
}

/// A person who gets a code for a device.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    endpoints: Endpoints,
    pass: Pass,
    pub(super) joining: Joining,
}

impl Visit {
    /// By the discovery document of the authority. It comes with the address where the person goes.
    pub(super) fn begin(
        joining: Joining,
        pass: &Pass,
        response: &Response,
    ) -> Result<(Self, String), ClientError> {
        let endpoints = discovered(&joining.client, response)?;
        let url = endpoints.visit_for_another(&joining.client, &pass.0);
        let url = url.ok_or_else(|| SignInError::Misconfigured {
            detail: format!(
                "{} cannot send a code back in a fragment (response_mode), so that our server would see it",
                host_of(&joining.client.issuer)
            ),
        })?;
        let visit = Self {
            endpoints,
            pass: pass.clone(),
            joining,
        };
        Ok((visit, url))
    }

    /// The code that came back.
    pub(super) fn code(&self, returned: &Returned) -> Result<SecretString, SignInError> {
        self.endpoints.returned_for_another(returned, &self.pass.0)
    }
}
