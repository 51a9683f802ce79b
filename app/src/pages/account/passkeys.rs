//! Passkeys, and recovery codes for the day when there is none.

use gangway_protocol::account::{Account, Passkey, RecoveryCodes, Rename};
use leptos::prelude::*;

use super::{Listed, ending, show_list};
use crate::components::dialog::{Question, ask};
use crate::components::icon::{Icon, icon};
use crate::components::icon_button::icon_button;
use crate::components::moment::{Show, moment};
use crate::components::recovery_codes::recovery_codes;
use crate::components::toast::toasts;
use crate::view::{View, view};
use crate::visit::Language;
use crate::visitor::{add_passkey, api, with_fresh_proof};

pub(super) fn passkeys(t: Language, list: Listed<Passkey>) -> View {
    let api = api();
    let toasts = toasts();
    let add = move |_| {
        let api = api.clone();
        leptos::task::spawn_local(async move {
            match add_passkey(&api).await {
                Ok(_) => {
                    toasts.show(t.passkey_added());
                    list.refetch();
                }
                Err(trouble) => toasts.show_trouble(t, trouble),
            }
        });
    };
    view! {
        <section class="section" aria-labelledby="passkeys-title">
            <div class="section-head">
                <h2 id="passkeys-title">{t.passkeys()}</h2>
                <button class="button" type="button" on:click=add>{icon(Icon::Add)} {t.add_passkey()}</button>
            </div>
            <p class="soft small">{t.passkeys_text()}</p>
            {show_list(
                t,
                list,
                move |passkeys| {
                    let only = passkeys.len() == 1;
                    view! { <ul class="lines">{passkeys.into_iter().map(|passkey| line(t, list, passkey, only)).collect::<View>()}</ul> }
                },
            )}
        </section>
    }
}

fn line(t: Language, list: Listed<Passkey>, passkey: Passkey, only: bool) -> View {
    let api = api();
    let toasts = toasts();
    let name = RwSignal::new(passkey.name.clone());
    let label = t.passkey_name_of(&passkey.name);
    let remove_label = t.remove_passkey(&passkey.name);
    let rename = {
        let (api, id) = (api.clone(), passkey.id.clone());
        move |_| {
            let (api, id) = (api.clone(), id.clone());
            let rename = Rename {
                name: name.get_untracked().trim().to_owned(),
            };
            leptos::task::spawn_local(async move {
                if let Err(error) = api.rename_passkey(&id, &rename).await {
                    toasts.show_trouble(t, error);
                    list.refetch();
                }
            });
        }
    };
    let id = passkey.id;
    let remove = ending(t, list, async move || {
        with_fresh_proof(&api, async || api.remove_passkey(&id).await).await
    });
    view! {
        <li>
            {icon(Icon::Key)}
            <div>
                <input class="bare" type="text" maxlength="64" aria-label=label bind:value=name on:change=rename />
                <p class="soft small">
                    {t.added()} " " {moment(passkey.created_at, Show::Day)}
                    {passkey.last_used_at.map(|at| view! { " · " {t.last_used()} " " {moment(at, Show::Distance)} })}
                </p>
            </div>
            // The last way in stays: the server refuses as well.
            {(!only).then(|| icon_button(Icon::Trash, remove_label, remove))}
        </li>
    }
}

pub(super) fn recovery(t: Language, account: &Account) -> View {
    let api = api();
    let left = u64::from(account.recovery_codes);
    let codes = RwSignal::new(None::<RecoveryCodes>);
    let open = RwSignal::new(false);
    let replace = async move || {
        codes.set(Some(api.renew_recovery_codes().await?));
        Ok(())
    };
    view! {
        <section class="section" aria-labelledby="recovery-title">
            <div class="section-head">
                <h2 id="recovery-title">{t.recovery_codes()}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>{t.recovery_codes_renew()}</button>
            </div>
            <p class="soft small">{t.recovery_codes_left(left)} " " {t.recovery_codes_text()}</p>
            {move || codes.get().map(|codes| recovery_codes(&codes))}
            {ask(
                open,
                t.recovery_codes_renew(),
                move || Question {
                    title: t.recovery_codes_renew_title().to_owned(),
                    says: vec![t.recovery_codes_renew_says_1(), t.recovery_codes_renew_says_2()],
                    verb: t.recovery_codes_renew(),
                    dangerous: left > 0,
                },
                || View::Nothing,
                replace,
            )}
        </section>
    }
}
