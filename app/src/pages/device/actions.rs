//! What can be done with a device. What cannot easily be taken back is asked first, with what will happen.

use gangway_client::{Api, ApiError};
use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::device::{DeviceDetail, DeviceState, DeviceUpdate};
use gangway_protocol::id::DeviceId;
use leptos::prelude::*;

use super::Shown;
use crate::components::certificate::reason_name;
use crate::components::dialog::{Question, ask, dialog, form_end};
use crate::components::icon::{Icon, icon};
use crate::components::labels::{name_and_labels, read_labels};
use crate::components::notice::trouble_notice;
use crate::components::toast::toasts;
use crate::trouble::Trouble;
use crate::view::{IntoView, View, target_value, view};
use crate::visit::Language;
use crate::visitor::{CeremonyTrouble, api, with_fresh_proof};

/// Actions that are asked about first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighty {
    Suspend,
    Revoke,
    Retire,
}

/// Reasons offered for a revocation; the others have actions of their own or make no sense for a whole device.
const REASONS: [RevocationReason; 4] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::PrivilegeWithdrawn,
];

/// The buttons, as the device's state allows them.
pub(super) fn actions(t: Language, shown: Shown) -> View {
    let state = Memo::new(move |_| shown.detail.with(|detail| detail.device.state.name()));
    let editing = RwSignal::new(false);
    let button = move |name: Icon, label: &'static str, class: &'static str, act: Callback<()>| {
        view! { <button class=class type="button" on:click=move |_| act.run(())>{icon(name)} {label}</button> }
    };
    let asked = move |name: Icon, label: &'static str, class: &'static str, action: Weighty| {
        button(
            name,
            label,
            class,
            Callback::new(move |()| shown.consider(action)),
        )
    };
    let rename = Callback::new(move |()| editing.set(true));
    let identify = told(t, shown, t.identify_done(), async |api: Api, id: DeviceId| {
        Ok(api.identify_device(&id).await?)
    });
    let renew = told(t, shown, t.renew_done(), async |api: Api, id: DeviceId| {
        Ok(api.renew_device(&id).await?)
    });
    let resume = told(t, shown, t.resume_done(), async move |api: Api, id: DeviceId| {
        let detail = with_fresh_proof(&api, async || api.resume_device(&id).await).await?;
        shown.take(detail);
        Ok(())
    });
    let names = DeviceState::NAMES;
    let [_, _, enrolling, active, suspended, retired] = names;
    view! {
        <div class="device-actions" id="device-actions">
            {button(Icon::Edit, t.rename(), "button", rename)}
            {move || {
                let is = |name| state.get() == name;
                view! {
                    {is(active).then(|| button(Icon::Bell, t.identify(), "button", identify))}
                    {is(active).then(|| button(Icon::Refresh, t.renew(), "button", renew))}
                    {is(active).then(|| asked(Icon::Pause, t.suspend(), "button", Weighty::Suspend))}
                    {is(suspended).then(|| button(Icon::Play, t.resume(), "button primary", resume))}
                    {(is(active) || is(suspended) || is(enrolling)).then(|| asked(Icon::Cross, t.revoke(), "button danger", Weighty::Revoke))}
                    {(!is(retired)).then(|| asked(Icon::Trash, t.retire(), "button danger", Weighty::Retire))}
                }
            }}
        </div>
        {edit_dialog(t, shown, editing)}
        {weighty_dialog(t, shown)}
    }
}

/// An action that ends with a message.
fn told(
    t: Language,
    shown: Shown,
    done: &'static str,
    call: impl AsyncFn(Api, DeviceId) -> Result<(), CeremonyTrouble> + Copy + Send + Sync + 'static,
) -> Callback<()> {
    let api = api();
    let toasts = toasts();
    Callback::new(move |()| {
        let (api, id) = (api.clone(), shown.id());
        leptos::task::spawn_local(async move {
            match call(api, id).await {
                Ok(()) => toasts.show(done),
                Err(trouble) => toasts.show_trouble(t, trouble),
            }
        });
    })
}

