//! The scene of the code: the field, and what helps to fill it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::Crossing;
use super::scanner::scanner;
use crate::browser::{clock, page, scan};
use crate::code_entry;
use crate::components::code_field::code_field;
use crate::components::copy::run_command;
use crate::components::icon::{Icon, icon};
use crate::components::notice::{Tone, notice};
use crate::view::{View, view};
use crate::visit::Language;

/// A whole code is sent by itself after this pause: long enough that nobody who types a longer code is overtaken.
const SEND_AFTER_MILLIS: u32 = 700;

pub(super) fn entering(t: Language, crossing: Crossing) -> View {
    let connecting = Memo::new(move |_| crossing.view.read().is_some());
    let scanning = RwSignal::new(false);
    let can_scan = RwSignal::new(false);
    Effect::new(move |_| {
        can_scan.set(scan::is_available());
        page::focus("code");
    });
    send_by_itself(crossing, connecting);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        crossing.begin();
    };
    view! {
        <form class="entering" on:submit=submit>
            <h1>{t.link_title()}</h1>
            <p class="lede" id="code-help">{t.link_lede()}</p>
            {move || crossing.farewell.get().map(|words| view! { <div class="gate" role="status">{notice(Tone::Plain, view! { <p>{words}</p> })}</div> })}
            {code_field(crossing.entry)}
            {move || crossing.prefilled.get().then(|| view! { <p class="prefilled">{icon(Icon::Help)} {t.prefilled_question()}</p> })}
            <div class="row">
                <button
                    class="button primary large"
                    type="submit"
                    disabled=move || connecting.get() || code_entry::count_symbols(&crossing.entry.text.read()) < code_entry::MIN_SYMBOLS
                    aria-busy=move || connecting.get().to_string()
                >
                    {move || if crossing.prefilled.get() { t.prefilled_yes() } else { t.link_continue() }}
                </button>
                {move || {
                    crossing
                        .prefilled
                        .get()
                        .then(|| {
                            let discard = move |_| {
                                crossing.prefilled.set(false);
                                crossing.start_over(false);
                                page::focus("code");
                            };
                            view! { <button class="button large" type="button" on:click=discard>{t.prefilled_no()}</button> }
                        })
                }}
                {move || {
                    can_scan
                        .get()
                        .then(|| view! { <button class="button large" type="button" on:click=move |_| scanning.set(true)>{icon(Icon::Camera)} {t.scan()}</button> })
                }}
            </div>
            <p class="connecting soft" role="status">{move || connecting.get().then(|| view! { <span class="spinner"></span> {t.connecting()} })}</p>
        </form>
        <section class="section" aria-labelledby="where-title">
            <h2 id="where-title">{t.where_is_code()}</h2>
            <p class="soft">{t.where_is_code_text()}</p>
            {run_command()}
            <p class="soft small">{t.telephone_hint()}</p>
        </section>
        {scanner(t, scanning, Callback::new(move |text: String| crossing.entry.take(&text)))}
    }
}

/// Sends a whole code once the person pauses; not one from a link, and none that has just failed.
fn send_by_itself(crossing: Crossing, connecting: Memo<bool>) {
    let entry = crossing.entry;
    Effect::new(move |before: Option<String>| {
        let text = entry.text.get();
        // What stood there before the page came to this scene was sent already, or is to be confirmed.
        let typed = before.is_some_and(|before| before != text);
        let whole = code_entry::count_symbols(&text) >= code_entry::MIN_SYMBOLS
            && entry.refused.get_untracked().is_none();
        if typed && whole && !crossing.prefilled.get_untracked() {
            let sent = text.clone();
            leptos::task::spawn_local(async move {
                clock::sleep(SEND_AFTER_MILLIS).await;
                let unchanged = entry.text.try_get_untracked().as_ref() == Some(&sent);
                let idle =
                    connecting.try_get_untracked() == Some(false) && entry.error.get_untracked().is_none();
                if unchanged && idle && !crossing.prefilled.get_untracked() {
                    crossing.begin();
                }
            });
        }
        text
    });
}
