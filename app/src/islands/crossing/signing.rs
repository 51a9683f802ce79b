//! What a signer elsewhere waits for, after everybody has agreed: credentials, or the person's word after a lost reply.

use gangway_client::crossing::{Input, Obstacle, Stage};
use gangway_protocol::signer::Signer;
use leptos::either::Either;
use leptos::prelude::*;

use super::state::CrossingState;
use crate::browser::page;
use crate::components::notice::{Notice, Tone};
use crate::islands::credentials::Credentials;
use crate::visit::language;

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
            let given = Callback::new(move |()| state.say(Input::CredentialsGiven));
            let cancel = Callback::new(move |()| state.say(Input::Cancel));
            Some(Either::Left(
                view! { <Credentials signer=*signer refused given cancel /> },
            ))
        }
        Obstacle::ReplyLost { signer, lost, find } => Some(Either::Right(
            view! { <ReplyLost state signer=*signer lost find /> },
        )),
        _ => None,
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
