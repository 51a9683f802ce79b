//! A customer made by somebody who is signed in: it belongs to the account they have.

use gangway_protocol::account::JoinRequest;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::{Admission, OrganisationField, Typed};
use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::Complaint;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;

/// The name, and the button that makes it.
#[component]
pub(super) fn Founding(
    /// By what it may be made.
    admission: Admission,
    /// What has been typed.
    typed: Typed,
    /// The account's name.
    name: String,
) -> impl IntoView {
    let t = language();
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            let api = api();
            let made = async {
                let request = JoinRequest {
                    token: admission.token(&api).await?,
                    organisation: Some(typed.organisation.get_untracked().trim().to_owned()),
                };
                api.join(&request).await
            };
            match made.await {
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
        <h1>{t.founding_title()}</h1>
        <p class="lede">{t.founding_text()}</p>
        <form class="stack gate" on:submit=make>
            <OrganisationField typed />
            <Complaint message />
            <button class="button primary large" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                <Icon glyph=Glyph::Check />
                {t.founding_as(&name)}
            </button>
            <p class="hint">{t.founding_other()}</p>
        </form>
    }
}
