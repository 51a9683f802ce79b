//! Signing in: a button asks for a passkey, and where the browser can, it offers passkeys by itself.

use gangway_client::Api;
use gangway_protocol::account::{Ceremony, CeremonyReply, RecoveryRequest};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::json::Verbatim;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use leptos::prelude::*;
use web_sys::AbortController;

use crate::browser::held::Held;
use crate::browser::{page, passkey};
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api};

/// The sign-in. When it succeeds the page is loaded anew, for the account.
#[island]
pub(crate) fn SignIn() -> impl IntoView {
    let t = language();
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let offers = RwSignal::new(false);
    // The fragment leaves the address at once and stays in memory while the person signs in (threat model, ENR-12).
    let fragment = RwSignal::new(None::<String>);
    // The offer that waits in the browser's autofill; a press on the button takes it back, because there can be only one.
    let offer = Held::<Offer>::new();
    // Counts the offers: one whose place another has taken ends without a word.
    let count = StoredValue::new(0_u32);

    let finish = async move |result: Result<(), CeremonyTrouble>| {
        let trouble = match result {
            // A browser that keeps no cookies would come back here again and again.
            Ok(()) => api().is_signed_in().await.map_err(Trouble::from).err(),
            Err(trouble) => {
                message.set(trouble.words(t));
                busy.set(false);
                return;
            }
        };
        match trouble {
            None => match fragment.get_untracked() {
                Some(fragment) => page::reload_with_fragment(&fragment),
                None => page::reload(),
            },
            Some(trouble) if trouble.is_signed_out() => message.set(Some(t.sign_in_no_cookie().to_owned())),
            Some(trouble) => message.set(Some(trouble.words(t))),
        }
        busy.set(false);
    };
    // The field shows while the browser has something to offer in it.
    let withdraw = move || {
        offer.clear();
        offers.set(false);
    };
    let make_offer = move || {
        let number = count.get_value().wrapping_add(1);
        count.set_value(number);
        leptos::task::spawn_local(async move {
            let Ok(controller) = AbortController::new() else {
                return;
            };
            if !passkey::autofill_is_available().await || busy.get_untracked() {
                return;
            }
            offers.set(true);
            offer.hold(Offer(controller.clone()));
            let Ok(ceremony) = api().start_sign_in().await else {
                return withdraw();
            };
            match passkey::prove_by_autofill(&ceremony.public_key, &controller.signal()).await {
                Ok(credential) => {
                    busy.set(true);
                    finish(conclude(&api(), &ceremony, credential).await).await;
                    withdraw();
                }
                // Nobody asked for it, so nobody needs to hear that it did not come to anything.
                Err(_) if count.get_value() == number => withdraw(),
                Err(_) => {}
            }
        });
    };
    Effect::new(move |_| {
        let take = move || {
            if let Some(taken) = page::take_fragment() {
                fragment.set(Some(taken));
            }
        };
        take();
        let handle = window_event_listener(leptos::ev::hashchange, move |_| take());
        let sent = window_event_listener(leptos::ev::submit, move |event| {
            if let Some(fragment) = fragment.get_untracked() {
                page::carry_over(&event, &fragment);
            }
        });
        on_cleanup(move || {
            handle.remove();
            sent.remove();
        });
        make_offer();
    });
    let ask = move |_| {
        if busy.get_untracked() {
            return;
        }
        count.set_value(count.get_value().wrapping_add(1));
        offer.clear();
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            finish(by_button(&api()).await).await;
            // Whoever thought better of it may still pick one in the field.
            make_offer();
        });
    };
    view! {
        <div class="sign-in stack">
            <noscript>
                <Notice tone=Tone::Warn>
                    <p>{t.sign_in_needs_script()}</p>
                </Notice>
            </noscript>
            <button class="button primary large" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=ask>
                <Icon glyph=Glyph::Key />
                {t.sign_in_button()}
            </button>
            <div class="field" hidden=move || !offers.get()>
                <label for="passkey-name">{t.sign_in_name()}</label>
                <input
                    id="passkey-name"
                    type="text"
                    autocomplete="username webauthn"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder=t.sign_in_name_place()
                />
            </div>
            <Complaint message />
            <Recovery />
        </div>
    }
}

/// The way back for people without a passkey.
#[component]
fn Recovery() -> impl IntoView {
    let t = language();
    let code = RwSignal::new(page::typed("recovery-code"));
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let recover = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let request = RecoveryRequest {
            code: SecretString::new(code.get_untracked()),
        };
        leptos::task::spawn_local(async move {
            match api().recover(&request).await {
                // The token goes on in the fragment, which no browser sends to a server.
                Ok(grant) => page::leave_for(&format!("{}#{}", path::page::SETUP, grant.token.expose())),
                Err(error) if error.code() == Some(ProblemCode::LinkUnknown) => {
                    message.set(Some(t.sign_in_recovery_unknown().to_owned()));
                }
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
            busy.set(false);
        });
    };
    view! {
        <details>
            <summary class="textual">{t.sign_in_lost()}</summary>
            <form class="stack" on:submit=recover>
                <p class="soft small">{t.sign_in_lost_text()}</p>
                <div class="field">
                    <label for="recovery-code">{t.sign_in_recovery_code()}</label>
                    <input
                        id="recovery-code"
                        class="mono"
                        type="text"
                        autocomplete="off"
                        autocapitalize="characters"
                        spellcheck="false"
                        bind:value=code
                    />
                </div>
                <Complaint message />
                <button class="button" type="submit" disabled=busy>{t.sign_in_recover()}</button>
            </form>
        </details>
    }
}

async fn by_button(api: &Api) -> Result<(), CeremonyTrouble> {
    let ceremony = api.start_sign_in().await?;
    let credential = passkey::prove(&ceremony.public_key).await?;
    conclude(api, &ceremony, credential).await
}

async fn conclude(api: &Api, ceremony: &Ceremony, credential: Verbatim) -> Result<(), CeremonyTrouble> {
    api.finish_sign_in(&ceremony.id, &CeremonyReply::new(credential))
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