fn weighty_dialog(t: Language, shown: Shown) -> View {
    let Shown {
        weighty: action,
        asking: open,
        ..
    } = shown;
    let api = api();
    let reason = RwSignal::new(RevocationReason::Unspecified);
    let question = move || {
        let name = shown.detail.with_untracked(|detail| detail.device.name.clone());
        match action.get() {
            Weighty::Suspend => Question {
                title: t.suspend_title(&name),
                says: vec![t.suspend_says_1(), t.suspend_says_2(), t.suspend_says_3()],
                verb: t.suspend(),
                dangerous: true,
            },
            Weighty::Revoke => Question {
                title: t.revoke_title(&name),
                says: vec![t.revoke_says_1(), t.revoke_says_2(), t.revoke_says_3()],
                verb: t.revoke(),
                dangerous: true,
            },
            Weighty::Retire => Question {
                title: t.retire_title(&name),
                says: vec![t.retire_says_1(), t.retire_says_2(), t.retire_says_3()],
                verb: t.retire(),
                dangerous: true,
            },
        }
    };
    let answer = async move || {
        let (action, reason) = (action.get_untracked(), reason.get_untracked());
        shown.take(carry_out(&api, &shown.id(), action, reason).await?);
        Ok(())
    };
    ask(
        open,
        t.please_confirm(),
        question,
        move || {
            let asks_why = action.get() == Weighty::Revoke;
            asks_why.then(|| reason_field(t, reason)).into_view()
        },
        answer,
    )
}

async fn carry_out(
    api: &Api,
    id: &DeviceId,
    action: Weighty,
    reason: RevocationReason,
) -> Result<DeviceDetail, ApiError> {
    match action {
        Weighty::Suspend => api.suspend_device(id).await,
        Weighty::Revoke => api.revoke_device(id, &RevocationRequest { reason }).await,
        Weighty::Retire => api.retire_device(id).await,
    }
}

fn reason_field(t: Language, reason: RwSignal<RevocationReason>) -> View {
    view! {
        <div class="field dialog-field">
            <label for="reason">{t.revoke_reason()}</label>
            <select id="reason" on:change=move |event: leptos::ev::Event| reason.set(RevocationReason::from_name(&target_value(&event)))>
                {REASONS
                    .into_iter()
                    .map(|each| view! { <option value=each.as_str() selected=move || reason.get() == each>{reason_name(t, each)}</option> })
                    .collect::<View>()}
            </select>
        </div>
    }
}

fn edit_dialog(t: Language, shown: Shown, open: RwSignal<bool>) -> View {
    let api = api();
    dialog(open, "", t.rename(), move || {
        let api = api.clone();
        let device = shown.detail.with_untracked(|detail| detail.device.clone());
        let name = RwSignal::new(device.name);
        let labels = RwSignal::new(device.labels.join(", "));
        let trouble = RwSignal::new(None::<Trouble>);
        let save = move |event: leptos::ev::SubmitEvent| {
            event.prevent_default();
            let (api, id) = (api.clone(), shown.id());
            let update = DeviceUpdate {
                name: Some(name.get_untracked().trim().to_owned()),
                labels: Some(read_labels(&labels.get_untracked())),
            };
            leptos::task::spawn_local(async move {
                match api.update_device(&id, &update).await {
                    Ok(detail) => {
                        shown.take(detail);
                        open.set(false);
                    }
                    Err(error) => trouble.set(Some(error.into())),
                }
            });
        };
        view! {
            <form class="stack" on:submit=save>
                <h2>{t.rename_title()}</h2>
                {name_and_labels(name, labels, device.facts.hostname)}
                {move || trouble.get().map(|trouble| trouble_notice(&trouble, None))}
                {form_end(open, t.save())}
            </form>
        }
    })
}
