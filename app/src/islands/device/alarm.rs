//! The clone alarm: two machines have used one key, and a person has to say which of two things it is.

use gangway_protocol::device::DeviceState;
use leptos::prelude::*;

use super::Shown;
use super::removal::Weighty;
use crate::components::confirm::{Confirm, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Notice, Tone};
use crate::visit::language;
use crate::visitor::api;

/// The banner, while the alarm stands, with its two answers for those who may give them.
#[component]
pub(super) fn Alarm(shown: Shown, operate: bool) -> impl IntoView {
    let t = language();
    // Whoever has a copy of a retired device's key gets in nowhere.
    let alarm = Memo::new(move |_| {
        shown.detail.with(|detail| {
            let in_fleet = !matches!(detail.device.state, DeviceState::Retired { .. });
            detail.device.alarm.clone().filter(|_| in_fleet)
        })
    });
    let open = RwSignal::new(false);
    let banner = move || {
        alarm.get().map(|alarm| {
            view! {
                <Notice tone=Tone::Bad>
                    <div role="alert">
                        <h2>{t.alarm_title()}</h2>
                        <p>{t.alarm_text()}</p>
                    </div>
                    <p class="soft small">{t.alarm_since()} " " <Moment at=alarm.since show=TimeFormat::Minute /></p>
                    {operate.then(|| view! { <Answers shown open /> })}
                </Notice>
            }
        })
    };
    view! {
        {banner}
        {operate.then(|| view! { <Restored shown open /> })}
    }
}

#[component]
fn Answers(shown: Shown, open: RwSignal<bool>) -> impl IntoView {
    let t = language();
    view! {
        <div class="row">
            <button class="button" type="button" on:click=move |_| open.set(true)>
                <Icon glyph=Glyph::Refresh />
                {t.alarm_restored()}
            </button>
            <button class="button danger" type="button" on:click=move |_| shown.consider(Weighty::Revoke)>
                <Icon glyph=Glyph::Cross />
                {t.revoke()}
            </button>
        </div>
    }
}

/// Asks before the alarm ends.
#[component]
fn Restored(shown: Shown, open: RwSignal<bool>) -> impl IntoView {
    let t = language();
    let question = Signal::derive(move || Question {
        title: t.alarm_restored_title().to_owned(),
        says: vec![t.alarm_restored_says_1(), t.alarm_restored_says_2()],
        verb: t.alarm_restored(),
        dangerous: false,
    });
    let answer = async move || {
        shown.take(api().dismiss_alarm(&shown.id()).await?);
        Shown::rest();
        Ok(())
    };
    view! { <Confirm open question answer /> }
}
