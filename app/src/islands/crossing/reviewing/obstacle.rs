//! What hinders the approval that the person gave, and what can be done about it.

use gangway_client::crossing::{Input, Obstacle};
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::path::page as paths;
use leptos::either::Either;
use leptos::prelude::*;

use super::super::state::CrossingState;
use crate::browser::page;
use crate::components::notice::{Notice, Tone};
use crate::trouble::Trouble;
use crate::visit::language;

/// The id of the question that a known key raises.
const KEY_KNOWN_ID: &str = "key-known";

/// What hinders, if anything does.
#[component]
pub(super) fn ObstacleNotice(
    /// What the scenes share.
    state: CrossingState,
    /// Approves; the flag says to replace the certificate of a device with the same key.
    approve: Callback<bool>,
) -> impl IntoView {
    let t = language();
    let obstacle = Memo::new(move |_| {
        state
            .view
            .with(|view| view.as_ref().and_then(|view| view.obstacle.clone()))
    });
    move || match obstacle.get()? {
        // Approving goes on by itself after the proof; what hinders the signer is the next scene's.
        Obstacle::StepUp | Obstacle::Credentials { .. } | Obstacle::ReplyLost { .. } => None,
        Obstacle::KeyKnown(device) => Some(Either::Left(view! { <KeyKnown state device approve /> })),
        // The button that tries again is the one that was pressed.
        Obstacle::Refused(error) => Some(Either::Right(bad(Trouble::from(error).words(t)))),
        Obstacle::NoProvisioning { signer } => Some(Either::Right(bad(t.no_provisioning(&signer.name)))),
    }
}

fn bad(words: String) -> impl IntoView {
    view! { <Notice tone=Tone::Bad><p role="alert">{words}</p></Notice> }
}

#[component]
fn KeyKnown(state: CrossingState, device: DeviceSummary, approve: Callback<bool>) -> impl IntoView {
    let t = language();
    // The button that was pressed has gone.
    Effect::new(move |_| page::focus(KEY_KNOWN_ID));
    view! {
        <Notice tone=Tone::Warn>
            <div id=KEY_KNOWN_ID role="alert" tabindex="-1">
                <p>{t.key_known(&device.name)}</p>
                <p class="soft small">{t.key_known_text(&device.name)}</p>
            </div>
            <div class="row">
                <button class="button" type="button" on:click=move |_| approve.run(true)>{t.key_known_replace()}</button>
                <button class="button" type="button" on:click=move |_| state.say(Input::Cancel)>{t.key_known_leave()}</button>
                <a href=paths::fleet_device(&device.id) target="_blank" rel="noopener">{t.key_known_look()}</a>
            </div>
        </Notice>
    }
}
