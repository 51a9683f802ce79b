//! What moves on the account page: one island with a section for each list, and what they share.

mod passkeys;
mod recovery_codes;
mod sign_ins;
mod tokens;

use gangway_protocol::account::{Passkey, SignIn, Token};
use gangway_protocol::organisation::Organisation;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::passkeys::Passkeys;
use self::recovery_codes::RecoveryCodes;
use self::sign_ins::SignIns;
use self::tokens::Tokens;
use crate::trouble::Outcome;

/// The lists, as the server read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lists {
    pub(crate) passkeys: Outcome<Vec<Passkey>>,
    pub(crate) sign_ins: Outcome<Vec<SignIn>>,
    pub(crate) tokens: Outcome<Vec<Token>>,
}

/// All of them.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn AccountLists(
    /// The lists.
    lists: Lists,
    /// How many unused recovery codes there are.
    recovery_codes: u32,
    /// The organisations of the account, with the person's role in each.
    organisations: Vec<Organisation>,
) -> impl IntoView {
    SignInsChanged::provide();
    view! {
        <Passkeys first=lists.passkeys />
        <RecoveryCodes left=recovery_codes />
        <SignIns first=lists.sign_ins />
        <Tokens organisations first=lists.tokens />
    }
}

/// Tells the list of signed-in browsers that some of them may have been signed out by what happened beside it.
#[derive(Clone, Copy)]
struct SignInsChanged(RwSignal<u32>);

impl SignInsChanged {
    fn provide() {
        provide_context(Self(RwSignal::new(0)));
    }

    fn tell(self) {
        self.0.update(|count| *count = count.wrapping_add(1));
    }
}
