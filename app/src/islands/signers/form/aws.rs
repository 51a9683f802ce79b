//! AWS IoT Core, filled in.

use gangway_protocol::signer::{AwsIot, AwsSignIn, Cognito, WebIdentity};
use leptos::prelude::*;

use super::field::{Field, filled, holding, text};
use super::oidc::{MoreOidcFields, OidcFields, OidcForm};
use super::provisioning::{ProvisioningFields, ProvisioningForm};
use crate::visit::language;

/// How people come by credentials.
const PASTED: &str = "pasted";
const COGNITO: &str = "cognito";
const WEB_IDENTITY: &str = "web_identity";

/// What is filled in.
#[derive(Clone, Copy)]
pub(super) struct AwsForm {
    region: RwSignal<String>,
    data_endpoint: RwSignal<String>,
    trust_anchors: RwSignal<String>,
    endpoint: RwSignal<String>,
    activate: RwSignal<bool>,
    provisioning: ProvisioningForm,
    by: RwSignal<String>,
    domain: RwSignal<String>,
    user_pool: RwSignal<String>,
    client_id: RwSignal<String>,
    identity_pool: RwSignal<String>,
    pool_role: RwSignal<String>,
    identity_endpoint: RwSignal<String>,
    oidc: OidcForm,
    role: RwSignal<String>,
    sts_endpoint: RwSignal<String>,
}

impl AwsForm {
    pub(super) fn of(present: Option<&AwsIot>) -> Self {
        let (cognito, identity) = match present.and_then(|aws| aws.sign_in.as_ref()) {
            Some(AwsSignIn::Cognito(cognito)) => (Some(cognito), None),
            Some(AwsSignIn::WebIdentity(identity)) => (None, Some(identity)),
            Some(AwsSignIn::Unknown) | None => (None, None),
        };
        let by = match (present, cognito, identity) {
            (None, ..) | (_, Some(_), _) => COGNITO,
            (_, _, Some(_)) => WEB_IDENTITY,
            _ => PASTED,
        };
        let of_pool = |part: fn(&Cognito) -> &str| holding(cognito.map(part));
        Self {
            region: holding(present.map(|aws| aws.region.as_str())),
            data_endpoint: holding(present.and_then(|aws| aws.data_endpoint.as_deref())),
            trust_anchors: holding(present.and_then(|aws| aws.trust_anchors.as_deref())),
            endpoint: holding(present.and_then(|aws| aws.endpoint.as_deref())),
            activate: RwSignal::new(present.is_none_or(|aws| aws.activate)),
            provisioning: ProvisioningForm::of(present.and_then(|aws| aws.provisioning.as_ref())),
            by: holding(Some(by)),
            domain: of_pool(|cognito| &cognito.domain),
            user_pool: of_pool(|cognito| &cognito.user_pool),
            client_id: of_pool(|cognito| &cognito.client_id),
            identity_pool: of_pool(|cognito| &cognito.identity_pool),
            pool_role: holding(cognito.and_then(|cognito| cognito.role.as_deref())),
            identity_endpoint: holding(cognito.and_then(|cognito| cognito.identity_endpoint.as_deref())),
            oidc: OidcForm::of(identity.map(|identity| &identity.client)),
            role: holding(identity.map(|identity| identity.role.as_str())),
            sts_endpoint: holding(identity.and_then(|identity| identity.sts_endpoint.as_deref())),
        }
    }

    pub(super) fn filled(self) -> AwsIot {
        AwsIot {
            region: text(self.region),
            endpoint: filled(self.endpoint),
            data_endpoint: filled(self.data_endpoint),
            trust_anchors: filled(self.trust_anchors),
            activate: self.activate.get_untracked(),
            provisioning: self.provisioning.filled(),
            sign_in: match self.by.read_untracked().as_str() {
                COGNITO => Some(AwsSignIn::Cognito(Cognito {
                    domain: text(self.domain),
                    user_pool: text(self.user_pool),
                    client_id: text(self.client_id),
                    identity_pool: text(self.identity_pool),
                    role: filled(self.pool_role),
                    identity_endpoint: filled(self.identity_endpoint),
                })),
                WEB_IDENTITY => Some(AwsSignIn::WebIdentity(WebIdentity {
                    client: self.oidc.filled(),
                    role: text(self.role),
                    sts_endpoint: filled(self.sts_endpoint),
                })),
                _ => None,
            },
        }
    }
}

