//! What a person has to give before it goes on: a sign-in at the hub, or a code for a device.

use gangway_protocol::signer::host_of;
use leptos::either::Either;
use leptos::prelude::*;

use super::state::{ClientPage, Prompt};
use crate::browser::channel::Channel;
use crate::browser::held::Held;
use crate::browser::page;
use crate::components::notice::{Notice, Tone};
use crate::islands::credentials::Credentials;
use crate::islands::signed_in::CHANNEL;
use crate::visit::language;

/// The prompt, while there is one.
#[component]
pub(super) fn Prompted(client_page: ClientPage) -> impl IntoView {
    let go_on = Callback::new(move |()| client_page.go_on());
    let give_up = Callback::new(move |()| client_page.give_up());
    move || {
        client_page.prompt.get().map(|prompt| match prompt {
            Prompt::Credentials(signer, refused) => Either::Left(view! {
                <Credentials signer=*signer refused given=go_on cancel=give_up />
            }),
            Prompt::Code { device, url } => Either::Right(view! { <Code client_page device url /> }),
        })
    }
}

/// The device's code comes back to this page by the window that was opened for it.
#[component]
fn Code(client_page: ClientPage, device: String, url: String) -> impl IntoView {
    let t = language();
    let opened = RwSignal::new(false);
    let channel = Held::new();
    Effect::new(move |_| {
        if let Some(open) = Channel::open(CHANNEL, move |returned| client_page.arrived(returned)) {
            channel.hold(open);
        }
    });
    let host = host_of(&url).to_owned();
    let address = url.clone();
    let on_click = move |event: leptos::ev::MouseEvent| {
        opened.set(true);
        // Without one, the link opens a tab.
        if page::open_window(&url, CHANNEL) {
            event.prevent_default();
        }
    };
    view! {
        <Notice tone=Tone::Plain>
            <div class="stack">
                <p>{t.client_code_wanted(&device)}</p>
                <p class="hint" role="status">{move || opened.get().then(|| t.sign_in_elsewhere())}</p>
                <div class="row">
                    <a class="button primary" href=address target="_blank" rel="noopener noreferrer" on:click=on_click>
                        {t.client_code_get(&host)}
                    </a>
                    <button class="button" type="button" on:click=move |_| client_page.give_up()>{t.cancel()}</button>
                </div>
            </div>
        </Notice>
    }
}
