//! An identity provider, filled in: a new one, or other values for one that is there.

use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{
    ClaimedRoles, IdentityProvider, IdentityProviderRequest, IdentityProviderUpdate, MAX_ISSUER_LEN,
    MAX_MAPPINGS, MAX_VALUE_LEN, RoleMapping,
};
use leptos::prelude::*;

use super::super::lists::{List, Once};
use super::read;
use crate::components::dialog::FormEnd;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::notice::Complaint;
use crate::components::role::role_name;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// Roles that a claim may give.
const ROLES: [Role; 4] = [Role::Viewer, Role::Installer, Role::Operator, Role::Admin];

/// A value of the claim, filled in.
#[derive(Clone, Copy)]
struct Mapping {
    number: usize,
    value: RwSignal<String>,
    organisation: RwSignal<String>,
    role: RwSignal<String>,
}

/// What is filled in.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    issuer: RwSignal<String>,
    client_id: RwSignal<String>,
    secret: RwSignal<String>,
    claim: RwSignal<String>,
    mappings: RwSignal<Vec<Mapping>>,
    everyone: RwSignal<String>,
    makes_accounts: RwSignal<bool>,
}

impl Fields {
    fn of(present: Option<&IdentityProvider>) -> Self {
        let text =
            |read: fn(&IdentityProvider) -> String| RwSignal::new(present.map(read).unwrap_or_default());
        let mappings = present
            .map(|provider| provider.roles.mappings.clone())
            .unwrap_or_default();
        let mappings = mappings.into_iter().enumerate().map(|(number, mapping)| Mapping {
            number,
            value: RwSignal::new(mapping.value),
            organisation: RwSignal::new(mapping.organisation.to_string()),
            role: RwSignal::new(mapping.role.as_str().to_owned()),
        });
        Self {
            name: text(|provider| provider.name.clone()),
            issuer: text(|provider| provider.issuer.clone()),
            client_id: text(|provider| provider.client_id.clone()),
            secret: RwSignal::default(),
            claim: text(|provider| provider.roles.claim.clone().unwrap_or_default()),
            mappings: RwSignal::new(mappings.collect()),
            everyone: text(|provider| {
                provider
                    .roles
                    .everyone
                    .map(|role| role.as_str().to_owned())
                    .unwrap_or_default()
            }),
            makes_accounts: RwSignal::new(present.is_none_or(|provider| provider.makes_accounts)),
        }
    }

    fn add(self, organisation: String) {
        self.mappings.update(|mappings| {
            let number = mappings
                .iter()
                .map(|mapping| mapping.number + 1)
                .max()
                .unwrap_or_default();
            mappings.push(Mapping {
                number,
                value: RwSignal::default(),
                organisation: RwSignal::new(organisation),
                role: RwSignal::new(Role::Viewer.as_str().to_owned()),
            });
        });
    }

    fn roles(self) -> ClaimedRoles {
        let read = |mapping: &Mapping| {
            Some(RoleMapping {
                value: mapping.value.get_untracked(),
                organisation: mapping.organisation.get_untracked().parse().ok()?,
                role: Role::from_name(&mapping.role.get_untracked())?,
            })
        };
        ClaimedRoles {
            claim: Some(self.claim.get_untracked()).filter(|claim| !claim.trim().is_empty()),
            mappings: self.mappings.read_untracked().iter().filter_map(read).collect(),
            everyone: Role::from_name(&self.everyone.get_untracked()),
        }
    }

    fn secret(self) -> Option<SecretString> {
        let secret = self.secret.get_untracked();
        (!secret.is_empty()).then(|| SecretString::new(secret))
    }
}

