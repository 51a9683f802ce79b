//! The lists of the account: they are asked here, side by side, and handed to their island.

use futures_util::future;
use gangway_client::{Api, ApiError};
use gangway_protocol::account::Account;
use gangway_protocol::page::Page;
use leptos::prelude::*;

use crate::islands::account::{AccountLists, Lists};
use crate::islands::lists::all;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visitor::api;

/// The lists of an account.
#[component]
pub(super) fn ListsOf(
    /// Whose they are.
    account: Account,
) -> impl IntoView {
    let api = api();
    view! {
        <Preload island="account_lists" />
        <Suspense>
            {move || {
                let (api, account) = (api.clone(), account.clone());
                Suspend::new(async move {
                    let lists = ask(&api).await;
                    let recovery_codes = account.recovery_codes;
                    view! { <AccountLists lists recovery_codes organisations=account.organisations /> }
                })
            }}
        </Suspense>
    }
}

async fn ask(api: &Api) -> Lists {
    let all = all();
    let (passkeys, sign_ins, tokens) =
        future::join3(api.passkeys(&all), api.sign_ins(&all), api.tokens(&all)).await;
    Lists {
        passkeys: items(passkeys),
        sign_ins: items(sign_ins),
        tokens: items(tokens),
    }
}

fn items<T>(page: Result<Page<T>, ApiError>) -> Outcome<Vec<T>> {
    page.map(|page| page.items).map_err(Trouble::from)
}
