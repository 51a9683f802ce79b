//! What moves on the account page: one island with a section for each list, and what they share.

mod invitations;
mod passkeys;
mod recovery_codes;
mod sign_ins;
mod tokens;

use gangway_protocol::account::{Passkey, SignIn, Token};
use gangway_protocol::organisation::{Invitation, Organisation};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::invitations::Invitations;
use self::passkeys::Passkeys;
use self::recovery_codes::RecoveryCodes;
use self::sign_ins::SignIns;
use self::tokens::Tokens;
use crate::components::copy::CopyFirst;
use crate::components::notice::{Notice, Tone};
use crate::trouble::Outcome;
use crate::visit::language;

/// The lists, as the server read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lists {
    pub(crate) passkeys: Outcome<Vec<Passkey>>,
    pub(crate) sign_ins: Outcome<Vec<SignIn>>,
    /// Those of each organisation in which the person may invite.
    pub(crate) invitations: Vec<(Organisation, Outcome<Vec<Invitation>>)>,
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
    let several = organisations.len() > 1;
    let invitations = lists
        .invitations
        .into_iter()
        .map(|(organisation, first)| view! { <Invitations organisation several first /> })
        .collect_view();
    view! {
        <Passkeys first=lists.passkeys />
        <RecoveryCodes left=recovery_codes />
        <SignIns first=lists.sign_ins />
        {invitations}
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

/// What was made in a dialog and is shown only once, until it is dismissed.
#[component]
fn ShownOnce(
    /// What to do with it.
    says: &'static str,
    /// The thing itself.
    made: String,
    /// The person has it.
    dismiss: Callback<()>,
) -> impl IntoView {
    let t = language();
    let words = NodeRef::<leptos::html::P>::new();
    // Not on the button: a second Enter of whoever made this would dismiss it unread.
    Effect::new(move |_| {
        if let Some(words) = words.get() {
            let _ = words.focus();
        }
    });
    view! {
        <div class="stack dialog-field">
            <p role="status" tabindex="-1" node_ref=words>{says}</p>
            <div class="command">
                <code>{made.clone()}</code>
            </div>
            <div class="dialog-end">
                <button class="button" type="button" on:click=move |_| dismiss.run(())>{t.done()}</button>
                <CopyFirst text=made />
            </div>
        </div>
    }
}

/// The same on the page, for whoever closed the dialog with Escape before they had copied it.
#[component]
fn StillShown(
    /// What to do with it.
    says: &'static str,
    /// What was made.
    made: RwSignal<Option<String>>,
    /// Whether the dialog shows, which has it then.
    open: RwSignal<bool>,
) -> impl IntoView {
    let dismiss = Callback::new(move |()| made.set(None));
    move || {
        made.get().filter(|_| !open.get()).map(|made| {
            view! {
                <Notice tone=Tone::Plain>
                    <ShownOnce says made dismiss />
                </Notice>
            }
        })
    }
}
