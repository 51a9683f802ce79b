//! What puts a device out, for a while or for good: what each way is for, and the question before it is done.

use gangway_client::ApiError;
use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::device::DeviceDetail;
use leptos::prelude::*;

use super::Shown;
use crate::components::confirm::{ConfirmWith, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::reason_field::ReasonField;
use crate::preference::Language;
use crate::visit::language;
use crate::visitor::api;

/// Actions that are asked about first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighty {
    Suspend,
    Revoke,
    Retire,
}

impl Weighty {
    fn question(self, t: Language, name: &str) -> Question {
        let (title, says, verb) = match self {
            Self::Suspend => (
                t.suspend_title(name),
                vec![t.suspend_says_1(), t.suspend_says_2(), t.suspend_says_3()],
                t.suspend(),
            ),
            Self::Revoke => (
                t.revoke_title(name),
                vec![t.revoke_says_1(), t.revoke_says_2(), t.revoke_says_3()],
                t.revoke(),
            ),
            Self::Retire => (
                t.retire_title(name),
                vec![t.retire_says_1(), t.retire_says_2(), t.retire_says_3()],
                t.retire(),
            ),
        };
        Question {
            title,
            says,
            verb,
            dangerous: true,
        }
    }

    async fn carry_out(self, shown: Shown, reason: RevocationReason) -> Result<DeviceDetail, ApiError> {
        let (api, id) = (api(), shown.id());
        match self {
            Self::Suspend => api.suspend_device(&id).await,
            Self::Revoke => api.revoke_device(&id, &RevocationRequest { reason }).await,
            Self::Retire => api.retire_device(&id).await,
        }
    }
}

/// The two ways out for good, each with when to take it. Gone with the device.
#[component]
pub(super) fn Removal(shown: Shown) -> impl IntoView {
    let t = language();
    let state = Memo::new(move |_| shown.detail.with(|detail| detail.device.state.name()));
    let has_key = move || matches!(state.get(), "enrolling" | "active" | "suspended");
    view! {
        <Show when=move || state.get() != "retired">
            <section class="section" aria-labelledby="removal-title">
                <div class="section-head"><h2 id="removal-title">{t.removal()}</h2></div>
                <ul class="ways-out">
                    <WayOut shown action=Weighty::Retire glyph=Glyph::Trash label=t.retire() when=t.retire_when() />
                    <Show when=has_key>
                        <WayOut shown action=Weighty::Revoke glyph=Glyph::Cross label=t.revoke() when=t.revoke_when() />
                    </Show>
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn WayOut(
    shown: Shown,
    action: Weighty,
    glyph: Glyph,
    label: &'static str,
    /// When to take it.
    when: &'static str,
) -> impl IntoView {
    view! {
        <li>
            <p class="soft small">{when}</p>
            <button class="button danger" type="button" on:click=move |_| shown.consider(action)>
                <Icon glyph />
                {label}
            </button>
        </li>
    }
}

/// Asks before any of the three, and does it.
#[component]
pub(super) fn WeightyDialog(shown: Shown) -> impl IntoView {
    let t = language();
    let Shown {
        weighty: action,
        asking: open,
        ..
    } = shown;
    let reason = RwSignal::new(RevocationReason::Unspecified);
    // The name is that of when it is asked: a change meanwhile must not redraw what somebody is about to answer.
    let question = Signal::derive(move || {
        let name = shown.detail.with_untracked(|detail| detail.device.name.clone());
        action.get().question(t, &name)
    });
    let answer = async move || {
        let (action, reason) = (action.get_untracked(), reason.get_untracked());
        shown.take(action.carry_out(shown, reason).await?);
        Shown::rest();
        Ok(())
    };
    view! {
        <ConfirmWith open question answer>
            {move || (action.get() == Weighty::Revoke).then(|| view! { <ReasonField reason /> })}
        </ConfirmWith>
    }
}
