//! Name, organisation where one is made, and the passkey.

use gangway_client::Api;
use gangway_protocol::account::{CeremonyReply, LinkPurpose, RegistrationRequest};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::safety::go_on;
use super::{Admission, OrganisationField, Stage, Typed};
use crate::browser::{page, passkey};
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::Complaint;
use crate::components::role::role_name;
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api};

/// The field of the person's name.
pub(super) const NAME_ID: &str = "person";
/// The field of the organisation's name.
pub(super) const ORGANISATION_ID: &str = "organisation";

/// The form.
#[component]
pub(super) fn Naming(
    /// Where it goes on.
    stage: RwSignal<Stage>,
    /// By what they may come in.
    admission: Admission,
    /// What the link is for.
    purpose: LinkPurpose,
    /// What has been typed.
    typed: Typed,
    /// Whether somebody signs up, without a link.
    sign_up: bool,
) -> impl IntoView {
    let t = language();
    let Typed { name, organisation } = typed;
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let makes_customer = matches!(purpose, LinkPurpose::Setup {} | LinkPurpose::Customer { .. });
    let is_recovery = matches!(purpose, LinkPurpose::Recovery { .. });
    let (title, lede) = match purpose {
        LinkPurpose::Setup {} => (t.setup_title().to_owned(), t.setup_first_text().to_owned()),
        LinkPurpose::Customer { .. } if sign_up => {
            (t.sign_up_title().to_owned(), t.sign_up_text().to_owned())
        }
        LinkPurpose::Customer { .. } => (t.customer_title().to_owned(), t.customer_text().to_owned()),
        LinkPurpose::Invitation { organisation, role } => (
            t.setup_invitation_title(&organisation),
            t.setup_invitation_text(role_name(t, role)),
        ),
        LinkPurpose::Recovery { account } => (
            t.setup_recovery_title(&account),
            t.setup_recovery_text().to_owned(),
        ),
    };
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            let api = api();
            let registered = async {
                let request = RegistrationRequest {
                    token: admission.token(&api).await?,
                    name: name.get_untracked().trim().to_owned(),
                    organisation: makes_customer.then(|| organisation.get_untracked().trim().to_owned()),
                };
                register(&api, &request).await
            };
            match registered.await {
                Ok(()) => {
                    stage.set(go_on().await);
                    page::focus("main");
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    view! {
        <h1>{title}</h1>
        <p class="lede">{lede}</p>
        <form class="stack gate" on:submit=make>
            {(!is_recovery)
                .then(|| {
                    view! {
                        <div class="field">
                            <label for=NAME_ID>{t.your_name()}</label>
                            <input id=NAME_ID type="text" required maxlength="64" autocomplete="name" bind:value=name />
                        </div>
                    }
                })}
            {makes_customer.then(|| view! { <OrganisationField typed /> })}
            <Complaint message />
            <button class="button primary large" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                <Icon glyph=Glyph::Key />
                {t.create_passkey()}
            </button>
            <p class="hint">{t.create_passkey_hint()}</p>
            {sign_up
                .then(|| {
                    view! {
                        <p class="hint">
                            {t.sign_up_known()} " "
                            <a href=paths::HOME>{t.sign_in_title()}</a>
                        </p>
                    }
                })}
        </form>
    }
}

async fn register(api: &Api, request: &RegistrationRequest) -> Result<(), CeremonyTrouble> {
    let ceremony = api.start_registration(request).await?;
    let credential = passkey::create(&ceremony.public_key).await?;
    let reply = CeremonyReply::new(credential);
    api.finish_registration(&ceremony.id, &reply).await?;
    Ok(())
}
