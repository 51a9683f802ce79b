//! Making a token: a form in a dialog, and then the token itself, once.

use gangway_protocol::account::{Token, TokenRequest, TokenScope};
use gangway_protocol::organisation::{Organisation, Role};
use leptos::prelude::*;

use crate::branches::{Branch, branches};
use crate::components::dialog::FormEnd;
use crate::components::notice::Complaint;
use crate::components::shown_once::ShownOnce;
use crate::islands::lists::{List, Once};
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// Lives to choose from, in days.
const LIVES: [u32; 4] = [7, 30, 90, 365];

/// The form. What the person's own role does not give is not offered: the server refuses it as well.
#[component]
pub(super) fn TokenForm(
    /// Where the token is listed from then on.
    list: List<Token>,
    /// Those that it can be confined to.
    organisations: StoredValue<Vec<Organisation>>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
    /// The token, as long as it is shown.
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let organisations = organisations.get_value();
    let several = organisations.len() > 1;
    let choices: Vec<(String, String, Role)> = branches(&organisations)
        .into_iter()
        .map(
            |Branch {
                 organisation, path, ..
             }| (organisation.id.to_string(), path, organisation.role),
        )
        .collect();
    let first = choices.first().cloned();
    let first_role = first.as_ref().map(|(_, _, role)| *role);
    let name = RwSignal::new(String::new());
    let chosen = RwSignal::new(Vec::from_iter(first_role.map(least)));
    let days = RwSignal::new(LIVES[1].to_string());
    let home = RwSignal::new(first.map(|(id, _, _)| id).unwrap_or_default());
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let options = choices
        .iter()
        .map(|(id, name, _)| view! { <option value=id.clone()>{name.clone()}</option> })
        .collect_view();
    let role = Memo::new(move |_| {
        let home = home.read();
        choices
            .iter()
            .find(|(id, _, _)| *id == *home)
            .map(|(_, _, role)| *role)
    });
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Ok(organisation) = home.get_untracked().parse() else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        let role = role.get_untracked();
        let mut scopes = chosen.get_untracked();
        scopes.retain(|scope| role.is_some_and(|role| scope.is_given_by(role)));
        if scopes.is_empty() {
            message.set(Some(t.token_scopes_none().to_owned()));
            return;
        }
        busy.set(true);
        message.set(None);
        let request = TokenRequest {
            name: name.get_untracked().trim().to_owned(),
            scopes,
            organisation,
            valid_days: days.get_untracked().parse().unwrap_or(LIVES[1]),
        };
        let key = once.key(&request);
        leptos::task::spawn_local(async move {
            let api = api();
            match with_fresh_proof(&api, async || api.create_token(&request, &key).await).await {
                Ok(mut token) => {
                    made.set(token.secret.take().map(|secret| secret.expose().to_owned()));
                    list.push(token);
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let dismiss = Callback::new(move |()| {
        open.set(false);
        made.set(None);
    });
    let lives = LIVES
        .map(|life| view! { <option value=life.to_string()>{t.days(u64::from(life))}</option> })
        .collect_view();
    view! {
        <h2>{t.new_token()}</h2>
        {move || made.get().map(|made| view! { <ShownOnce says=t.token_shown_once() made dismiss /> })}
        <form class="stack dialog-field" hidden=move || made.read().is_some() on:submit=create>
            <div class="field">
                <label for="token-name">{t.token_name()}</label>
                <input
                    id="token-name"
                    type="text"
                    required
                    maxlength="64"
                    autocomplete="off"
                    placeholder=t.token_name_example()
                    bind:value=name
                />
            </div>
            {several
                .then(|| {
                    view! {
                        <div class="field">
                            <label for="token-home">{t.organisation()}</label>
                            <select id="token-home" bind:value=home>
                                {options}
                            </select>
                        </div>
                    }
                })}
            <fieldset>
                <legend>{t.token_scopes()}</legend>
                {TokenScope::ALL.map(|scope| view! { <Choice scope chosen role /> }).collect_view()}
            </fieldset>
            <div class="field">
                <label for="token-days">{t.token_life()}</label>
                <select id="token-days" bind:value=days>
                    {lives}
                </select>
            </div>
            <Complaint message />
            <FormEnd open verb=t.token_create() busy />
        </form>
    }
}

#[component]
fn Choice(scope: TokenScope, chosen: RwSignal<Vec<TokenScope>>, role: Memo<Option<Role>>) -> impl IntoView {
    let t = language();
    let label = match scope {
        TokenScope::Enrol => t.scope_enrol_text(),
        TokenScope::FleetRead => t.scope_fleet_read_text(),
        TokenScope::FleetWrite => t.scope_fleet_write_text(),
        TokenScope::OrganisationRead => t.scope_organisation_read_text(),
        TokenScope::OrganisationWrite => t.scope_organisation_write_text(),
        TokenScope::AuditRead => t.scope_audit_read_text(),
    };
    let change = move |event| {
        let wanted = event_target_checked(&event);
        chosen.update(|chosen| {
            chosen.retain(|one| *one != scope);
            if wanted {
                chosen.push(scope);
            }
        });
    };
    view! {
        <label class="choice" hidden=move || !role.get().is_some_and(|role| scope.is_given_by(role))>
            <input type="checkbox" prop:checked=move || chosen.read().contains(&scope) on:change=change />
            <span>{label}</span>
        </label>
    }
}

/// What is chosen at first: the least that the role gives.
fn least(role: Role) -> TokenScope {
    if TokenScope::FleetRead.is_given_by(role) {
        TokenScope::FleetRead
    } else {
        TokenScope::Enrol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_gives_what_is_chosen_at_first() {
        for role in Role::ALL {
            assert!(least(role).is_given_by(role), "{role:?}");
        }
    }
}
