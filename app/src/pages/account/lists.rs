//! The lists of the account: they are asked here, side by side, and handed to their island.

use futures_util::future;
use gangway_client::{Api, ApiError};
use gangway_protocol::account::Account;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::page::Page;
use gangway_protocol::single_sign_on::{Identity, ProviderName};
use leptos::prelude::*;

use crate::islands::account::{AccountLists, Lists};
use crate::islands::lists::all;
use crate::islands::single_sign_on::Identities;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visitor::api;

/// Customers whose providers are offered: people belong to a few.
const MAX_CUSTOMERS: usize = 20;

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
                    // Whoever came by a provider links nothing (threat model, SSO-2).
                    let (identities, offered) = match account.signed_in_by {
                        None => links(&api, &account.organisations).await,
                        Some(_) => (Vec::new(), Vec::new()),
                    };
                    let has_links = !identities.is_empty() || !offered.is_empty();
                    view! {
                        <AccountLists lists recovery_codes organisations=account.organisations />
                        {has_links.then(|| view! { <Identities first=identities offered /> })}
                    }
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

/// The account's links with identity providers, and those that it could have at its customers.
async fn links(api: &Api, organisations: &[Organisation]) -> (Vec<Identity>, Vec<ProviderName>) {
    let identities = api.identities(&all()).await;
    let customers = organisations
        .iter()
        .filter(|organisation| organisation.parent.is_none())
        .take(MAX_CUSTOMERS)
        .map(async |customer| api.sign_in_offers(&customer.id).await);
    let offers = future::join_all(customers).await;
    let offered = offers.into_iter().flatten().flat_map(|offers| offers.providers);
    let mut offered: Vec<ProviderName> = offered.collect();
    offered.sort_by(|one, other| one.id.cmp(&other.id));
    offered.dedup();
    (identities.map(|page| page.items).unwrap_or_default(), offered)
}

fn items<T>(page: Result<Page<T>, ApiError>) -> Outcome<Vec<T>> {
    page.map(|page| page.items).map_err(Trouble::from)
}
