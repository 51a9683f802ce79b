//! What a signer elsewhere waits for, after everybody has agreed: credentials, or the person's word after a lost reply.

use gangway_client::crossing::{Input, Obstacle, Stage};
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::Signer;
use gangway_signing::AwsCredentials;
use leptos::either::Either;
use leptos::prelude::*;

use super::state::CrossingState;
use crate::browser::{page, wallet};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::visit::language;

const CREDENTIALS_ID: &str = "credentials";
const REPLY_LOST_ID: &str = "reply-lost";

/// What hinders the signer, if anything does.
#[component]
pub(super) fn SigningObstacle(
    /// What the scenes share.
    state: CrossingState,
) -> impl IntoView {
    let obstacle = Memo::new(move |_| {
        state.view.with(|view| {
            // Once the attempt has ended, nobody waits for an answer.
            let view = view.as_ref().filter(|view| view.stage == Stage::Signing)?;
            view.obstacle.clone().filter(Obstacle::is_of_signing)
        })
    });
    move || match obstacle.get()? {
        Obstacle::Credentials { signer, refused } => {
            Some(Either::Left(view! { <AwsSignIn state signer=*signer refused /> }))
        }
        Obstacle::ReplyLost { signer, lost, find } => Some(Either::Right(
            view! { <ReplyLost state signer=*signer lost find /> },
        )),
        _ => None,
    }
}

/// Temporary credentials of AWS, pasted. They stay in this page's memory and go to AWS alone.
#[component]
fn AwsSignIn(state: CrossingState, signer: Signer, refused: Option<String>) -> impl IntoView {
    let t = language();
    let pasted = RwSignal::new(String::new());
    let message = RwSignal::new(refused.map(|refused| t.credentials_refused(&refused)));
    let id = signer.id.clone();
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let text = SecretString::new(pasted.get_untracked());
        match AwsCredentials::read(text.expose()) {
            Ok(credentials) => {
                pasted.set(String::new());
                wallet::with(|wallet| wallet.put_aws(id.clone(), credentials));
                state.say(Input::CredentialsGiven);
            }
            Err(error) => message.set(Some(t.credentials_unreadable(error).to_owned())),
        }
    };
    Effect::new(move |_| page::focus(CREDENTIALS_ID));
    view! {
        <Notice tone=Tone::Plain>
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
                    <Cancel state />
                </div>
            </form>
        </Notice>
    }
}

/// Nobody knows whether the signer signed.
#[component]
fn ReplyLost(state: CrossingState, signer: Signer, lost: Option<String>, find: String) -> impl IntoView {
    let t = language();
    Effect::new(move |_| page::focus(REPLY_LOST_ID));
    view! {
        <Notice tone=Tone::Warn>
            <div id=REPLY_LOST_ID role="alert" tabindex="-1">
                <p>{t.reply_lost(&signer.name)}</p>
                <p>{t.reply_lost_why()}</p>
                {lost.map(|lost| view! { <p class="soft small">{lost}</p> })}
            </div>
            <div class="row">
                <a class="button" href=find target="_blank" rel="noopener noreferrer">{t.reply_lost_look()}</a>
                <button class="button" type="button" on:click=move |_| state.say(Input::SignAgain)>{t.reply_lost_again()}</button>
                <Cancel state />
            </div>
        </Notice>
    }
}

#[component]
fn Cancel(state: CrossingState) -> impl IntoView {
    view! { <button class="button" type="button" on:click=move |_| state.say(Input::Cancel)>{language().cancel()}</button> }
}
