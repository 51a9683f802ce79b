//! The frame around every page: the bar with the way to everywhere, the footer, and the keys of the whole page.

use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::icon::{Icon, icon, logo};
use super::keys::keys_dialog;
use super::notice::trouble_notice;
use super::palette::palette;
use super::sign_in::sign_in;
use crate::address::address;
use crate::browser::keys::{Shortcut, shortcut};
use crate::browser::page;
use crate::trouble::Trouble;
use crate::view::{IntoView, View, view};
use crate::visit::{Language, Theme, Visit, language};
use crate::visitor::visitor;

/// The element that `/` moves to, on pages that have one.
pub(crate) const SEARCH_ID: &str = "search";

/// The frame with a page in it.
pub(crate) fn frame(content: View) -> View {
    let t = language();
    let palette_open = RwSignal::new(false);
    let keys_open = RwSignal::new(false);
    listen_for_keys(palette_open, keys_open);
    view! {
        <a class="skip" href="#main">{t.skip_to_content()}</a>
        <header class="bar">
            <a class="brand" href=paths::HOME>
                {logo("26")}
                <span class="brand-name">"Gangway"</span>
            </a>
            {visitor().account.show(|| View::Nothing, move |account| account.ok().map(|account| member_bar(t, &account, palette_open)).into_view())}
        </header>
        {content}
        <footer class="foot">
            <span>{t.footer()}</span>
            {theme_switch(t)}
            {language_switch(t)}
            <button type="button" on:click=move |_| keys_open.set(true)>{t.keys()}</button>
        </footer>
        {palette(palette_open, keys_open)}
        {keys_dialog(keys_open)}
    }
}

/// Shows a page's content to signed-in visitors, and the sign-in to all others; the address stays, so that they arrive where
/// they wanted to be.
pub(crate) fn gate(content: impl Fn(Account) -> View + 'static) -> View {
    let t = language();
    visitor().account.show(
        move || loading(t),
        move |account| match account {
            Ok(account) => content(account),
            Err(trouble) => without_account(t, &trouble),
        },
    )
}

/// In place of what is on its way.
pub(crate) fn loading(t: Language) -> View {
    view! { <p class="soft" role="status">{t.loading()}</p> }
}

fn without_account(t: Language, trouble: &Trouble) -> View {
    if !trouble.is_signed_out() {
        return trouble_notice(trouble, Some(Callback::new(|()| visitor().changed())));
    }
    view! {
        <section class="stack gate">
            <h1>{t.sign_in_title()}</h1>
            <p class="lede">{t.sign_in_first()}</p>
            {sign_in()}
        </section>
    }
}

fn member_bar(t: Language, account: &Account, palette_open: RwSignal<bool>) -> View {
    let address = address();
    let sees_fleet = account.may(Role::may_see_fleet);
    let may_enrol = account.may(Role::may_enrol);
    let initials: String = account
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect();
    let current = move |wanted: &'static str| address.is_within(wanted).then_some("page");
    view! {
        <nav aria-label=t.main_navigation()>
            {sees_fleet.then(|| view! { <a href=paths::FLEET aria-current=current(paths::FLEET)>{t.fleet()}</a> })}
        </nav>
        <div class="bar-end">
            <button class="button quiet" type="button" title=t.palette() on:click=move |_| palette_open.set(true)>
                {icon(Icon::Search)}
                <span class="hidden-text">{t.palette()}</span>
                <kbd class="wide-only" aria-hidden="true">"Ctrl K"</kbd>
            </button>
            {may_enrol
                .then(|| {
                    view! {
                        <a class="button primary" href=paths::LINK aria-label=t.add_device()>
                            {icon(Icon::Add)}
                            <span class="wide-only">{t.add_device()}</span>
                        </a>
                    }
                })}
            <a class="avatar" href=paths::ACCOUNT title=account.name.clone() aria-current=current(paths::ACCOUNT)>
                <span aria-hidden="true">{initials}</span>
                <span class="hidden-text">{t.account()}</span>
            </a>
        </div>
    }
}

fn theme_switch(t: Language) -> View {
    let chosen = RwSignal::new(use_context::<Visit>().and_then(|visit| visit.theme));
    // What the system prefers is known only once the page lives; until then the button says "dark", which most will switch to.
    let seen = RwSignal::new(chosen.get_untracked().unwrap_or(Theme::Light));
    Effect::new(move |_| seen.set(page::theme_in_effect(chosen.get())));
    let switch = move |_| {
        let other = if seen.get_untracked() == Theme::Dark {
            Theme::Light
        } else {
            Theme::Dark
        };
        page::set_theme(Some(other));
        chosen.set(Some(other));
    };
    view! {
        <button type="button" title=move || if seen.get() == Theme::Dark { t.switch_to_light() } else { t.switch_to_dark() } on:click=switch>
            {t.theme()}
        </button>
    }
}

fn language_switch(t: Language) -> View {
    Language::ALL
        .into_iter()
        .filter(|other| *other != t)
        .map(|other| view! { <button type="button" lang=other.tag() on:click=move |_| page::set_language(other)>{other.name()}</button> })
        .collect::<View>()
}

fn listen_for_keys(palette_open: RwSignal<bool>, keys_open: RwSignal<bool>) {
    let before = StoredValue::new(None::<String>);
    let address = address();
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
            let wanted = shortcut(&event, before.get_value().as_deref());
            before.set_value(Some(event.key()));
            let Some(wanted) = wanted else { return };
            event.prevent_default();
            match wanted {
                Shortcut::Palette => palette_open.update(|open| *open = !*open),
                Shortcut::Help => keys_open.set(true),
                Shortcut::Search if page::element(SEARCH_ID).is_some() => page::focus(SEARCH_ID),
                Shortcut::Search => palette_open.set(true),
                Shortcut::Fleet => address.go(paths::FLEET),
                Shortcut::Add => page::leave_for(paths::LINK),
            }
        });
        on_cleanup(move || handle.remove());
    });
}
