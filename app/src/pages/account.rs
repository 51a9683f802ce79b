//! `/account`: the ways in, the browsers that are in, the tokens, and how the panel looks.

mod appearance;
mod lists;
mod profile;

use gangway_protocol::account::Account;
use gangway_protocol::error::ProblemCode;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::notice::{Notice, Tone};
use crate::pages::frame::WithoutAccount;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::account;
use appearance::Appearance;
use lists::ListsOf;
use profile::Profile;

/// The page.
#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.account() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Ok(account) => {
                    let refused = refused_form();
                    let name_refused = refused.as_ref().is_some_and(|trouble| trouble.is(ProblemCode::Invalid));
                    view! {
                        {refused
                            .filter(|_| !name_refused)
                            .map(|trouble| view! { <Notice tone=Tone::Bad><p role="alert">{trouble.words(t)}</p></Notice> })}
                        <Whole account name_refused />
                    }
                        .into_any()
                }
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
            }}
        </main>
    }
}

/// Why the forms of this page may be sent back. Whoever makes a link chooses its words, and gets no others.
const REFUSALS: [ProblemCode; 4] = [
    ProblemCode::Invalid,
    ProblemCode::RateLimited,
    ProblemCode::Timeout,
    ProblemCode::Internal,
];

/// What was wrong with a form that the server sent back here.
fn refused_form() -> Option<Trouble> {
    let code = use_query_map().read_untracked().get("trouble")?;
    let code: ProblemCode = serde_json::from_value(code.into()).ok()?;
    Some(Trouble::code(
        REFUSALS
            .into_iter()
            .find(|known| *known == code)
            .unwrap_or(ProblemCode::Internal),
    ))
}

#[component]
fn Whole(
    account: Account,
    /// Whether a new name of the account could not be taken.
    name_refused: bool,
) -> impl IntoView {
    let t = language();
    view! {
        <Profile account=account.clone() name_refused />
        <noscript>
            <div class="gate">
                <Notice tone=Tone::Warn>
                    <p>{t.account_needs_script()}</p>
                </Notice>
            </div>
        </noscript>
        <ListsOf account />
        <Appearance />
    }
}
