//! Bearer tokens for programs: what they may do, for how long, and how to end one.

use gangway_client::IdempotencyKey;
use gangway_protocol::account::{Token, TokenRequest, TokenScope};
use gangway_protocol::organisation::Organisation;
use leptos::prelude::*;

use super::{Listed, ending, show_list, shown_once};
use crate::browser::random;
use crate::components::dialog::{dialog, form_end};
use crate::components::icon::{Icon, icon};
use crate::components::icon_button::icon_button;
use crate::components::moment::{Show, moment};
use crate::components::notice::complaint;
use crate::view::{IntoView, View, view};
use crate::visit::Language;
use crate::visitor::{api, with_fresh_proof};

/// Lives to choose from, in days.
const LIVES: [u32; 4] = [7, 30, 90, 365];

pub(super) fn tokens(t: Language, list: Listed<Token>, organisations: Vec<Organisation>) -> View {
    let open = RwSignal::new(false);
    let homes = organisations.clone();
    view! {
        <section class="section" aria-labelledby="tokens-title">
            <div class="section-head">
                <h2 id="tokens-title">{t.tokens()}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>{icon(Icon::Add)} {t.new_token()}</button>
            </div>
            <p class="soft small">{t.tokens_text()}</p>
            {show_list(
                t,
                list,
                move |tokens| view! { <ul class="lines">{tokens.into_iter().map(|token| line(t, list, &homes, token)).collect::<View>()}</ul> },
            )}
            {dialog(open, "", t.new_token(), move || form(t, list, organisations.clone(), open))}
        </section>
    }
}

fn line(t: Language, list: Listed<Token>, organisations: &[Organisation], token: Token) -> View {
    let api = api();
    let home = organisations
        .iter()
        .find(|organisation| organisation.id == token.organisation)
        .map(|organisation| organisation.name.clone());
    let scopes = token
        .scopes
        .iter()
        .map(|scope| view! { <span class="chip">{scope_name(t, *scope)}</span> " " })
        .collect::<View>();
    let label = t.revoke_token(&token.name);
    let id = token.id;
    let revoke = ending(t, list, async move || api.revoke_token(&id).await);
    view! {
        <li>
            {icon(Icon::Certificate)}
            <div>
                <p>{token.name} " " {scopes}</p>
                <p class="soft small">
                    {home.map(|home| format!("{home} · "))}
                    {t.expires()} " " {moment(token.expires_at, Show::Day)} " · "
                    {match token.last_used_at {
                        Some(at) => view! { {t.last_used()} " " {moment(at, Show::Distance)} },
                        None => t.never_used().into_view(),
                    }}
                </p>
            </div>
            {icon_button(Icon::Trash, label, revoke)}
        </li>
    }
}

fn form(t: Language, list: Listed<Token>, organisations: Vec<Organisation>, open: RwSignal<bool>) -> View {
    let api = api();
    let name = RwSignal::new(String::new());
    let may_enrol = RwSignal::new(false);
    let may_read = RwSignal::new(true);
    let days = RwSignal::new(LIVES[1].to_string());
    let home = RwSignal::new(
        organisations
            .first()
            .map(|organisation| organisation.id.to_string())
            .unwrap_or_default(),
    );
    let message = RwSignal::new(None::<String>);
    let made = RwSignal::new(None::<String>);
    // One key for one dialog: a repeated click or a lost reply makes no second token.
    let key = StoredValue::new(IdempotencyKey::new(random::bytes()));
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Ok(organisation) = home.get_untracked().parse() else {
            return;
        };
        let scopes = [(may_enrol, TokenScope::Enrol), (may_read, TokenScope::Read)];
        let request = TokenRequest {
            name: name.get_untracked().trim().to_owned(),
            scopes: scopes
                .into_iter()
                .filter(|(chosen, _)| chosen.get_untracked())
                .map(|(_, scope)| scope)
                .collect(),
            organisation,
            valid_days: days.get_untracked().parse().unwrap_or(LIVES[1]),
        };
        let api = api.clone();
        leptos::task::spawn_local(async move {
            match with_fresh_proof(&api, async || api.create_token(&request, &key.get_value()).await).await {
                Ok(token) => {
                    made.set(token.secret.map(|secret| secret.expose().to_owned()));
                    list.refetch();
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
        });
    };
    let several = organisations.len() > 1;
    let check = |signal: RwSignal<bool>, label: &'static str| view! { <label class="choice"><input type="checkbox" bind:checked=signal /> <span>{label}</span></label> };
    view! {
        <h2>{t.new_token()}</h2>
        {shown_once(t, t.token_shown_once(), made, open)}
        <form class="stack dialog-field" hidden=move || made.read().is_some() on:submit=create>
            <div class="field">
                <label for="token-name">{t.token_name()}</label>
                <input id="token-name" type="text" required maxlength="64" autocomplete="off" placeholder=t.token_name_example() bind:value=name />
            </div>
            <fieldset>
                <legend>{t.token_scopes()}</legend>
                {check(may_enrol, t.scope_enrol_text())}
                {check(may_read, t.scope_read_text())}
            </fieldset>
            {several
                .then(|| {
                    view! {
                        <div class="field">
                            <label for="token-home">{t.organisation()}</label>
                            <select id="token-home" bind:value=home>
                                {organisations.into_iter().map(|organisation| view! { <option value=organisation.id.to_string()>{organisation.name}</option> }).collect::<View>()}
                            </select>
                        </div>
                    }
                })}
            <div class="field">
                <label for="token-days">{t.token_life()}</label>
                <select id="token-days" bind:value=days>
                    {LIVES.into_iter().map(|life| view! { <option value=life.to_string()>{t.days(u64::from(life))}</option> }).collect::<View>()}
                </select>
            </div>
            {complaint(message)}
            {form_end(open, t.token_create())}
        </form>
    }
}

fn scope_name(t: Language, scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Enrol => t.scope_enrol(),
        TokenScope::Read => t.scope_read(),
    }
}
