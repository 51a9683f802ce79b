//! Where people sign in for a signer, filled in.

use gangway_protocol::signer::OidcClient;
use leptos::prelude::*;

use super::field::{Field, filled, holding, text};
use crate::visit::language;

/// What is filled in.
#[derive(Clone, Copy)]
pub(super) struct OidcForm {
    pub(super) issuer: RwSignal<String>,
    pub(super) client_id: RwSignal<String>,
    pub(super) scopes: RwSignal<String>,
    pub(super) audience: RwSignal<String>,
    token_origin: RwSignal<String>,
}

impl OidcForm {
    pub(super) fn of(present: Option<&OidcClient>) -> Self {
        let scopes = present.map(|client| client.scopes.join(" "));
        Self {
            issuer: holding(present.map(|client| client.issuer.as_str())),
            client_id: holding(present.map(|client| client.client_id.as_str())),
            scopes: holding(scopes.as_deref()),
            audience: holding(present.and_then(|client| client.audience.as_deref())),
            token_origin: holding(present.and_then(|client| client.token_origin.as_deref())),
        }
    }

    pub(super) fn filled(self) -> OidcClient {
        let scopes = text(self.scopes);
        OidcClient {
            issuer: text(self.issuer),
            client_id: text(self.client_id),
            scopes: scopes
                .split([' ', ','])
                .filter(|scope| !scope.is_empty() && *scope != "openid")
                .map(str::to_owned)
                .collect(),
            audience: filled(self.audience),
            token_origin: filled(self.token_origin),
        }
    }
}

/// The fields that everybody fills in.
#[component]
pub(super) fn OidcFields(form: OidcForm, id: Callback<&'static str, String>) -> impl IntoView {
    let t = language();
    view! {
        <Field
            id=id.run("issuer")
            label=t.oidc_issuer()
            value=form.issuer
            placeholder="https://login.example/realms/plant"
            is_required=true
        />
        <Field id=id.run("client") label=t.oidc_client_id() value=form.client_id hint=t.oidc_client_id_hint() is_required=true />
    }
}

/// The fields that few do.
#[component]
pub(super) fn MoreOidcFields(form: OidcForm, id: Callback<&'static str, String>) -> impl IntoView {
    let t = language();
    view! {
        <Field id=id.run("scopes") label=t.oidc_scopes() value=form.scopes placeholder="offline_access" />
        <Field id=id.run("audience") label=t.oidc_audience() value=form.audience />
        <Field id=id.run("token-origin") label=t.oidc_token_origin() value=form.token_origin placeholder="https://tokens.example" />
    }
}
