//! `/plgd-client`: a plgd client gets its certificate by this browser. Its address stands in the query, so that the form for it
//! works without any script, and the page's policy admits that one client.

use futures_util::future;
use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use gangway_protocol::signer::SignerKind;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::notice::{Instead, Notice, Tone, TroubleNotice};
use crate::islands::lists::all;
use crate::islands::plgd_client::{ClientHub, PlgdClient};
use crate::pages::frame::WithoutAccount;
use crate::parts::Preload;
use crate::trouble::{Outcome, Trouble};
use crate::visit::{AskedClient, SignerOrigins, language};
use crate::visitor::{account, api};

/// The page.
#[component]
pub(crate) fn PlgdClientPage() -> impl IntoView {
    let t = language();
    view! {
        <Title text=t.plgd_client_way() />
        <main id="main" class="narrow" tabindex="-1">
            {match account() {
                Err(trouble) => view! { <WithoutAccount trouble /> }.into_any(),
                Ok(account) if !account.may(Role::may_enrol) => view! { <Instead title=t.plgd_client_way() words=t.plgd_client_not_allowed() /> }.into_any(),
                Ok(account) => view! { <Whole account /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Whole(account: Account) -> impl IntoView {
    let t = language();
    let SignerOrigins {
        origins: reachable,
        signs_for_plgd,
        ..
    } = expect_context();
    let asked: AskedClient = expect_context();
    let client = asked.client().cloned();
    let unfit = asked.read.and_then(Result::err);
    view! {
        <Preload island="plgd_client" />
        <h1>{t.plgd_client_way()}</h1>
        <p class="lede">{t.plgd_client_lede()}</p>
        <noscript>
            <Notice tone=Tone::Warn>
                <p>{t.plgd_client_need_script()}</p>
            </Notice>
        </noscript>
        <form class="stack client-address" method="get" action=paths::PLGD_CLIENT>
            <div class="field">
                <label for="client-address">{t.client_address()}</label>
                <div class="row">
                    <input
                        id="client-address"
                        class="mono"
                        name=paths::CLIENT_ADDRESS
                        value=asked.typed
                        required
                        inputmode="url"
                        autocomplete="off"
                        autocapitalize="off"
                        spellcheck="false"
                        maxlength="300"
                        aria-invalid=unfit.is_some().then_some("true")
                        aria-describedby="client-address-hint"
                    />
                    <button class="button" type="submit">{t.client_address_use()}</button>
                </div>
                <p class="hint" id="client-address-hint">{t.client_address_hint()}</p>
            </div>
            {unfit
                .map(|unfit| {
                    view! {
                        <Notice tone=Tone::Bad>
                            <p role="alert">{t.client_address_unfit(unfit)}</p>
                        </Notice>
                    }
                })}
        </form>
        <Suspense>
            {move || {
                let (account, reachable, client) = (account.clone(), reachable.clone(), client.clone());
                Suspend::new(async move {
                    match hubs(&account, signs_for_plgd).await {
                        Ok(hubs) => view! { <PlgdClient client hubs reachable /> }.into_any(),
                        Err(trouble) => view! { <TroubleNotice trouble /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// The hubs of all organisations into which the visitor may enrol devices, and beside each the built-in CA where that signs for
/// plgd's clients.
async fn hubs(account: &Account, signs_for_plgd: bool) -> Outcome<Vec<ClientHub>> {
    let (api, all) = (api(), all());
    let organisations: Vec<_> = account.organisations_where(Role::may_enrol).collect();
    let asked = organisations
        .iter()
        .map(|organisation| api.signers(&organisation.id, &all));
    let mut hubs = Vec::new();
    for (organisation, page) in organisations.iter().zip(future::join_all(asked).await) {
        let serving: Vec<_> = page
            .map_err(Trouble::from)?
            .items
            .into_iter()
            .filter(|signer| signer.serves(organisation.role))
            .collect();
        let has_builtin = signs_for_plgd && serving.iter().any(|signer| signer.kind.is_builtin());
        let here = serving
            .into_iter()
            .filter(|signer| matches!(signer.kind, SignerKind::PlgdHub(_)))
            .map(|signer| ClientHub {
                name: match organisations.len() {
                    1 => signer.name.clone(),
                    _ => format!("{} · {}", signer.name, organisation.name),
                },
                builtin: has_builtin.then(|| organisation.id.clone()),
                signer,
            });
        hubs.extend(here);
    }
    Ok(hubs)
}
