//! The clone alarm: two machines have used one key, and a person has to say which of two things it is.

use gangway_protocol::device::DeviceAlarm;
use leptos::prelude::*;

use super::Shown;
use super::actions::Weighty;
use crate::components::dialog::{Question, ask};
use crate::components::icon::{Icon, icon};
use crate::components::moment::{Show, moment};
use crate::components::notice::{Tone, notice};
use crate::view::{IntoView, View, view};
use crate::visit::Language;
use crate::visitor::api;

/// The banner, while the alarm stands, with its two answers.
pub(super) fn alarm(t: Language, shown: Shown) -> View {
    let alarm = Memo::new(move |_| shown.detail.with(|detail| detail.device.alarm.clone()));
    let open = RwSignal::new(false);
    let api = api();
    let restored = async move || {
        shown.take(api.dismiss_alarm(&shown.id()).await?);
        Ok(())
    };
    view! {
        {move || alarm.get().map(|alarm| banner(t, shown, &alarm, open))}
        {ask(
            open,
            t.alarm_restored(),
            move || Question {
                title: t.alarm_restored_title().to_owned(),
                says: vec![t.alarm_restored_says_1(), t.alarm_restored_says_2()],
                verb: t.alarm_restored(),
                dangerous: false,
            },
            || View::Nothing,
            restored,
        )}
    }
}

fn banner(t: Language, shown: Shown, alarm: &DeviceAlarm, open: RwSignal<bool>) -> View {
    let content = view! {
        <div role="alert">
            <h2>{t.alarm_title()}</h2>
            <p>{t.alarm_text()}</p>
        </div>
        <p class="soft small">{t.alarm_since()} " " {moment(alarm.since, Show::Minute)}</p>
        <div class="row">
            <button class="button" type="button" on:click=move |_| open.set(true)>{icon(Icon::Refresh)} {t.alarm_restored()}</button>
            <button class="button danger" type="button" on:click=move |_| shown.consider(Weighty::Revoke)>{icon(Icon::Cross)} {t.revoke()}</button>
        </div>
    };
    notice(Tone::Bad, content.into_view())
}
