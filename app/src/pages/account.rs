//! `/account`: the ways in, the browsers that are in, the tokens, and how the panel looks.

mod appearance;
mod invitations;
mod passkeys;
mod profile;
mod sign_ins;
mod tokens;

use std::future::Future;

use gangway_client::{Api, ApiError};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::{MAX_PAGE_LIMIT, Page, PageQuery};
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use crate::components::copy::command;
use crate::components::frame::{gate, loading};
use crate::components::notice::trouble_notice;
use crate::components::toast::toasts;
use crate::head::set_title;
use crate::remote::Remote;
use crate::trouble::Trouble;
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::{CeremonyTrouble, api, visitor};

/// A list of the account, and the way to read it anew.
type Listed<T> = Remote<Page<T>>;

/// The page.
pub(crate) fn account_page() -> View {
    let t = language();
    set_title(t.account());
    let passkeys = listed(async |api: Api| api.passkeys(&all()).await);
    let sign_ins = listed(async |api: Api| api.sign_ins(&all()).await);
    let tokens = listed(async |api: Api| api.tokens(&all()).await);
    view! {
        <main id="main" class="narrow" tabindex="-1">
            {gate(move |account| {
                let administered = account.organisations_where(Role::may_administer);
                let several = account.organisations.len() > 1;
                view! {
                    {profile::profile(t, &account)}
                    {passkeys::passkeys(t, passkeys)}
                    {passkeys::recovery(t, &account)}
                    {sign_ins::sign_ins(t, sign_ins)}
                    {administered.map(|organisation| invitations::invitations(t, organisation, several)).collect::<View>()}
                    {tokens::tokens(t, tokens, account.organisations)}
                    {appearance::appearance(t)}
                }
            })}
        </main>
    }
}

/// What the button of a line does that ends what the line is about, e.g. revokes a token.
fn ending<T, E>(
    t: Language,
    list: Listed<T>,
    call: impl AsyncFn() -> Result<(), E> + Clone + 'static,
) -> impl FnMut(MouseEvent) + 'static
where
    T: Clone + Send + Sync + 'static,
    E: Into<CeremonyTrouble>,
{
    let toasts = toasts();
    move |_| {
        let call = call.clone();
        leptos::task::spawn_local(async move {
            match call().await {
                Ok(()) => list.refetch(),
                Err(trouble) => toasts.show_trouble(t, trouble),
            }
        });
    }
}

/// What was made in a dialog and is shown only there: whoever closes it does not see it again.
fn shown_once(t: Language, says: &'static str, made: RwSignal<Option<String>>, open: RwSignal<bool>) -> View {
    let shown = move |made| {
        view! {
            <div class="stack dialog-field">
                <p role="status">{says}</p>
                {command(made)}
                <div class="dialog-end"><button class="button primary" type="button" on:click=move |_| open.set(false)>{t.close()}</button></div>
            </div>
        }
    };
    view! { {move || made.get().map(shown)} }
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

/// Nobody has so many passkeys, browsers or tokens that a second page would be worth its buttons.
fn all() -> PageQuery {
    PageQuery {
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    }
}

fn listed<T, F>(read: impl Fn(Api) -> F + 'static) -> Listed<T>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Page<T>, ApiError>> + Send + 'static,
{
    let api = api();
    let visitor = visitor();
    Remote::new(move || {
        visitor.track();
        let reading = read(api.clone());
        async move { reading.await.map_err(Trouble::from) }
    })
}

/// A list with its loading and its error drawn.
fn show_list<T>(t: Language, list: Listed<T>, draw: impl Fn(Vec<T>) -> View + 'static) -> View
where
    T: Clone + Send + Sync + 'static,
{
    list.show(
        move || loading(t),
        move |answer| match answer {
            Ok(page) => draw(page.items),
            Err(trouble) => trouble_notice(&trouble, Some(list.again())),
        },
    )
}
