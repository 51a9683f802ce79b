//! The scene of the code: the field, and what helps to fill it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::scanner::Scanner;
use super::state::CrossingState;
use crate::browser::{clock, page, scan};
use crate::code_entry;
use crate::components::code_field::{CodeField, FIELD_ID};
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{Notice, Tone};
use crate::components::run_command::RunCommand;
use crate::visit::language;

/// A whole code is sent by itself after this pause: long enough that nobody who types a longer code is overtaken.
const SEND_AFTER_MILLIS: u32 = 700;

/// The scene.
#[component]
pub(super) fn Entering(
    /// What the scenes share.
    state: CrossingState,
) -> impl IntoView {
    let t = language();
    let connecting = Memo::new(move |_| state.starting.get() || state.view.with(Option::is_some));
    let scanning = RwSignal::new(false);
    let can_scan = RwSignal::new(false);
    Effect::new(move |_| {
        can_scan.set(scan::is_available());
        page::focus_if_free(FIELD_ID);
    });
    send_by_itself(state, connecting);
    let cancel = move |_| {
        state.cancel();
        page::focus(FIELD_ID);
    };
    let missing = Memo::new(move |_| {
        code_entry::MIN_SYMBOLS.saturating_sub(code_entry::count_symbols(&state.entry.text.read()))
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        state.begin();
    };
    let discard = move |_| {
        state.prefilled.set(false);
        state.start_over(false);
        page::focus(FIELD_ID);
    };
    view! {
        <form class="entering" on:submit=submit>
            <h1>{t.link_title()}</h1>
            <p class="lede" id="code-help">{t.link_lede()}</p>
            <div role="status">
                {move || {
                    state
                        .farewell
                        .get()
                        .map(|farewell| view! { <div class="farewell"><Notice tone=Tone::Plain><p>{farewell.words(t)}</p></Notice></div> })
                }}
            </div>
            <CodeField entry=state.entry />
            {move || state.prefilled.get().then(|| view! { <p class="prefilled"><Icon glyph=Glyph::Help /> {t.prefilled_question()}</p> })}
            <div class="row">
                <button
                    class="button primary large"
                    type="submit"
                    disabled=move || connecting.get() || missing.get() != 0
                    aria-busy=move || connecting.get().to_string()
                    aria-describedby="continue-hint"
                >
                    {move || if state.prefilled.get() { t.prefilled_yes() } else { t.link_continue() }}
                </button>
                {move || {
                    state
                        .prefilled
                        .get()
                        .then(|| view! { <button class="button large" type="button" on:click=discard>{t.prefilled_no()}</button> })
                }}
                {move || {
                    can_scan
                        .get()
                        .then(|| {
                            view! {
                                <button class="button large" type="button" on:click=move |_| scanning.set(true)>
                                    <Icon glyph=Glyph::Camera />
                                    {t.scan()}
                                </button>
                            }
                        })
                }}
                // Why the button does nothing yet.
                <span class="hint" id="continue-hint">
                    {move || u64::try_from(missing.get()).ok().filter(|missing| *missing > 0).map(|missing| t.letters_missing(missing))}
                </span>
            </div>
            <div class="connecting">
                <p class="row soft" role="status">
                    {move || connecting.get().then(|| view! { <span class="spinner"></span> {t.connecting()} })}
                </p>
                {move || connecting.get().then(|| view! { <button class="button" type="button" on:click=cancel>{t.cancel()}</button> })}
            </div>
        </form>
        <section class="section" aria-labelledby="where-title">
            <h2 id="where-title">{t.where_is_code()}</h2>
            <p class="soft">{t.where_is_code_text()}</p>
            <RunCommand />
            <p class="soft small">{t.telephone_hint()}</p>
        </section>
        <Scanner open=scanning found=Callback::new(move |text: String| state.entry.take(&text)) />
    }
}

/// Sends a whole code once the person pauses; not one from a link, and none that has just failed.
fn send_by_itself(state: CrossingState, connecting: Memo<bool>) {
    let entry = state.entry;
    Effect::new(move |before: Option<String>| {
        let text = entry.text.get();
        // What stood there before the page came to this scene was sent already, or is to be confirmed.
        let typed = before.is_some_and(|before| before != text);
        let whole = code_entry::count_symbols(&text) >= code_entry::MIN_SYMBOLS
            && entry.refused.get_untracked().is_none();
        if typed && whole && !state.prefilled.get_untracked() {
            let sent = text.clone();
            leptos::task::spawn_local(async move {
                clock::sleep(SEND_AFTER_MILLIS).await;
                let unchanged = entry.text.try_get_untracked().as_ref() == Some(&sent);
                let idle =
                    connecting.try_get_untracked() == Some(false) && entry.error.get_untracked().is_none();
                if unchanged && idle && !state.prefilled.get_untracked() {
                    state.begin();
                }
            });
        }
        text
    });
}
