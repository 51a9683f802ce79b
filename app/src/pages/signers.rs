//! `/organisation/signers`: who signs devices' certificates, for those who administer an organisation.

use futures_util::future;
use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::branches::administered;
use crate::components::notice::{Instead, Notice, Tone};
use crate::islands::lists::all;
use crate::islands::signers::Signers;
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::Trouble;
use crate::visit::{SignerOrigins, language};
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn SignersPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.signers() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_administer) => view! { <Instead title=t.signers() words=t.signers_not_allowed() /> }.into_any(),
                Ok(account) => view! { <Whole account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Whole(account: Account) -> impl IntoView {
    let t = language();
    let api = api();
    let asked = use_query_map().read_untracked().get(paths::ORGANISATION_ID);
    let SignerOrigins {
        origins: reachable, ..
    } = expect_context();
    view! {
        <Preload island="signers" />
        <div class="page-head">
            <div>
                <h1>{t.signers()}</h1>
                <p class="lede">{t.signers_lede()}</p>
                <p>
                    <a href=paths::PLGD_CLIENT>{t.plgd_client_way()}</a>
                </p>
            </div>
        </div>
        <noscript>
            <Notice tone=Tone::Warn>
                <p>{t.signers_need_script()}</p>
            </Notice>
        </noscript>
        <Suspense>
            {move || {
                let (api, account, reachable) = (api.clone(), account.clone(), reachable.clone());
                let asked = asked.clone();
                Suspend::new(async move {
                    let all = all();
                    let lists = administered(&account, asked.as_deref()).into_iter().map(async |organisation| {
                        let asked = api.signers(&organisation.id, &all).await;
                        (organisation, asked.map(|page| page.items).map_err(Trouble::from))
                    });
                    let lists = future::join_all(lists).await;
                    view! { <Signers lists reachable /> }
                })
            }}
        </Suspense>
    }
}
