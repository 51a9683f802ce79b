//! Who visits, and what a visitor proves.

use std::cell::Cell;
use std::rc::Rc;

use gangway_client::Api;
use gangway_protocol::account::{Account, CeremonyReply, Passkey};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{IdentityProviderId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::single_sign_on::{SingleSignOnPurpose, SingleSignOnRequest};
use leptos::prelude::*;

use crate::browser::channel::Channel;
use crate::browser::passkey::{self, PasskeyError};
use crate::browser::{clock, page};
use crate::preference::Language;
use crate::trouble::{Outcome, Trouble};

/// Who visits. The server asks before it draws a page, and provides the answer to all of it.
#[derive(Clone, Debug)]
pub struct Visitor(Outcome<Account>);

impl Visitor {
    /// Somebody without an account.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Err(Trouble::code(ProblemCode::Unauthenticated)))
    }

    /// Where the visitor may enrol devices.
    pub fn enrols_into(&self) -> impl Iterator<Item = &OrganisationId> {
        let account = self.0.as_ref().ok().into_iter();
        account.flat_map(|account| {
            account
                .organisations_where(Role::may_enrol)
                .map(|organisation| &organisation.id)
        })
    }

    /// Asks the API, which knows the visitor by the cookie.
    pub async fn ask(api: &Api) -> Self {
        Self(api.account().await.map_err(Trouble::from))
    }
}

/// The account of the visitor, or why there is none to show. On the server alone.
pub(crate) fn account() -> Outcome<Account> {
    expect_context::<Visitor>().0
}

/// The typed client: within the process on the server, by fetch in the browser.
pub(crate) fn api() -> Api {
    #[cfg(feature = "hydrate")]
    return Api::new(std::sync::Arc::new(gangway_client::Fetch));
    #[cfg(not(feature = "hydrate"))]
    expect_context()
}

/// Why a passkey ceremony did not end well.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CeremonyTrouble {
    /// The server said no, or could not be reached.
    Server(Trouble),
    /// The browser or the person said no.
    Browser(PasskeyError),
    /// The browser opened no window for the identity provider.
    NoWindow,
    /// Nobody came back from the identity provider.
    NotConfirmed,
}

impl CeremonyTrouble {
    /// What happened and what to do; nothing when nobody needs to know.
    pub(crate) fn words(&self, t: Language) -> Option<String> {
        match self {
            Self::Server(trouble) => Some(trouble.words(t)),
            Self::Browser(error) => error.words(t).map(str::to_owned),
            Self::NoWindow => Some(t.sso_no_window().to_owned()),
            Self::NotConfirmed => Some(t.sso_not_confirmed().to_owned()),
        }
    }
}

impl From<gangway_client::ApiError> for CeremonyTrouble {
    fn from(error: gangway_client::ApiError) -> Self {
        Self::Server(error.into())
    }
}

impl From<PasskeyError> for CeremonyTrouble {
    fn from(error: PasskeyError) -> Self {
        Self::Browser(error)
    }
}

/// The channel by which a window says that the person has confirmed at their identity provider.
pub(crate) const CONFIRMED: &str = "gangway-confirmed";
/// How often it is looked whether they have, and how often at most: as long as the server waits.
const LOOK_EVERY_MILLIS: u32 = 250;
const LOOKS: u32 = 10 * 60 * 4;

/// Proves a passkey again, as approvals and other weighty things ask for (threat model, ENR-10); where an identity provider signed the
/// browser in, has the person sign in there again, in a window of its own.
pub(crate) async fn step_up(api: &Api) -> Result<(), CeremonyTrouble> {
    if let Some(by) = api.account().await?.signed_in_by {
        return confirm_at(api, by.provider.id).await;
    }
    let ceremony = api.start_step_up().await?;
    let credential = passkey::prove(&ceremony.public_key).await?;
    api.finish_step_up(&ceremony.id, &CeremonyReply::new(credential))
        .await?;
    Ok(())
}

async fn confirm_at(api: &Api, provider: IdentityProviderId) -> Result<(), CeremonyTrouble> {
    let request = SingleSignOnRequest {
        provider,
        purpose: SingleSignOnPurpose::StepUp,
    };
    let begun = api.begin_single_sign_on(&request).await?;
    let (done, expected) = (Rc::new(Cell::new(false)), begun.id);
    let heard = done.clone();
    let channel = Channel::open(CONFIRMED, move |text| {
        heard.set(heard.get() || text == expected.as_str());
    });
    if channel.is_none() || !page::open_window(&begun.address, CONFIRMED) {
        return Err(CeremonyTrouble::NoWindow);
    }
    for _ in 0..LOOKS {
        if done.get() {
            return Ok(());
        }
        clock::sleep(LOOK_EVERY_MILLIS).await;
    }
    Err(CeremonyTrouble::NotConfirmed)
}

/// Runs a call; when it wants a fresh proof, gets that and runs it once more.
pub(crate) async fn with_fresh_proof<T>(
    api: &Api,
    call: impl AsyncFn() -> Result<T, gangway_client::ApiError>,
) -> Result<T, CeremonyTrouble> {
    match call().await {
        Err(error) if error.code() == Some(ProblemCode::StepUpRequired) => {
            step_up(api).await?;
            Ok(call().await?)
        }
        other => Ok(other?),
    }
}

/// Makes one more passkey for the account.
pub(crate) async fn add_passkey(api: &Api) -> Result<Passkey, CeremonyTrouble> {
    let ceremony = with_fresh_proof(api, async || api.start_adding_passkey().await).await?;
    let credential = passkey::create(&ceremony.public_key).await?;
    let reply = CeremonyReply::new(credential);
    Ok(api.finish_adding_passkey(&ceremony.id, &reply).await?)
}
