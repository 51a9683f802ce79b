//! Who visits: the signed-in account, and how pages learn that it has changed.

use gangway_client::Api;
use gangway_protocol::account::{Account, CeremonyReply, Passkey};
use gangway_protocol::error::ProblemCode;
use leptos::prelude::*;

use crate::browser::page;
use crate::browser::passkey::{self, PasskeyError};
use crate::remote::Remote;
use crate::trouble::Trouble;
use crate::visit::Language;

/// The visitor, as context.
#[derive(Clone, Copy)]
pub(crate) struct Visitor {
    /// The account, or why there is none to show.
    pub(crate) account: Remote<Account>,
    turn: RwSignal<u32>,
}

impl Visitor {
    /// Asks who visits and provides the answer.
    pub(crate) fn provide() {
        let turn = RwSignal::new(0_u32);
        let api = api();
        let account = Remote::new(move || {
            turn.track();
            let api = api.clone();
            async move { api.account().await.map_err(Trouble::from) }
        });
        provide_context(Self { account, turn });
    }

    /// What a page asks is asked again whenever somebody signs in or out.
    pub(crate) fn track(self) {
        self.turn.track();
    }

    /// Somebody signed in or out, or the account changed: everything is asked anew.
    pub(crate) fn changed(self) {
        self.turn.update(|turn| *turn += 1);
    }
}

/// The visitor of the present page.
pub(crate) fn visitor() -> Visitor {
    expect_context()
}

/// The typed client of the present page.
pub(crate) fn api() -> Api {
    expect_context()
}

/// Why a passkey ceremony did not end well.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CeremonyTrouble {
    /// The server said no, or could not be reached.
    Server(Trouble),
    /// The browser or the person said no.
    Browser(PasskeyError),
}

impl CeremonyTrouble {
    /// What happened and what to do; nothing when nobody needs to know.
    pub(crate) fn words(&self, t: Language) -> Option<String> {
        match self {
            Self::Server(trouble) => Some(trouble.words(t)),
            Self::Browser(error) => error.words(t).map(str::to_owned),
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

/// Proves a passkey again, as approvals and other weighty things ask for (threat model, ENR-10).
pub(crate) async fn step_up(api: &Api) -> Result<(), CeremonyTrouble> {
    let ceremony = api.start_step_up().await?;
    let credential = passkey::prove(&ceremony.public_key).await?;
    api.finish_step_up(
        &ceremony.id,
        &CeremonyReply {
            credential,
            passkey_name: None,
        },
    )
    .await?;
    Ok(())
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
    let reply = CeremonyReply {
        credential,
        passkey_name: Some(page::browser_name()),
    };
    Ok(api.finish_adding_passkey(&ceremony.id, &reply).await?)
}
