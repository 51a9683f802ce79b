//! `/`: for visitors what this is and the sign-in; members go on to their fleet.

use gangway_protocol::account::SignUpMode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::components::code_field::spoken;
use crate::components::flag::Flag;
use crate::components::notice::TroubleNotice;
use crate::islands::sign_in::SignIn;
use crate::visit::language;
use crate::visitor::{account, api};

/// The code in the picture: the one of the documents, which no server hands out twice.
const EXAMPLE: &str = "BCDF-GHJKLM";

/// The page.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    view! {
        <main id="main" tabindex="-1">
            {match account() {
                Ok(account) => {
                    let sees_fleet = account.may(Role::may_see_fleet);
                    view! { <Redirect path=if sees_fleet { paths::FLEET } else { paths::LINK } /> }.into_any()
                }
                Err(trouble) => {
                    let notice = (!trouble.is_signed_out()).then(|| view! { <TroubleNotice trouble /> });
                    view! { {notice} <Welcome /> }.into_any()
                }
            }}
        </main>
    }
}

#[component]
fn Welcome() -> impl IntoView {
    let t = language();
    let steps = [
        (t.home_step_read(), t.home_step_read_text()),
        (t.home_step_check(), t.home_step_check_text()),
        (t.home_step_approve(), t.home_step_approve_text()),
    ];
    view! {
        <div class="home">
            <div>
                <h1>{t.home_title()}</h1>
                <p class="lede">{t.home_lede()}</p>
                <section class="home-sign-in" aria-labelledby="sign-in-title">
                    <h2 id="sign-in-title">{t.sign_in_title()}</h2>
                    <SignIn />
                    <SignUpLink />
                </section>
            </div>
            <Screen />
        </div>
        <ol class="home-steps">
            {steps
                .map(|(title, text)| {
                    view! {
                        <li>
                            <h2>{title}</h2>
                            <p class="soft">{text}</p>
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
}

/// The way to an account, where everybody may have one.
#[component]
fn SignUpLink() -> impl IntoView {
    let t = language();
    let api = api();
    view! {
        <Suspense>
            {move || {
                let api = api.clone();
                Suspend::new(async move {
                    let is_open = api.sign_ups().await.is_ok_and(|sign_ups| sign_ups.mode == SignUpMode::Open);
                    is_open
                        .then(|| {
                            view! {
                                <p class="hint">
                                    {t.sign_up_question()} " "
                                    <a href=paths::SIGN_UP>{t.sign_up()}</a>
                                </p>
                            }
                        })
                })
            }}
        </Suspense>
    }
}

/// What a device shows, as a picture.
#[component]
fn Screen() -> impl IntoView {
    let t = language();
    let letters = |text: &'static str| {
        text.chars()
            .map(|letter| view! { <span><Flag letter /> " " <b>{letter}</b></span> })
            .collect_view()
    };
    let (nameplate, secret) = EXAMPLE.split_once('-').unwrap_or_default();
    view! {
        <figure class="screen" role="img" aria-label=t.home_picture()>
            <p class="soft small">{t.home_screen_says()}</p>
            <div class="screen-code">
                <div>{letters(nameplate)}</div>
                <div>{letters(secret)}</div>
            </div>
            <p class="soft small">{spoken(EXAMPLE)}</p>
        </figure>
    }
}
