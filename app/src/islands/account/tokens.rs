//! Bearer tokens for programs: what they may do, for how long, and how to end one.

mod form;

use gangway_protocol::account::{Token, TokenScope};
use gangway_protocol::organisation::Organisation;
use leptos::prelude::*;

use super::super::lists::{List, ListTrouble, all, ended, focus_heading};
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::shown_once::StillShown;
use crate::preference::Language;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::api;
use form::TokenForm;

const TITLE: &str = "tokens-title";

/// The section.
#[component]
pub(super) fn Tokens(
    /// Those that a token can be confined to, with the person's role in each.
    organisations: Vec<Organisation>,
    /// As the server read them.
    first: Outcome<Vec<Token>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let made = RwSignal::new(None::<String>);
    let somewhere = !organisations.is_empty();
    let organisations = StoredValue::new(organisations);
    let retry = Callback::new(move |()| list.read(async || api().tokens(&all()).await));
    view! {
        <section class="section" aria-labelledby=TITLE>
            <div class="section-head">
                <h2 id=TITLE tabindex="-1">{t.tokens()}</h2>
                {somewhere
                    .then(|| {
                        view! {
                            <button class="button" type="button" on:click=move |_| open.set(true)>
                                <Icon glyph=Glyph::Add />
                                {t.new_token()}
                            </button>
                        }
                    })}
            </div>
            <p class="soft small">{t.tokens_text()}</p>
            <StillShown says=t.token_shown_once() made open />
            <ListTrouble trouble=list.trouble retry />
            <ul class="lines">
                <For each=move || list.items.get() key=|token| token.id.clone() let:token>
                    <Line token list organisations />
                </For>
            </ul>
            <Dialog open label=t.new_token()>
                <TokenForm list organisations open made />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(token: Token, list: List<Token>, organisations: StoredValue<Vec<Organisation>>) -> impl IntoView {
    let t = language();
    let home = organisations.with_value(|organisations| {
        organisations
            .iter()
            .find(|organisation| organisation.id == token.organisation)
            .map(|organisation| format!("{} · ", organisation.name))
    });
    let scopes = token
        .scopes
        .iter()
        .map(|scope| view! { <span class="chip">{scope_name(t, *scope)}</span> " " })
        .collect_view();
    let asked = RwSignal::new(false);
    let question = Question {
        title: t.token_revoke_title(&token.name),
        says: vec![t.token_revoke_says_1(), t.token_revoke_says_2()],
        verb: t.token_revoke(),
        dangerous: true,
    };
    let label = t.revoke_token(&token.name);
    let id = StoredValue::new(token.id);
    let revoke = async move || {
        let id = id.get_value();
        ended(api().revoke_token(&id).await)?;
        list.remove(|token| token.id == id);
        focus_heading(TITLE.to_owned());
        Ok(())
    };
    let used = match token.last_used_at {
        Some(_) => t.last_used(),
        None => t.never_used(),
    };
    view! {
        <li>
            <Icon glyph=Glyph::Certificate />
            <div>
                <p>{token.name} " " {scopes}</p>
                <p class="soft small">
                    {home} {t.expires()} " " <Moment at=token.expires_at show=TimeFormat::Day /> " · " {used}
                    {token.last_used_at.map(|at| view! { " " <Moment at show=TimeFormat::Distance /> })}
                    {token.last_used_from.map(|from| format!(" · {from}"))}
                </p>
            </div>
            <IconButton glyph=Glyph::Trash label on_press=move || asked.set(true) />
            <Confirm open=asked question=Signal::stored(question) answer=revoke />
        </li>
    }
}

fn scope_name(t: Language, scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Enrol => t.scope_enrol(),
        TokenScope::FleetRead => t.scope_fleet_read(),
        TokenScope::FleetWrite => t.scope_fleet_write(),
        TokenScope::OrganisationRead => t.scope_organisation_read(),
        TokenScope::OrganisationWrite => t.scope_organisation_write(),
        TokenScope::AuditRead => t.scope_audit_read(),
    }
}
