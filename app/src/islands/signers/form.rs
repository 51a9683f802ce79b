//! A signer, filled in: a new one, or other values for one that is there.

use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::signer::{AwsIot, Signer, SignerKind, SignerRequest, SignerUpdate};
use leptos::prelude::*;

use super::super::lists::{List, Once};
use super::read;
use crate::components::dialog::FormEnd;
use crate::components::notice::Complaint;
use crate::components::role::role_name;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// What is filled in.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    region: RwSignal<String>,
    data_endpoint: RwSignal<String>,
    endpoint: RwSignal<String>,
    activate: RwSignal<bool>,
    least_role: RwSignal<String>,
    enabled: RwSignal<bool>,
}

impl Fields {
    fn of(present: Option<&Signer>) -> Self {
        let aws = match present.map(|signer| &signer.kind) {
            Some(SignerKind::AwsIot(aws)) => Some(aws.clone()),
            _ => None,
        };
        let text = |value: Option<String>| RwSignal::new(value.unwrap_or_default());
        let least_role = present.map_or(Role::Installer, |signer| signer.least_role);
        Self {
            name: text(present.map(|signer| signer.name.clone())),
            region: text(aws.as_ref().map(|aws| aws.region.clone())),
            data_endpoint: text(aws.as_ref().and_then(|aws| aws.data_endpoint.clone())),
            endpoint: text(aws.as_ref().and_then(|aws| aws.endpoint.clone())),
            activate: RwSignal::new(aws.is_none_or(|aws| aws.activate)),
            least_role: text(Some(least_role.as_str().to_owned())),
            enabled: RwSignal::new(present.is_none_or(|signer| !signer.disabled)),
        }
    }

    fn aws(self) -> AwsIot {
        let filled = |field: RwSignal<String>| {
            let text = field.get_untracked().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        AwsIot {
            region: self.region.get_untracked().trim().to_owned(),
            endpoint: filled(self.endpoint),
            data_endpoint: filled(self.data_endpoint),
            activate: self.activate.get_untracked(),
        }
    }

    fn least_role(self) -> Role {
        Role::from_name(&self.least_role.read_untracked()).unwrap_or(Role::Installer)
    }
}

/// The form in its dialog. What is new is AWS IoT Core: the built-in CA is there from the start.
#[component]
pub(super) fn SignerForm(
    /// The one to change; `None` for a new one.
    present: Option<Signer>,
    /// Where it stands afterwards.
    list: List<Signer>,
    /// Whose it is.
    organisation: StoredValue<Organisation>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let fields = Fields::of(present.as_ref());
    let is_aws = present
        .as_ref()
        .is_none_or(|signer| matches!(signer.kind, SignerKind::AwsIot(_)));
    let title = match &present {
        Some(signer) => t.signer_edit(&signer.name),
        None => t.signer_add_aws().to_owned(),
    };
    let prefix = present
        .as_ref()
        .map_or_else(|| "new".to_owned(), |signer| signer.id.to_string());
    let is_new = present.is_none();
    let present = StoredValue::new(present);
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
        let configuration = is_aws.then(|| SignerKind::AwsIot(fields.aws()));
        leptos::task::spawn_local(async move {
            let api = api();
            let saved = match (present.get_value(), configuration) {
                (Some(signer), configuration) => {
                    let update = SignerUpdate {
                        name: Some(fields.name.get_untracked()),
                        configuration,
                        least_role: Some(fields.least_role()),
                        disabled: Some(!fields.enabled.get_untracked()),
                        position: None,
                    };
                    with_fresh_proof(&api, async || api.change_signer(&home, &signer.id, &update).await).await
                }
                (None, configuration) => {
                    let request = SignerRequest {
                        name: fields.name.get_untracked(),
                        kind: configuration.unwrap_or(SignerKind::Builtin),
                        least_role: fields.least_role(),
                    };
                    let key = once.key(&request);
                    with_fresh_proof(&api, async || api.add_signer(&home, &request, &key).await).await
                }
            };
            match saved {
                Ok(_) => {
                    open.set(false);
                    read(list, organisation);
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let id = move |field: &str| format!("signer-{prefix}-{field}");
    let (name_id, role_id) = (id("name"), id("role"));
    let aws = is_aws.then(|| view! { <AwsFields fields id=id.clone() /> });
    let roles = Role::ALL
        .into_iter()
        .filter(|role| role.may_enrol())
        .map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> })
        .collect_view();
    view! {
        <h2>{title}</h2>
        <form class="stack dialog-field" on:submit=save>
            {is_new.then(|| view! { <p class="soft">{t.signer_aws_ready()}</p> })}
            <div class="field">
                <label for=name_id.clone()>{t.signer_name()}</label>
                <input id=name_id type="text" required maxlength="64" autocomplete="off" bind:value=fields.name />
            </div>
            {aws}
            <div class="field">
                <label for=role_id.clone()>{t.signer_least_role()}</label>
                <select id=role_id bind:value=fields.least_role>
                    {roles}
                </select>
            </div>
            {(!is_new)
                .then(|| {
                    view! {
                        <label class="choice">
                            <input type="checkbox" bind:checked=fields.enabled />
                            <span>{t.signer_enabled()}</span>
                        </label>
                    }
                })}
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}

#[component]
fn AwsFields<F: Fn(&str) -> String>(fields: Fields, id: F) -> impl IntoView {
    let t = language();
    let (region, data, endpoint) = (id("region"), id("data"), id("endpoint"));
    let data_hint = id("data-hint");
    view! {
        <div class="field">
            <label for=region.clone()>{t.aws_region()}</label>
            <input
                id=region
                class="mono"
                type="text"
                required
                maxlength="32"
                placeholder="eu-central-1"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                bind:value=fields.region
            />
        </div>
        <div class="field">
            <label for=data.clone()>{t.aws_data_endpoint()}</label>
            <input
                id=data
                class="mono"
                type="text"
                maxlength="253"
                placeholder="a1b2c3-ats.iot.eu-central-1.amazonaws.com"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-describedby=data_hint.clone()
                bind:value=fields.data_endpoint
            />
            <p class="hint" id=data_hint>{t.aws_data_endpoint_hint()}</p>
        </div>
        <label class="choice">
            <input type="checkbox" bind:checked=fields.activate />
            <span>{t.aws_activate()}</span>
        </label>
        <details class="fold">
            <summary class="textual">{t.aws_more()}</summary>
            <div class="field">
                <label for=endpoint.clone()>{t.aws_endpoint()}</label>
                <input
                    id=endpoint
                    class="mono"
                    type="text"
                    maxlength="260"
                    placeholder="https://iot-fips.us-east-1.amazonaws.com"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    bind:value=fields.endpoint
                />
            </div>
        </details>
    }
}
