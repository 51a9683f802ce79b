//! Where the device belongs, and who let it in; it is moved from here.

use gangway_protocol::organisation::DeviceMove;
use leptos::prelude::*;

use super::Shown;
use crate::components::confirm::{ConfirmWith, Question};
use crate::components::facts::Fact;
use crate::components::moment::{Moment, TimeFormat};
use crate::visit::language;
use crate::visitor::api;

/// The section.
#[component]
pub(super) fn Membership(
    /// The device.
    shown: Shown,
    /// Where it may be moved: id and path of the organisations.
    homes: Vec<(String, String)>,
) -> impl IntoView {
    let t = language();
    let detail = shown.detail;
    let moving = RwSignal::new(false);
    let can_move = !homes.is_empty();
    view! {
        <section class="section" aria-labelledby="membership-title">
            <div class="section-head">
                <h2 id="membership-title" tabindex="-1">{t.membership()}</h2>
                {can_move
                    .then(|| {
                        view! {
                            <button class="button" type="button" on:click=move |_| moving.set(true)>
                                {t.device_move()}
                            </button>
                        }
                    })}
            </div>
            <dl class="facts">
                <Fact name=t.organisation()>{move || detail.with(|detail| detail.organisation_name.clone())}</Fact>
                {move || {
                    let approver = detail.with(|detail| detail.approved_by.clone());
                    approver.map(|approver| view! { <Fact name=t.approved_by()>{approver}</Fact> })
                }}
                <Fact name=t.column_added()>
                    {move || view! { <Moment at=detail.with(|detail| detail.device.created_at) show=TimeFormat::Minute /> }}
                </Fact>
                <Fact name=t.device_id()><span class="mono small">{shown.id().to_string()}</span></Fact>
            </dl>
            {can_move.then(|| view! { <MoveDialog shown homes open=moving /> })}
        </section>
    }
}

#[component]
fn MoveDialog(shown: Shown, homes: Vec<(String, String)>, open: RwSignal<bool>) -> impl IntoView {
    let t = language();
    let homes = StoredValue::new(homes);
    let present = move || shown.detail.with(|detail| detail.device.organisation.to_string());
    let others = move || {
        let present = present();
        homes.with_value(|homes| {
            homes
                .iter()
                .filter(|(id, _)| *id != present)
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let target = RwSignal::new(String::new());
    let question = Signal::derive(move || Question {
        title: t.device_move_title(&shown.detail.with(|detail| detail.device.name.clone())),
        says: vec![t.device_move_says_1(), t.device_move_says_2()],
        verb: t.device_move(),
        dangerous: false,
    });
    let answer = async move || {
        if let Ok(organisation) = target.get_untracked().parse() {
            let to = DeviceMove { organisation };
            shown.take(api().move_device(&shown.id(), &to).await?);
        }
        Ok(())
    };
    view! {
        <ConfirmWith open question answer>
            {move || {
                let others = others();
                target.set(others.first().map(|(id, _)| id.clone()).unwrap_or_default());
                view! {
                    <div class="field dialog-field">
                        <label for="move-target">{t.device_target()}</label>
                        <select id="move-target" bind:value=target>
                            {others
                                .into_iter()
                                .map(|(id, path)| view! { <option value=id>{path}</option> })
                                .collect_view()}
                        </select>
                    </div>
                }
            }}
        </ConfirmWith>
    }
}
