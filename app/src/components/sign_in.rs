//! Signing in: the browser offers passkeys by itself where it can, and a button asks for them everywhere.

use gangway_client::Api;
use gangway_protocol::account::{Ceremony, CeremonyReply, RecoveryRequest};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use leptos::prelude::*;
use web_sys::AbortController;

use super::icon::{Icon, icon};
use super::notice::complaint;
use crate::browser::held::Held;
use crate::browser::{page, passkey};
use crate::trouble::Trouble;
use crate::view::{View, view};
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api, visitor};

/// The form. When it succeeds the page that holds it draws itself anew for the account.
pub(crate) fn sign_in() -> View {
    let t = language();
    let api = api();
    let visitor = visitor();
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    // The offer that waits in the browser's autofill; a click on the button takes it back, because there can be only one.
    let offer = Held::<Offer>::new();

    let finish = move |result: Result<(), CeremonyTrouble>| match result {
        Ok(()) => visitor.changed(),
        Err(trouble) => {
            message.set(trouble.words(t));
            busy.set(false);
        }
    };
    Effect::new({
        let api = api.clone();
        move |_| {
            let api = api.clone();
            leptos::task::spawn_local(async move {
                let Ok(controller) = AbortController::new() else {
                    return;
                };
                if !passkey::autofill_is_available().await {
                    return;
                }
                offer.set(Some(Offer(controller.clone())));
                let Ok(ceremony) = api.start_sign_in().await else {
                    return;
                };
                match passkey::prove_by_autofill(&ceremony.public_key, &controller.signal()).await {
                    Ok(credential) => finish(conclude(&api, &ceremony, credential).await),
                    // Nobody asked for it, so nobody needs to hear that it did not come to anything.
                    Err(_) => offer.set(None),
                }
            });
        }
    });
    let ask = move |_| {
        offer.set(None);
        busy.set(true);
        message.set(None);
        let api = api.clone();
        leptos::task::spawn_local(async move { finish(by_button(&api).await) });
    };
    view! {
        <div class="sign-in stack">
            <button class="button primary large" type="button" disabled=move || busy.get() aria-busy=move || busy.get().to_string() on:click=ask>
                {icon(Icon::Key)}
                {t.sign_in_button()}
            </button>
            <div class="field">
                <label for="passkey-name">{t.sign_in_name()}</label>
                <input id="passkey-name" type="text" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" aria-describedby="passkey-hint" />
                <p class="hint" id="passkey-hint">{t.sign_in_name_hint()}</p>
            </div>
            {complaint(message)}
            {recovery()}
        </div>
    }
}

/// The way back for people without a passkey.
fn recovery() -> View {
    let t = language();
    let api = api();
    let code = RwSignal::new(String::new());
    let message = RwSignal::new(None::<String>);
    let recover = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let api = api.clone();
        let request = RecoveryRequest {
            code: SecretString::new(code.get_untracked()),
        };
        leptos::task::spawn_local(async move {
            match api.recover(&request).await {
                // The token goes on in the fragment, which no browser sends to a server.
                Ok(grant) => page::leave_for(&format!("{}#{}", path::page::SETUP, grant.token.expose())),
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
        });
    };
    view! {
        <details>
            <summary class="textual">{t.sign_in_lost()}</summary>
            <form class="stack" on:submit=recover>
                <p class="soft small">{t.sign_in_lost_text()}</p>
                <div class="field">
                    <label for="recovery-code">{t.sign_in_recovery_code()}</label>
                    <input id="recovery-code" class="mono" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" bind:value=code />
                </div>
                {complaint(message)}
                <button class="button" type="submit">{t.sign_in_recover()}</button>
            </form>
        </details>
    }
}

async fn by_button(api: &Api) -> Result<(), CeremonyTrouble> {
    let ceremony = api.start_sign_in().await?;
    let credential = passkey::prove(&ceremony.public_key).await?;
    conclude(api, &ceremony, credential).await
}

async fn conclude(
    api: &Api,
    ceremony: &Ceremony,
    credential: serde_json::Value,
) -> Result<(), CeremonyTrouble> {
    api.finish_sign_in(
        &ceremony.id,
        &CeremonyReply {
            credential,
            passkey_name: None,
        },
    )
    .await?;
    Ok(())
}

/// A request that waits for the person to pick a passkey; dropping it takes it back.
struct Offer(AbortController);

impl Drop for Offer {
    fn drop(&mut self) {
        self.0.abort();
    }
}
