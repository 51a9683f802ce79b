//! An invitation in the hands of somebody who is signed in: they join with the account they have.

use gangway_protocol::account::JoinRequest;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::Admission;
use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::Complaint;
use crate::components::role::role_name;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;

/// The question, and the way in.
#[component]
pub(super) fn Joining(
    /// The invitation's.
    admission: Admission,
    /// Its organisation's name.
    organisation: String,
    /// What it gives.
    role: Role,
    /// The account's name.
    name: String,
) -> impl IntoView {
    let t = language();
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let join = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            let api = api();
            let joined = async {
                let request = JoinRequest {
                    token: admission.token(&api).await?,
                    organisation: None,
                };
                api.join(&request).await
            };
            match joined.await {
                // Busy until the next page is there.
                Ok(_) => page::leave_for(paths::HOME),
                Err(error) => {
                    message.set(Some(Trouble::from(error).words(t)));
                    busy.set(false);
                }
            }
        });
    };
    view! {
        <h1>{t.setup_invitation_title(&organisation)}</h1>
        <p class="lede">{t.setup_invitation_text(role_name(t, role))}</p>
        <Complaint message />
        <p class="gate">
            <button class="button primary large" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=join>
                <Icon glyph=Glyph::Check />
                {t.setup_join_as(&name)}
            </button>
        </p>
        <p class="hint">{t.setup_join_other()}</p>
    }
}
