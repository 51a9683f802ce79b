//! The identity providers of each customer: added, changed, tried, removed.

mod form;

use gangway_protocol::organisation::Organisation;
use gangway_protocol::path::page as paths;
use gangway_protocol::single_sign_on::IdentityProvider;
use leptos::prelude::*;

use self::form::ProviderForm;
use super::lists::{List, ListTrouble, all, ended, focus_heading};
use crate::components::confirm::{Confirm, Question};
use crate::components::copy::CopyButton;
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::notice::Complaint;
use crate::messages::messages;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// All of them.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn IdentityProviders(
    /// Those of each customer that the person administers, as the server read them.
    lists: Vec<(Organisation, Outcome<Vec<IdentityProvider>>)>,
    /// The organisations in which a claim may give a role.
    places: Vec<Organisation>,
) -> impl IntoView {
    let places = StoredValue::new(places);
    lists
        .into_iter()
        .map(|(organisation, first)| view! { <Section organisation first places /> })
        .collect_view()
}

#[component]
fn Section(
    organisation: Organisation,
    first: Outcome<Vec<IdentityProvider>>,
    places: StoredValue<Vec<Organisation>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let title = heading(&organisation);
    let labelled = title.clone();
    let name = organisation.name.clone();
    let path = paths::sign_in_at(&organisation.id);
    let organisation = StoredValue::new(organisation);
    let retry = Callback::new(move |()| read(list, organisation));
    let is_empty = move || list.items.read().is_empty() && list.trouble.read().is_none();
    view! {
        <section class="section" aria-labelledby=labelled>
            <div class="section-head">
                <h2 id=title tabindex="-1">{name}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    <Icon glyph=Glyph::Add />
                    {t.provider_add()}
                </button>
            </div>
            <ListTrouble trouble=list.trouble retry />
            {move || is_empty().then(|| view! { <p class="soft">{t.providers_none()}</p> })}
            <p class="soft small" hidden=is_empty>
                {t.providers_address()} " " <a href=path.clone()>{path.clone()}</a>
            </p>
            <ul class="lines">
                <For each=move || list.items.get() key=|provider| format!("{provider:?}") let:provider>
                    <Line provider list organisation places />
                </For>
            </ul>
            <Dialog open label=t.provider_add()>
                <ProviderForm present=None list organisation places open />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(
    provider: IdentityProvider,
    list: List<IdentityProvider>,
    organisation: StoredValue<Organisation>,
    places: StoredValue<Vec<Organisation>>,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let editing = RwSignal::new(false);
    let removing = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let id = StoredValue::new(provider.id.clone());
    let name = provider.name.clone();
    let question = Question {
        title: t.provider_remove_title(&name),
        says: vec![t.provider_remove_says_1(), t.provider_remove_says_2()],
        verb: t.provider_remove_verb(),
        dangerous: true,
    };
    let remove = async move || {
        let (home, id) = (organisation.get_value(), id.get_value());
        ended(api().remove_identity_provider(&home.id, &id).await)?;
        list.remove(|provider| provider.id == id);
        focus_heading(heading(&home));
        Ok(())
    };
    let try_it = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            let api = api();
            let home = organisation.get_value().id;
            let tried = with_fresh_proof(&api, async || {
                api.try_identity_provider(&home, &id.get_value()).await
            })
            .await;
            match tried {
                Ok(trial) => messages.show(t.provider_works(trial.keys)),
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let present = provider.clone();
    view! {
        <li>
            <Icon glyph=Glyph::Key />
            <div>
                <p>{name.clone()}</p>
                <p class="soft small">
                    <code class="wrap">{provider.issuer}</code>
                </p>
                <p class="soft small">
                    {t.provider_redirect()} ": " <code class="wrap">{provider.redirect_uri.clone()}</code>
                    <CopyButton text=provider.redirect_uri />
                </p>
                <p class="soft small">
                    {t.provider_logout()} ": " <code class="wrap">{provider.logout_uri.clone()}</code>
                    <CopyButton text=provider.logout_uri />
                </p>
                <div class="row line-actions">
                    <button class="button" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=try_it>
                        {t.provider_try(&name)}
                    </button>
                </div>
                <Complaint message />
            </div>
            <div class="row">
                <IconButton glyph=Glyph::Edit label=t.provider_edit(&name) on_press=move || editing.set(true) />
                <IconButton glyph=Glyph::Trash label=t.provider_remove(&name) on_press=move || removing.set(true) />
            </div>
            <Confirm open=removing question=Signal::stored(question) answer=remove />
            <Dialog open=editing label=t.provider_edit(&present.name)>
                <ProviderForm present=Some(present.clone()) list organisation places open=editing />
            </Dialog>
        </li>
    }
}

/// Reads the list of a customer anew.
fn read(list: List<IdentityProvider>, organisation: StoredValue<Organisation>) {
    list.read(async move || {
        api()
            .identity_providers(&organisation.get_value().id, &all())
            .await
    });
}

fn heading(organisation: &Organisation) -> String {
    format!("providers-{}", organisation.id)
}
