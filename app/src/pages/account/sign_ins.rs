//! Browsers that are signed in, and how to sign one out.

use gangway_protocol::account::SignIn;

use super::{Listed, ending, show_list};
use crate::components::icon::{Icon, icon};
use crate::components::icon_button::icon_button;
use crate::components::moment::{Show, moment};
use crate::view::{View, view};
use crate::visit::Language;
use crate::visitor::api;

pub(super) fn sign_ins(t: Language, list: Listed<SignIn>) -> View {
    view! {
        <section class="section" aria-labelledby="sign-ins-title">
            <div class="section-head"><h2 id="sign-ins-title">{t.sign_ins()}</h2></div>
            {show_list(
                t,
                list,
                move |sign_ins| view! { <ul class="lines">{sign_ins.into_iter().map(|sign_in| line(t, list, sign_in)).collect::<View>()}</ul> },
            )}
        </section>
    }
}

fn line(t: Language, list: Listed<SignIn>, sign_in: SignIn) -> View {
    let api = api();
    let label = t.end_sign_in(&sign_in.browser);
    let id = sign_in.id;
    let end = ending(t, list, async move || api.end_sign_in(&id).await);
    view! {
        <li>
            {icon(Icon::Network)}
            <div>
                <p>{sign_in.browser} {sign_in.current.then(|| view! { " " <span class="chip">{t.this_browser()}</span> })}</p>
                <p class="soft small">{sign_in.address} " · " {t.last_used()} " " {moment(sign_in.last_used_at, Show::Distance)}</p>
            </div>
            {(!sign_in.current).then(|| icon_button(Icon::SignOut, label, end))}
        </li>
    }
}
