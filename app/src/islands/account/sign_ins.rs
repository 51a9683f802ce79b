//! Browsers that are signed in, and how to sign one out.

use gangway_protocol::account::SignIn;
use leptos::prelude::*;

use super::super::lists::{List, ListTrouble, all, ended, focus_heading};
use super::SignInsChanged;
use crate::components::confirm::{Confirm, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::api;

const TITLE: &str = "sign-ins-title";

/// The section.
#[component]
pub(super) fn SignIns(
    /// As the server read them.
    first: Outcome<Vec<SignIn>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let read = move || list.read(async || api().sign_ins(&all()).await);
    let SignInsChanged(changed) = expect_context();
    Effect::new(move |before: Option<()>| {
        changed.track();
        if before.is_some() {
            read();
        }
    });
    view! {
        <section class="section" aria-labelledby=TITLE>
            <div class="section-head">
                <h2 id=TITLE tabindex="-1">{t.sign_ins()}</h2>
            </div>
            <ListTrouble trouble=list.trouble retry=Callback::new(move |()| read()) />
            <ul class="lines">
                <For each=move || list.items.get() key=|sign_in| sign_in.id.clone() let:sign_in>
                    <Line sign_in list />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Line(sign_in: SignIn, list: List<SignIn>) -> impl IntoView {
    let t = language();
    let SignIn {
        id,
        current,
        browser,
        address,
        last_used_at,
        ..
    } = sign_in;
    let asked = RwSignal::new(false);
    let question = Question {
        title: t.sign_in_end_title(&browser),
        says: vec![t.sign_in_end_says()],
        verb: t.sign_in_end(),
        dangerous: true,
    };
    let id = StoredValue::new(id);
    let end = async move || {
        let id = id.get_value();
        ended(api().end_sign_in(&id).await)?;
        list.remove(|sign_in| sign_in.id == id);
        focus_heading(TITLE.to_owned());
        Ok(())
    };
    let label = t.end_sign_in(&browser);
    // This browser signs out at the top of the page.
    let ending = (!current).then(|| {
        view! {
            <IconButton glyph=Glyph::SignOut label on_press=move || asked.set(true) />
            <Confirm open=asked question=Signal::stored(question) answer=end />
        }
    });
    view! {
        <li>
            <Icon glyph=Glyph::Network />
            <div>
                <p>{browser} {current.then(|| view! { " " <span class="chip">{t.this_browser()}</span> })}</p>
                <p class="soft small">{address} " · " {t.last_used()} " " <Moment at=last_used_at show=TimeFormat::Distance /></p>
            </div>
            {ending}
        </li>
    }
}
