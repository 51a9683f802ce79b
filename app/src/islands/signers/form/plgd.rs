//! A plgd hub, filled in by hand or from what the hub says about itself.

use gangway_protocol::json;
use gangway_protocol::signer::PlgdHub;
use leptos::prelude::*;
use serde::Deserialize;

use super::field::{Field, filled, holding, text};
use super::oidc::{MoreOidcFields, OidcFields, OidcForm};
use crate::visit::language;

/// What is filled in.
#[derive(Clone, Copy)]
pub(super) struct PlgdForm {
    certificate_authority: RwSignal<String>,
    oidc: OidcForm,
    coap_gateway: RwSignal<String>,
    hub_id: RwSignal<String>,
}

/// `/.well-known/configuration` of a hub (hub 2025-07, `grpc-gateway/pb/hubConfiguration.proto`), as far as it is of use here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HubConfiguration {
    id: String,
    coap_gateway: String,
    authority: String,
    certificate_authority: String,
    web_oauth_client: WebClient,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WebClient {
    client_id: String,
    audience: String,
    scopes: Vec<String>,
    authority: String,
}

impl PlgdForm {
    pub(super) fn of(present: Option<&PlgdHub>) -> Self {
        Self {
            certificate_authority: holding(present.map(|hub| hub.certificate_authority.as_str())),
            oidc: OidcForm::of(present.map(|hub| &hub.sign_in)),
            coap_gateway: holding(present.and_then(|hub| hub.coap_gateway.as_deref())),
            hub_id: holding(present.and_then(|hub| hub.hub_id.as_deref())),
        }
    }

    pub(super) fn filled(self) -> PlgdHub {
        PlgdHub {
            certificate_authority: text(self.certificate_authority).trim_end_matches('/').to_owned(),
            sign_in: self.oidc.filled(),
            coap_gateway: filled(self.coap_gateway),
            hub_id: filled(self.hub_id),
        }
    }

    /// Fills in what the hub says about itself. False when that is nothing.
    fn take(self, pasted: &str) -> bool {
        let Ok(found) = json::read::<HubConfiguration>(pasted.as_bytes()) else {
            return false;
        };
        if found.certificate_authority.is_empty() {
            return false;
        }
        let client = found.web_oauth_client;
        let authority = if client.authority.is_empty() {
            found.authority
        } else {
            client.authority
        };
        for (field, value) in [
            (self.certificate_authority, found.certificate_authority),
            (self.coap_gateway, found.coap_gateway),
            (self.hub_id, found.id),
            (self.oidc.issuer, authority),
            (self.oidc.client_id, client.client_id),
            (self.oidc.audience, client.audience),
            (self.oidc.scopes, client.scopes.join(" ")),
        ] {
            field.set(value);
        }
        true
    }
}

/// Its fields.
#[component]
pub(super) fn PlgdFields(form: PlgdForm, id: Callback<&'static str, String>, is_new: bool) -> impl IntoView {
    let t = language();
    let taken = RwSignal::new(None::<bool>);
    let paste_id = id.run("pasted");
    let paste_hint = format!("{paste_id}-hint");
    let described = paste_hint.clone();
    let on_input = move |text: String| {
        taken.set((!text.trim().is_empty()).then(|| form.take(&text)));
    };
    let told = move || match taken.get() {
        None => t.plgd_paste_hint(),
        Some(true) => t.plgd_pasted(),
        Some(false) => t.plgd_not_pasted(),
    };
    view! {
        {is_new.then(|| view! { <p class="soft">{t.signer_plgd_ready()}</p> })}
        <div class="field">
            <label for=paste_id.clone()>{t.plgd_paste()}</label>
            <textarea
                id=paste_id
                class="mono"
                rows="3"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-describedby=described
                on:input:target=move |event| on_input(event.target().value())
            ></textarea>
            <p class="hint" class:bad=move || taken.get() == Some(false) id=paste_hint role="status">
                {told}
            </p>
        </div>
        <Field
            id=id.run("ca")
            label=t.plgd_certificate_authority()
            value=form.certificate_authority
            placeholder="https://api.hub.example"
            is_required=true
        />
        <OidcFields form=form.oidc id />
        <Field
            id=id.run("gateway")
            label=t.plgd_coap_gateway()
            value=form.coap_gateway
            placeholder="coaps+tcp://hub.example:5684"
            hint=t.plgd_coap_gateway_hint()
        />
        <details class="fold">
            <summary class="textual">{t.aws_more()}</summary>
            <div class="stack">
                <MoreOidcFields form=form.oidc id />
                <Field id=id.run("hub") label=t.plgd_hub_id() value=form.hub_id longest=64 />
            </div>
        </details>
    }
}