/// The form in its dialog.
#[component]
pub(super) fn ProviderForm(
    /// The one to change; `None` for a new one.
    present: Option<IdentityProvider>,
    /// Where it stands afterwards.
    list: List<IdentityProvider>,
    /// Whose it is.
    organisation: StoredValue<Organisation>,
    /// Where a claim may give a role.
    places: StoredValue<Vec<Organisation>>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let fields = Fields::of(present.as_ref());
    let title = match &present {
        Some(provider) => t.provider_edit(&provider.name),
        None => t.provider_add().to_owned(),
    };
    let is_new = present.is_none();
    let secret_hint = match &present {
        Some(provider) if provider.has_secret => t.provider_secret_kept(),
        _ => t.provider_secret_hint(),
    };
    let present = StoredValue::new(present.map(|provider| provider.id));
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let home = organisation.get_value().id;
        leptos::task::spawn_local(async move {
            let api = api();
            let saved = match present.get_value() {
                Some(provider) => {
                    let update = IdentityProviderUpdate {
                        name: Some(fields.name.get_untracked()),
                        client_secret: fields.secret(),
                        roles: Some(fields.roles()),
                        makes_accounts: Some(fields.makes_accounts.get_untracked()),
                    };
                    with_fresh_proof(&api, async || {
                        api.change_identity_provider(&home, &provider, &update).await
                    })
                    .await
                }
                None => {
                    let request = IdentityProviderRequest {
                        name: fields.name.get_untracked(),
                        issuer: fields.issuer.get_untracked(),
                        client_id: fields.client_id.get_untracked(),
                        client_secret: fields.secret(),
                        roles: fields.roles(),
                        makes_accounts: fields.makes_accounts.get_untracked(),
                    };
                    let key = once.key(&request);
                    with_fresh_proof(&api, async || {
                        api.add_identity_provider(&home, &request, &key).await
                    })
                    .await
                }
            };
            match saved {
                Ok(_) => {
                    fields.secret.set(String::new());
                    open.set(false);
                    read(list, organisation);
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let is_full = move || fields.mappings.read().len() >= MAX_MAPPINGS;
    view! {
        <h2>{title}</h2>
        <form class="stack dialog-field" on:submit=save>
            <div class="field">
                <label for="provider-name">{t.provider_name()}</label>
                <input id="provider-name" type="text" required maxlength="64" autocomplete="off" bind:value=fields.name />
            </div>
            <div class="field">
                <label for="provider-issuer">{t.provider_issuer()}</label>
                <input
                    id="provider-issuer"
                    type="url"
                    class="code"
                    required
                    readonly=!is_new
                    maxlength=MAX_ISSUER_LEN.to_string()
                    autocomplete="off"
                    placeholder="https://login.example.com/realms/works"
                    aria-describedby="provider-issuer-hint"
                    bind:value=fields.issuer
                />
                <p id="provider-issuer-hint" class="hint">{t.provider_issuer_hint()}</p>
            </div>
            <div class="field">
                <label for="provider-client">{t.provider_client_id()}</label>
                <input
                    id="provider-client"
                    type="text"
                    class="code"
                    required
                    readonly=!is_new
                    maxlength=MAX_VALUE_LEN.to_string()
                    autocomplete="off"
                    bind:value=fields.client_id
                />
            </div>
            <div class="field">
                <label for="provider-secret">{t.provider_secret()}</label>
                <input
                    id="provider-secret"
                    type="password"
                    class="code"
                    maxlength=MAX_VALUE_LEN.to_string()
                    autocomplete="off"
                    aria-describedby="provider-secret-hint"
                    bind:value=fields.secret
                />
                <p id="provider-secret-hint" class="hint">{secret_hint}</p>
            </div>
            <div class="field">
                <label for="provider-claim">{t.provider_claim()}</label>
                <input
                    id="provider-claim"
                    type="text"
                    class="code"
                    maxlength=MAX_VALUE_LEN.to_string()
                    autocomplete="off"
                    aria-describedby="provider-claim-hint"
                    bind:value=fields.claim
                />
                <p id="provider-claim-hint" class="hint">{t.provider_claim_hint()}</p>
            </div>
            <fieldset class="stack">
                <legend>{t.provider_mappings()}</legend>
                <For each=move || fields.mappings.get() key=|mapping| mapping.number let:mapping>
                    <MappingRow mapping fields places />
                </For>
                <div class="row">
                    <button
                        class="button"
                        type="button"
                        disabled=is_full
                        on:click=move |_| fields.add(organisation.with_value(|home| home.id.to_string()))
                    >
                        <Icon glyph=Glyph::Add />
                        {t.provider_mapping_add()}
                    </button>
                </div>
            </fieldset>
            <div class="field">
                <label for="provider-everyone">{t.provider_everyone()}</label>
                <select id="provider-everyone" bind:value=fields.everyone>
                    <option value="">{t.provider_no_role()}</option>
                    {ROLES.map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> }).collect_view()}
                </select>
            </div>
            <label class="choice">
                <input type="checkbox" bind:checked=fields.makes_accounts />
                <span>{t.provider_makes_accounts()}</span>
            </label>
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}

/// A value of the claim, where it counts and as what.
#[component]
fn MappingRow(mapping: Mapping, fields: Fields, places: StoredValue<Vec<Organisation>>) -> impl IntoView {
    let t = language();
    let id = |what: &str| format!("mapping-{what}-{}", mapping.number);
    let options = places.with_value(|places| {
        let options = places
            .iter()
            .map(|place| view! { <option value=place.id.to_string()>{place.name.clone()}</option> });
        options.collect_view()
    });
    let remove = move || {
        fields
            .mappings
            .update(|mappings| mappings.retain(|other| other.number != mapping.number));
    };
    view! {
        <div class="row">
            <div class="field">
                <label for=id("value")>{t.provider_value()}</label>
                <input id=id("value") type="text" class="code" required maxlength=MAX_VALUE_LEN.to_string() bind:value=mapping.value />
            </div>
            <div class="field">
                <label for=id("where")>{t.provider_where()}</label>
                <select id=id("where") bind:value=mapping.organisation>{options}</select>
            </div>
            <div class="field">
                <label for=id("role")>{t.provider_role()}</label>
                <select id=id("role") bind:value=mapping.role>
                    {ROLES.map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> }).collect_view()}
                </select>
            </div>
            <IconButton glyph=Glyph::Trash label=t.provider_mapping_remove().to_owned() on_press=remove />
        </div>
    }
}
