//! An entry of the record: when, what, to what, and who.

use gangway_protocol::audit::{Action, AuditActor, AuditActorKind, AuditEntry, Confirmation};
use gangway_protocol::id::{DeviceId, OrganisationId, SignerId, WebhookId};
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use serde::Deserialize;

use crate::audit_view::AuditView;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::role::role_name;
use crate::format::shortened;
use crate::islands::organisation::address_of;
use crate::preference::Language;
use crate::visit::language;

/// An entry.
#[component]
pub(super) fn Line(
    entry: AuditEntry,
    shown: AuditView,
    /// Whose record it is in, where there are several.
    place: Option<String>,
) -> impl IntoView {
    let t = language();
    let detail = told(t, &entry.action, &entry.detail);
    let confirmed = entry.confirmed_by.as_ref().map(|by| confirmation(t, by));
    let more: Vec<String> = [Some(detail).filter(|detail| !detail.is_empty()), confirmed]
        .into_iter()
        .flatten()
        .collect();
    let more = Some(more.join(" · ")).filter(|more| !more.is_empty());
    let name = entry
        .subject
        .name
        .clone()
        .unwrap_or_else(|| entry.subject.id.clone());
    let narrow = shown.subject.is_empty().then(|| {
        let only = shown.with(|view| view.subject.clone_from(&entry.subject.id));
        view! { <a class="only small" href=only.address() aria-label=t.audit_only_label(&name)>{t.audit_only()}</a> }
    });
    let subject = match address_of_subject(&entry) {
        Some(address) => view! { <a href=address>{name.clone()}</a> }.into_any(),
        None => view! { <span>{name.clone()}</span> }.into_any(),
    };
    let by = shown.with(|view| {
        view.actor = entry.actor.id.clone().unwrap_or_else(|| "server".to_owned());
    });
    view! {
        <tr role="row">
            <td role="cell" class="soft small">
                <Moment at=entry.at show=TimeFormat::Minute />
            </td>
            <td role="cell">
                {t.deed(&entry.action)}
                {more.map(|more| view! { <p class="soft small" title=more.clone()>{shortened(&more)}</p> })}
            </td>
            <td role="cell">{subject} " " {narrow}</td>
            <td role="cell">
                <a href=by.address()>{who(t, &entry.actor)}</a>
            </td>
            {place.map(|place| view! { <td role="cell" class="soft">{place}</td> })}
        </tr>
    }
}

/// More about it, where it is of a form that the server writes; what this version does not know stays as it is.
fn told(t: Language, action: &str, detail: &str) -> String {
    let known = match Action::from_name(action) {
        Some(Action::Device(_)) => Some(t.event_detail(action, detail)),
        Some(Action::MemberJoined | Action::OrganisationSetUp) => {
            Role::from_name(detail).map(|role| role_name(t, role).to_owned())
        }
        Some(Action::SignerAdded | Action::SignerChanged | Action::SignerRemoved) => name_in(detail),
        _ => None,
    };
    known.unwrap_or_else(|| detail.to_owned())
}

/// The name in the JSON of a signer.
fn name_in(detail: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str::<Named>(detail).ok().map(|named| named.name)
}

fn who(t: Language, actor: &AuditActor) -> String {
    let name = actor.name.clone().unwrap_or_default();
    match actor.kind {
        AuditActorKind::Account => name,
        AuditActorKind::Token => t.audit_by_token(&name),
        AuditActorKind::Permit => t.audit_by_permit(&name),
        AuditActorKind::Device => t.audit_a_device().to_owned(),
        AuditActorKind::Server => t.audit_server().to_owned(),
    }
}

fn confirmation(t: Language, by: &Confirmation) -> String {
    match by {
        Confirmation::Passkey { name: Some(name), .. } => t.audit_confirmed_with(name),
        Confirmation::Passkey { name: None, .. } => t.audit_confirmed().to_owned(),
        Confirmation::Token { .. } => t.audit_confirmed_by_token().to_owned(),
    }
}

/// The page of what it was done to, where that has one.
fn address_of_subject(entry: &AuditEntry) -> Option<String> {
    let id = entry.subject.id.as_str();
    if id.starts_with(DeviceId::PREFIX) {
        // One without a name is where the visitor sees nothing.
        entry.subject.name.as_ref().map(|_| paths::fleet_device(id))
    } else if id.starts_with(OrganisationId::PREFIX) {
        entry.subject.name.as_ref().map(|_| address_of(id))
    } else if id.starts_with(SignerId::PREFIX) {
        let (page, field) = (paths::ORGANISATION_SIGNERS, paths::ORGANISATION_ID);
        Some(format!("{page}?{field}={}", entry.organisation))
    } else if id.starts_with(WebhookId::PREFIX) {
        let (page, field) = (paths::ORGANISATION_WEBHOOKS, paths::ORGANISATION_ID);
        Some(format!("{page}?{field}={}", entry.organisation))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_of_a_known_form_are_told_in_the_readers_language() {
        let t = Language::German;
        assert_eq!(told(t, "member.joined", "viewer"), t.role_viewer());
        let signer = r#"{"id":"sgn_1","name":"AWS, Dublin","kind":"aws_iot"}"#;
        assert_eq!(told(t, "signer.added", signer), "AWS, Dublin");
        assert_eq!(told(t, "certificate.issued", "serial 0a"), "Seriennummer 0a");
        assert_eq!(told(t, "member.removed", "Ada"), "Ada");
    }
}
