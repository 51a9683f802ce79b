//! A second way in, while the person still thinks of it. The build puts it into a file of its own, which is loaded once the first
//! passkey is made.

use gangway_protocol::account::RecoveryCodes;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::either::Either;
use leptos::prelude::*;

use super::Stage;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::Complaint;
use crate::components::recovery_codes::RecoveryCodeList;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, add_passkey, api, with_fresh_proof};

/// What comes after the registration: a browser that keeps no cookies is not signed in.
#[lazy]
pub(super) async fn go_on() -> Stage {
    let sees_fleet = match api().account().await.map_err(Trouble::from) {
        Ok(account) => account.may(Role::may_see_fleet),
        Err(trouble) if trouble.is_signed_out() => return Stage::Unkept,
        Err(_) => true,
    };
    Stage::Made {
        sees_fleet,
        draw: |sees_fleet| view! { <Safety sees_fleet /> }.into_any(),
    }
}

/// Recovery codes, a second passkey, and the way on.
#[component]
fn Safety(
    /// Whether the fleet is where the person goes on.
    sees_fleet: bool,
) -> impl IntoView {
    let t = language();
    let codes = RwSignal::new(None::<RecoveryCodes>);
    let added = RwSignal::new(false);
    // One of them at a time: both may ask for the passkey.
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let begin = move || {
        let free = !busy.get_untracked();
        if free {
            busy.set(true);
            message.set(None);
        }
        free
    };
    let end = move |result: Result<(), CeremonyTrouble>| {
        if let Err(trouble) = result {
            message.set(trouble.words(t));
        }
        busy.set(false);
    };
    let make_codes = move |_| {
        if begin() {
            leptos::task::spawn_local(async move {
                let api = api();
                let fresh = with_fresh_proof(&api, async || api.renew_recovery_codes().await).await;
                end(fresh.map(|fresh| codes.set(Some(fresh))));
            });
        }
    };
    let add = move |_| {
        if begin() {
            leptos::task::spawn_local(async move {
                end(add_passkey(&api()).await.map(|_| added.set(true)));
            });
        }
    };
    let (next, next_words) = if sees_fleet {
        (paths::FLEET, t.continue_to_fleet())
    } else {
        (paths::LINK, t.continue_to_link())
    };
    view! {
        <h1>{t.safety_title()}</h1>
        <p class="lede">{t.safety_text()}</p>
        <section class="section stack">
            <h2>{t.safety_codes()}</h2>
            {move || match codes.get() {
                Some(codes) => Either::Left(view! { <RecoveryCodeList codes /> }),
                None => Either::Right(view! {
                    <p class="soft">{t.safety_codes_text()}</p>
                    <button class="button large" class:primary=move || !added.get() type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=make_codes>
                        {t.safety_codes_make()}
                    </button>
                }),
            }}
        </section>
        <section class="section stack">
            <h2>{t.safety_passkey()}</h2>
            <p class="soft">{t.safety_passkey_text()}</p>
            {move || if added.get() {
                Either::Left(view! {
                    <p class="row" role="status">
                        <Icon glyph=Glyph::Check />
                        {t.passkey_added()}
                    </p>
                })
            } else {
                Either::Right(view! {
                    <button class="button" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=add>
                        {t.safety_passkey_add()}
                    </button>
                })
            }}
        </section>
        <Complaint message />
        <p class="section">
            // The step is to take one of them; going on without is not what the page leads to.
            <a class="button large" class:primary=move || added.get() && codes.read().is_none() href=next>
                {next_words}
                <Icon glyph=Glyph::Next />
            </a>
        </p>
    }
}
