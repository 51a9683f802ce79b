//! What handlers take out of a request: who asks, and from where.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::authority::{Caller, Error, Result, identify};
use crate::limits::{AddressKey, ClientAddress};
use crate::state::Gangway;

impl ClientAddress {
    /// Counts an attempt to sign in, to open a one-time link or to use a recovery code.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when this address has tried too often.
    pub fn may_try_to_sign_in(self, gangway: &Gangway) -> Result<()> {
        let key = AddressKey::from(self.0);
        Ok(gangway.limits.sign_in(key, gangway.clock.monotonic())?)
    }
}

impl FromRequestParts<Arc<Gangway>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gangway: &Arc<Gangway>) -> Result<Self> {
        let address = ClientAddress::from_request_parts(parts, gangway).await?;
        identify::caller(&gangway.db, gangway.clock.now(), &parts.headers, address).await
    }
}

impl FromRequestParts<Arc<Gangway>> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &Arc<Gangway>) -> Result<Self> {
        parts
            .extensions
            .get()
            .copied()
            .ok_or_else(|| Error::internal("the request has no client address"))
    }
}
