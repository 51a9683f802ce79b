//! `/setup`: what one-time links lead to. First run, invitation, recovery:
//!
//! 1. the token is taken out of the address at once and kept in memory;
//! 2. the server says what the link is for;
//! 3. the person gives a name and makes a passkey, which signs in;
//! 4. a second passkey or recovery codes are offered at once (threat model, ACC-1).

use gangway_client::Api;
use gangway_protocol::account::{
    Account, CeremonyReply, JoinRequest, LinkInspectionRequest, LinkPurpose, RecoveryCodes,
    RegistrationRequest,
};
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use gangway_protocol::secret::SecretString;
use leptos::prelude::*;

use crate::browser::{page, passkey};
use crate::components::icon::{Icon, icon};
use crate::components::notice::{Tone, complaint, notice};
use crate::components::recovery_codes::recovery_codes;
use crate::head::set_title;
use crate::pages::account::role_name;
use crate::trouble::Trouble;
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::{CeremonyTrouble, add_passkey, api, visitor, with_fresh_proof};

/// How far the person is.
#[derive(Clone)]
enum Stage {
    Reading,
    /// There was no token in the address.
    NoLink,
    Unusable(Trouble),
    Naming(SecretString, LinkPurpose),
    /// The passkey is made, the person is signed in.
    Made,
}

/// The page.
pub(crate) fn setup_page() -> View {
    let t = language();
    let api = api();
    let stage = RwSignal::new(Stage::Reading);
    set_title(t.setup_title());
    Effect::new(move |_| {
        let Some(token) = page::take_fragment().map(SecretString::new) else {
            stage.set(Stage::NoLink);
            return;
        };
        let api = api.clone();
        leptos::task::spawn_local(async move {
            let request = LinkInspectionRequest { token: token.clone() };
            stage.set(match api.inspect_link(&request).await {
                Ok(purpose) => Stage::Naming(token, purpose),
                Err(error) => Stage::Unusable(error.into()),
            });
        });
    });
    view! {
        <main id="main" class="narrow" tabindex="-1">
            {move || match stage.get() {
                Stage::Reading => view! { <h1>{t.setup_title()}</h1> <p class="lede" role="status">{t.setup_reading()}</p> },
                Stage::NoLink => {
                    view! {
                        <h1>{t.setup_no_link()}</h1>
                        <p class="lede">{t.setup_no_link_text()}</p>
                        <p class="row"><a class="button" href=paths::HOME>{t.to_start()}</a></p>
                    }
                }
                Stage::Unusable(trouble) => {
                    view! {
                        <h1>{t.setup_title()}</h1>
                        <div class="gate">{notice(Tone::Bad, view! { <p role="alert">{trouble.words(t)}</p> })}</div>
                    }
                }
                Stage::Naming(token, purpose) => match (&purpose, visitor().account.get()) {
                    (LinkPurpose::Invitation { organisation, role }, Some(Ok(account))) => joining(t, token, organisation, *role, &account),
                    _ => naming(t, stage, token, &purpose),
                },
                Stage::Made => safety(t),
            }}
        </main>
    }
}

