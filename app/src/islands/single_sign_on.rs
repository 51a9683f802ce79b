//! The way to an organisation's identity provider and back, and the links of an account with such providers.

use gangway_protocol::id::{CeremonyId, IdentityProviderId};
use gangway_protocol::path::page as paths;
use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{
    Identity, ProviderName, SingleSignOnPurpose, SingleSignOnReply, SingleSignOnRequest,
};
use leptos::prelude::*;

use super::lists::{List, all, ended, focus_heading};
use crate::browser::{channel, page};
use crate::components::confirm::{Confirm, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{CONFIRMED, api, with_fresh_proof};

/// A button for each provider. It leads there.
#[island]
pub(crate) fn ProviderButtons(
    /// The providers.
    providers: Vec<ProviderName>,
) -> impl IntoView {
    let t = language();
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let buttons = providers.into_iter().map(|provider| {
        let id = StoredValue::new(provider.id);
        let press = move |_| {
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            message.set(None);
            leptos::task::spawn_local(async move {
                let request = SingleSignOnRequest {
                    provider: id.get_value(),
                    purpose: SingleSignOnPurpose::SignIn,
                };
                match api().begin_single_sign_on(&request).await {
                    Ok(begun) => page::leave_for(&begun.address),
                    Err(error) => message.set(Some(Trouble::from(error).words(t))),
                }
                busy.set(false);
            });
        };
        view! {
            <button class="button primary large" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=press>
                <Icon glyph=Glyph::Key />
                {t.sso_with(&provider.name)}
            </button>
        }
    });
    view! {
        <div class="sign-in stack">
            <noscript>
                <Notice tone=Tone::Warn>
                    <p>{t.sign_in_needs_script()}</p>
                </Notice>
            </noscript>
            {buttons.collect_view()}
            <Complaint message />
        </div>
    }
}

/// Hands what a provider sent back to the server, and goes on.
#[island]
pub(crate) fn SingleSignOnReturn(
    /// Whose page it is, if anybody's.
    provider: Option<IdentityProviderId>,
) -> impl IntoView {
    let t = language();
    let provider = StoredValue::new(provider);
    let message = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        // It leaves the address and the history at once.
        let Some(returned) = page::take_return() else {
            message.set(Some(t.sso_returned_nothing().to_owned()));
            return;
        };
        leptos::task::spawn_local(async move {
            let read = provider
                .get_value()
                .and_then(|provider| read(provider, &returned));
            let Some((ceremony, reply)) = read else {
                let refused = returned.contains("error=");
                let words = if refused {
                    t.sso_returned_refused()
                } else {
                    t.sso_returned_nothing()
                };
                message.set(Some(words.to_owned()));
                return;
            };
            match api().finish_single_sign_on(&ceremony, &reply).await {
                Ok(end) => match end.purpose {
                    SingleSignOnPurpose::SignIn => page::leave_for(paths::HOME),
                    SingleSignOnPurpose::Link => page::leave_for(paths::ACCOUNT),
                    SingleSignOnPurpose::StepUp => {
                        channel::say(CONFIRMED, ceremony.as_str());
                        page::close();
                    }
                },
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
        });
    });
    view! { <Complaint message /> }
}

/// OpenID Connect Core 1.0 §3.1.2.5: code and state, and with RFC 9207 the issuer.
fn read(provider: IdentityProviderId, returned: &str) -> Option<(CeremonyId, SingleSignOnReply)> {
    let (_, query) = returned.split_once('?')?;
    let field = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.into_owned())
    };
    let ceremony = field("state")?.parse().ok()?;
    let reply = SingleSignOnReply {
        provider,
        code: SecretString::new(field("code")?),
        issuer: field("iss"),
    };
    Some((ceremony, reply))
}

/// The links of the account with providers, and those that it could have. For who signed in with a passkey.
#[island]
pub(crate) fn Identities(
    /// The links, as the server read them.
    first: Vec<Identity>,
    /// Providers of the customers that the account belongs to.
    offered: Vec<ProviderName>,
) -> impl IntoView {
    let t = language();
    let list = List::new(Ok(first));
    let message = RwSignal::new(None::<String>);
    let offered = StoredValue::new(offered);
    let unlinked = move || {
        let linked = list.items.read();
        let is_linked = |one: &ProviderName| linked.iter().any(|identity| identity.provider.id == one.id);
        offered.with_value(|offered| {
            offered
                .iter()
                .filter(|one| !is_linked(one))
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let link = move |provider: ProviderName| {
        message.set(None);
        leptos::task::spawn_local(async move {
            let api = api();
            let request = SingleSignOnRequest {
                provider: provider.id,
                purpose: SingleSignOnPurpose::Link,
            };
            match with_fresh_proof(&api, async || api.begin_single_sign_on(&request).await).await {
                Ok(begun) => page::leave_for(&begun.address),
                Err(trouble) => message.set(trouble.words(t)),
            }
        });
    };
    view! {
        <section class="section" aria-labelledby="identities">
            <div class="section-head">
                <h2 id="identities" tabindex="-1">{t.sso_link_title()}</h2>
            </div>
            <p class="soft small">{t.sso_link_text()}</p>
            <ul class="lines">
                <For each=move || list.items.get() key=|identity| identity.provider.id.clone() let:identity>
                    <Linked identity list />
                </For>
            </ul>
            <div class="row">
                <For each=unlinked key=|provider| provider.id.clone() let:provider>
                    <button class="button" type="button" on:click={
                        let provider = provider.clone();
                        move |_| link(provider.clone())
                    }>{t.sso_link(&provider.name)}</button>
                </For>
            </div>
            <Complaint message />
        </section>
    }
}

#[component]
fn Linked(identity: Identity, list: List<Identity>) -> impl IntoView {
    let t = language();
    let open = RwSignal::new(false);
    let name = identity.provider.name;
    let id = StoredValue::new(identity.provider.id);
    let question = Question {
        title: t.sso_unlink_title(&name),
        says: vec![t.sso_unlink_says()],
        verb: t.sso_unlink_verb(),
        dangerous: true,
    };
    let unlink = async move || {
        ended(api().unlink_identity(&id.get_value()).await)?;
        list.read(async move || api().identities(&all()).await);
        focus_heading("identities".to_owned());
        Ok(())
    };
    view! {
        <li>
            <Icon glyph=Glyph::Key />
            <div>
                <p>{name.clone()}</p>
                <p class="soft small">{t.sso_linked_since()} " " <Moment at=identity.linked_at show=TimeFormat::Minute /></p>
            </div>
            <IconButton glyph=Glyph::Trash label=t.sso_unlink(&name) on_press=move || open.set(true) />
            <Confirm open question=Signal::stored(question) answer=unlink />
        </li>
    }
}
