//! What a signer elsewhere takes from the person: a sign-in at its authority, or credentials that are pasted. Either stays in this
//! page's memory and goes to the signer alone.

use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::{Signer, SignerKind, host_of};
use leptos::either::Either;
use leptos::prelude::*;

use crate::browser::channel::Channel;
use crate::browser::held::Held;
use crate::browser::page;
use crate::browser::signers::{self, Arrival, Waiting};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::islands::signed_in::CHANNEL;
use crate::visit::language;
use crate::visitor::api;

const CREDENTIALS_ID: &str = "credentials";
const SIGN_IN_ID: &str = "signer-sign-in";

/// Asks for them.
#[component]
pub(crate) fn Credentials(
    /// For whom.
    signer: Signer,
    /// Why the former ones were refused.
    refused: Option<String>,
    /// Called when the wallet has some.
    given: Callback<()>,
    /// Called when the person gives up; without one there is another way out.
    #[prop(optional, into)]
    cancel: Option<Callback<()>>,
) -> impl IntoView {
    let refused = refused.map(|refused| language().credentials_refused(&refused));
    let takes_sign_in = match &signer.kind {
        SignerKind::AwsIot(aws) => aws.sign_in.is_some(),
        _ => true,
    };
    if takes_sign_in {
        Either::Left(view! { <SigningIn signer refused given cancel /> })
    } else {
        Either::Right(view! {
            <Notice tone=Tone::Plain>
                <Paste signer refused given cancel takes_focus=true />
            </Notice>
        })
    }
}

/// A sign-in at the signer's authority, in a window of its own.
#[component]
fn SigningIn(
    signer: Signer,
    refused: Option<String>,
    given: Callback<()>,
    cancel: Option<Callback<()>>,
) -> impl IntoView {
    let t = language();
    let waiting = RwSignal::new(None::<Waiting>);
    let message = RwSignal::new(refused);
    let opened = RwSignal::new(false);
    let is_aws = matches!(signer.kind, SignerKind::AwsIot(_));
    let name = signer.name.clone();
    let pasted = signer.clone();
    let signer = StoredValue::new(signer);
    // Each attempt has a proof of its own, so that a failed one is followed by a fresh one.
    let prepare = move || {
        waiting.set(None);
        let signer = signer.get_value();
        leptos::task::spawn_local(async move {
            match signers::prepare(&api(), signer).await {
                Some(Ok(ready)) => drop(waiting.try_set(Some(ready))),
                Some(Err(error)) => drop(message.try_set(Some(t.sign_in_failed(&error)))),
                None => drop(message.try_set(Some(t.sign_in_unknown().to_owned()))),
            }
        });
    };
    let arrive = move |returned: String| {
        let Some(ready) = waiting.get_untracked() else {
            return;
        };
        leptos::task::spawn_local(async move {
            match signers::arrive(&api(), ready, returned).await {
                Arrival::Foreign => {}
                // Whoever waited may have given up meanwhile.
                Arrival::Done => drop(given.try_run(())),
                Arrival::Failed(error) => {
                    if message.try_set(Some(t.sign_in_failed(&error))).is_none() {
                        opened.set(false);
                        prepare();
                    }
                }
            }
        });
    };
    let channel = Held::new();
    Effect::new(move |_| {
        if let Some(open) = Channel::open(CHANNEL, arrive) {
            channel.hold(open);
        }
        prepare();
    });
    Effect::new(move |_| {
        if waiting.with(Option::is_some) {
            page::focus_if_free(SIGN_IN_ID);
        }
    });
    let go = move || {
        let ready = waiting.get()?;
        let host = host_of(&ready.url).to_owned();
        let address = ready.url.clone();
        let on_click = move |event: leptos::ev::MouseEvent| {
            message.set(None);
            opened.set(true);
            // Without one, the link opens a tab.
            if page::open_window(&ready.url, CHANNEL) {
                event.prevent_default();
            }
        };
        Some(view! {
            <a id=SIGN_IN_ID class="button primary" href=address target="_blank" rel="noopener noreferrer" on:click=on_click>
                {t.sign_in_at(&host)}
            </a>
        })
    };
    let is_preparing = move || waiting.with(Option::is_none) && message.with(Option::is_none);
    let may_retry = move || waiting.with(Option::is_none) && message.with(Option::is_some);
    view! {
        <Notice tone=Tone::Plain>
            <div class="stack">
                <p>{t.sign_in_wanted(&name)}</p>
                <p class="hint">{t.sign_in_hint()}</p>
                <p class="hint" role="status">
                    {move || is_preparing().then(|| t.sign_in_preparing())} {move || opened.get().then(|| t.sign_in_elsewhere())}
                </p>
                <Complaint message />
                <div class="row">
                    {go}
                    {move || {
                        may_retry()
                            .then(|| {
                                let again = move |_| {
                                    message.set(None);
                                    prepare();
                                };
                                view! {
                                    <button class="button" type="button" on:click=again>
                                        {t.try_again()}
                                    </button>
                                }
                            })
                    }} <Cancel cancel />
                </div>
                {is_aws
                    .then(|| {
                        view! {
                            <details class="fold">
                                <summary class="textual">{t.credentials_instead()}</summary>
                                <Paste signer=pasted refused=None given cancel=None takes_focus=false />
                            </details>
                        }
                    })}
            </div>
        </Notice>
    }
}

/// Temporary credentials of AWS, pasted.
#[component]
fn Paste(
    signer: Signer,
    refused: Option<String>,
    given: Callback<()>,
    cancel: Option<Callback<()>>,
    takes_focus: bool,
) -> impl IntoView {
    let t = language();
    let pasted = RwSignal::new(String::new());
    let message = RwSignal::new(refused);
    let id = signer.id.clone();
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (id, text) = (id.clone(), SecretString::new(pasted.get_untracked()));
        leptos::task::spawn_local(async move {
            match signers::paste(id, text).await {
                Ok(()) => {
                    let _ = pasted.try_set(String::new());
                    let _ = given.try_run(());
                }
                Err(error) => {
                    let _ = message.try_set(Some(t.credentials_unreadable(error).to_owned()));
                }
            }
        });
    };
    Effect::new(move |_| {
        if takes_focus {
            page::focus(CREDENTIALS_ID);
        }
    });
    view! {
        <form class="stack" on:submit=on_submit>
            <div class="field">
                <label for=CREDENTIALS_ID>{t.credentials_label(&signer.name)}</label>
                <textarea
                    id=CREDENTIALS_ID
                    class="mono secret"
                    rows="4"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    aria-describedby="credentials-hint"
                    prop:value=pasted
                    on:input:target=move |event| pasted.set(event.target().value())
                ></textarea>
                <p class="hint" id="credentials-hint">{t.credentials_hint()}</p>
            </div>
            <Complaint message />
            <div class="row">
                <button class="button primary" type="submit">{t.credentials_use()}</button>
                <Cancel cancel />
            </div>
        </form>
    }
}

#[component]
fn Cancel(cancel: Option<Callback<()>>) -> impl IntoView {
    cancel.map(|cancel| view! { <button class="button" type="button" on:click=move |_| cancel.run(())>{language().cancel()}</button> })
}