/// Whoever is signed in joins with the account they have.
fn joining(t: Language, token: SecretString, organisation: &str, role: Role, account: &Account) -> View {
    let api = api();
    let message = RwSignal::new(None::<String>);
    let join = move |_| {
        let api = api.clone();
        let request = JoinRequest { token: token.clone() };
        leptos::task::spawn_local(async move {
            match api.join(&request).await {
                Ok(_) => page::leave_for(paths::HOME),
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
        });
    };
    view! {
        <h1>{t.setup_invitation_title(organisation)}</h1>
        <p class="lede">{t.setup_invitation_text(role_name(t, role))}</p>
        {complaint(message)}
        <p class="gate"><button class="button primary large" type="button" on:click=join>{icon(Icon::Check)} {t.setup_join_as(&account.name)}</button></p>
        <p class="hint">{t.setup_join_other()}</p>
    }
}

/// Name, organisation where one is made, and the passkey.
fn naming(t: Language, stage: RwSignal<Stage>, token: SecretString, purpose: &LinkPurpose) -> View {
    let api = api();
    let visitor = visitor();
    let name = RwSignal::new(String::new());
    let organisation = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let is_setup = matches!(purpose, LinkPurpose::Setup {});
    let is_recovery = matches!(purpose, LinkPurpose::Recovery { .. });
    let (title, lede) = match purpose {
        LinkPurpose::Setup {} => (t.setup_title().to_owned(), t.setup_first_text().to_owned()),
        LinkPurpose::Invitation { organisation, role } => (
            t.setup_invitation_title(organisation),
            t.setup_invitation_text(role_name(t, *role)),
        ),
        LinkPurpose::Recovery { account } => (
            t.setup_recovery_title(account),
            t.setup_recovery_text().to_owned(),
        ),
    };
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        message.set(None);
        let api = api.clone();
        let request = RegistrationRequest {
            token: token.clone(),
            name: name.get_untracked().trim().to_owned(),
            organisation: is_setup.then(|| organisation.get_untracked().trim().to_owned()),
        };
        leptos::task::spawn_local(async move {
            match register(&api, &request).await {
                Ok(()) => {
                    stage.set(Stage::Made);
                    visitor.changed();
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
                            <label for="person">{t.your_name()}</label>
                            <input id="person" type="text" required maxlength="64" autocomplete="name" bind:value=name />
                        </div>
                    }
                })}
            {is_setup
                .then(|| {
                    view! {
                        <div class="field">
                            <label for="organisation">{t.organisation()}</label>
                            <input id="organisation" type="text" required maxlength="64" autocomplete="organization" aria-describedby="organisation-hint" bind:value=organisation />
                            <p class="hint" id="organisation-hint">{t.setup_organisation_hint()}</p>
                        </div>
                    }
                })}
            {complaint(message)}
            <button class="button primary large" type="submit" disabled=move || busy.get() aria-busy=move || busy.get().to_string()>
                {icon(Icon::Key)}
                {t.create_passkey()}
            </button>
            <p class="hint">{t.create_passkey_hint()}</p>
        </form>
    }
}

async fn register(api: &Api, request: &RegistrationRequest) -> Result<(), CeremonyTrouble> {
    let ceremony = api.start_registration(request).await?;
    let credential = passkey::create(&ceremony.public_key).await?;
    let reply = CeremonyReply {
        credential,
        passkey_name: Some(page::browser_name()),
    };
    api.finish_registration(&ceremony.id, &reply).await?;
    Ok(())
}

/// A second way in, while the person still thinks of it.
fn safety(t: Language) -> View {
    let api = api();
    let codes = RwSignal::new(None::<RecoveryCodes>);
    let added = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let fail = move |trouble: CeremonyTrouble| message.set(trouble.words(t));
    let make_codes = {
        let api = api.clone();
        move |_| {
            let api = api.clone();
            leptos::task::spawn_local(async move {
                match with_fresh_proof(&api, async || api.renew_recovery_codes().await).await {
                    Ok(fresh) => codes.set(Some(fresh)),
                    Err(trouble) => fail(trouble),
                }
            });
        }
    };
    let add = move |_| {
        let api = api.clone();
        leptos::task::spawn_local(async move {
            match add_passkey(&api).await {
                Ok(_) => added.set(true),
                Err(trouble) => fail(trouble),
            }
        });
    };
    view! {
        <h1>{t.safety_title()}</h1>
        <p class="lede">{t.safety_text()}</p>
        <section class="section stack">
            <h2>{t.safety_codes()}</h2>
            {move || match codes.get() {
                Some(codes) => recovery_codes(&codes),
                None => {
                    view! {
                        <p class="soft">{t.safety_codes_text()}</p>
                        <button class="button" type="button" on:click=make_codes.clone()>{t.safety_codes_make()}</button>
                    }
                }
            }}
        </section>
        <section class="section stack">
            <h2>{t.safety_passkey()}</h2>
            <p class="soft">{t.safety_passkey_text()}</p>
            {move || {
                if added.get() {
                    view! { <p class="row" role="status">{icon(Icon::Check)} {t.passkey_added()}</p> }
                } else {
                    view! { <button class="button" type="button" on:click=add.clone()>{t.safety_passkey_add()}</button> }
                }
            }}
        </section>
        {complaint(message)}
        <p class="section">
            <a class="button primary large" href=paths::FLEET>{t.continue_to_fleet()} {icon(Icon::Next)}</a>
        </p>
    }
}
