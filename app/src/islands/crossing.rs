//! A device comes aboard.
//!
//! 1. The code is typed, pasted, scanned, or stands in the link; one from a link has to be confirmed by eye.
//! 2. The page connects to the device and shows what it says about itself; the person approves, or says "not mine".
//! 3. Five steps are followed live, to the device's first session.
//! 4. It ends on the device's page.

mod conversation;
mod entering;
mod failure;
mod progress;
mod reviewing;
mod scanner;
mod signing;
mod state;

use gangway_client::crossing::Stage;
use gangway_protocol::account::Account;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::either::Either;
use leptos::ev;
use leptos::prelude::*;

use self::conversation::conversation;
use self::entering::Entering;
use self::state::{CrossingState, Farewell, Scene};
use crate::browser::{clock, page};
use crate::messages::messages;
use crate::visit::language;

/// What the device's page finds in its query when a crossing ends there.
pub(crate) const ARRIVED: &str = "arrived";
/// The last tick is seen before the page turns.
const ARRIVE_AFTER_MILLIS: u32 = 700;

/// The whole crossing, from the code to the device's page.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn Crossing(
    /// Whose it is: someone who may enrol devices.
    account: Account,
    /// Origins of signers to which the page may connect.
    reachable: Vec<String>,
) -> impl IntoView {
    let state = CrossingState::new(reachable);
    let sees_fleet = account.may(Role::may_see_fleet);
    let prefill_allowed = account
        .organisations_where(Role::may_enrol)
        .any(|organisation| organisation.policy.prefill_code);
    take_links(state, prefill_allowed);
    keep_letters(state, prefill_allowed);
    ask_before_leaving(state);
    arrive(state, sees_fleet);
    Effect::new(move |_| {
        leptos::task::spawn_local(async move { state.conversation.set(Some(conversation().await)) });
    });
    let scene = Memo::new(move |_| state.scene());
    let account = StoredValue::new(account);
    view! {
        {move || match scene.get() {
            Scene::Entering => Either::Left(view! { <Entering state /> }),
            // Whoever is beyond the code has loaded what draws this.
            scene => Either::Right(state.conversation.get_untracked().map(|conversation| (conversation.draw)(scene, state, account))),
        }}
    }
}

/// Takes the code of the link that led here, and of one that is opened while the page is. The fragment leaves the address at
/// once and stays in memory (threat model, ENR-12); no browser sends it to a server.
fn take_links(state: CrossingState, prefill_allowed: bool) {
    let t = language();
    let messages = messages();
    let take = move || {
        let Some(fragment) = page::take_fragment() else {
            return;
        };
        if state.is_under_way() {
            messages.show(t.link_meanwhile());
        } else if !prefill_allowed {
            state.farewell.set(Some(Farewell::PrefillOff));
        } else if state.entry.take(&fragment) {
            // What stands of an attempt that is over gives way to the new code.
            state.start_over(true);
            state.farewell.set(None);
            state.prefilled.set(true);
        }
    };
    Effect::new(move |_| {
        take();
        let handle = window_event_listener(ev::hashchange, move |_| take());
        on_cleanup(move || handle.remove());
    });
}

/// Letters that have been typed outlast a change of the language, which draws the page anew. They come back as those of a link
/// do, and have to be confirmed by eye as those have: nothing tells the page who typed them.
fn keep_letters(state: CrossingState, prefill_allowed: bool) {
    Effect::new(move |_| {
        let handle = window_event_listener(ev::submit, move |event| {
            let letters = state.entry.text.get_untracked();
            if prefill_allowed && !letters.is_empty() && !state.is_under_way() {
                page::carry_over(&event, &letters);
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Has the browser ask before a crossing is lost: by a link, a reload, another language.
fn ask_before_leaving(state: CrossingState) {
    Effect::new(move |_| {
        let handle = window_event_listener(ev::beforeunload, move |event| {
            if state.would_be_lost() {
                event.prevent_default();
                // Browsers before 2024 ask for this one; what it says is shown by none.
                event.set_return_value("true");
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Goes on to the device's page once the device is online.
fn arrive(state: CrossingState, sees_fleet: bool) {
    let arrived = Memo::new(move |_| {
        state.view.with(|view| {
            view.as_ref()
                .filter(|view| view.stage == Stage::Online)
                .and_then(|view| view.device.clone())
        })
    });
    Effect::new(move |_| {
        let Some(DeviceSummary { id, .. }) = arrived.get().filter(|_| sees_fleet) else {
            return;
        };
        leptos::task::spawn_local(async move {
            clock::sleep(ARRIVE_AFTER_MILLIS).await;
            page::leave_for(&format!("{}?{ARRIVED}", paths::fleet_device(&id)));
        });
    });
}
