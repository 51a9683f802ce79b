//! `/`: for visitors what this is and the sign-in; members go on to their fleet.

use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use crate::components::code_field::spoken;
use crate::components::flag::flag;
use crate::components::frame::loading;
use crate::components::notice::trouble_notice;
use crate::components::sign_in::sign_in;
use crate::head::redirect;
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::visitor;

/// The code in the picture: the one of the documents, which no server hands out twice.
const EXAMPLE: &str = "BCDF-GHJKLM";

/// The page.
pub(crate) fn home_page() -> View {
    let t = language();
    view! {
        <main id="main" tabindex="-1">
            {visitor().account.show(move || loading(t), move |account| match account {
                Ok(account) => {
                    let sees_fleet = account.may(Role::may_see_fleet);
                    redirect(if sees_fleet { paths::FLEET } else { paths::LINK });
                    View::Nothing
                }
                Err(trouble) => {
                    let notice = (!trouble.is_signed_out())
                        .then(|| trouble_notice(&trouble, Some(Callback::new(|()| visitor().changed()))));
                    view! { {notice} {welcome(t)} }
                }
            })}
        </main>
    }
}

fn welcome(t: Language) -> View {
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
                    {sign_in()}
                </section>
            </div>
            {screen(t)}
        </div>
        <ol class="home-steps">
            {steps
                .into_iter()
                .map(|(title, text)| {
                    view! {
                        <li>
                            <h2>{title}</h2>
                            <p class="soft">{text}</p>
                        </li>
                    }
                })
                .collect::<View>()}
        </ol>
    }
}

/// What a device shows, as a picture.
fn screen(t: Language) -> View {
    let letters = |text: &'static str| {
        text.chars()
            .map(|letter| view! { <span>{flag(letter)} <b>{letter}</b></span> })
            .collect::<View>()
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
