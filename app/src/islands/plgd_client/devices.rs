//! Devices that a client finds, and what is done with them by it.

use gangway_signing::{ClientDevice, ClientTask, Ownership};
use leptos::prelude::*;

use super::choices::BY_KEY;
use super::state::{Action, ClientPage, name_of};
use crate::browser::plgd_client::Wanted;
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::visit::language;

/// They are looked for when the person says so.
#[component]
pub(super) fn Devices(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let host = client_page.host();
    let endpoint = RwSignal::new(String::new());
    let busy = client_page.is_busy();
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = endpoint.get_untracked().trim().to_owned();
        client_page.discover(Some(typed).filter(|typed| !typed.is_empty()));
    };
    // Where a client has an owner, somebody who is signed in there asks for it.
    let hubs = move || {
        client_page.takes_hub().then(|| {
            let options = client_page
                .choices()
                .into_iter()
                .filter(|choice| choice.value != BY_KEY)
                .map(|choice| view! { <option value=choice.value>{choice.label}</option> })
                .collect_view();
            view! {
                <div class="field">
                    <label for="client-hub">{t.client_device_by()}</label>
                    <select id="client-hub" bind:value=client_page.chosen disabled=busy>
                        {options}
                    </select>
                </div>
            }
        })
    };
    let found = move || {
        client_page.devices.get().map(|devices| {
            if devices.is_empty() {
                return view! { <p class="soft" role="status">{t.client_devices_none()}</p> }.into_any();
            }
            let lines = devices
                .into_iter()
                .map(|device| view! { <Line client_page device /> })
                .collect_view();
            view! { <ul class="lines client-devices">{lines}</ul> }.into_any()
        })
    };
    view! {
        <section class="section" aria-labelledby="client-devices">
            <div class="section-head">
                <h2 id="client-devices">{t.client_devices()}</h2>
            </div>
            <form class="stack" on:submit=on_submit>
                {hubs}
                <details class="fold">
                    <summary class="textual">{t.client_devices_address()}</summary>
                    <div class="field">
                        <label class="hidden-text" for="client-endpoint">{t.client_devices_address()}</label>
                        <input
                            id="client-endpoint"
                            class="mono"
                            autocomplete="off"
                            autocapitalize="off"
                            spellcheck="false"
                            maxlength="256"
                            aria-describedby="client-endpoint-hint"
                            bind:value=endpoint
                        />
                        <p class="hint" id="client-endpoint-hint">{t.client_devices_address_hint()}</p>
                    </div>
                </details>
                <div class="row">
                    <button class="button" type="submit" disabled=busy>
                        <Icon glyph=Glyph::Search />
                        {t.client_devices_find(&host)}
                    </button>
                </div>
            </form>
            {found}
        </section>
    }
}

#[component]
fn Line(client_page: ClientPage, device: ClientDevice) -> impl IntoView {
    let t = language();
    let busy = client_page.is_busy();
    let name = name_of(&device);
    let kinds = device.types.join(", ");
    let id = device.id.to_string();
    let ownership = device.ownership;
    let device = StoredValue::new(device);
    let button = |verb: &'static str, press: Callback<()>| {
        view! {
            <button class="button" type="button" disabled=busy on:click=move |_| press.run(())>
                {verb}
                <span class="hidden-text">" " {name.clone()}</span>
            </button>
        }
    };
    let disowning = RwSignal::new(false);
    let offboarding = RwSignal::new(false);
    let own = Callback::new(move |()| {
        let device = device.get_value();
        let task = ClientTask::Own(device.id);
        client_page.begin(Action::Own(device), Wanted::Task(task));
    });
    let onboard = Callback::new(move |()| {
        let device = device.get_value();
        client_page.begin(Action::Onboard(device.clone()), Wanted::Onboard(device));
    });
    let disown = Callback::new(move |()| {
        let device = device.get_value();
        let task = ClientTask::Disown(device.id);
        client_page.begin(Action::Disown(device), Wanted::Task(task));
    });
    let offboard = Callback::new(move |()| {
        let device = device.get_value();
        let task = ClientTask::Offboard(device.id);
        client_page.begin(Action::Offboard(device), Wanted::Task(task));
    });
    let ask_disown = Callback::new(move |()| disowning.set(true));
    let ask_offboard = Callback::new(move |()| offboarding.set(true));
    let is_owned = ownership == Ownership::Owned;
    let has_hub = client_page.takes_hub();
    view! {
        <li>
            <Icon glyph=Glyph::Device />
            <div>
                <p>
                    {name.clone()} " "
                    <span class=if is_owned { "chip good" } else { "chip" }>{t.client_ownership(ownership)}</span>
                </p>
                <p class="soft small mono wrap">{id}</p>
                {(!kinds.is_empty()).then(|| view! { <p class="soft small">{kinds}</p> })}
            </div>
            <div class="row">
                {(ownership == Ownership::Unowned).then(|| button(t.client_own(), own))}
                {(is_owned && has_hub).then(|| button(t.client_onboard(), onboard))}
                {(is_owned && has_hub).then(|| button(t.client_offboard(), ask_offboard))}
                {is_owned.then(|| button(t.client_disown(), ask_disown))}
            </div>
            <Question open=disowning title=t.client_disown_title(&name) says=t.client_disown_says() verb=t.client_disown() yes=disown />
            <Question open=offboarding title=t.client_offboard_title(&name) says=t.client_offboard_says() verb=t.client_offboard() yes=offboard />
        </li>
    }
}

/// A question before something that takes a walk to the device to be undone.
#[component]
pub(super) fn Question(
    /// Whether it is being asked.
    open: RwSignal<bool>,
    /// What it is.
    title: String,
    /// What happens.
    says: &'static str,
    /// The answer's verb.
    verb: &'static str,
    /// What yes does.
    yes: Callback<()>,
) -> impl IntoView {
    let t = language();
    let heading = title.clone();
    view! {
        <Dialog open label=title>
            <h2>{heading.clone()}</h2>
            <p>{says}</p>
            <div class="dialog-end">
                <button class="button" type="button" autofocus on:click=move |_| open.set(false)>
                    {t.cancel()}
                </button>
                <button
                    class="button danger"
                    type="button"
                    on:click=move |_| {
                        open.set(false);
                        yes.run(());
                    }
                >
                    {verb}
                </button>
            </div>
        </Dialog>
    }
}
