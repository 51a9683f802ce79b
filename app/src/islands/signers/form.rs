//! A signer, filled in: a new one, or other values for one that is there.

mod aws;
mod field;
mod oidc;
mod plgd;
mod provisioning;

use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::path::page as paths;
use gangway_protocol::signer::{Signer, SignerKind, SignerRequest, SignerUpdate};
use leptos::prelude::*;

use self::aws::{AwsFields, AwsForm};
use self::field::Field;
use self::plgd::{PlgdFields, PlgdForm};
use super::super::lists::{List, Once};
use super::read;
use crate::browser::page;
use crate::components::copy::CopyButton;
use crate::components::dialog::FormEnd;
use crate::components::notice::Complaint;
use crate::components::role::role_name;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// The kinds that can be added; the built-in CA is there from the start.
const AWS: &str = "aws_iot";
const PLGD: &str = "plgd_hub";

/// What is filled in.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    kind: RwSignal<String>,
    aws: AwsForm,
    plgd: PlgdForm,
    least_role: RwSignal<String>,
    enabled: RwSignal<bool>,
}

impl Fields {
    fn of(present: Option<&Signer>) -> Self {
        let kind = present.map(|signer| &signer.kind);
        let (aws, plgd) = match kind {
            Some(SignerKind::AwsIot(aws)) => (Some(aws), None),
            Some(SignerKind::PlgdHub(hub)) => (None, Some(hub)),
            _ => (None, None),
        };
        let name = match kind {
            None | Some(SignerKind::AwsIot(_)) => AWS,
            Some(SignerKind::PlgdHub(_)) => PLGD,
            // Nothing of these can be filled in.
            Some(
                SignerKind::Builtin
                | SignerKind::Est(_)
                | SignerKind::StepCa(_)
                | SignerKind::Vault(_)
                | SignerKind::Unknown,
            ) => "",
        };
        let least_role = present.map_or(Role::Installer, |signer| signer.least_role);
        Self {
            name: RwSignal::new(present.map(|signer| signer.name.clone()).unwrap_or_default()),
            kind: RwSignal::new(name.to_owned()),
            aws: AwsForm::of(aws),
            plgd: PlgdForm::of(plgd),
            least_role: RwSignal::new(least_role.as_str().to_owned()),
            enabled: RwSignal::new(present.is_none_or(|signer| !signer.disabled)),
        }
    }

    fn configuration(self) -> Option<SignerKind> {
        match self.kind.read_untracked().as_str() {
            AWS => Some(SignerKind::AwsIot(self.aws.filled())),
            PLGD => Some(SignerKind::PlgdHub(self.plgd.filled())),
            _ => None,
        }
    }

    fn least_role(self) -> Role {
        Role::from_name(&self.least_role.read_untracked()).unwrap_or(Role::Installer)
    }
}

/// The form in its dialog.
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
    let returns = present
        .as_ref()
        .filter(|signer| signs_in(&signer.kind))
        .map(|signer| format!("{}{}", page::origin(), paths::signed_in(&signer.id)));
    let title = match &present {
        Some(signer) => t.signer_edit(&signer.name),
        None => t.signer_add().to_owned(),
    };
    let prefix = present
        .as_ref()
        .map_or_else(|| "new".to_owned(), |signer| signer.id.to_string());
    let is_new = present.is_none();
    let is_corporate = present.as_ref().is_some_and(|signer| signer.kind.is_corporate());
    let present = StoredValue::new(present);
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let configuration = fields.configuration();
        // In the words of the server, before it is asked.
        if let Some(Err(unfit)) = configuration.as_ref().map(SignerKind::check) {
            message.set(Some(unfit.to_string()));
            return;
        }
        busy.set(true);
        message.set(None);
        let home = organisation.get_value().id;
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
    let id = Callback::new(move |field: &'static str| format!("signer-{prefix}-{field}"));
    let roles = Role::ALL
        .into_iter()
        .filter(|role| role.may_enrol())
        .map(|role| view! { <option value=role.as_str()>{role_name(t, role)}</option> })
        .collect_view();
    view! {
        <h2>{title}</h2>
        <form class="stack dialog-field" on:submit=save>
            {is_new.then(|| view! { <KindField fields id /> })}
            <Field id=id.run("name") label=t.signer_name() value=fields.name is_code=false is_required=true longest=64 />
            {move || (fields.kind.get() == AWS).then(|| view! { <AwsFields form=fields.aws id is_new /> })}
            {move || (fields.kind.get() == PLGD).then(|| view! { <PlgdFields form=fields.plgd id is_new /> })}
            <div class="field">
                <label for=id.run("role")>{t.signer_least_role()}</label>
                <select id=id.run("role") bind:value=fields.least_role>
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
            {is_corporate.then(|| view! { <p class="hint">{t.signer_of_operator()}</p> })}
            {returns.map(|address| view! { <ReturnAddress address /> })}
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}

/// Whether people sign in for it.
fn signs_in(kind: &SignerKind) -> bool {
    match kind {
        SignerKind::AwsIot(aws) => aws.sign_in.is_some(),
        SignerKind::PlgdHub(_) => true,
        SignerKind::Builtin
        | SignerKind::Est(_)
        | SignerKind::StepCa(_)
        | SignerKind::Vault(_)
        | SignerKind::Unknown => false,
    }
}

/// Where the authority has to let people return to.
#[component]
fn ReturnAddress(address: String) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <p class="label">{t.signer_returns()}</p>
            <div class="row">
                <code class="wrap">{address.clone()}</code>
                <CopyButton text=address />
            </div>
            <p class="hint">{t.signer_returns_hint()}</p>
        </div>
    }
}

#[component]
fn KindField(fields: Fields, id: Callback<&'static str, String>) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for=id.run("kind")>{t.signer_kind()}</label>
            <select id=id.run("kind") bind:value=fields.kind>
                <option value=AWS>{t.signer_aws_iot()}</option>
                <option value=PLGD>{t.signer_plgd_hub()}</option>
            </select>
        </div>
    }
}
