//! Who is signed in, where as what, and the way out.

use gangway_protocol::account::{Account, Rename};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use crate::browser::page;
use crate::components::icon::{Icon, icon};
use crate::components::toast::toasts;
use crate::view::{View, view};
use crate::visit::Language;
use crate::visitor::{api, visitor};

pub(super) fn profile(t: Language, account: &Account) -> View {
    let memberships = account
        .organisations
        .iter()
        .map(|organisation| view! { <p class="soft">{super::role_name(t, organisation.role)} " · " {organisation.name.clone()}</p> })
        .collect::<View>();
    view! {
        <div class="page-head">
            <div>
                <h1>{account.name.clone()}</h1>
                {memberships}
            </div>
            {sign_out(t)}
        </div>
        {rename(t, account)}
    }
}

fn rename(t: Language, account: &Account) -> View {
    let api = api();
    let visitor = visitor();
    let toasts = toasts();
    let name = RwSignal::new(account.name.clone());
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let api = api.clone();
        let rename = Rename {
            name: name.get_untracked().trim().to_owned(),
        };
        leptos::task::spawn_local(async move {
            match api.rename_account(&rename).await {
                Ok(_) => visitor.changed(),
                Err(error) => toasts.show_trouble(t, error),
            }
        });
    };
    view! {
        <details class="fold">
            <summary class="textual">{t.rename_account()}</summary>
            <form class="row" on:submit=save>
                <div class="field">
                    <label for="account-name">{t.your_name()}</label>
                    <input id="account-name" type="text" required maxlength="64" autocomplete="name" bind:value=name />
                </div>
                <button class="button" type="submit">{t.save()}</button>
            </form>
        </details>
    }
}

fn sign_out(t: Language) -> View {
    let api = api();
    let toasts = toasts();
    let leave = move |_| {
        let api = api.clone();
        leptos::task::spawn_local(async move {
            match api.sign_out().await {
                Ok(()) => page::leave_for(paths::HOME),
                Err(error) => toasts.show_trouble(t, error),
            }
        });
    };
    view! { <button class="button" type="button" on:click=leave>{icon(Icon::SignOut)} {t.sign_out()}</button> }
}
