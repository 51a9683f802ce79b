//! What moves on the account page: one island with a section for each list, and what they share.

mod invitations;
mod passkeys;
mod recovery_codes;
mod sign_ins;
mod tokens;

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::account::{Passkey, SignIn, Token};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Invitation, Organisation};
use gangway_protocol::page::{MAX_PAGE_LIMIT, Page, PageQuery};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::invitations::Invitations;
use self::passkeys::Passkeys;
use self::recovery_codes::RecoveryCodes;
use self::sign_ins::SignIns;
use self::tokens::Tokens;
use crate::browser::{clock, page, random};
use crate::components::copy::CopyFirst;
use crate::components::notice::{Notice, Tone, TroubleNotice};
use crate::trouble::{Outcome, Trouble};
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

/// A list as a section keeps it.
pub(super) struct List<T: 'static> {
    items: RwSignal<Vec<T>>,
    /// Why the last reading failed; what was there stays beside it.
    trouble: RwSignal<Option<Trouble>>,
    busy: StoredValue<bool>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T: Clone + Send + Sync + 'static> List<T> {
    /// With what the server read.
    fn new(first: Outcome<Vec<T>>) -> Self {
        let (items, trouble) = match first {
            Ok(items) => (items, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        Self {
            items: RwSignal::new(items),
            trouble: RwSignal::new(trouble),
            busy: StoredValue::new(false),
        }
    }

    /// Adds what has just been made: lists are in the order in which their things were made.
    fn push(self, item: T) {
        self.items.update(|items| items.push(item));
    }

    /// Takes out what has just ended.
    fn remove(self, is_it: impl Fn(&T) -> bool) {
        self.items.update(|items| items.retain(|item| !is_it(item)));
    }

    /// Reads the list anew.
    fn read(self, read: impl AsyncFnOnce() -> Result<Page<T>, ApiError> + 'static) {
        if self.busy.get_value() {
            return;
        }
        self.busy.set_value(true);
        leptos::task::spawn_local(async move {
            match read().await {
                Ok(page) => {
                    self.items.set(page.items);
                    self.trouble.set(None);
                }
                Err(error) => self.trouble.set(Some(error.into())),
            }
            self.busy.set_value(false);
        });
    }
}

/// Why a list could not be read, with a way to try again.
#[component]
fn ListTrouble(
    /// Why.
    trouble: RwSignal<Option<Trouble>>,
    /// Reads it again.
    retry: Callback<()>,
) -> impl IntoView {
    move || {
        trouble
            .get()
            .map(|trouble| view! { <TroubleNotice trouble retry /> })
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

/// Nobody has so many passkeys, browsers or tokens that a second page would be worth its buttons.
pub(crate) fn all() -> PageQuery {
    PageQuery {
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    }
}

/// What ended already has ended: somebody was quicker.
fn ended(result: Result<(), ApiError>) -> Result<(), ApiError> {
    match result {
        Err(error) if error.code() == Some(ProblemCode::NotFound) => Ok(()),
        other => other,
    }
}

/// Moves the focus to a section's heading after something of it was removed: a second Enter must not meet the next button.
fn focus_heading(id: String) {
    leptos::task::spawn_local(async move {
        // The dialog that asked closes first, and gives the focus back to a button that is gone.
        clock::sleep(0).await;
        page::focus(&id);
    });
}

/// One key for one request: a repeated press or a lost reply makes nothing twice, and a request that was changed counts anew.
struct Once<R: 'static>(StoredValue<Option<(R, IdempotencyKey)>>);

impl<R> Clone for Once<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Once<R> {}

impl<R: Clone + PartialEq + Send + Sync + 'static> Once<R> {
    fn new() -> Self {
        Self(StoredValue::new(None))
    }

    fn key(self, request: &R) -> IdempotencyKey {
        match self.0.get_value() {
            Some((same, key)) if same == *request => key,
            _ => {
                let key = IdempotencyKey::new(random::bytes());
                self.0.set_value(Some((request.clone(), key.clone())));
                key
            }
        }
    }
}
