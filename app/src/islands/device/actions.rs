//! What is done with a device in passing. What puts it out lies further down (`removal.rs`).

use gangway_client::Api;
use gangway_protocol::device::Presence;
use gangway_protocol::id::DeviceId;
use leptos::prelude::*;

use super::Shown;
use super::removal::Weighty;
use super::rename::RenameDialog;
use crate::browser::following::Follower as _;
use crate::components::icon::{Glyph, Icon};
use crate::messages::messages;
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api, with_fresh_proof};

/// Actions that are done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quick {
    Identify,
    Renew,
    Resume,
}

impl Quick {
    async fn carry_out(self, shown: Shown, api: &Api, id: &DeviceId) -> Result<(), CeremonyTrouble> {
        match self {
            Self::Identify => api.identify_device(id).await?,
            Self::Renew => {
                api.renew_device(id).await?;
                // It writes a line of the history, and changes nothing that the stream would tell of.
                shown.catch_up();
            }
            Self::Resume => {
                shown.take(with_fresh_proof(api, async || api.resume_device(id).await).await?);
                Shown::rest();
            }
        }
        Ok(())
    }
}

/// The buttons, as the device's state allows them.
#[component]
pub(super) fn Actions(shown: Shown) -> impl IntoView {
    let t = language();
    let messages = messages();
    let renaming = RwSignal::new(false);
    // One at a time: a second press of any of them waits for nothing and does nothing.
    let busy = RwSignal::new(None::<Quick>);
    let press = Callback::new(move |(quick, done): (Quick, &'static str)| {
        if busy.get_untracked().is_some() {
            return;
        }
        busy.set(Some(quick));
        leptos::task::spawn_local(async move {
            match quick.carry_out(shown, &api(), &shown.id()).await {
                Ok(()) => messages.show(done),
                Err(trouble) => messages.show_trouble(t, trouble),
            }
            busy.set(None);
        });
    });
    let state = Memo::new(move |_| shown.detail.with(|detail| detail.device.state.name()));
    let is_active = move || state.get() == "active";
    // Only a device that is connected can show itself.
    let can_identify = Memo::new(move |_| {
        is_active()
            && shown
                .detail
                .with(|detail| matches!(detail.device.presence, Presence::Online { .. }))
    });
    view! {
        <div class="device-actions" id="device-actions">
            <button class="button" type="button" on:click=move |_| renaming.set(true)>
                <Icon glyph=Glyph::Edit />
                {t.rename()}
            </button>
            <Show when=move || can_identify.get()>
                <QuickButton quick=Quick::Identify glyph=Glyph::Bell label=t.identify() done=t.identify_done() busy press />
            </Show>
            <Show when=is_active>
                <QuickButton quick=Quick::Renew glyph=Glyph::Refresh label=t.renew() done=t.renew_done() busy press />
                <button class="button" type="button" on:click=move |_| shown.consider(Weighty::Suspend)>
                    <Icon glyph=Glyph::Pause />
                    {t.suspend()}
                </button>
            </Show>
            <Show when=move || state.get() == "suspended">
                <QuickButton
                    class="button primary"
                    quick=Quick::Resume
                    glyph=Glyph::Play
                    label=t.resume()
                    done=t.resume_done()
                    busy
                    press
                />
            </Show>
        </div>
        <RenameDialog shown open=renaming />
    }
}

/// Not `disabled` while it works: that would take the focus away from whoever uses the keyboard.
#[component]
fn QuickButton(
    #[prop(default = "button")] class: &'static str,
    quick: Quick,
    glyph: Glyph,
    label: &'static str,
    /// What to say when it is done.
    done: &'static str,
    busy: RwSignal<Option<Quick>>,
    press: Callback<(Quick, &'static str)>,
) -> impl IntoView {
    let works = move || (busy.get() == Some(quick)).to_string();
    view! {
        <button class=class type="button" aria-busy=works aria-disabled=works on:click=move |_| press.run((quick, done))>
            <Icon glyph />
            {label}
        </button>
    }
}
