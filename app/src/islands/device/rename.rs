//! Name and labels of a device, in a dialog.

use gangway_protocol::device::DeviceUpdate;
use leptos::prelude::*;

use super::Shown;
use crate::components::dialog::{Dialog, FormEnd};
use crate::components::labels::{NameAndLabels, read_labels};
use crate::components::notice::Complaint;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;

/// The dialog. Its form is made anew each time, with the names of then.
#[component]
pub(super) fn RenameDialog(shown: Shown, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Dialog open label=language().rename()>
            <Form shown open />
        </Dialog>
    }
}

#[component]
fn Form(shown: Shown, open: RwSignal<bool>) -> impl IntoView {
    let t = language();
    let (name, labels, hostname) = shown.detail.with_untracked(|detail| {
        let device = &detail.device;
        (
            device.name.clone(),
            device.labels.join(", "),
            device.facts.hostname.clone(),
        )
    });
    let name = RwSignal::new(name);
    let labels = RwSignal::new(labels);
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let update = DeviceUpdate {
            name: Some(name.with_untracked(|name| name.trim().to_owned())),
            labels: Some(labels.with_untracked(|labels| read_labels(labels))),
        };
        leptos::task::spawn_local(async move {
            let answer = api().update_device(&shown.id(), &update).await;
            // Whoever closed the dialog meanwhile has let go of the form; what was saved stands all the same.
            busy.try_set(false);
            match answer {
                Ok(detail) => {
                    shown.take(detail);
                    open.set(false);
                }
                Err(error) => {
                    message.try_set(Some(Trouble::from(error).words(t)));
                }
            }
        });
    };
    view! {
        <form class="stack" on:submit=save>
            <h2>{t.rename_title()}</h2>
            <NameAndLabels name labels placeholder=hostname />
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}