/// Its fields.
#[component]
pub(super) fn AwsFields(form: AwsForm, id: Callback<&'static str, String>, is_new: bool) -> impl IntoView {
    let t = language();
    let is = move |by: &'static str| form.by.with(|chosen| chosen == by);
    view! {
        {is_new.then(|| view! { <p class="soft">{t.signer_aws_ready()}</p> })}
        <Field id=id.run("region") label=t.aws_region() value=form.region placeholder="eu-central-1" is_required=true longest=32 />
        <div class="field">
            <label for=id.run("by")>{t.aws_sign_in()}</label>
            <select id=id.run("by") bind:value=form.by>
                <option value=COGNITO>{t.aws_by_cognito()}</option>
                <option value=WEB_IDENTITY>{t.aws_by_web_identity()}</option>
                <option value=PASTED>{t.aws_by_pasting()}</option>
            </select>
        </div>
        {move || is(COGNITO).then(|| view! { <CognitoFields form id /> })}
        {move || {
            is(WEB_IDENTITY)
                .then(|| {
                    view! {
                        <OidcFields form=form.oidc id />
                        <Field
                            id=id.run("assumed-role")
                            label=t.aws_role()
                            value=form.role
                            placeholder="arn:aws:iam::123456789012:role/enrol"
                            is_required=true
                            longest=512
                        />
                    }
                })
        }}
        <ProvisioningFields form=form.provisioning id />
        {move || {
            (!form.provisioning.is_chosen())
                .then(|| {
                    view! {
                        <label class="choice">
                            <input type="checkbox" bind:checked=form.activate />
                            <span>{t.aws_activate()}</span>
                        </label>
                    }
                })
        }}
        <Field
            id=id.run("data")
            label=t.aws_data_endpoint()
            value=form.data_endpoint
            placeholder="a1b2c3-ats.iot.eu-central-1.amazonaws.com"
            hint=t.aws_data_endpoint_hint()
        />
        <details class="fold">
            <summary class="textual">{t.aws_more()}</summary>
            <div class="stack">
                {move || is(COGNITO).then(|| view! { <MoreCognitoFields form id /> })}
                {move || {
                    is(WEB_IDENTITY)
                        .then(|| {
                            view! {
                                <MoreOidcFields form=form.oidc id />
                                <Field
                                    id=id.run("sts")
                                    label=t.aws_sts_endpoint()
                                    value=form.sts_endpoint
                                    placeholder="https://sts-fips.us-east-1.amazonaws.com"
                                />
                            }
                        })
                }}
                <div class="field">
                    <label for=id.run("anchors")>{t.aws_trust_anchors()}</label>
                    <textarea
                        id=id.run("anchors")
                        class="mono"
                        rows="3"
                        maxlength="32768"
                        placeholder="-----BEGIN CERTIFICATE-----"
                        autocomplete="off"
                        spellcheck="false"
                        bind:value=form.trust_anchors
                    ></textarea>
                </div>
                <Field
                    id=id.run("endpoint")
                    label=t.aws_endpoint()
                    value=form.endpoint
                    placeholder="https://iot-fips.us-east-1.amazonaws.com"
                />
            </div>
        </details>
    }
}

#[component]
fn CognitoFields(form: AwsForm, id: Callback<&'static str, String>) -> impl IntoView {
    let t = language();
    view! {
        <Field
            id=id.run("domain")
            label=t.cognito_domain()
            value=form.domain
            placeholder="https://plant.auth.eu-central-1.amazoncognito.com"
            is_required=true
        />
        <Field id=id.run("user-pool") label=t.cognito_user_pool() value=form.user_pool placeholder="eu-central-1_a1B2c3D4e" is_required=true />
        <Field id=id.run("app-client") label=t.cognito_client() value=form.client_id hint=t.oidc_client_id_hint() is_required=true />
        <Field
            id=id.run("identity-pool")
            label=t.cognito_identity_pool()
            value=form.identity_pool
            placeholder="eu-central-1:0a1b2c3d-0000-1111-2222-333344445555"
            is_required=true
        />
    }
}

#[component]
fn MoreCognitoFields(form: AwsForm, id: Callback<&'static str, String>) -> impl IntoView {
    let t = language();
    view! {
        <Field
            id=id.run("pool-role")
            label=t.cognito_role()
            value=form.pool_role
            placeholder="arn:aws:iam::123456789012:role/enrol"
            longest=512
        />
        <Field
            id=id.run("identity-endpoint")
            label=t.cognito_identity_endpoint()
            value=form.identity_endpoint
            placeholder="https://cognito-identity-fips.us-east-1.amazonaws.com"
        />
    }
}
