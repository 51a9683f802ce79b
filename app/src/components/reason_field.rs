//! Why something is revoked.

use gangway_protocol::certificate::RevocationReason;
use leptos::prelude::*;

use crate::visit::language;

/// Reasons offered for a revocation; the others have actions of their own or make no sense for a whole device.
const REASONS: [RevocationReason; 4] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::PrivilegeWithdrawn,
];

/// The field, in a dialog.
#[component]
pub(crate) fn ReasonField(
    /// The reason that is chosen.
    reason: RwSignal<RevocationReason>,
) -> impl IntoView {
    let t = language();
    // Each question begins with the first reason, whatever was chosen at one that was cancelled.
    reason.set(RevocationReason::Unspecified);
    view! {
        <div class="field dialog-field">
            <label for="reason">{t.revoke_reason()}</label>
            <select
                id="reason"
                prop:value=move || reason.get().as_str()
                on:change:target=move |event| reason.set(RevocationReason::from_name(&event.target().value()))
            >
                {REASONS
                    .map(|each| view! { <option value=each.as_str()>{t.reason_name(each)}</option> })
                    .collect_view()}
            </select>
        </div>
    }
}
