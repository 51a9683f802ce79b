//! Who is signed in, where as what, and the way out: forms, which need no script.

use gangway_protocol::account::Account;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::path::{form, page as paths};
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::components::role::role_name;
use crate::visit::language;

/// The head of the page.
#[component]
pub(super) fn Profile(
    /// The visitor's.
    account: Account,
    /// Whether a new name could not be taken.
    name_refused: bool,
) -> impl IntoView {
    let t = language();
    let memberships = told(&account.organisations)
        .map(|organisation| view! { <p class="soft">{role_name(t, organisation.role)} " · " {organisation.name.clone()}</p> })
        .collect_view();
    view! {
        <div class="page-head">
            <div>
                <h1>{account.name.clone()}</h1>
                {memberships}
            </div>
            <form method="post" action=form::SIGN_OUT>
                <button class="button" type="submit">
                    <Icon glyph=Glyph::SignOut />
                    {t.sign_out()}
                </button>
            </form>
        </div>
        <details class="fold" open=name_refused>
            <summary class="textual">{t.rename_account()}</summary>
            <form class="row" method="post" action=form::PROFILE>
                <input type="hidden" name="back" value=paths::ACCOUNT />
                <div class="field">
                    <label for="account-name">{t.your_name()}</label>
                    <input id="account-name" name="name" type="text" required maxlength="64" autocomplete="name" value=account.name />
                    {name_refused.then(|| view! { <p class="hint bad" role="alert">{t.name_refused()}</p> })}
                </div>
                <button class="button" type="submit">{t.save()}</button>
            </form>
        </details>
    }
}

/// Those that say something new: a role holds below too, and is told there only where it is another one.
fn told(organisations: &[Organisation]) -> impl Iterator<Item = &Organisation> {
    organisations.iter().filter(|organisation| {
        let parent = organisations
            .iter()
            .find(|other| Some(&other.id) == organisation.parent.as_ref());
        parent.is_none_or(|parent| parent.role != organisation.role)
    })
}
