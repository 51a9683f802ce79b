//! `/account`: the ways in, the browsers that are in, the tokens, and how the panel looks.

mod appearance;
mod lists;
mod profile;

use gangway_protocol::account::Account;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::frame::WithoutAccount;
use crate::components::notice::{Notice, Tone, TroubleNotice};
use crate::trouble::Trouble;
use crate::visit::{Language, language};
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
            {refused_form().map(|trouble| view! { <TroubleNotice trouble /> })}
            {match account() {
                Ok(account) => view! { <Whole account /> }.into_any(),
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
            }}
        </main>
    }
}

/// What was wrong with a form that the server sent back here.
fn refused_form() -> Option<Trouble> {
    let code = use_query_map().read_untracked().get("trouble")?;
    let code: ProblemCode = serde_json::from_value(code.into()).ok()?;
    Some(Trouble::code(code))
}

#[component]
fn Whole(account: Account) -> impl IntoView {
    let t = language();
    view! {
        <Profile account=account.clone() />
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

/// The word for a role.
pub(crate) fn role_name(t: Language, role: Role) -> &'static str {
    match role {
        Role::Viewer => t.role_viewer(),
        Role::Installer => t.role_installer(),
        Role::Operator => t.role_operator(),
        Role::Admin => t.role_admin(),
        Role::Owner => t.role_owner(),
    }
}
